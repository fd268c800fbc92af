"""Masks at their limits: radii, ends of rows, levels beyond the ends, and what a refusal says."""

import pytest
import torch

from sdedit_core.sampling.masks import check_mask, feather, level_map
from sdedit_core.sde import VESDE


@pytest.mark.parametrize(
    "shape, guide, words",
    [
        ((4, 5), (2, 3, 4, 5), "The mask must have shape (2 or 1, 1, 4, 5) to fit the guide, got (4, 5)."),
        ((3, 1, 4, 5), (2, 3, 4, 5), "The mask must have shape (2 or 1, 1, 4, 5) to fit the guide, got (3, 1, 4, 5)."),
        ((1, 1, 5, 4), (2, 3, 4, 5), "The mask is 4 x 5, the guide is 5 x 4: they must have the same size."),
        ((1, 1, 2, 4, 5), (1, 3, 7, 4, 5), "The mask is 5 x 4 x 2 frames, the guide is 5 x 4 x 7 frames:"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_with_both_sizes(shape, guide, words):
    with pytest.raises(ValueError) as refusal:
        check_mask(torch.ones(shape), torch.zeros(guide))
    assert str(refusal.value).startswith(words)
    with pytest.raises(ValueError, match="The t0_map"):
        check_mask(torch.ones(shape), torch.zeros(guide), name="t0_map")


@pytest.mark.parametrize("bad", [-1e-3, 1.001, float("nan")])
def test_a_mask_beyond_its_range_is_refused(bad):
    mask = torch.tensor([[[[0.5, bad]]]])
    with pytest.raises(ValueError, match="between 0"):
        check_mask(mask, torch.zeros(1, 3, 1, 2))
    assert check_mask(torch.tensor([[[[0.0, 1.0]]]]), torch.zeros(1, 3, 1, 2)).tolist() == [[[[0.0, 1.0]]]]


def test_the_largest_radius_is_512():
    mask = torch.zeros(1, 600)
    mask[0, 0] = 1.0
    assert float(feather(mask, 512)[0, 512]) == pytest.approx(1 / 513, rel=1e-4)
    for bad in (513, True, -1, 0.5):
        with pytest.raises(ValueError, match="radius"):
            feather(mask, bad)


def test_one_half_is_inside():
    assert feather(torch.tensor([[0.5, 0.0, 0.0]]), 1)[0].tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert feather(torch.tensor([[0.49, 0.0, 0.0]]), 1)[0].tolist() == pytest.approx([0.49, 0.0, 0.0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_feather_reaches_from_one_end_of_a_row_to_the_other(turned):
    """The only inside pixel at one end, the farthest pixel at the other: distance 4 of a radius of 9."""
    for at in (0, 4):
        mask = torch.zeros(1, 5)
        mask[0, at] = 1.0
        want = [1 - abs(k - at) / 10 for k in range(5)]
        out = feather(mask.T if turned else mask, 9)
        assert out.flatten().tolist() == pytest.approx(want)


def test_both_sides_fall_linearly_by_one_over_radius_plus_one():
    mask = torch.zeros(1, 12)
    mask[:, 6:] = 1.0
    out = feather(mask, 3, side="both")[0]
    want = [max(0.0, min(1.0, 0.5 + (k - 5.5) / 4)) for k in range(12)]
    assert out.tolist() == pytest.approx(want)


def test_levels_are_told_apart_to_a_4096th_and_end_at_the_ends():
    schedule, top = VESDE(0.01, 348.0), 0.4
    near = torch.tensor([4095 / 4096, 1 / 4096, 2048.4 / 4096, 2048.6 / 4096, -0.01, 1.01])
    levels = level_map(schedule, near, top=top)
    assert levels.dtype == torch.float64
    want = [schedule.sigma(top * k / 4096) for k in (4095, 1, 2048, 2049, 0, 4096)]
    assert levels.tolist() == pytest.approx(want, rel=1e-12)
    assert float(levels[5]) == schedule.sigma(top) and float(levels[4]) == 0.0
