"""Stroke simulation as in the paper, and the mask of what was painted."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from sdedit_core.pictures.io import to_pil
from sdedit_core.pictures.strokes import difference_mask, median_filter, simulate_strokes, stroke_kernel


def photo(seed=0, height=40, width=56):
    coarse = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("kernel", [3, 7, 23])
def test_the_median_is_pillows(kernel):
    array = np.asarray(to_pil(photo()))
    expected = np.asarray(Image.fromarray(array).filter(ImageFilter.MedianFilter(kernel)))
    assert np.array_equal(median_filter(array, kernel), expected)


def test_the_median_of_extreme_pictures():
    for value in (0, 255):
        flat = np.full((12, 12, 3), value, dtype=np.uint8)
        assert np.array_equal(median_filter(flat, 5), flat)
    checks = (np.indices((16, 16)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    expected = np.asarray(Image.fromarray(checks).filter(ImageFilter.MedianFilter(5)))
    assert np.array_equal(median_filter(checks, 5), expected)


@pytest.mark.parametrize("colours", [3, 6, 16])
def test_the_palette_has_as_many_colours_as_asked_for(colours):
    strokes = simulate_strokes(photo(), colours=colours, kernel=5)
    found = torch.unique((strokes[0] * 255).round().long().flatten(1), dim=1).shape[1]
    assert found == colours
    assert strokes.shape == photo().shape and float(strokes.min()) >= 0 and float(strokes.max()) <= 1


def test_it_is_filter_first_and_palette_second_as_in_the_paper():
    image = photo(1, 64, 64)
    filtered = to_pil(image).filter(ImageFilter.MedianFilter(23))
    expected = filtered.convert("P", palette=Image.Palette.ADAPTIVE, colors=6).convert("RGB")
    assert np.array_equal(np.asarray(to_pil(simulate_strokes(image))), np.asarray(expected))


def test_the_kernel_follows_the_size_when_asked_to():
    assert stroke_kernel(256, 256) == 23 and stroke_kernel(512, 700) % 2 == 1
    assert stroke_kernel(512, 512) in (45, 47) and stroke_kernel(16, 16) == 3
    image = photo(2, 64, 64)
    assert torch.equal(simulate_strokes(image, kernel=None), simulate_strokes(image, kernel=stroke_kernel(64, 64)))


def test_items_of_a_batch_do_not_mix():
    both = torch.cat([photo(0), photo(1)])
    assert torch.equal(simulate_strokes(both)[1:], simulate_strokes(photo(1)))


@pytest.mark.parametrize("options", [{"colours": 1}, {"colours": 300}, {"kernel": 4}, {"kernel": 0}, {"kernel": 2.5}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError):
        simulate_strokes(photo(), **options)


def test_bad_pictures_are_refused():
    with pytest.raises(ValueError, match="3 colour channels, got 4"):
        simulate_strokes(torch.zeros(1, 4, 8, 8))


def test_the_mask_marks_what_was_painted():
    before = photo()
    after = before.clone()
    after[..., 10:20, 5:9] = 1.0 - after[..., 10:20, 5:9].round()
    after += 0.01  # like JPEG noise
    mask = difference_mask(before, after.clamp(0, 1))
    expected = torch.zeros(1, 1, 40, 56)
    expected[..., 10:20, 5:9] = 1.0
    assert torch.equal(mask, expected)
    grown = difference_mask(before, after.clamp(0, 1), grow=2)
    assert grown.sum() == 14 * 8 and bool((grown >= mask).all())
    assert difference_mask(before, before).sum() == 0


def test_one_changed_channel_is_enough():
    before, after = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    after[0, 2, 4, 4] = 0.1
    assert difference_mask(before, after).sum() == 1


@pytest.mark.parametrize("options", [{"threshold": 1.0}, {"threshold": -0.1}, {"grow": -1}, {"grow": 1.5}])
def test_bad_mask_options_are_refused(options):
    with pytest.raises(ValueError):
        difference_mask(photo(), photo(1), **options)
