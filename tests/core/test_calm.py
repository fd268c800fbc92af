"""Areas of one colour, and calm ones among them as the references have them."""

from __future__ import annotations

import pytest
import torch

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import RECOMMENDED_T0, example_guide
from sdedit_core.priors.areas import Areas
from sdedit_core.priors.calm import MOST, with_calm
from sdedit_core.priors.palette import Cartoons

TOP, LOW, RED, WHITE = (
    torch.tensor(colour).reshape(3, 1, 1)
    for colour in ((0.35, 0.6, 0.87), (0.43, 0.65, 0.89), (0.8, 0.1, 0.1), (0.95, 0.95, 0.95))
)
SIDE = 128


def bands(*, red: bool = False) -> torch.Tensor:
    """A sky of two bands, and a red thing in it."""
    picture = TOP.repeat(1, SIDE, SIDE)
    picture[:, SIDE // 2 :] = LOW
    if red:
        picture[:, 50:70, 50:70] = RED
    return picture


def gradient() -> torch.Tensor:
    """The same sky as the references have it: from one colour to the other."""
    down = (torch.linspace(0, 1, SIDE)[None, :, None] * 1.4 - 0.2).clamp(0, 1)
    return (TOP + (LOW - TOP) * down).expand(3, SIDE, SIDE).clone()


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def calm(guide, explain, sigma=0.05, seed=0, drawn=None):
    """The result where P' is the guide itself and P what ``explain`` says of it."""
    x = guide + sigma * noise(3, *guide.shape[1:], seed=seed)
    seen = Cartoons.of(x, explain(x), sigma)
    return with_calm(x, guide, seen, Areas(seen.painted), explain, sigma=sigma, share=0.95, drawn=drawn)


def step(picture):
    """Of the border between the bands, in RGB."""
    part = picture[:, :, 100:]
    return float((part[:, 65] - part[:, 62]).abs().mean())


@pytest.mark.parametrize("sigma", [0.02, 0.05, MOST])
def test_a_sky_in_bands_becomes_the_sky_of_the_references(sigma):
    guide = bands()
    out = calm(guide, lambda x: gradient(), sigma)
    assert step(out) < 0.4 * step(guide)
    assert (out - guide).mean((1, 2)).abs().max() < 0.005, "the painter's colours on the mean"


def test_a_thing_in_it_stays_and_the_references_are_not_shown_it():
    shown = []

    def explain(x):
        shown.append(x)
        return gradient()

    guide = bands(red=True)
    out = calm(guide, explain)
    assert (out - guide)[:, 52:68, 52:68].abs().max() < 0.02
    hole = shown[-1][:, 54:66, 54:66].mean((1, 2), keepdim=True)
    assert (hole - TOP).abs().max() < 0.06, "filled with what is around it"
    assert step(out) < 0.4 * step(guide)


def test_what_the_references_lack_is_left_alone():
    guide = bands()
    elsewhere = gradient()
    elsewhere[:, 80:, :60] = WHITE  # a cloud that nobody painted
    out = calm(guide, lambda x: elsewhere)
    assert (out - guide)[:, 84:, 4:56].abs().max() < 0.02
    rocks = gradient() + 0.1 * noise(3, SIDE, SIDE, seed=3)
    assert (calm(guide, lambda x: rocks) - guide).abs().mean() < 0.01, "nor are areas with texture taken over"


@pytest.mark.parametrize("sigma", [0.02, 0.05])
def test_what_is_too_faint_for_a_cartoon_stays_where_a_network_sees_it(sigma):
    """A white roof on snow, in a sky of bands."""
    guide, roof = bands(), (slice(None), slice(90, 106), slice(40, 76))
    guide[roof] += 0.035
    contrast = []
    for drawn in (None, bands(), guide):
        out = calm(guide, lambda x: gradient(), sigma, drawn=drawn)
        contrast.append(float((out - gradient())[roof].mean()) / 0.035)
        assert step(out) < 0.4 * step(guide), "the bands are no roof"
    assert contrast[0] == contrast[1] < 0.6 and contrast[2] > 0.85


def test_a_row_of_peaks_that_a_network_does_not_see_is_no_sky():
    """Where a network sees a plain sky, peaks of the references are left out; without it they are taken over."""
    peaks = gradient()
    for left in range(4, SIDE - 8, 16):
        peaks[:, 58:68, left : left + 4] += 0.12
    without, with_it = (calm(bands(), lambda x: peaks, drawn=drawn) for drawn in (None, bands()))
    place, beside = ((slice(None), slice(59, 67), columns) for columns in (slice(36, 40), slice(42, 50)))
    taken, left_out = (float(out[place].mean() - out[beside].mean()) for out in (without, with_it))
    assert taken > 0.02 and abs(left_out) < 0.3 * taken
    far = (slice(None), slice(0, 40))
    assert (with_it - without)[far].abs().max() < 0.01, "above it, the sky is that of the references"


def test_where_snow_meets_the_sky_fainter_wisps_are_left_out():
    """As strong as what is taken over of the texture farther up."""
    snow = TOP.repeat(1, SIDE, SIDE)
    snow[:, 64:] = WHITE
    taken = {}
    for top in (14, 54):
        wisps = snow.clone()
        for left in range(4, SIDE - 8, 12):
            wisps[:, top : top + 8, left : left + 4] += 0.03
        out = calm(snow, lambda x, wisps=wisps: wisps, drawn=snow)
        rows = slice(top + 1, top + 7)
        taken[top] = float((out - snow)[:, rows, 40:44].mean() - (out - snow)[:, rows, 46:50].mean())
    assert taken[14] > 0.01 and taken[54] < 0.4 * taken[14]


def test_a_change_of_colour_of_a_whole_sky_is_kept():
    shift = torch.tensor([0.02, -0.02, -0.02]).reshape(3, 1, 1)
    out = calm(bands() + shift, lambda x: gradient())
    assert ((out - gradient()).mean((1, 2)) - shift.flatten()).abs().max() < 0.008


def test_sizes_and_means_of_areas():
    picture = bands(red=True)
    areas = Areas(picture)
    size, close = areas.size()[0], areas.close()[0]
    assert size.shape == (SIDE, SIDE) and close.shape == (SIDE, SIDE)
    assert size[55:65, 55:65].max() < 0.03 < 0.15 < size[20, 20]
    assert close[20, 20] > 0.8 and 0.1 < close[60, 60] < 0.5
    border = Areas(torch.cat([TOP.expand(3, 64, SIDE), RED.expand(3, 64, SIDE)], 1)).close()[0]
    assert 0.5 < border[62, 20] < 0.7 and border[20, 20] > 0.95  # a mean with the two rows of cells above it
    part = torch.zeros(1, SIDE, SIDE)
    part[:, 50:70, 50:70] = 1.0
    mean = areas.mean(part)[0]
    assert mean[60, 60] > 0.7 and mean[20, 20] < 0.02


def test_what_differs_from_its_area_beside_it_is_a_thing_and_not_a_band():
    areas = Areas(TOP.expand(3, SIDE, SIDE))  # all one area
    part = torch.zeros(1, SIDE, SIDE)
    part[:, 20:36] = 1.0
    part[:, 80:96, 40:76] = 1.0
    apart = areas.beside(part)[0]
    assert apart[20:36].abs().max() < 0.01 and apart[110:, :].abs().max() < 0.01
    assert 0.4 < apart[86:90, 50:66].min() and apart[86:90, 50:66].max() < 0.8
    assert apart[86:90, 100:].max() < 0, "less than the mean that the thing is in"


@pytest.mark.parametrize("shape", [(63, 4000), (3000, 40), (16, 16), (63, 63), (256, 256)])
def test_the_weights_of_a_long_strip_are_no_more_than_those_of_a_square(shape):
    areas = Areas(TOP.expand(3, *shape))
    assert areas._weight.numel() <= 2200**2
    assert areas.size().shape == (1, *shape) and bool(areas.size().isfinite().all())


@pytest.mark.parametrize("shape", [(16, 16), (16, 200), (70, 33), (256, 128), (40, 900)])
def test_any_size_and_any_number_of_threads(shape):
    guide = 0.2 + 0.5 * torch.rand(3, 1, 1, generator=torch.Generator().manual_seed(1)).expand(3, *shape).clone()
    guide[:, : shape[0] // 3] += 0.1
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(calm(guide, lambda x: 0.9 * guide + 0.05))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found) and found[0].shape == guide.shape and bool(found[0].isfinite().all())


def made(mood, guide, seed):
    return sdedit(load_score_model(f"landscape-{mood}"), guide, t0=RECOMMENDED_T0[mood], steps=12, seed=seed).samples[0]


def across(picture, here, there):
    (top, bottom, left, right), (top2, bottom2, left2, right2) = here, there
    difference = picture[:, top:bottom, left:right].mean((1, 2)) - picture[:, top2:bottom2, left2:right2].mean((1, 2))
    return float(difference.abs().mean())


@pytest.mark.parametrize("seed", [1, 2])
def test_built_in_models_draw_one_sky_where_two_bands_were_painted(seed):
    guide = TOP.repeat(1, 1, SIDE, SIDE)
    guide[:, :, 36:] = torch.tensor([0.58, 0.74, 0.9]).reshape(3, 1, 1)
    guide[:, :, 72:] = torch.tensor([0.33, 0.47, 0.22]).reshape(3, 1, 1)
    border = (40, 44, 0, SIDE), (28, 32, 0, SIDE)
    assert across(made("alpine", guide, seed), *border) < 0.5 * across(guide[0], *border)


@pytest.mark.parametrize("seed", [1, 2])
def test_built_in_models_keep_a_pale_cloud(seed):
    guide = example_guide("autumn", width=SIDE, height=SIDE)
    cloud = (11, 20, 55, 85), (11, 20, 100, 125)
    assert across(made("autumn", guide, seed), *cloud) > 0.6 * across(guide[0], *cloud)
