"""What ships: references of every mood, stroke paintings, editing and compositing examples, priors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sdedit_core import builtin
from sdedit_core.pictures.canvas import paint_drawing, parse_drawing
from sdedit_core.pictures.io import from_pil, to_pil


@pytest.mark.parametrize("mood", builtin.MOODS)
def test_references_exist_and_are_sound(mood):
    pictures = builtin.references(mood, 64)
    assert pictures.shape[0] >= 5 and pictures.shape[1:] == (3, 64, 64)
    assert pictures.min() >= 0 and pictures.max() <= 1 and pictures.std() > 0.05


@pytest.mark.parametrize("folder, most", [("references", 2_500_000), ("examples", 1_000_000), ("guides", 40_000)])
def test_everything_shipped_is_small(folder, most):
    total = sum(file.stat().st_size for file in (Path(builtin.__file__).parent / folder).iterdir())
    assert 0 < total < most, f"{total / 1e6:.2f} MB of {folder}"


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
    assert set(builtin.RECOMMENDED_T0) >= set(builtin.MOODS)
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
