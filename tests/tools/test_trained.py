"""The command that renders, trains and compares: its clock, its pictures, and all of it at the smallest size."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from landscapes.variety import render_folder
from sdedit_core import load_score_model
from sdedit_core.training import Settings, Size
from sdedit_core.training.folder import load_folder
from trained import command
from trained.clock import CLOSING, COMPARING, Clock, Pace
from trained.comparison import MULTIPLE, parts
from trained.pictures import CHUNK, Landscapes, chunks
from trained.plan import LARGEST_FILE, TOY, Plan
from trained.training import Lesson
from trained.workers import Workers, do

SMALL = [
    *("--sizes", "16", "--network", "tiny", "--batch", "4", "--accumulate", "1", "--count", "16", "--moods", "alpine"),
    *("--guides", "1", "--references", "2", "--edit-steps", "2", "--t0", "0.3,0.6", "--minutes", "1", "--runs", "2"),
    *("--workers", "0", "--device", "cpu"),
]


class Ticks:
    """A clock that goes on by ``step`` seconds whenever it is read: no test depends on how busy the machine is."""

    def __init__(self, step: float = 0.0):
        self.now, self.step = 100.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def ticking(monkeypatch):
    """The command, with every look at the clock taking half a second."""
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=Ticks(0.5), process_time=Ticks(0.5)))
    return command.main


def test_rendered_trained_compared_and_gone_on_with(ticking, tmp_path, capsys):
    """Two runs: the second goes on with pictures, network and learning rate of the first, and compares."""
    folder = tmp_path / "out"
    drawn = tmp_path / "more"
    drawn.mkdir()
    load = Path(__file__).parents[2] / "benchmarks" / "painted" / "alpine-sun_tower.json"
    (drawn / "alpine-again.json").write_bytes(load.read_bytes())
    assert ticking([str(folder), *SMALL, "--also", str(drawn)]) == 0
    first = json.loads((folder / "ledger.json").read_text())
    rendered = folder / "pictures-16" / "000000.npy"
    before = rendered.stat().st_mtime_ns
    assert first["step"] > 5 and not (folder / "comparison.md").exists()
    assert "1.0 minutes are left for the runs to come" in capsys.readouterr().out

    assert ticking([str(folder), *SMALL, "--also", str(drawn)]) == 0
    said = capsys.readouterr().out
    second = json.loads((folder / "ledger.json").read_text())
    assert f"going on at step {first['step']}" in said and second["step"] > first["step"] + 5
    assert rendered.stat().st_mtime_ns == before, "rendered again"
    log = [json.loads(line) for line in (folder / "landscape-trained.log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in log]
    assert steps == sorted(set(steps)) and steps[-1] == second["step"]
    flat = max(line["rate"] for line in log)
    assert log[-1]["rate"] < 0.2 * flat, "the last run does not end with the fall of the rate"
    model = folder / "landscape-trained.safetensors"
    assert load_score_model(model).denoise(torch.zeros(1, 3, 16, 16), 1.0).shape == (1, 3, 16, 16)

    page = (folder / "comparison.md").read_text()
    assert "| patch prior |" in page and "| trained |" in page and "t0 0.3" in page and "t0 0.6" in page
    assert "The rule for the default does NOT hold." in page, "after forty steps at 16 px it cannot hold"
    assert all((folder / name).stat().st_size > 1000 for name in ("comparison-16.png", "painted-16.png"))
    assert "painted-16-alpine-again" in said and "one evaluation on one CPU core: 0.5 s at 16 px" in page

    again = model.stat().st_mtime_ns
    assert ticking([str(folder), *SMALL]) == 0
    assert model.stat().st_mtime_ns == again and "going on" not in capsys.readouterr().out, "nothing is left to train"
    with pytest.raises(SystemExit) as stop:
        ticking([str(folder), *SMALL, "--rate", "0.1"])
    assert stop.value.code == 2 and "another plan (rate 0.0015 -> 0.1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--network", "large"], "may have 20 MB"),
        (["--network", "huge"], "Unknown network 'huge'"),
        (["--sizes", "24,32"], "divide the largest one"),
        (["--sizes", "16,32", "--shares", "1"], "one number above 0 for each of the 2 sizes"),
        (["--moods", "alpine,jungle"], "Unknown mood 'jungle'"),
        (["--t0", "0.8"], "one of them from 0.3 to 0.6"),
        (["--minutes", "0"], "--minutes above 0"),
        (["--guides", "0"], "--guides must be at least 1"),
        (["--batch", "3", "--accumulate", "2"], "cannot be cut into 2 equal parts"),
        (["--workers", "-1"], "--workers must be at least 0"),
        (["--also", "nowhere"], "nowhere is not a folder of paintings"),
        (["--device", "cuda:77"], "--device cuda:77 cannot be used here"),
        (["--count", "1000000000", "--sizes", "256"], "Give a smaller --count"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(tmp_path, capsys, arguments, text):
    with pytest.raises(SystemExit) as stop:
        command.main([str(tmp_path / "out"), *SMALL, *arguments])
    assert stop.value.code == 2 and text in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.rglob("*.npy"))


def test_the_whole_fits_into_what_is_asked_for():
    """As planned: three runs of nine minutes, a network below 20 MB, 128 and 256 px."""
    plan = Plan()
    assert (plan.runs, plan.minutes, plan.sizes) == (3, 9.0, (128, 256)) and LARGEST_FILE == 20_000_000
    assert TOY.minutes * TOY.runs == 2


def test_clock_of_three_runs():
    now = Ticks()
    clock = Clock(minutes=1, runs=3, spent=0, now=now)
    assert (clock.here, clock.later, clock.is_last) == (60, 120, False)
    now.now += 6
    clock.starts_training()
    assert clock.training_here() == pytest.approx(60 - 6 - CLOSING * 60)
    ours, later = clock.training_here(), 120 - 2 * (6 + CLOSING * 60) - COMPARING * 60
    assert clock.training_left() == pytest.approx(ours + later)
    last = Clock(minutes=1, runs=3, spent=100, now=now)  # a run was interrupted: the rest is a run and a third
    assert (last.here, last.later, last.is_last) == (60, 20, False)
    last = Clock(minutes=1, runs=3, spent=119, now=now)
    assert last.is_last and last.training_left() == pytest.approx(60 - COMPARING * 60)
    assert not Clock(minutes=1, runs=3, spent=179, now=now).trains


def test_pace_is_not_misled_by_one_slow_start():
    pace = Pace()
    assert pace.steps(10) is None
    pace.add(2, 60.0)
    for _ in range(3):
        pace.add(10, 1.0)
    assert pace.seconds == pytest.approx(0.1) and pace.steps(5) == 50


@dataclass
class _Trainer:
    """Takes time and nothing else: ``speed`` seconds a step, twice as long from step 150 on."""

    clock: Ticks
    settings: Settings
    step: int = 0
    rates: tuple = ()

    def run(self, *, every, report, stop, until) -> None:
        while self.step < until:
            self.rates += (self.settings.learning_rate(self.step),)
            self.clock.now += 0.1 if self.step < 150 else 0.2
            self.step += 1
            if stop():
                break


@pytest.mark.parametrize("killed", [False, True])
def test_the_rate_falls_to_0_when_the_time_is_over_whatever_the_speed(killed, tmp_path):
    """Three runs of 20 s, one of them perhaps interrupted, with steps that become twice as slow on the way."""
    now, spent, pace = Ticks(), 0.0, Pace()
    trainer = _Trainer(now, replace(Settings(), warmup=5, rate=1.0, batch=1))
    saves = []
    run = SimpleNamespace(trainer=trainer, log=tmp_path / "log", save=lambda: saves.append(trainer.step))
    runs = 0
    while spent < 59:
        clock = Clock(minutes=1 / 3, runs=3, spent=spent, now=now)
        now.now += 1.0
        clock.starts_training()
        runs += 1
        enough = 7.0 if killed and runs == 2 else 100.0
        Lesson(
            run=run,
            source=SimpleNamespace(grow=lambda: 0),
            clock=clock,
            pace=pace,
            save=lambda: None,
            report=None,
            asked=lambda clock=clock, enough=enough: clock.elapsed() > enough,
            beside=lambda: None,
        ).give()
        spent += clock.here if clock.is_last else clock.elapsed()
        assert clock.elapsed() <= clock.here and saves[-1] == trainer.step
    assert runs == 3 + killed
    rates = trainer.rates
    assert max(rates) == 1.0 and rates[-1] < 0.02
    falling = [rate for rate in rates[10:] if rate < 0.999]
    assert 0.35 < len(falling) / len(rates) < 0.45, "the fall takes 40 % of the steps"


def test_pictures_are_those_of_the_renderer_and_grow(tmp_path):
    jobs = chunks(tmp_path, count=CHUNK + 4, size=16, seed=3, moods=("desert", "night"))
    assert [(job.first, job.count) for job in jobs] == [(0, CHUNK), (CHUNK, 4)]
    do(jobs[0])
    source = Landscapes(jobs, (Size(16, 16), Size(8, 8)), at_once=1, device=torch.device("cpu"))
    assert source.count == CHUNK == source.grow()
    do(jobs[1])
    assert source.grow() == CHUNK + 4 == source.grow()
    render_folder(tmp_path / "png", count=CHUNK + 4, size=16, seed=3, moods=("desert", "night"))
    expected = load_folder(tmp_path / "png", size=16).pictures
    assert torch.equal(torch.cat([job.read() for job in jobs]), expected)
    drawn = [source.draw(6, size, torch.Generator().manual_seed(1)) for size in source.sizes]
    assert drawn[0].shape == (6, 3, 16, 16) and drawn[1].shape == (6, 3, 8, 8)
    assert torch.allclose(drawn[0].unflatten(-1, (8, 2)).unflatten(2, (8, 2)).mean((3, 5)), drawn[1], atol=1e-6)
    assert drawn[0].min() < -0.5 and -1 <= drawn[0].min() and drawn[0].max() <= 1


def test_a_damaged_picture_file_is_named(tmp_path):
    (job,) = chunks(tmp_path, count=2, size=16, seed=0, moods=("night",))
    job.file.write_bytes(b"\x93NUMPY")
    with pytest.raises(ValueError, match=r"000000\.npy cannot be read.*Delete it"):
        job.read()


@dataclass(frozen=True)
class Note:
    """A job that says who did it; fails when asked to."""

    file: Path
    words: str

    def __call__(self) -> None:
        if not self.words:
            raise ValueError("nothing to say")
        self.file.write_text(self.words)


def test_workers_do_what_is_not_done_and_tell_of_errors(tmp_path):
    jobs = [Note(tmp_path / "a", "new"), Note(tmp_path / "b", "new"), Note(tmp_path / "c", "")]
    jobs[0].file.write_text("old")
    with Workers(1, jobs) as beside, pytest.raises(ValueError, match="nothing to say"):
        for _ in range(600):
            beside.check()
            time.sleep(0.1)
    assert [job.file.read_text() for job in jobs[:2]] == ["old", "new"]


def test_paintings_of_every_folder_are_compared_at_a_size_every_network_takes(tmp_path):
    plan = replace(TOY, moods=("alpine", "autumn", "desert", "lake", "night", "sunset"))
    jobs = [job for job in parts(plan, tmp_path, []) if job.file.name.startswith("painted")]
    assert len(jobs) == 8 and {job.mood for job in jobs} == set(plan.moods) and MULTIPLE == 16
    bad = tmp_path / "bad"
    bad.mkdir()
    with pytest.raises(ValueError, match="No paintings in"):
        parts(plan, tmp_path, [bad])
    (bad / "jungle-house.json").write_text("{}")
    with pytest.raises(ValueError, match="jungle-house: the name of a painting begins with its mood"):
        parts(plan, tmp_path, [bad])


def test_the_rule_needs_both_at_every_t0():
    from builtin_models import PATCHES, TRAINED, rule

    def table(*trained):
        out = {(PATCHES, t0): [(0.2, 10.0, 1.0), (0.1, 12.0, 1.0)] for t0 in (0.2, 0.3, 0.6)}
        return out | {(TRAINED, t0): [figures] for t0, figures in zip((0.2, 0.3, 0.6), trained, strict=True)}

    good, worse, far = (0.14, 11.0, 1.0), (0.16, 5.0, 1.0), (0.01, 11.1, 1.0)
    assert rule(table(good, good, good))[0]
    assert rule(table(worse, good, good))[0], "0.2 is not of the rule"
    assert not rule(table(good, worse, good))[0] and not rule(table(good, good, worse))[0]
    assert not rule(table(good, far, good))[0]
    said = rule(table(good, worse, far))[1]
    assert said[0].startswith("t0 0.3: NOT more realistic") and "LESS faithful" in said[1]
    with pytest.raises(ValueError, match="needs figures of 'trained'"):
        rule({(PATCHES, 0.3): [good]})
