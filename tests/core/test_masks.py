"""Masks: checks and the kept region inside the loop."""

import pytest
import torch

from sdedit_core.sampling.grids import karras
from sdedit_core.sampling.masks import (
    binary_mask,
    check_mask,
    feather,
    is_hard,
    level_map,
)
from sdedit_core.sampling.solvers.base import TiltedRegion, keep_region
from sdedit_core.sampling.solvers.law import affine_law
from sdedit_core.sampling.solvers.mca import mca
from sdedit_core.sde import VESDE, VPSDE


def test_check_mask_keeps_values_and_broadcasts():
    g = torch.zeros(2, 3, 4, 5)
    mask = check_mask(torch.ones(1, 1, 4, 5, dtype=torch.uint8), g)
    assert mask.dtype == torch.float32 and mask.shape == (1, 1, 4, 5)
    for bad in (torch.ones(4, 5), torch.ones(1, 3, 4, 5), torch.ones(2, 1, 5, 4), -torch.ones(1, 1, 4, 5)):
        with pytest.raises(ValueError, match="mask"):
            check_mask(bad, g)
    for other in ([[[[1.0]]]], "mask", None):
        with pytest.raises(ValueError, match="must be a tensor"):
            check_mask(other, g)
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


def test_tilt_feeds_an_offset_to_the_network_only():
    change = torch.tensor([[[[True, False]]]])
    guide = torch.tensor([[[[5.0, 7.0]]]])
    seen = []
    tilt = TiltedRegion(lambda x, s: seen.append(x.flatten().tolist()) or 0.5 * x, guide, change)
    x = torch.tensor([[[[2.0, 4.0]]]])
    assert tilt(x, 10.0).flatten().tolist() == [1.0, 7.0]
    # Offset 7 - 2 = 5, decays to 5 * 0.8.
    tilt(x, 8.0)
    assert seen[1] == [2.0, 8.0]
    # 4 + (7 - 4) = 7 decays to 0.875, within the clip; then the clip of two sigma.
    tilt(x, 1.0)
    assert seen[2] == pytest.approx([2.0, 4.875])
    tilt(x, 0.1)
    assert seen[3] == pytest.approx([2.0, 4.2])
    assert x.flatten().tolist() == [2.0, 4.0]


def test_tilt_gives_the_exact_conditional_mean_where_it_settles():
    """Correlated Gaussian pair at a fixed level: the offset settles where D meets the guide, and the edited pixel's
    D is then its mean given its own noisy value and the clean kept value (Schur complement)."""
    cov = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)
    sigma, guide = 0.7, torch.tensor([[0.0, 0.6]], dtype=torch.float64)
    gain = cov @ torch.linalg.inv(cov + sigma**2 * torch.eye(2, dtype=torch.float64))
    tilt = TiltedRegion(lambda x, s: x @ gain.T, guide, torch.tensor([[True, False]]), clip=100.0)
    x = torch.tensor([[0.9, -0.4]], dtype=torch.float64)
    for _ in range(200):
        d = tilt(x, sigma)
    rest = 1.0 - 0.8**2
    want = 0.8 * 0.6 + rest / (rest + sigma**2) * (0.9 - 0.8 * 0.6)
    assert float(d[0, 0]) == pytest.approx(want, abs=1e-9)


def brute_distance(inside):
    ys, xs = torch.nonzero(inside, as_tuple=True)
    h, w = inside.shape
    gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return ((gy[..., None] - ys) ** 2 + (gx[..., None] - xs) ** 2).min(-1).values.sqrt()


@pytest.mark.parametrize("radius", [1, 3, 40])
def test_feather_is_linear_in_the_true_distance(radius):
    g = torch.Generator().manual_seed(radius)
    inside = torch.rand(21, 17, generator=g) > 0.97
    inside[10, 8] = True
    mask = inside.float()
    out = feather(mask, radius)
    want = (1 - brute_distance(inside).float() / (radius + 1)).clamp(0, 1)
    torch.testing.assert_close(out, want, rtol=0, atol=1e-6)
    assert bool((out[inside] == 1).all()) and torch.equal(feather(mask[None, None], radius)[0, 0], out)
    inner = feather(1 - mask, radius, side="in")
    torch.testing.assert_close(inner, 1 - want, rtol=0, atol=1e-6)


def test_feather_both_sides_crosses_one_half_at_the_edge():
    mask = torch.zeros(1, 20)
    mask[:, 10:] = 1.0
    out = feather(mask, 5, side="both")[0]
    assert float(out[9] + out[10]) == pytest.approx(1.0) and float(out[0]) == 0.0 and float(out[-1]) == 1.0
    assert bool((out[1:] >= out[:-1]).all()) and int(((out > 0) & (out < 1)).sum()) == 6
    assert torch.equal(feather(mask, 0), mask)
    for bad in ({"radius": -1}, {"radius": 2.5}, {"radius": 3, "side": "left"}):
        with pytest.raises(ValueError, match=r"radius|side"):
            feather(mask, **bad)


def test_level_map_ends_are_exact_and_the_middle_is_log_linear():
    for schedule in (VESDE(0.01, 348.0), VPSDE()):
        m = torch.tensor([[[[0.0, 0.25, 0.5, 1.0]]]])
        levels = level_map(schedule, m, top=0.37).flatten().tolist()
        assert levels[0] == 0.0 and levels[3] == schedule.sigma(0.37)
        assert levels[1:3] == pytest.approx([schedule.sigma(0.0925), schedule.sigma(0.185)], rel=1e-9)
    assert is_hard(torch.tensor([0.0, 1.0])) and not is_hard(torch.tensor([0.0, 0.999]))
