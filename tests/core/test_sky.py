"""Bands of a painted sky melt into each other; sun, hills, snow and sand stay as they are."""

import pytest
import torch

from sdedit_core.priors.clouds import clouds_of
from sdedit_core.priors.melted import with_sky
from sdedit_core.priors.palette import Cartoons
from sdedit_core.priors.scene import Scene
from sdedit_core.priors.sky import level, sky_of

SIDE = 128
DARK, LIGHT, HILL = (0.16, 0.47, 0.35), (0.36, 0.67, 0.43), (0.10, 0.12, 0.12)


def colour(rgb):
    return torch.tensor(rgb).view(3, 1, 1)


def bands(*stripes):
    """Stripes from the top down, each a colour and the row where it ends."""
    out, begin = torch.zeros(3, SIDE, SIDE), 0
    for rgb, end in stripes:
        out[:, begin:end], begin = colour(rgb), end
    return out


def disc(picture, y, x, radius, rgb):
    at = torch.arange(SIDE)
    inside = (at[:, None] - y) ** 2 + (at[None] - x) ** 2 <= radius**2
    return torch.where(inside, colour(rgb), picture), inside


def evening():
    return disc(bands((DARK, 40), (LIGHT, 80), (HILL, SIDE)), 40, 90, 10, (1.0, 0.98, 0.75))


def under_sky(mean, seen, sigma, drawn=None):
    drawn = mean if drawn is None else drawn
    return with_sky(mean, drawn, seen, Scene.of(seen, drawn, sigma), sigma)


def melted(picture, sigma=0.15, shown=0.0):
    """Where the references have what is painted, or ``shown`` more of every colour."""
    return under_sky(picture, Cartoons.of(picture, picture + shown, sigma), sigma)


def test_the_sky_is_its_bands_without_sun_and_hills():
    picture, sun = evening()
    sky = sky_of(picture)[0]
    assert float(sky[:80][~sun[:80]].min()) > 0.9
    assert float(sky[80:].max()) < 0.01 and float(sky[sun].max()) < 0.01


def test_the_border_of_two_bands_melts_and_nothing_else_changes():
    picture, sun = evening()
    out = melted(picture)
    before, after = (float((p[:, 1:60, 8] - p[:, :59, 8]).abs().amax()) for p in (picture, out))
    assert after < 0.5 * before
    rows = out[:, 30:52, 8].mean(0)
    assert bool((rows[1:] >= rows[:-1] - 1e-4).all()), "from dark to light, step by step"
    assert torch.equal(out[:, 84:], picture[:, 84:]) and float((out - picture)[:, sun].abs().max()) < 0.02


def test_it_ends_with_the_noise():
    picture, _ = evening()
    change = [float((melted(picture, sigma) - picture).abs().max()) for sigma in (0.1, 0.01, 0.001)]
    assert change[0] > 0.05 > change[1] > change[2] and change[2] < 0.01


@pytest.mark.parametrize("ground", [(0.90, 0.75, 0.50), (0.97, 0.97, 1.0)])
def test_sand_and_snow_up_to_the_lower_edge_are_no_sky(ground):
    picture = bands(((0.35, 0.65, 0.90), 70), (ground, SIDE))
    assert float(sky_of(picture).max()) == 0 and torch.equal(melted(picture), picture)


def test_a_field_of_snow_is_too_light_a_step():
    picture = bands(((0.45, 0.65, 0.88), 60), ((0.95, 0.96, 0.99), 110), (HILL, SIDE))
    sky = sky_of(picture)[0]
    assert float(sky[:58].min()) > 0.9 and float(sky[64:].max()) < 0.01


def test_white_mountains_keep_their_ridge():
    picture = bands(((0.60, 0.75, 0.92), 100), (HILL, SIDE))
    ridge = 40 + 24 * (torch.arange(SIDE) % 40 - 20).abs() / 20
    white = (torch.arange(SIDE)[:, None] > ridge) & (torch.arange(SIDE)[:, None] < 100)
    picture = torch.where(white, colour((0.80, 0.84, 0.92)), picture)
    flat = bands(((0.60, 0.75, 0.92), 50), ((0.80, 0.84, 0.92), 100), (HILL, SIDE))
    kept, open_sky = (level(p, sky_of(p))[0, 46:56].mean() for p in (picture, flat))
    assert float(kept) < 0.3 and float(open_sky) > 0.9


def test_below_a_wide_cloud_the_sky_goes_on():
    picture = bands(((0.16, 0.35, 0.66), 90), (HILL, SIDE))
    picture[:, 20:40, 10:110] = colour((0.92, 0.93, 0.96))
    sky = sky_of(picture)[0]
    assert float(sky[24:36, 20:100].max()) < 0.01
    assert float(sky[44:88].min()) > 0.9 and float(sky[:16].min()) > 0.9


def test_a_dark_tower_in_a_dark_sky_is_seen():
    picture = bands(((0.06, 0.10, 0.24), 60), ((0.13, 0.20, 0.42), 90), ((0.04, 0.06, 0.12), SIDE))
    picture[:, 40:90, 90:104] = colour((0.11, 0.14, 0.20))
    sky = sky_of(picture)[0]
    assert float(sky[44:86, 93:101].max()) < 0.2 and float(sky[:56, :80].min()) > 0.9


def with_cloud():
    picture, sun = disc(bands(((0.48, 0.42, 0.75), 90), (HILL, SIDE)), 30, 110, 9, (1.0, 0.93, 0.72))
    picture[:, 50:62, 20:80] = colour((1.0, 0.62, 0.76))
    return picture, sun


def test_a_long_light_thing_with_sky_above_and_below_is_a_cloud():
    picture, sun = with_cloud()
    clouds = clouds_of(picture, sky_of(picture))[0]
    assert float(clouds[51:61, 22:78].min()) == 1 and float(clouds[:46].max()) == 0 and float(clouds[64:].max()) == 0
    assert float(clouds[sun].max()) == 0


@pytest.mark.parametrize("gap", [5, 8])
def test_a_moon_close_to_a_cloud_keeps_its_outline(gap):
    picture, _ = with_cloud()
    picture, moon = disc(picture, 50 - gap - 9, 50, 8, (1.0, 0.95, 0.78))
    assert float((melted(picture) - picture)[:, moon].abs().amax()) < 0.06


def test_the_outline_of_a_cloud_softens_and_its_middle_stays():
    picture, sun = with_cloud()
    out = melted(picture, shown=0.25)
    before, after = (float((p[:, 46:54, 50].diff(dim=1)).abs().amax()) for p in (picture, out))
    assert after < 0.7 * before
    assert float((out - picture)[:, 56, 50].abs().max()) < 0.1
    assert float((out - picture)[:, sun].abs().max()) < 0.02
    known = melted(picture)
    assert float((known - picture)[:, 40:70, :100].abs().max()) < 0.03, "references that have this sky have its clouds"


@pytest.mark.parametrize(
    ("picture", "drawn", "sigma", "kept"),
    [
        (evening()[0] + 0.15, False, 0.01, (0.0, 0.3)),
        (evening()[0] + 0.15, True, 0.01, (0.95, 1.01)),  # the network sees them: a bird
        (evening()[0] + 0.15, False, 0.1, (0.9, 1.01)),  # melting bands are no flecks
        (bands(((0.05, 0.07, 0.14), 90), ((0.01, 0.02, 0.03), SIDE)), False, 0.01, (0.95, 1.01)),  # stars
    ],
)
def test_flecks_that_a_network_does_not_see_go_from_a_day_sky(picture, drawn, sigma, kept):
    flecked = picture.clone()
    flecked[:, 12:15, 20:100:20] += 0.1
    seen = Cartoons.of(picture, picture + 0.01, sigma)
    made = under_sky(flecked, seen, sigma, flecked if drawn else picture) - under_sky(picture, seen, sigma)
    share = float(made[:, 13, 20].mean()) / 0.1
    assert kept[0] <= share <= kept[1], share


def test_wisps_go_from_a_sky_that_the_references_lack():
    picture = evening()[0] + 0.15
    wisps = picture.clone()
    wisps[:, 12:15, 20:100:20] += 0.05
    left = {}
    for shown in (0.01, 0.1):
        seen = Cartoons.of(picture, picture + shown, 0.04)
        left[shown] = float((under_sky(wisps, seen, 0.04) - under_sky(picture, seen, 0.04))[:, 13, 20].mean()) / 0.05
    assert left[0.01] > 0.9 and left[0.1] < 0.6


def test_the_usual_texture_of_a_sky_that_the_references_know_stays():
    picture = evening()[0] + 0.15
    texture = 0.02 * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    for shown, kept in ((0.01, (0.85, 1.01)), (0.1, (0.0, 0.7))):
        seen = Cartoons.of(picture, picture + shown, 0.04)
        out = under_sky(picture + texture, seen, 0.04) - under_sky(picture, seen, 0.04)
        share = float(out[:, :30, :60].std() / texture[:, :30, :60].std())
        assert kept[0] <= share <= kept[1], share


@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_a_cloud_in_a_colour_that_the_sky_has_lower_down_is_a_cloud(sigma):
    """Pink streaks high above a pink horizon."""
    pink = (0.80, 0.50, 0.52)
    painted = bands(((0.30, 0.30, 0.58), 30), ((0.50, 0.42, 0.58), 55), (pink, 80), (HILL, SIDE))
    painted[:, 12:17, 20:80] = colour(pink)
    picture = painted + sigma * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    scene = Scene.of(Cartoons.of(picture, painted, sigma), painted, sigma)
    rows = scene.sky.shape[1]
    cells = slice(round(13 * rows / SIDE), round(16 * rows / SIDE)), slice(rows // 4, rows // 2)
    assert float(scene.sky[0][cells].mean()) < 0.3
    assert float(scene.sky[0, round(58 * rows / SIDE) : round(76 * rows / SIDE)].mean()) > 0.8, "the horizon is sky"
