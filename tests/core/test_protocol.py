"""The paper's protocol on a folder: resume, shards, determinism, the summary."""

import json

import pytest
import torch

from sdedit_core.measure.protocol import Evaluation, PictureFolder, Protocol, parse_shard, picture_names, t0_name
from sdedit_core.pictures.io import load_image
from sdedit_core.priors.exact import GaussianPrior

PROTOCOL = Protocol(model="test", t0=(0.0, 0.3, 0.6), width=24, height=24, options={"steps": 3}, kernel=5)


def model():
    out = GaussianPrior(mean=0.5, std=0.2).score_model()
    out.data_range = (0.0, 1.0)
    return out


def evaluation(root, out="out", protocol=PROTOCOL):
    made = Evaluation(root / out, protocol, picture_names(root / "photos"))
    made.prepare()
    return made


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.png"))}


def test_shards_in_any_order_make_the_files_of_one_run(photos):
    whole = evaluation(photos, "whole")
    assert whole.run(model(), photos / "photos") == 12
    parts = evaluation(photos, "parts")
    counts = [parts.run(model(), photos / "photos", shard=(i, 3)) for i in (3, 1, 2)]
    assert sorted(counts) == [3, 3, 6] and not parts.missing()
    assert contents(photos / "whole") == contents(photos / "parts")


def test_it_resumes_after_an_interruption_without_doing_work_twice(photos):
    half = evaluation(photos)

    def stop(name, t0, seen=[]):  # noqa: B006
        seen.append(name)
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half.run(model(), photos / "photos", on_picture=stop)
    assert len(half.missing()) == 7
    kept = contents(photos / "out")
    again = evaluation(photos)
    assert again.run(model(), photos / "photos") == 7 and not again.missing()
    assert all(contents(photos / "out")[name] == data for name, data in kept.items())
    assert again.run(model(), photos / "photos") == 0


def test_a_picture_depends_on_its_own_name_only(photos):
    first = evaluation(photos, "first")
    first.run(model(), photos / "photos")
    (photos / "photos" / "p0.png").unlink()
    second = evaluation(photos, "second")
    second.run(model(), photos / "photos")
    assert contents(photos / "second").items() <= contents(photos / "first").items()


def test_other_settings_are_refused_but_more_t0_are_welcome(photos):
    evaluation(photos)
    changed = Protocol(**{**PROTOCOL.__dict__, "options": {"steps": 5}})
    with pytest.raises(ValueError, match=r"steps 3 \(now 5\)"):
        evaluation(photos, protocol=changed)
    more = evaluation(photos, protocol=Protocol(**{**PROTOCOL.__dict__, "t0": (0.1, 0.3)}))
    assert len(more.missing()) == 8


def test_the_summary_measures_against_strokes_and_reference(photos):
    made = evaluation(photos)
    made.run(model(), photos / "photos")
    summary = made.summarise(model(), PictureFolder(photos / "real", width=24, height=24))
    assert [row.t0 for row in summary.rows] == [0.0, 0.3, 0.6]
    assert summary.rows[0].l2 == 0.0 and 0.0 < summary.rows[1].l2 < summary.rows[2].l2
    assert summary.rows[0].realism == pytest.approx(summary.guides)
    assert summary.floor is not None and summary.floor != summary.guides
    guide, edit = load_image(photos / "out/guides/p0.png.png"), load_image(photos / "out/t0-0.3/p0.png.png")
    assert guide.shape == edit.shape == (1, 3, 24, 24)
    assert torch.unique((guide[0] * 255).round().flatten(1), dim=1).shape[1] <= 6
    data = json.loads((photos / "out/summary.json").read_text())
    assert data["rows"][0]["psnr"] is None and data["rows"][1]["l2"] == pytest.approx(summary.rows[1].l2)
    assert len((photos / "out/table.csv").read_text().splitlines()) == 4
    (photos / "out/t0-0.3/p1.png.png").unlink()
    with pytest.raises(ValueError, match=r"1 pictures are still missing.*p1\.png at t0 0\.3"):
        made.summarise(model(), PictureFolder(photos / "real", width=24, height=24))


def test_shard_names():
    assert parse_shard("2/8") == (2, 8)
    for bad in ("0/3", "4/3", "1", "a/b", "1/2/3"):
        with pytest.raises(ValueError, match="i/n"):
            parse_shard(bad)


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no picture"):
        picture_names(tmp_path)
    with pytest.raises(ValueError, match="not a folder"):
        picture_names(tmp_path / "none")


def test_a_relative_output_folder_is_finished(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = Evaluation("out", PROTOCOL, picture_names(photos / "photos")[:1])
    made.prepare()
    assert made.run(model(), photos / "photos") == 3 and not made.missing()
    assert (tmp_path / "out" / "t0-0.3").is_dir() and not (tmp_path / "out" / "out").exists()
    assert len(made.pictures("t0-0.3")) == 1


def test_neighbouring_t0_values_have_folders_of_their_own():
    assert t0_name(0.3) == "t0-0.3" and t0_name(0.0) == "t0-0" and t0_name(1.0) == "t0-1"
    assert len({t0_name(t0) for t0 in (0.3, 0.30001, 0.30002, 0.3000000001)}) == 4


@pytest.mark.parametrize("other", [{"weights": "raw"}, {"dtype": "fp16"}, {"overrides": ("sigma_max=20",)}])
def test_weights_and_overrides_belong_to_the_settings(photos, tmp_path, other):
    names = picture_names(photos / "photos")[:1]
    Evaluation(tmp_path / "out", PROTOCOL, names).prepare()
    with pytest.raises(ValueError, match="begun with other settings"):
        Evaluation(tmp_path / "out", Protocol(**{**PROTOCOL.__dict__, **other}), names).prepare()
