"""Masks: checks and the kept region inside the loop."""

import pytest
import torch

from sdedit_core.grids import karras
from sdedit_core.masking import binary_mask, check_mask, keep_region
from sdedit_core.solvers.law import affine_law
from sdedit_core.solvers.mca import mca


def test_check_mask_keeps_values_and_broadcasts():
    g = torch.zeros(2, 3, 4, 5)
    mask = check_mask(torch.ones(1, 1, 4, 5, dtype=torch.uint8), g)
    assert mask.dtype == torch.float32 and mask.shape == (1, 1, 4, 5)
    for bad in (torch.ones(4, 5), torch.ones(1, 3, 4, 5), torch.ones(2, 1, 5, 4), -torch.ones(1, 1, 4, 5)):
        with pytest.raises(ValueError, match="mask"):
            check_mask(bad, g)
    assert binary_mask(torch.tensor([0.0, 0.4999, 0.5, 1.0])).tolist() == [False, False, True, True]


def test_kept_pixels_predict_the_guide():
    change = torch.tensor([[[[True, False]]]])
    guide = torch.tensor([[[[5.0, 7.0]]]])
    d = keep_region(lambda x, s: x + 1, guide, change)(torch.zeros(1, 1, 1, 2), 0.5)
    assert d.flatten().tolist() == [1.0, 7.0]


def test_kept_pixels_follow_the_brownian_bridge():
    """With D = guide an ancestral solver's kept pixel at level s is guide + bridge: variance of the whole is s^2."""
    levels = karras(2.0, 0.01, 8)
    # Data of std 0 and guide 0: the start is sigma0 z0; at an inner level s the state must have variance s^2.
    for stop in (2, 5, 7):
        seen = {}

        def peek(step, stop=stop, seen=seen):
            if step.index == stop - 1:
                seen["x"] = step.x.clone()

        def solve(denoise, x, sigmas, *, noise, peek=peek, seen=seen):
            mca(denoise, x, sigmas, noise=noise, callback=peek)
            return seen["x"]

        gain, std = affine_law(solve, stds=[1e-9], sigmas=[*levels, 0.0])
        variance = (gain * levels[0]) ** 2 + std**2
        assert float(variance) == pytest.approx(levels[stop] ** 2, rel=1e-9)
