"""The commands that make t0 an instrument, as the shell runs them."""

import argparse
import json
import lzma
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from sdedit_core import cli as package
from sdedit_core.pictures.io import load_image


def run_command(*argv):
    """One command as the shell runs it; returns its namespace."""
    parser = argparse.ArgumentParser()
    package.add_parsers(parser.add_subparsers(required=True))
    args = parser.parse_args([str(a) for a in argv])
    torch.set_num_threads(1)
    args.run(args)
    return args


def test_command_evaluate_writes_table_plot_and_sheet(photos, capsys):
    options = ["--size", "32", "--steps", "2", "--t0", "0.2,0.5,0.7", "--images", photos / "real/p0.png"]
    both = [photos / "photos", "--reference", photos / "real", "-o", photos / "o", *options]
    run_command("evaluate", *both, "--shard", "1/2")
    assert "6 pictures of other shards are missing" in capsys.readouterr().out
    run_command("evaluate", *both, "--shard", "2/2")
    text = capsys.readouterr().out
    assert "realism" in text and "untouched photos" in text
    for name in ("table.csv", "summary.json", "sheet.png", "settings.json"):
        assert (photos / "o" / name).exists()


@pytest.mark.slow
def test_command_evaluate_killed_and_resumed_or_in_shards_gives_the_same_table(photos, capsys):
    """A process that is killed in the middle leaves whole files only; what is missing is made by the next run."""
    options = ["--size", "32", "--steps", "8", "--t0", "0.2,0.4,0.6,0.8", "--images", photos / "real/p0.png"]

    def command(out):
        return ["evaluate", photos / "photos", "--reference", photos / "real", "-o", photos / out, *options]

    def made(out):
        return {p.relative_to(photos / out): p.read_bytes() for p in sorted((photos / out).glob("t0-*/*.png"))}

    run_command(*command("whole"))
    where = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen([sys.executable, "-m", "sdedit_core", *map(str, command("killed"))], env=where)
    give_up = time.monotonic() + 300
    while len(made("killed")) < 3 and killed.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    before = made("killed")
    assert 3 <= len(before) < 16, "killed in the middle"
    assert not (photos / "killed/table.csv").exists()
    capsys.readouterr()
    run_command(*command("killed"))
    assert f"{16 - len(before)} pictures made, {len(before)} were there" in capsys.readouterr().out
    for shard in ("3/3", "1/3", "2/3"):
        run_command(*command("shards"), "--shard", shard)
    for out in ("killed", "shards"):
        assert made(out) == made("whole")
        for name in ("table.csv", "summary.json"):
            assert (photos / out / name).read_bytes() == (photos / "whole" / name).read_bytes()
    assert "realism_low" in (photos / "whole/table.csv").read_text()
    assert "more real than the guides" in capsys.readouterr().out


def test_command_sweep_searches_by_picks(photos, capsys):
    guide = photos / "photos/p0.png"
    options = ["--steps", "2", "--images", guide, "--csv", photos / "t.csv"]
    run_command("sweep", guide, "-o", photos / "sheet.png", "--t0", "0.2,0.3,0.4", "--picks", "2 r", *options)
    values = [line.split(",")[0] for line in (photos / "t.csv").read_text().splitlines()[1:]]
    assert values == ["0.3625", "0.375", "0.3875"]
    assert "t0 0.375 after 2 picks" in capsys.readouterr().out


def test_command_sweep_writes_sheet_table_and_pictures(photos, capsys):
    guide = photos / "photos/p0.png"
    run_command(
        *("sweep", guide, "-o", photos / "sheet.png", "--t0", "0,0.3,0.6", "--steps", "2", "--images", guide),
        *("--csv", photos / "t.csv", "--pictures", photos / "cells", "--reference", photos / "real"),
    )
    text = capsys.readouterr().out
    assert "realism" in text and "sheet.png" in text
    assert torch.equal(load_image(photos / "cells/t0-0.png"), load_image(guide))
    assert len((photos / "t.csv").read_text().splitlines()) == 4
    run_command("sweep", guide, "-o", photos / "probe.png", "--probe", "--t0", "0.2,0.4", "--images", guide)
    assert "expected RMS change" in capsys.readouterr().out and (photos / "probe.png").exists()


def test_command_sweep_keeps_its_cells_when_interrupted(photos, monkeypatch, capsys):
    from sdedit_core.measure.sweep import SweepPlan

    original, made = SweepPlan.cell, []

    def cell(self, t0, **options):
        if made:
            raise KeyboardInterrupt
        made.append(t0)
        return original(self, t0, **options)

    monkeypatch.setattr(SweepPlan, "cell", cell)
    guide = photos / "photos/p0.png"
    with pytest.raises(SystemExit) as status:
        run_command("sweep", guide, "-o", photos / "s.png", "--t0", "0.2,0.4", "--steps", "2", "--images", guide)
    assert status.value.code == 130 and (photos / "s.png").exists()
    assert "1 of 2 cells" in capsys.readouterr().err


def test_command_evaluate_says_how_to_go_on_when_interrupted(photos, monkeypatch, capsys):
    from sdedit_core.measure.protocol import Evaluation

    def run(self, *args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Evaluation, "run", run)
    own = photos / "photos/p0.png"
    options = ["--size", "32", "--steps", "2", "--t0", "0.2,0.5", "--images", own]
    with pytest.raises(SystemExit) as status:
        run_command("evaluate", photos / "photos", "--reference", photos / "real", "-o", photos / "o", *options)
    assert status.value.code == 130 and "8 pictures are missing" in capsys.readouterr().err


def test_command_report_compares_files_and_makes_edits(photos, capsys):
    guide, other = photos / "photos/p0.png", photos / "photos/p1.png"
    run_command("report", guide, other, "--heat-map", photos / "h.png", "--json", photos / "r.json")
    assert "whole" in capsys.readouterr().out and load_image(photos / "h.png").shape[-1] == 30
    assert json.loads((photos / "r.json").read_text())["bounds"] is None
    run_command("report", guide, "--images", guide, "--t0", "0.3", "--steps", "2", "-o", photos / "e.png")
    text = capsys.readouterr().out
    assert "expected before sampling" in text and "path-wise, strict" in text and (photos / "e.png").exists()
    with pytest.raises(ValueError, match="--t0 belongs"):
        run_command("report", guide, other, "--t0", "0.3")


def test_commands_strokes_and_mask(photos, capsys):
    guide = photos / "photos/p0.png"
    run_command("strokes", guide, "-o", photos / "s.png", "--colours", "4", "--kernel", "7")
    assert torch.unique((load_image(photos / "s.png")[0] * 255).flatten(1), dim=1).shape[1] == 4
    run_command("mask", guide, photos / "s.png", "-o", photos / "m.png")
    assert "may change" in capsys.readouterr().out
    assert set(load_image(photos / "m.png").unique().tolist()) <= {0.0, 1.0}
    with pytest.raises(ValueError, match="odd"):
        run_command("strokes", guide, "-o", photos / "s.png", "--kernel", "wide")


def test_sweeps_pictures_are_named_by_their_exact_t0(photos):
    guide = photos / "photos/p0.png"
    options = ["--steps", "2", "--images", guide, "--pictures", photos / "cells"]
    run_command("sweep", guide, "-o", photos / "s.png", "--t0", "0.30001,0.30002,1", *options)
    assert sorted(p.name for p in (photos / "cells").iterdir()) == ["t0-0.30001.png", "t0-0.30002.png", "t0-1.png"]


def test_evaluate_and_its_settings_in_a_relative_folder(photos, monkeypatch):
    monkeypatch.chdir(photos)
    options = ["--size", "32", "--steps", "2", "--images", "real/p0.png", "--kernel", "3"]
    run_command("evaluate", "photos", "--reference", "real", "-o", "o", "--t0", "0.2,0.30001,0.30002", *options)
    assert {p.name for p in (photos / "o").glob("t0-*")} == {"t0-0.2", "t0-0.30001", "t0-0.30002"}
    assert len((photos / "o/table.csv").read_text().splitlines()) == 4
    with pytest.raises(ValueError, match=r"weights 'ema' \(now 'raw'\)"):
        run_command("evaluate", "photos", "--reference", "real", "-o", "o", *options, "--weights", "raw")


@pytest.fixture(scope="module")
def by_class(tmp_path_factory):
    """A tiny class-conditional checkpoint file."""
    path = tmp_path_factory.mktemp("model") / "adm_cond.pt"
    path.write_bytes(lzma.decompress((Path(__file__).parent / "checkpoints/adm_cond.pt.xz").read_bytes()))
    return path


def test_every_command_that_edits_takes_a_class_label(photos, by_class):
    guide = photos / "photos/p0.png"
    model = ["--model", by_class, "--steps", "2", "--set", "image_size=16", "--size", "16"]
    made = []
    for label in ("0", "1"):
        options = [*model, "--class-label", label]
        run_command("edit", guide, "-o", photos / "e.png", "--t0", "0.5", *options)
        cells = ["--pictures", photos / "cells", "--reference", photos / "real"]
        run_command("sweep", guide, "-o", photos / "s.png", "--t0", "0.5", *cells, *options)
        run_command("report", guide, "-o", photos / "r.png", "--t0", "0.5", *options)
        same = [load_image(photos / name) for name in ("e.png", "cells/t0-0.5.png", "r.png")]
        assert torch.equal(same[0], same[1]) and torch.equal(same[0], same[2])
        out = ["-o", photos / f"o{label}", "--as-is", "--limit", "1"]
        run_command("evaluate", photos / "photos", "--reference", photos / "real", *out, "--t0", "0.5", *options)
        made += [same[0], load_image(photos / f"o{label}/t0-0.5/p0.png.png")]
    assert not torch.equal(made[0], made[2]) and not torch.equal(made[1], made[3])
    run_command("sweep", guide, "-o", photos / "s.png", "--t0", "0.5", "--probe", *model, "--class-label", "1")
    with pytest.raises(ValueError, match="--class-label must be between 0 and"):
        run_command("sweep", guide, "-o", photos / "s.png", *model, "--class-label", "5000")
    with pytest.raises(ValueError, match="has no classes"):
        run_command("report", guide, "--images", guide, "--class-label", "1")
