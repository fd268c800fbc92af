"""Shapes of the painter: cartoons, outlines, and things that no reference has."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import example_guide
from sdedit_core.priors.around import around
from sdedit_core.priors.cartoon import cartoon
from sdedit_core.priors.outline import beyond_outlines
from sdedit_core.priors.palette import with_palette

RED = torch.tensor([0.75, 0.15, 0.12]).reshape(3, 1, 1)


def scene(height=96, width=96, *, red=True):
    """Blue over green with a red box."""
    picture = torch.empty(3, height, width)
    picture[:] = torch.tensor([0.4, 0.6, 0.9]).reshape(3, 1, 1)
    picture[:, height // 2 :] = torch.tensor([0.3, 0.5, 0.2]).reshape(3, 1, 1)
    if red:
        picture[:, height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = RED
    return picture


@pytest.mark.parametrize(("height", "width"), [(96, 96), (97, 61), (40, 128), (16, 16), (5, 7)])
def test_a_cartoon_has_the_areas_and_not_the_noise(height, width):
    clean = scene(height, width)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    out = cartoon(noisy, 0.2)
    assert out.shape == clean.shape and out.mean() == pytest.approx(float(noisy.mean()), abs=1e-4), "nothing gets lost"
    if min(height, width) > 32:
        assert (out - clean).square().mean() < 0.15 * (noisy - clean).square().mean()
        box = out[:, height // 2 - 6 : height // 2 + 6, width // 2 - 6 : width // 2 + 6]
        assert (box.mean((1, 2)) - RED.flatten()).abs().max() < 0.12
        step = (out[:, height // 2, width // 3 + 1] - out[:, height // 2, width // 3 - 2]).abs().max()
        assert step > 0.25, "borders are sharp"


def test_a_cartoon_is_the_minimum():
    """|C - x|^2 / 2 + lambda TV(C) is as small as hundreds of steps of a gradient method make it, within a tenth."""
    g = torch.Generator().manual_seed(1)
    x = scene(20, 20) + 0.1 * torch.randn(3, 20, 20, generator=g)

    def value(c, strength=0.15):
        down, along = F.pad(c[:, 1:] - c[:, :-1], (0, 0, 0, 1)), F.pad(c[..., 1:] - c[..., :-1], (0, 1))
        return float(0.5 * (c - x).square().sum() + strength * (down**2 + along**2).sum(0).sqrt().sum())

    best = x.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([best], lr=0.01)
    for _ in range(600):
        optimiser.zero_grad()
        down, along = F.pad(best[:, 1:] - best[:, :-1], (0, 0, 0, 1)), F.pad(best[..., 1:] - best[..., :-1], (0, 1))
        loss = 0.5 * (best - x).square().sum() + 0.15 * ((down**2 + along**2).sum(0) + 1e-8).sqrt().sum()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        assert value(cartoon(x, 0.15)) < value(best) + 0.1 * (value(x) - value(best))


def test_an_outline_may_run_otherwise_and_a_thing_may_not_be_missing():
    painted = scene(128, 128)
    moved = torch.roll(painted, 2, 2)
    assert float(beyond_outlines(painted, moved)[:, 50:78, 40:90].max()) < 0.1, "the same colours, two cells beside"
    gone = beyond_outlines(painted, scene(128, 128, red=False))
    for rows in (slice(44, 60), slice(68, 84)):  # at the horizon between them another colour is nearby, too
        assert float(gone[:, rows, 44:84].min()) > 0.99, "a colour that is not there"
    assert torch.equal(gone, beyond_outlines(scene(128, 128, red=False), painted)), "whichever of the two lacks it"
    for size in ((300, 420), (16, 16), (33, 65)):
        share = beyond_outlines(scene(*size), scene(*size, red=False))
        assert share.shape == (1, *size) and float(share.min()) >= 0.0 and float(share.max()) <= 1.0


@pytest.mark.parametrize("sigma", [0.16, 0.03])
def test_a_thing_that_no_reference_has_is_put_where_it_was_painted(sigma):
    """Its border within two pixels, no haze around it; where all is explained nothing changes."""
    x = scene(128, 128) + sigma * torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(0))
    out = with_palette(x, scene(128, 128, red=False), sigma, 0.02, flat=True)
    off = (out - scene(128, 128)).abs().amax(0)
    box = torch.zeros(128, 128, dtype=torch.bool)
    box[42:85, 42:85] = True
    near = F.max_pool2d(box[None].float(), 9, 1, 4)[0] - (-F.max_pool2d(-box[None].float(), 9, 1, 4))[0] > 0
    assert float(off[box & ~near].median()) < 0.1, "red"
    assert float(off[~box & ~near].median()) < 0.03 and float(off[~box & ~near].mean()) < 0.05, "no haze"


def test_around_is_where_the_change_is_and_near_it():
    size = torch.zeros(1, 40, 50)
    size[0, 20, 10], size[0, 20, 40] = 0.5**2, 0.02**2
    share = around(size, torch.tensor(0.1), 3)
    assert share.shape == size.shape and 0.0 <= float(share.min()) and float(share.max()) <= 1.0
    assert float(share[0, 20, 10]) > 0.99 and 0.4 < float(share[0, 20, 13]) < 0.7
    assert not share[0, :, 17:30].any() and not share[0, :14].any(), "nothing from 2 reach on"
    assert 0 < float(share[0, 20, 40]) < 0.002, "a small change is next to none"
    half = around(torch.full((1, 9, 9), 0.1**2), torch.tensor(0.1), 1)
    assert torch.allclose(half, torch.full_like(half, 0.5)), "at the level one half, at the edges too"


@pytest.mark.parametrize("sigma", [0.16, 0.03])
def test_where_another_thing_was_expected_its_texture_goes_too(sigma):
    """The references have a rough rock where the sky was painted, and a rough meadow where a meadow was."""
    painted = scene(128, 128, red=False)
    rough = 0.08 * torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(4))
    expected = painted + rough
    expected[:, 20:50, 40:90] += torch.tensor([0.1, -0.2, -0.5]).reshape(3, 1, 1)
    x = painted + sigma * torch.randn(painted.shape, generator=torch.Generator().manual_seed(0))
    left = with_palette(x, expected, sigma, 0.02, flat=True) - painted
    assert float(left[:, 26:44, 48:82].std((1, 2)).mean()) < 0.35 * float(rough.std()), "splinters of the rock"
    assert float(left[:, 80:].std()) > 0.75 * float(rough.std()), "the texture of the meadow"


def test_no_haze_around_a_thing_and_light_and_shade_elsewhere():
    """Patches beside a red box are a little red; far away they are a little darker, as a meadow is."""
    painted, expected = scene(256, 256), scene(256, 256, red=False)
    expected[0, 130:170, 50:85] += 0.02
    expected[:, 220:] -= 0.01
    x = painted + 0.16 * torch.randn(painted.shape, generator=torch.Generator().manual_seed(0))
    off = with_palette(x, expected, 0.16, 0.02, flat=True) - painted
    assert float(off[0, 136:164, 56:78].mean()) < 0.013, "haze; where it is taken for shade 0.018 stays"
    assert float(off[:, 230:, 20:230].mean()) < -0.008, "shade, of 0.01"


def test_a_house_stays_a_house():
    """Contrast of a red house on a meadow, which the lake's references do not have, after an edit of the whole."""
    guide = example_guide("lake", width=96, height=96)
    guide[..., 54:78, 54:78] = RED
    model = load_score_model("landscape-lake")
    made = sdedit(model, guide, t0=0.25, steps=8, seed=0).samples
    inside, around = made[..., 57:75, 57:75], made[..., 54:78, 30:48]
    assert (inside.mean((0, 2, 3)) - RED.flatten()).abs().max() < 0.12
    assert float((inside.mean((0, 2, 3)) - around.mean((0, 2, 3))).square().mean().sqrt()) > 0.25
    edge = made[0, 0, 57:75, 50:59].mean(0)  # across its left border
    assert float(edge[-2:].mean() - edge[:2].mean()) > 0.15, "from meadow to wall in nine pixels; a haze has 0.02"


def test_a_large_noise_leaves_no_specks():
    """A picture that is explained, under the noise of t0 0.45 and above: next to nothing of the noise gets through."""
    clean = scene(128, 128)
    for sigma in (0.5, 1.0, 3.0):
        x = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
        off = with_palette(x, clean, sigma, 0.02, flat=True) - clean
        assert float(off.abs().max()) < 0.05 and float(off.square().mean().sqrt()) < 0.01, sigma


@pytest.mark.parametrize("size", [256, 390])
@pytest.mark.parametrize("sigma", [0.01, 0.16, 0.5])
def test_the_number_of_threads_changes_no_bit(size, sigma):
    generator, before, found = torch.Generator().manual_seed(0), torch.get_num_threads(), []
    x, mean = (torch.rand(3, size, size, generator=generator) for _ in range(2))
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(with_palette(x, mean, sigma, 0.02, flat=True))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)
