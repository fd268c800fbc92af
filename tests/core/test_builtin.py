"""What ships: references of every mood, stroke paintings, editing and compositing examples, priors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sdedit_core import builtin, load_score_model, sdedit
from sdedit_core.builtin import groups
from sdedit_core.pictures.canvas import paint_drawing, parse_drawing
from sdedit_core.pictures.io import from_pil, to_pil
from sdedit_core.priors.detail import energy, with_detail
from sdedit_core.priors.palette import with_palette


@pytest.mark.parametrize("mood", builtin.MOODS)
def test_references_exist_and_are_sound(mood):
    pictures = builtin.references(mood, 64)
    assert pictures.shape[0] >= 5 and pictures.shape[1:] == (3, 64, 64)
    assert pictures.min() >= 0 and pictures.max() <= 1 and pictures.std() > 0.05


@pytest.mark.parametrize(
    "folder, most", [("references", 2_500_000), ("further", 620_000), ("examples", 1_000_000), ("guides", 40_000)]
)
def test_everything_shipped_is_small(folder, most):
    total = sum(file.stat().st_size for file in (Path(builtin.__file__).parent / folder).iterdir())
    assert 0 < total < most, f"{total / 1e6:.2f} MB of {folder}"


def test_the_references_are_within_three_megabytes():
    folder = Path(builtin.__file__).parent
    assert sum(file.stat().st_size for name in ("references", "further") for file in (folder / name).iterdir()) < 3e6


def test_what_the_model_of_all_moods_picks_by_is_what_its_references_show():
    assert groups.FILE.stat().st_size < 100_000
    small = groups.small_pictures(builtin.GROUPS)
    assert sum(len(group) for group in small) == len(builtin.references(builtin.ALL, 16))
    for name, group in zip(builtin.GROUPS, small, strict=True):
        assert (255 * group - groups.shrunk(name)).abs().max() <= 1, "run python tools/make.py landscapes groups"


def test_a_missing_file_of_groups_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(groups, "FILE", tmp_path / "gone.safetensors")
    with pytest.raises(FileNotFoundError, match="is missing in"):
        builtin.load_prior(builtin.ALL)


@pytest.mark.parametrize("name", list(builtin.EXAMPLE_GUIDES))
def test_guides_are_deterministic_and_in_range(name):
    for width, height in ((64, 64), (97, 60), (16, 40)):
        guide = builtin.example_guide(name, width=width, height=height)
        assert guide.shape == (1, 3, height, width) and guide.dtype == torch.float32
        assert guide.min() >= 0 and guide.max() <= 1
        assert torch.equal(guide, builtin.example_guide(name, width=width, height=height))


@pytest.mark.parametrize("name", list(builtin.EXAMPLE_GUIDES))
def test_guides_are_drawings_for_the_canvas(name):
    """Covered from edge to edge, without an eraser, and in the words that the canvas itself would write."""
    text = builtin.example_drawing(name)
    drawing = parse_drawing(text)
    assert drawing.to_json() == text and len(text) < 6000
    picture, mask = paint_drawing(drawing, width=64, height=48)
    guide = builtin.example_guide(name, width=64, height=48)
    assert mask.min() == 1 and torch.equal(from_pil(to_pil(picture)), guide)


@pytest.mark.parametrize("size", [48, 256])
def test_examples_are_what_a_picture_file_holds(size):
    """Values of 8 bits: what an edit keeps of them is the same in the file that is saved."""
    every = [builtin.example_guide(name, width=size, height=size) for name in builtin.EXAMPLE_GUIDES]
    every += [builtin.example_photo(mood, size) for mood in builtin.MOODS]
    every += [picture for name in builtin.EXAMPLE_EDITS for picture in builtin.example_edit(name, size)]
    every += [picture for name in builtin.EXAMPLE_COMPOSITES for picture in builtin.example_composite(name, size)]
    for picture in every:
        assert torch.equal(from_pil(to_pil(picture)) if picture.shape[1] == 3 else (picture > 0).float(), picture)


def test_names_agree():
    assert set(builtin.MOODS) <= set(builtin.EXAMPLE_GUIDES)
    assert {builtin.PREFIX + mood for mood in builtin.MOODS} <= set(builtin.list_priors())
    assert set(builtin.RECOMMENDED_T0) == {*builtin.MOODS, builtin.ALL}
    assert [builtin.recommended_t0(name) for name in ("landscape", "landscape-night")] == [0.27, 0.3]
    assert all(builtin.recommended_t0(name) is None for name in ("night", "landscape-jungle", "a/file.pt"))
    for call in (
        lambda: builtin.load_prior("landscape-jungle"),
        lambda: builtin.example_guide("jungle", width=64, height=64),
        lambda: builtin.example_photo("jungle", 64),
        lambda: builtin.example_drawing("jungle"),
        lambda: builtin.example_edit("jungle", 64),
        lambda: builtin.example_composite("jungle", 64),
    ):
        with pytest.raises(ValueError, match="expected one of"):
            call()


@pytest.mark.parametrize("mood", ["alpine", "sunset"])
def test_prior_pulls_noise_towards_the_scene(mood):
    """PSNR gain on a picture that is not among the references."""
    prior = builtin.load_prior(builtin.PREFIX + mood, size=64)
    assert prior.native_size == 64 and prior.position_aware
    clean = builtin.example_photo(mood, 64)
    for sigma, least in ((0.1, 2.0), (0.3, 6.0), (1.0, 12.0)):
        noise = sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        out = prior.denoise(clean + noise, torch.tensor([sigma]))
        gain = 10 * torch.log10(noise.square().mean() / (out - clean).square().mean())
        assert gain > least, f"{float(gain):.1f} dB at sigma {sigma}"


def test_examples_need_some_pixels():
    for call in (
        lambda: builtin.example_guide("alpine", width=64, height=15),
        lambda: builtin.example_photo("alpine", 15),
        lambda: builtin.example_edit("lake-peak", 15),
        lambda: builtin.example_composite("desert-mesa", 15),
        lambda: builtin.references("alpine", 15),
    ):
        with pytest.raises(ValueError, match="at least 16"):
            call()


def test_realism_is_that_of_the_mood_which_is_picked():
    """Every mood at once is no measure for a picture of one: there the guide itself was nearest."""
    prior = builtin.load_prior(builtin.ALL)
    for mood in ("night", "desert"):
        near = builtin.references_like(builtin.ALL, prior, builtin.example_guide(mood, width=64, height=64), 16)
        assert len(builtin.references(mood, 16)) < len(near) < len(builtin.references(builtin.ALL, 16)) / 3
        assert torch.equal(near[: len(builtin.references(mood, 16))], builtin.references(mood, 16))
    both = torch.cat([builtin.example_guide(mood, width=64, height=64) for mood in ("night", "desert")])
    assert len(builtin.references_like(builtin.ALL, prior, both, 16)) > len(near)
    name = "landscape-lake"
    own = builtin.references_like(name, builtin.load_prior(name, size=16), both, 16)
    assert torch.equal(own, builtin.references("lake", 16)), "a model of one mood has that one"


@pytest.mark.parametrize("mood", builtin.MOODS)
def test_photos_are_no_references(mood):
    photo = builtin.example_photo(mood, 64)
    assert photo.shape == (1, 3, 64, 64) and photo.min() >= 0 and photo.max() <= 1 and photo.std() > 0.05
    assert (builtin.references(mood, 64) - photo).square().mean((1, 2, 3)).sqrt().min() > 0.05


@pytest.mark.parametrize("name", list(builtin.EXAMPLE_EDITS))
def test_edit_examples(name):
    photo, guide, mask = builtin.example_edit(name, 64)
    assert photo.shape == guide.shape == (1, 3, 64, 64) and mask.shape == (1, 1, 64, 64)
    assert 0.005 < mask.mean() < 0.5 and mask.min() == 0 and mask.max() == 1
    assert torch.equal(photo * (1 - mask), guide * (1 - mask))
    assert (photo - guide).abs().max() > 0.1


@pytest.mark.parametrize("name", list(builtin.EXAMPLE_COMPOSITES))
def test_composite_examples(name):
    background, patch, mask, guide = builtin.example_composite(name, 64)
    assert background.shape == patch.shape == guide.shape == (1, 3, 64, 64) and mask.shape == (1, 1, 64, 64)
    assert 0.005 < mask.mean() < 0.6
    assert torch.allclose(guide, mask * patch + (1 - mask) * background)


def test_the_model_of_all_moods_knows_the_further_pictures_too():
    every = sum(len(builtin.references(mood, 16)) for mood in builtin.MOODS)
    further = len(list((Path(builtin.__file__).parent / "further").glob("*.webp")))
    assert len(builtin.references(builtin.ALL, 16)) == every + further and further >= 12
    names = {file.name.split("-")[0] for file in (Path(builtin.__file__).parent / "further").iterdir()}
    assert names == {*builtin.MOODS, "winter"}


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.3])
def test_a_field_of_snow_is_winter_and_a_snow_peak_over_a_meadow_is_not(sigma):
    prior = builtin.load_prior(builtin.ALL)
    picture = torch.empty(3, 96, 96)
    picture[:] = torch.tensor([0.62, 0.76, 0.92]).reshape(3, 1, 1)
    picture[:, 40:56] = torch.tensor([0.50, 0.54, 0.64]).reshape(3, 1, 1)
    for ground, expected in (((0.9, 0.92, 0.97), "winter"), ((0.40, 0.50, 0.24), "alpine")):
        picture[:, 56:] = torch.tensor(ground).reshape(3, 1, 1)
        noise = sigma * torch.randn(picture.shape, generator=torch.Generator().manual_seed(3))
        assert [*builtin.MOODS, "winter"][prior.pick(picture + noise, sigma)] == expected


def test_realism_of_a_snow_painting_is_measured_against_winter():
    prior = builtin.load_prior(builtin.ALL)
    snow = torch.tensor([0.9, 0.92, 0.97]).reshape(1, 3, 1, 1).expand(1, 3, 64, 64).clone()
    snow[:, :, :24] = torch.tensor([0.62, 0.76, 0.92]).reshape(1, 3, 1, 1)
    winter = len(list((Path(builtin.__file__).parent / "further").glob("winter-*.webp")))
    like = builtin.references_like(builtin.ALL, prior, snow, 16)
    assert torch.equal(like, builtin.references(builtin.ALL, 16)[-winter:])


@pytest.mark.parametrize("mood", builtin.MOODS)
def test_the_model_of_all_moods_picks_by_the_colours(mood):
    prior = builtin.load_prior(builtin.ALL)
    guide = builtin.example_guide(mood, width=96, height=64)[0]
    for sigma in (0.0, 0.1, 0.4):
        noise = sigma * torch.randn(guide.shape, generator=torch.Generator().manual_seed(3))
        assert builtin.MOODS[prior.pick(guide + noise, sigma)] == mood


def test_the_model_of_all_moods_is_that_mood_and_a_sample_alone_is_the_sample_in_a_batch():
    prior = builtin.load_prior(builtin.ALL)
    both = torch.cat([builtin.example_guide(m, width=48, height=48) for m in ("night", "desert")])
    sigma = torch.tensor([0.3, 0.05])
    made = prior.denoise(both, sigma)
    for i in range(2):
        assert torch.equal(made[i : i + 1], prior.denoise(both[i : i + 1], sigma[i : i + 1]))
    with pytest.raises(ValueError, match="one sigma per sample"):
        prior.denoise(both, torch.tensor([0.1, 0.2, 0.3]))


def test_colours_of_the_painter_stay_and_those_of_the_mood_need_no_help():
    """A green evening on the sunset model: colours that no reference has.  0 = as before, only the mood's own."""
    green = builtin.example_guide("sunset", width=64, height=64)[:, [1, 0, 2]]
    apart = {}
    for freedom in (0.0, builtin.PALETTE_FREEDOM):
        model = load_score_model("landscape-sunset", palette_freedom=freedom)
        made = sdedit(model, green, t0=0.3, steps=6, seed=0).samples
        apart[freedom] = float((made - green).mean((2, 3)).square().mean().sqrt())
    assert apart[builtin.PALETTE_FREEDOM] < 0.3 * apart[0.0]


def test_colours_do_not_run_over_a_border():
    """Left red, right blue; a reference that knows the border but neither colour."""
    x = torch.zeros(3, 96, 96)
    x[0, :, :48], x[2, :, 48:] = 0.8, 0.8
    mean = torch.full_like(x, 0.3)
    mean[:, :, 48:] = 0.7
    out = with_palette(x, mean, 0.01, 0.02, flat=True)
    assert (out - x).abs().max() < 0.1
    assert torch.equal(with_palette(x, x, 0.05, 0.02, flat=True), x), "nothing to change where all is explained"
    still = with_palette(x, mean, 50.0, 0.02, flat=True)
    assert (still - mean).abs().max() < 0.01, "noise hides the colour"


def test_detail_has_the_energy_of_the_patches():
    band = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    flat = F.avg_pool2d(F.pad(band, (2, 2, 2, 2), mode="reflect"), 5, 1)
    out = with_detail(flat[0], energy(1.4 * flat)[0])
    assert float(energy(out[None]).mean() / energy(flat).mean()) == pytest.approx(1.4**2, rel=0.1)
    assert torch.equal(with_detail(flat[0], 0.5 * energy(flat)[0]), flat[0]), "never less than there is"
