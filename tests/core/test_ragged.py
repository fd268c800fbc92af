"""Strokes get outlines from the texture around: bushes, glints, islands and clouds; houses, ponds and hills do not."""

import pytest
import torch

from sdedit_core import load_score_model, sdedit
from sdedit_core.priors.clouds import clouds_of
from sdedit_core.priors.melted import with_sky
from sdedit_core.priors.palette import Cartoons
from sdedit_core.priors.ragged import MOST, ragged
from sdedit_core.priors.scene import Scene
from sdedit_core.priors.sky import sky_of
from sdedit_core.priors.strokes import strokes_of

SIDE = 128
SKY, GRASS, WATER = (0.45, 0.66, 0.92), (0.35, 0.50, 0.25), (0.30, 0.40, 0.55)
BUSH, GLINT, WALL = (0.16, 0.26, 0.14), (0.80, 0.78, 0.55), (0.45, 0.28, 0.20)


def colour(rgb):
    return torch.tensor(rgb).view(3, 1, 1)


def field(ground, horizon=50):
    out = colour(SKY).repeat(1, SIDE, SIDE)
    out[:, horizon:] = colour(ground)
    return out


def with_box(picture, rgb, top, bottom, left, right):
    out = picture.clone()
    out[:, top:bottom, left:right] = colour(rgb)
    return out


def texture(rows=False, seed=0):
    noise = torch.randn(1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    size = (1, 9) if rows else (5, 5)
    return 0.05 * torch.nn.functional.avg_pool2d(noise, size, 1, (size[0] // 2, size[1] // 2))


def found(picture):
    return [part.cells[0] > 0 for part in strokes_of(picture, sky_of(picture))]


@pytest.mark.parametrize(("rgb", "kind"), [(BUSH, 0), ((0.6, 0.7, 0.4), 1)])
@pytest.mark.parametrize("width", [30, SIDE])
def test_a_stroke_is_long_thin_and_has_one_ground(rgb, kind, width):
    picture = with_box(field(GRASS), rgb, 80, 87, 0, width)
    parts = found(picture)
    assert bool(parts[kind][80:87, :width].all()) and int(parts[kind].sum()) == 7 * width
    assert not bool(parts[1 - kind].any())


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (with_box(field(GRASS), BUSH, 80, 87, 20, 34), "short: a stone"),
        (with_box(field(GRASS), BUSH, 70, 100, 20, 60), "thick: a wood"),
        (with_box(field(GRASS), (0.5, 0.6, 0.7), 80, 92, 20, 60), "light and thick: a pond"),
        (with_box(with_box(field(GRASS), WALL, 80, 100, 40, 70), BUSH, 72, 80, 36, 74), "a roof, a wall below it"),
        (with_box(field(GRASS), BUSH, 46, 54, 20, 60), "sky above: a hill"),
        (with_box(field(GRASS), BUSH, 120, 128, 0, 128), "no ground below"),
        (with_box(field(GRASS), (0.34, 0.49, 0.24), 80, 87, 20, 60), "hardly any contrast"),
    ],
)
def test_what_is_no_stroke(picture, why):
    assert not any(bool(part.any()) for part in found(picture)), why


def drawn(picture, grain, lacks=0.3, *, bars=None, dull=None):
    """What changes, and where texture goes, where the references have another colour everywhere by ``lacks``."""
    sky, foreign = sky_of(picture), torch.tensor(float(lacks > 0))
    bars = torch.zeros_like(sky) if bars is None else bars
    scene = Scene(
        cell=1,
        pooled=1,
        painted=picture,
        lacking=torch.full_like(picture, lacks),
        sky=sky,
        clouds=clouds_of(picture, sky),
        bars=bars,
        path=bars,
        foreign=foreign,
        dull=torch.full_like(sky, float(lacks > 0) if dull is None else dull),
    )
    return ragged(picture, grain, scene, sigma=0.03)


def change_of(picture, grain, lacks=0.3, **options):
    return drawn(picture, grain, lacks, **options)[0]


@pytest.mark.parametrize(("ground", "rgb"), [(GRASS, BUSH), (WATER, GLINT)])
def test_the_outline_follows_the_texture_and_the_rest_stays(ground, rgb):
    picture = with_box(field(ground), rgb, 80, 87, 30, 90)
    out = picture + change_of(picture, texture(rows=rgb is GLINT))
    stroke = (out - colour(ground)).abs().mean(0) > 0.5 * (colour(rgb) - colour(ground)).abs().mean()
    stroke[:60] = False  # the sky
    before = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    before[80:87, 30:90] = True
    assert 0.05 < float((stroke ^ before).sum()) / float(before.sum()) < 0.8, "another outline"
    assert 0.6 < float(stroke.sum()) / float(before.sum()) < 1.4, "of about the same size"
    assert float((out - picture)[:, 95:].abs().max()) < 1e-3 and float((out - picture)[:, :70].abs().max()) < 1e-3
    other = picture + change_of(picture, texture(rows=rgb is GLINT, seed=1))
    assert float((other - out).abs().max()) > 0.1, "by the texture there is"


def test_a_bush_stands_on_the_ground_and_has_light_from_above():
    picture = with_box(field(GRASS), BUSH, 76, 88, 10, 118)
    out = picture + change_of(picture, texture())
    moved = (out - picture).abs().mean(0)[:, 14:114]
    assert float(moved[72:80].mean()) > 1.5 * float(moved[84:92].mean())
    assert float(out[:, 79, 14:114].mean()) > float(out[:, 84, 14:114].mean())


def test_a_glint_goes_along_the_rows():
    picture = with_box(field(WATER), GLINT, 82, 88, 40, 90)
    out = (picture + change_of(picture, texture(rows=True))).mean(0)[76:94, 44:86]
    across, along = out.diff(dim=0).abs().mean(), out.diff(dim=1).abs().mean()
    assert float(across) > 3 * float(along)


def test_a_cloud_ends_in_wisps():
    picture = with_box(field(GRASS, 90), (0.95, 0.95, 0.97), 30, 42, 20, 100)
    change = change_of(picture, texture(rows=True))
    assert float(change[:, 26:46].abs().max()) > 0.1
    assert float(change[:, 60:].abs().max()) < 1e-3, "in the sky alone"


def test_without_strokes_nothing_changes_and_any_size_will_do():
    for size in ((16, 16), (17, 40), (200, 64)):
        picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(2))
        for part, channels in zip(drawn(picture, torch.zeros(1, *size)), (3, 1), strict=True):
            assert part.shape == (channels, *size) and bool(torch.isfinite(part).all())
    plain = field(GRASS)
    assert float(change_of(plain, texture()).abs().max()) == 0


def test_in_larger_noise_strokes_keep_their_outline():
    picture = with_box(field(GRASS), BUSH, 80, 87, 30, 90)
    mean = picture + texture()
    moved = {}
    for sigma in (0.5 * MOST, 1.5 * MOST):
        seen = Cartoons.of(picture, field(GRASS), sigma)
        out = with_sky(mean, mean, seen, Scene.of(seen, picture, sigma), sigma)
        moved[sigma > MOST] = float((out - mean)[:, 76:92].abs().max())
    assert moved[False] > 0.05 and moved[True] < 1e-6


def test_the_water_between_two_glints_is_no_stroke():
    picture = with_box(with_box(field(WATER), GLINT, 78, 83, 40, 90), GLINT, 92, 97, 40, 90)
    dark, light = found(picture)
    assert not bool(dark.any()) and bool(light[78:83, 40:90].all()) and bool(light[92:97, 40:90].all())


def test_a_thing_in_front_of_a_stroke_stays():
    """A tree before a hedge and before a path."""
    for rgb in (BUSH, (0.76, 0.70, 0.55)):
        picture = with_box(field(GRASS), rgb, 80, 87, 0, SIDE)
        tree = with_box(picture, (0.75, 0.35, 0.12), 56, 96, 60, 76)
        change = change_of(tree, texture())
        assert float(change[:, 58:94, 60:76].abs().max()) < 0.05
        assert float(change[:, 74:92, :50].abs().max()) > 0.05


def test_from_side_to_side_it_is_a_river_and_keeps_its_line():
    left = {}
    for name, width in (("glint", (30, 90)), ("river", (0, SIDE))):
        picture = with_box(field(WATER), GLINT, 80, 86, *width)
        out = picture + change_of(picture, texture(rows=True))
        middle = out[:, 82:84, 40:80]
        left[name] = float((middle - colour(WATER)).mean((0, 1)).min() / (colour(GLINT) - colour(WATER)).mean())
    assert left["river"] > 0.6 > left["glint"]


def test_what_is_left_of_the_old_outline_goes_and_waves_stay():
    picture, waves = with_box(field(WATER), GLINT, 80, 86, 40, 90), texture(rows=True)
    ring = torch.zeros(1, SIDE, SIDE)
    ring[:, 79, 40:90], ring[:, 86, 40:90] = 0.5, 0.5
    _, gone = drawn(picture, waves + ring)
    assert float(gone[0, 79, 45:85].mean()) > 0.9 and float(gone[0, 86, 45:85].mean()) > 0.9
    assert float(gone[0, 92:].mean()) < 0.05


def contrast_left(thickness, contrast, seed=0):
    picture = with_box(field(GRASS, 100), tuple(c + contrast for c in SKY), 40, 40 + thickness, 20, 100)
    out = picture + change_of(picture, texture(rows=True, seed=seed))
    return float((out - colour(SKY))[:, 36 : 44 + thickness, 25:95].sum()) / (3 * 70 * thickness * contrast)


@pytest.mark.parametrize("thickness", [3, 6, 12])
def test_a_thin_cloud_does_not_fade(thickness):
    left = sum(contrast_left(thickness, 0.3, seed) for seed in range(4)) / 4
    assert left > 0.75


def test_a_faint_cloud_keeps_its_outline():
    def moved(contrast):
        picture = with_box(field(GRASS, 100), tuple(c + contrast for c in SKY), 40, 50, 20, 100)
        one, other = (change_of(picture, texture(rows=True, seed=seed)) for seed in (0, 1))
        return float((one - other)[:, 36:54].abs().mean()) / contrast

    assert moved(0.04) < 0.75 * moved(0.3), "a is 0.4 of what it is; m is between 0 and 1"


@pytest.mark.parametrize(("ground", "rgb"), [(GRASS, BUSH), (WATER, GLINT)])
def test_a_stroke_that_the_references_have_is_drawn_by_their_patches(ground, rgb):
    picture = with_box(field(ground), rgb, 80, 87, 30, 90)
    moved = [float(change_of(picture, texture(rows=True), lacks).abs().max()) for lacks in (0.0, 0.02, 0.3)]
    assert moved[0] < 1e-6 and moved[1] < 0.1 * moved[2] and moved[2] > 0.1, "a little is light and shade"


def test_a_cloud_in_a_sky_that_the_references_have_is_drawn_by_their_patches():
    picture = with_box(field(GRASS, 90), (0.95, 0.95, 0.97), 30, 42, 20, 100)
    known, lacking = (float(change_of(picture, texture(rows=True), lacks).abs().max()) for lacks in (0.0, 0.3))
    assert known < 1e-6 and lacking > 0.1


def test_bars_of_a_path_of_light_are_glints_where_the_references_have_no_such_light():
    """Shorter than a stroke."""
    picture, bars = field(WATER), torch.zeros(1, SIDE, SIDE)
    for top in range(60, 110, 8):
        picture, bars[:, top : top + 3, 56:68] = with_box(picture, GLINT, top, top + 3, 56, 68), 1.0
    assert not any(bool(part.any()) for part in found(picture))
    moved = {lacks: change_of(picture, texture(rows=True), lacks, bars=bars) for lacks in (0.0, 0.3)}
    assert float(moved[0.0].abs().max()) < 1e-6 and float(moved[0.3][:, 56:115, 50:74].abs().max()) > 0.1
    assert float(moved[0.3][:, 56:115, :40].abs().max()) < 1e-3
    glitter = change_of(picture, texture(rows=True), bars=bars, dull=0.0)
    assert float(glitter.abs().max()) < 1e-6, "bars or glitter, that is no light that they lack"


def test_a_thin_cloud_is_not_torn():
    """Where the texture says so, a thick one has holes; a thin one would be gone there."""
    picture = with_box(field(GRASS, 100), tuple(c + 0.3 for c in SKY), 40, 44, 20, 100)
    left = [picture + change_of(picture, texture(rows=True, seed=seed)) for seed in range(4)]
    middle = torch.stack([(out - colour(SKY))[:, 42, 28:92].mean(0) / 0.3 for out in left])
    assert float(middle.min()) > 0.15 and float(middle.mean()) > 0.82, "0 and 0.75 where it is torn as a thick one"


def test_thin_clouds_of_a_dusk_do_not_fade_from_step_to_step():
    """Streaks of 3 % of the side, in the colour of the horizon."""
    side, guide = 192, torch.empty(1, 3, 192, 192)
    dusk = (
        (1.0, (0.22, 0.23, 0.25)),
        (0.52, (0.92, 0.63, 0.55)),
        (0.42, (0.75, 0.51, 0.63)),
        (0.3, (0.47, 0.41, 0.65)),
        (0.15, (0.27, 0.31, 0.59)),
    )
    for end, rgb in dusk:
        guide[:, :, : int(end * side)] = colour(rgb)
    streaks = ((slice(19, 26), slice(10, 86), (0.88, 0.59, 0.59)), (slice(36, 42), slice(96, 182), (0.90, 0.61, 0.57)))
    for rows, columns, rgb in streaks:
        guide[:, :, rows, columns] = colour(rgb)

    def contrast(picture, rows, columns):
        size, inner = rows.stop - rows.start, slice(columns.start + 5, columns.stop - 5)
        beside = (slice(rows.start - 3 - size, rows.start - 3), slice(rows.stop + 3, rows.stop + 3 + size))
        return picture[0, :, rows, inner].mean() - torch.stack([picture[0, :, r, inner].mean() for r in beside]).mean()

    made = sdedit(load_score_model("landscape"), guide, t0=0.27, steps=12, seed=1).samples
    for rows, columns, _ in streaks:
        left = float(contrast(made, rows, columns) / contrast(guide, rows, columns))
        assert left > 0.4, "0.6 when this was written, and 0.07 when every step blurred them"


def test_a_cloud_in_a_sky_of_another_colour_keeps_its_own_in_the_middle():
    """What is nearer to the colour of a cloud counts more for its colour; else its soft borders would, step by step."""
    side, guide = 192, torch.empty(1, 3, 192, 192)
    for end, rgb in ((1.0, (0.23, 0.18, 0.40)), (0.66, (0.98, 0.65, 0.41)), (0.5, (0.49, 0.42, 0.76))):
        guide[:, :, : int(end * side)] = colour(rgb)
    guide[:, :, 50:62, 100:182] = colour((1.0, 0.70, 0.84))

    def contrast(picture):
        green = picture[0, 1, :, 115:167]
        return green[54:58].mean() - 0.5 * (green[32:44].mean() + green[68:80].mean())

    made = sdedit(load_score_model("landscape"), guide, t0=0.27, steps=12, seed=1).samples
    assert float(contrast(made) / contrast(guide)) > 0.48
