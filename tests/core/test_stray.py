"""Texture that strays, guides like photos, and outlines of what the references lack."""

from __future__ import annotations

import pytest
import torch

from sdedit_core.priors.palette import share_of_areas, with_palette
from sdedit_core.priors.stray import without_stray

SKY, ROCK, RED = (
    torch.tensor(colour).reshape(3, 1, 1) for colour in ((0.4, 0.6, 0.9), (0.45, 0.4, 0.4), (0.8, 0.1, 0.1))
)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sky_over_rock(side=128):
    picture = SKY.repeat(1, side, side)
    picture[:, side // 2 :] = ROCK
    return picture


def test_a_splinter_in_the_sky_goes_and_the_rock_stays_rough():
    colours = sky_over_rock()
    texture = 0.006 * noise(3, 128, 128)
    texture[:, 64:] *= 15
    texture[:, 20:36, 60:66] += 0.15
    out = without_stray(texture, colours, torch.ones(1, 128, 128), torch.zeros(1, 128, 128))
    assert float(out[:, 20:36, 60:66].abs().mean()) < 0.25 * 0.15, "the splinter"
    assert float(out[:, 72:].std()) > 0.9 * float(texture[:, 72:].std()), "the rock"
    assert float(out[:, 40:60, :40].std()) > 0.9 * float(texture[:, 40:60, :40].std()), "the calm sky"
    assert bool((out.abs() <= texture.abs()).all()), "never more than there was"
    calm = without_stray(texture, colours, torch.zeros(1, 128, 128), torch.ones(1, 128, 128))
    assert float(calm[:, 20:36, 60:66].abs().mean()) < 0.4 * 0.15, "far from a change it goes when it is much stronger"
    assert float(calm[:, 72:].std()) > 0.98 * float(texture[:, 72:].std())
    half = without_stray(texture, colours, torch.full((1, 128, 128), 0.5), torch.zeros(1, 128, 128))
    assert torch.allclose(half, (out + texture) / 2, atol=1e-6), "by its share"


@pytest.mark.parametrize(("usual", "plain"), [(0.006, True), (0.05, False)])
def test_a_fleck_goes_from_a_plain_sky_and_glitter_stays(usual, plain):
    """Both have seven times the energy of what is around them."""
    texture = usual * noise(3, 128, 128)
    texture[:, 44:50, 44:50] = 7**0.5 * usual
    out = without_stray(texture, SKY.repeat(1, 128, 128), torch.zeros(1, 128, 128), torch.ones(1, 128, 128))
    share = float(out[:, 45:49, 45:49].mean()) / (7**0.5 * usual)
    assert share < 0.9 if plain else share > 0.98
    assert float(out[:, 80:].std()) > 0.98 * float(texture[:, 80:].std())


@pytest.mark.parametrize("size", [(16, 16), (33, 70), (300, 210)])
def test_stray_texture_at_any_size_and_nowhere(size):
    texture, colours = 0.1 * noise(3, *size), torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    nowhere, everywhere = torch.zeros(1, *size), torch.ones(1, *size)
    assert without_stray(texture, colours, nowhere, nowhere) is texture
    out = without_stray(texture, colours, everywhere, everywhere)
    assert out.shape == texture.shape and bool(torch.isfinite(out).all())


def test_near_what_the_references_lack_an_outline_is_the_painters():
    """The references have the rock four pixels higher, and no red tower before it."""
    painted, expected, sigma = sky_over_rock(256), torch.roll(sky_over_rock(256), -4, 1), 0.03
    expected[:, -4:] = ROCK
    painted[:, 90:170, 110:140] = RED
    x = painted + sigma * noise(*painted.shape)
    off = (with_palette(x, expected, sigma, 0.02, flat=True) - painted).abs().mean(0)
    border = slice(124, 128)
    assert float(off[border, :60].mean()) > 0.12, "far from it the references' outline"
    beside = torch.cat([off[border, 102:108], off[border, 142:148]], 1)
    assert float(beside.mean()) < 0.4 * float(off[border, :60].mean()), "near it the painter's"


def test_photos_agree_within_their_texture():
    """The same change of 0.05 counts on a calm wall and does not in leaves, a large one counts in both."""
    painted = torch.full((3, 128, 128), 0.5)
    rough = 0.15 * noise(3, 128, 128)
    rough[:, :, :64] *= 0.02
    expected, sigma = painted + rough, 0.05
    expected[:, 30:90] += torch.tensor([0.08, 0.05, 0.02]).reshape(3, 1, 1)
    x = painted + rough + sigma * noise(3, 128, 128, seed=1)
    kept = {flat: with_palette(x, expected, sigma, 0.03, flat=flat) - painted - rough for flat in (True, False)}
    calm, leaves = (slice(40, 80), slice(10, 50)), (slice(40, 80), slice(80, 118))
    for flat in (True, False):
        assert float(kept[flat][(0, *calm)].mean()) < 0.03, "on the wall"
    assert float(kept[False][(0, *leaves)].mean()) > 0.06, "in leaves it is the references' to say"
    expected[1, 30:90] -= 0.5
    again = with_palette(x, expected, sigma, 0.03, flat=False) - painted - rough
    assert float(again[(1, *leaves)].mean()) > -0.15, "a large change of colour is the painter's"
    texture = with_palette(x, expected, sigma, 0.03, flat=False)[(slice(None), *leaves)]
    assert float(texture.std((1, 2)).mean()) > 0.12, "and no texture is taken away"


def test_areas_keep_their_colour_where_they_are_large_against_the_noise():
    shares = [share_of_areas(256, sigma, 0.02) for sigma in (0.01, 0.17, 0.5, 3.0)]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.99 and shares[-1] < 0.01
    assert share_of_areas(64, 0.17, 0.02) < share_of_areas(128, 0.17, 0.02) < share_of_areas(256, 0.17, 0.02)
