"""Crop around a mask and paste back: where the window lies, what is pasted, and that nothing else changes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdedit_core.pictures.distance import distance, paste_weight
from sdedit_core.pictures.fit import fit_image, unfit_image
from sdedit_core.pictures.match import from_linear, match_colours, spread_step, to_linear
from sdedit_core.pictures.window import Box, region_of, window_around

AROUND = {"method": "around mask"}


def picture(h, w, batch=1, seed=0):
    return torch.rand(batch, 3, h, w, generator=torch.Generator().manual_seed(seed))


def boxed(h, w, box, batch=1):
    mask = torch.zeros(batch, 1, h, w)
    box.cut(mask).fill_(1.0)
    return mask


@st.composite
def scenes(draw):
    """(height, width, region) of a picture with something to change."""
    h, w = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    top, left = draw(st.integers(0, h - 1)), draw(st.integers(0, w - 1))
    return h, w, Box(top, left, draw(st.integers(1, h - top)), draw(st.integers(1, w - left)))


@st.composite
def wanted(draw):
    multiple = draw(st.sampled_from([1, 2, 8, 16]))
    size = st.integers(1, 6).map(lambda n: n * multiple)
    return {
        "context": draw(st.sampled_from([0.0, 0.25, 0.5, 2.0])),
        "multiple": multiple,
        "size": draw(st.none() | st.tuples(size, size)),
        "enlarge": draw(st.none() | st.integers(1, 96)),
    }


@settings(max_examples=300, deadline=None)
@given(scenes(), wanted())
def test_every_window_holds_the_region_inside_the_picture(scene, options):
    h, w, region = scene
    source, target, (th, tw) = window_around(region, h, w, **options)
    assert source.top >= 0 and source.left >= 0 and min(source.size) >= 1
    assert source.top + source.height <= h and source.left + source.width <= w
    assert source.top <= region.top and source.top + source.height >= region.top + region.height
    assert source.left <= region.left and source.left + source.width >= region.left + region.width
    assert target.top >= 0 and target.left >= 0 and min(target.size) >= 1
    assert target.top + target.height <= th and target.left + target.width <= tw
    assert th % options["multiple"] == tw % options["multiple"] == 0
    if options["size"]:
        assert (th, tw) == options["size"]
    elif options["enlarge"] is None:
        assert source.size == target.size, "no resampling where no size was asked for"
    stretched = (target.height / source.height) / (target.width / source.width)
    slack = 1.0 / min(source.size) + 1.0 / min(target.size)  # boxes on whole pixels
    if min(*source.size, *target.size) >= 4:
        assert abs(stretched - 1.0) <= slack + slack**2
    margin = int(options["context"] * max(region.height, region.width))
    assert source.top <= max(0, region.top - margin) and source.left <= max(0, region.left - margin)


@settings(max_examples=200, deadline=None)
@given(scenes(), wanted(), st.integers(0, 9), st.booleans(), st.integers(1, 2))
def test_what_may_not_change_comes_back_bit_for_bit(scene, options, feather, match, batch):
    h, w, region = scene
    image, mask = picture(h, w, batch), boxed(h, w, region)
    fitted = fit_image(image, mask, **AROUND, **options)
    assert bool((fitted.mask > 0).any())
    result = picture(*fitted.image.shape[-2:], batch, seed=1)
    back = unfit_image(result, fitted.undo, feather=feather, match=match)
    inside = (mask > 0).expand_as(back)
    assert back.shape == image.shape and torch.equal(back[~inside], image[~inside])
    assert torch.equal(unfit_image(fitted.image, fitted.undo, feather=feather), image), "nothing edited, nothing lost"
    if fitted.undo.exact and feather == 0 and not match:
        whole = image.clone()
        fitted.undo.source.cut(whole).copy_(fitted.undo.target.cut(result))
        assert torch.equal(back, torch.where(inside, whole, image))


@settings(max_examples=100, deadline=None)
@given(scenes(), st.integers(0, 12))
def test_the_paste_fades_inside_the_region_only(scene, radius):
    h, w, region = scene
    inside = boxed(h, w, region) > 0
    weight = paste_weight(inside, radius)
    assert bool((weight[~inside] == 0).all()) and bool((weight[inside] > 0).all()) and float(weight.max()) == 1.0
    depth = distance(~inside, 60)[inside] if not bool(inside.all()) else torch.full((int(inside.sum()),), 61.0)
    assert bool((weight[inside][depth > radius] == 1.0).all())
    if not bool(inside.all()):
        assert bool((weight[inside][depth >= depth.max() / 2] == 1.0).all()), "the middle is the result's own"


def test_a_wide_region_fades_evenly_and_a_thin_stroke_stays():
    inside = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    inside[..., 10:54, 10:54] = True
    inside[..., 2:5, :] = True
    row = paste_weight(inside, 4)[0, 0, 32, 10:18]
    assert torch.allclose(row, torch.tensor([1, 2, 3, 4, 4.5, 4.5, 4.5, 4.5]) / 4.5)
    assert bool((paste_weight(inside, 4)[0, 0, 3] == 1.0).all())
    assert float(paste_weight(inside, 4)[0, 0, 32, 0]) == 0.0
    border = torch.zeros(1, 1, 20, 20, dtype=torch.bool)
    border[..., :8, :] = True
    assert float(paste_weight(border, 4)[0, 0, 0].min()) == 1.0, "the border of the picture is no edge"
    for bad in (-1, 257, 2.5, True):
        with pytest.raises(ValueError, match="feather"):
            paste_weight(inside, bad)


def test_a_small_region_is_enlarged_to_the_native_size():
    image, mask = picture(300, 400), boxed(300, 400, Box(100, 150, 40, 40))
    fitted = fit_image(image, mask, **AROUND, size=(256, 256), context=0.5)
    assert fitted.image.shape[-2:] == (256, 256) and fitted.undo.source == Box(80, 130, 80, 80)
    assert "cropped to 80 x 80 at (130, 80)" in fitted.text and "resized to 256 x 256" in fitted.text
    free = fit_image(image, mask, **AROUND, multiple=8, enlarge=512)
    assert free.image.shape[-2:] == (512, 512) and free.undo.source.size == (80, 80)
    large = fit_image(image, boxed(300, 400, Box(0, 0, 290, 300)), **AROUND, multiple=8, enlarge=128)
    assert large.undo.exact, "larger windows keep their scale"
    long = fit_image(image, boxed(300, 400, Box(140, 20, 4, 200)), **AROUND, multiple=8, enlarge=512, context=0.0)
    assert long.undo.source.size == (99, 200) and long.image.shape[-2:] == (360, 728)


def test_one_window_for_a_batch():
    image = picture(60, 80, 3)
    mask = torch.cat([boxed(60, 80, Box(10, 10, 8, 8)), boxed(60, 80, Box(30, 40, 8, 8)), torch.zeros(1, 1, 60, 80)])
    fitted = fit_image(image, mask, **AROUND, context=0.0)
    assert fitted.undo.source == Box(10, 10, 28, 38) and fitted.image.shape == (3, 3, 28, 38)
    back = unfit_image(1 - fitted.image, fitted.undo)
    assert torch.equal(back, torch.where(mask > 0, 1 - image, image)), "each picture by its own mask"
    twice = unfit_image((1 - fitted.image).repeat(2, 1, 1, 1), fitted.undo)
    assert torch.equal(twice, back.repeat(2, 1, 1, 1))


def test_an_empty_mask_changes_nothing_and_says_so():
    image = picture(50, 61)
    fitted = fit_image(image, torch.zeros(1, 1, 50, 61), **AROUND, size=(32, 32))
    assert "mask is empty" in fitted.text and float(fitted.mask.max()) == 0.0
    assert torch.equal(unfit_image(picture(32, 32, seed=2), fitted.undo, feather=3, match=True), image)


@pytest.mark.parametrize("options", [{"size": (32, 32)}, {"multiple": 16}, {"multiple": 8, "enlarge": 64}])
def test_a_full_mask_is_no_mask(options):
    image = picture(50, 61)
    full, none = (fit_image(image, mask, **AROUND, **options) for mask in (torch.ones(1, 1, 50, 61), None))
    assert torch.equal(full.image, none.image) and torch.equal(full.mask, none.mask)
    result = picture(*full.image.shape[-2:], seed=1)
    assert torch.equal(unfit_image(result, full.undo, feather=5), unfit_image(result, none.undo, feather=5))


def test_soft_masks_stay_soft_and_count_as_far_as_they_are_above_0():
    image, mask = picture(40, 40), torch.zeros(1, 1, 40, 40)
    mask[..., 10:20, 10:20] = 0.25
    fitted = fit_image(image, mask, **AROUND, context=0.0)
    assert fitted.undo.source == Box(10, 10, 10, 10) and float(fitted.mask.unique()) == 0.25
    assert torch.equal(unfit_image(1 - fitted.image, fitted.undo), torch.where(mask > 0, 1 - image, image))
    assert region_of(torch.zeros(2, 1, 5, 5)) is None


def test_a_result_of_half_precision_leaves_the_original_as_it_is():
    image, mask = picture(40, 41), boxed(40, 41, Box(3, 4, 20, 20))
    fitted = fit_image(image, mask, **AROUND, size=(64, 64))
    back = unfit_image((1 - fitted.image).half(), fitted.undo, feather=2)
    outside = (mask == 0).expand_as(back)
    assert back.dtype == torch.float32 and torch.equal(back[outside], image[outside])


def test_linear_light_and_back():
    x = torch.linspace(-0.2, 1.2, 99, dtype=torch.float64)
    assert torch.allclose(from_linear(to_linear(x)), x, atol=1e-6)
    assert abs(float(to_linear(torch.tensor(0.5))) - 0.21404) < 1e-5


def test_the_colour_match_takes_a_cast_back():
    before = picture(40, 40, 2) * 0.8 + 0.1
    kept = torch.ones(1, 1, 40, 40, dtype=torch.bool)
    kept[..., 10:30, 10:30] = False
    edited = torch.where(kept, before, 1 - before)
    light = to_linear(edited.double())
    cast = from_linear(0.9 * light + torch.tensor([0.03, 0.0, -0.01]).reshape(1, 3, 1, 1)).float()
    found = match_colours(cast, before, kept)
    assert float((cast - edited).abs().max()) > 0.02 and float((found - edited).abs().max()) < 1e-4
    assert match_colours(edited, before, kept).equal(edited), "what is the same is left alone"
    assert match_colours(cast, before, ~torch.ones_like(kept)).equal(cast), "nothing kept, nothing known"
    grey = torch.full_like(before, 0.5)
    shifted = match_colours(grey + 0.05, grey, kept)
    assert torch.allclose(shifted, grey, atol=1e-5), "an even picture has no contrast to match, only a colour"


def test_the_colour_match_in_a_paste():
    image, mask = picture(60, 60) * 0.6 + 0.2, boxed(60, 60, Box(20, 20, 16, 16))
    fitted = fit_image(image, mask, **AROUND, context=1.0)
    vae = fitted.image + torch.tensor([0.05, -0.03, 0.02]).reshape(1, 3, 1, 1)
    plain, matched = (unfit_image(vae, fitted.undo, match=match) for match in (False, True))
    assert float((plain - image).abs().max()) > 0.04 and float((matched - image).abs().mean()) < 0.005
    with pytest.raises(ValueError, match="context"):
        fit_image(image, mask, **AROUND, context=5.0)


def test_strokes_up_to_the_edge_do_not_show_again():
    """The guide is painted over; the result there is as its surroundings. A fade into the guide would show a rim."""
    photo = picture(60, 60) * 0.2 + 0.4
    mask = boxed(60, 60, Box(15, 15, 30, 30))
    guide = torch.where(mask > 0, torch.ones_like(photo), photo)
    fitted = fit_image(guide, mask, **AROUND, context=0.3)
    fits = fit_image(photo, mask, **AROUND, context=0.3).image
    assert torch.equal(unfit_image(fits, fitted.undo, feather=6), photo), "what fits stays as it is"
    drifted = fits + 0.1
    hard, soft = (unfit_image(drifted, fitted.undo, feather=k) for k in (0, 6))
    assert float((hard - photo).abs().amax()) == pytest.approx(0.1, abs=1e-5)
    row = (soft - photo).abs().mean(1)[0, 28, 15:23]
    depth = torch.tensor([1, 2, 3, 4, 5, 6, 6.5, 6.5])
    assert torch.allclose(row, 0.1 * depth / 6.5, atol=1e-5), "the step is spread evenly"
    faded = unfit_image(drifted, fitted.undo, photo, feather=6)
    assert torch.allclose((faded - photo).abs().mean(1)[0, 28, 15:23], row, atol=1e-5), "as a fade into the photo does"


def test_the_step_is_taken_from_beside_the_edge():
    before, inside = torch.full((2, 3, 40, 64), 0.5), boxed(40, 64, Box(10, 10, 20, 44)) > 0
    result = before.clone()
    result[..., :32] += 0.2  # another step on the left than on the right
    result[..., 32:] -= 0.1
    out = spread_step(result, before, inside, 4)
    assert torch.equal(out[..., 15:25, 15:50], result[..., 15:25, 15:50]), "deeper than the radius nothing is done"
    assert float((out - before)[0, 0, 20, 10]) == pytest.approx(0.2 / 4.5, abs=1e-5)
    assert float((out - before)[1, 2, 20, 53]) == pytest.approx(-0.1 / 4.5, abs=1e-5)
    for same in (spread_step(result, before, inside, 0), spread_step(result, before, ~torch.zeros_like(inside), 4)):
        assert torch.equal(same, result)
    with pytest.raises(ValueError, match="feather"):
        spread_step(result, before, inside, 300)


@settings(max_examples=60, deadline=None)
@given(scenes(), st.integers(1, 40), st.integers(1, 2))
def test_a_spread_step_lowers_it_and_reaches_no_further_than_asked(scene, radius, batch):
    h, w, region = scene
    inside = boxed(h, w, region) > 0
    before = picture(h, w, batch)
    result = (before + 0.25).clamp(0, 1)
    out = spread_step(result, before, inside, radius)
    depth = distance(~inside, 99) if not bool(inside.all()) else torch.full_like(inside, 99.0, dtype=torch.float32)
    deep = (~inside | (depth > radius)).expand_as(out)
    assert torch.equal(out[deep], result[deep])
    assert float((out - before).min()) > -0.26 and float((result - out).min()) >= -1e-6
