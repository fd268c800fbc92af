"""The paper's protocol on a folder: resume, shards, determinism, the summary."""

import json

import pytest
import torch
from PIL import Image

from sdedit_core.measure.protocol import Evaluation, PictureFolder, Protocol, parse_shard, picture_names
from sdedit_core.pictures.colour import srgb_profile
from sdedit_core.pictures.io import has_profile, load_image
from sdedit_core.priors.exact import GaussianPrior

PROTOCOL = Protocol(model="test", t0=(0.0, 0.3, 0.6), width=24, height=24, options={"steps": 6}, kernel=5)


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
    with pytest.raises(ValueError, match=r"steps 6 \(now 5\)"):
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


@pytest.mark.parametrize("form", ["relative", "absolute"])
def test_a_relative_output_folder_is_as_good_as_an_absolute_one(photos, monkeypatch, form):
    monkeypatch.chdir(photos)
    made = Evaluation("out" if form == "relative" else photos / "out", PROTOCOL, picture_names("photos"))
    made.prepare()
    assert made.run(model(), "photos") == 12 and not made.missing()
    assert sorted(p.name for p in (photos / "out").iterdir()) == (
        ["guides", "originals", "settings.json", "t0-0", "t0-0.3", "t0-0.6"]
    )
    assert len(made.summarise(model(), PictureFolder("real", width=24, height=24)).rows) == 3


def test_every_t0_has_a_folder_of_its_own(photos):
    near = Protocol(**{**PROTOCOL.__dict__, "t0": (0.30001, 0.30002, 1e-05, 1.0)})
    made = evaluation(photos, protocol=near)
    assert made.folder_names() == ["t0-0.30001", "t0-0.30002", "t0-1e-05", "t0-1"]
    assert made.run(model(), photos / "photos") == 16


def as_the_first_version_left_it(photos, t0):
    """An evaluation's folder with short names of t0, and settings that say nothing of how the file was read."""
    made = evaluation(photos, protocol=Protocol(**{**PROTOCOL.__dict__, "t0": t0}))
    made.run(model(), photos / "photos")
    for exact, value in zip(made.folders(), t0, strict=True):
        if not (photos / "out" / f"t0-{value:.4g}").exists():
            exact.rename(photos / "out" / f"t0-{value:.4g}")
    settings = json.loads((photos / "out/settings.json").read_text())
    old = {k: v for k, v in settings.items() if k not in ("weights", "dtype", "overrides", "class_label")}
    (photos / "out/settings.json").write_text(json.dumps(old))
    return made.protocol


def test_folders_with_short_names_are_still_read(photos):
    protocol = as_the_first_version_left_it(photos, (0.3, 0.123456))
    again = evaluation(photos, protocol=protocol)
    assert not again.missing() and not (photos / "out/t0-0.1235").exists()
    assert json.loads((photos / "out/settings.json").read_text())["weights"] == "ema"
    other = evaluation(photos, protocol=Protocol(**{**protocol.__dict__, "t0": (0.1235,)}))
    assert len(other.missing()) == 4, "pictures of 0.123456 are not taken for those of 0.1235"


def test_folders_with_two_t0_mixed_up_are_refused(photos):
    protocol = as_the_first_version_left_it(photos, (0.30001, 0.30002))
    with pytest.raises(ValueError, match=r"t0-0\.3 holds pictures of t0 0\.30001 and 0\.30002 mixed up"):
        evaluation(photos, protocol=protocol)


@pytest.mark.parametrize(
    ("name", "value"), [("weights", "raw"), ("dtype", "fp16"), ("overrides", {"sde": "vp"}), ("class_label", 3)]
)
def test_shards_of_a_file_read_in_another_way_are_refused(photos, name, value):
    evaluation(photos)
    with pytest.raises(ValueError, match=f"begun with other settings: {name}"):
        evaluation(photos, protocol=Protocol(**{**PROTOCOL.__dict__, name: value}))


def test_pictures_of_a_tagged_photo_are_tagged(photos):
    Image.open(photos / "photos/p0.png").copy().save(photos / "photos/p0.png", icc_profile=srgb_profile())
    made = evaluation(photos)
    made.run(model(), photos / "photos")
    for folder in ("originals", "guides", "t0-0.3"):
        assert has_profile(made.file(folder, "p0.png")) and not has_profile(made.file(folder, "p1.png"))
