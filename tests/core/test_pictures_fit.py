"""Into the size a model wants, and back."""

import pytest
import torch

from sdedit_core.pictures.fit import METHODS, fit_image, target_size, unfit_image


def picture(h, w, batch=1, seed=0):
    return torch.rand(batch, 3, h, w, generator=torch.Generator().manual_seed(seed))


def smooth(h, w):
    y, x = torch.linspace(0, 3, h)[:, None], torch.linspace(0, 4, w)[None]
    return torch.stack([torch.sin(x + y), torch.cos(x - y), torch.sin(2 * x) * torch.cos(y)])[None] * 0.4 + 0.5


def test_target_sizes():
    assert target_size(70, 65, method="crop", multiple=16) == (64, 64)
    assert target_size(70, 65, method="pad", multiple=16) == (80, 80)
    assert target_size(70, 73, method="stretch", multiple=16) == (64, 80)
    assert all(target_size(5, 3, method=m, multiple=8) == (8, 8) for m in METHODS)
    assert target_size(70, 65, size=(250, 256), multiple=16) == (256, 256)
    for bad in ({"method": "cut"}, {"multiple": 0}, {"size": (0, 4)}, {"size": (2.5, 4)}):
        with pytest.raises(ValueError):
            target_size(8, 8, **bad)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{"multiple": 16}, {"size": (48, 64), "multiple": 16}, {}])
def test_what_fits_passes_through_untouched(method, options):
    image, mask = picture(48, 64, 2) * 3 - 1, torch.rand(2, 1, 48, 64)  # values beyond [0, 1] too
    fitted = fit_image(image, mask, method=method, **options)
    assert fitted.image is image and torch.equal(fitted.mask, mask) and "nothing to do" in fitted.text
    result = picture(48, 64, 2, seed=1)
    assert unfit_image(result, fitted.undo) is result


@pytest.mark.parametrize(("h", "w"), [(50, 61), (48, 61), (1, 7), (33, 16)])
def test_pad_and_undo_returns_the_exact_pixels(h, w):
    image = picture(h, w, 2)
    fitted = fit_image(image, method="pad", multiple=16)
    assert fitted.image.shape[-2] % 16 == fitted.image.shape[-1] % 16 == 0
    assert torch.equal(unfit_image(fitted.image, fitted.undo), image)
    target = fitted.undo.target
    assert torch.equal(target.cut(fitted.image), image)
    assert bool((target.cut(fitted.mask) == 1).all()) and float(fitted.mask.sum()) == h * w, "padding is kept"
    assert torch.equal(fitted.image[..., 0, 0], image[..., 0, 0]), "outermost pixels are repeated"
    edited = fitted.image.clone()
    target.cut(edited).mul_(0.5)
    assert torch.equal(unfit_image(edited, fitted.undo), image * 0.5)


def test_crop_goes_back_to_its_place():
    image, mask = picture(50, 61), (torch.rand(1, 1, 50, 61) > 0.5).float()
    fitted = fit_image(image, mask, method="crop", multiple=16)
    assert torch.equal(fitted.image, image[..., 1:49, 6:54]) and torch.equal(fitted.mask, mask[..., 1:49, 6:54])
    changed = torch.nn.functional.pad(fitted.mask, (6, 7, 1, 1)) > 0
    back = unfit_image(1 - fitted.image, fitted.undo)
    assert torch.equal(back, torch.where(changed, 1 - image, image)), "only what the mask let change"
    back = unfit_image(1 - fitted.image, fit_image(image, method="crop", multiple=16).undo)
    wanted = image.clone()
    wanted[..., 1:49, 6:54] = 1 - fitted.image
    assert torch.equal(back, wanted)
    other = picture(50, 61, seed=2)
    assert torch.equal(unfit_image(fitted.image, fitted.undo, other)[..., :1, :], other[..., :1, :])
    assert torch.equal(unfit_image(fitted.image, fitted.undo), image)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("h", "w"), [(90, 140), (140, 90), (20, 30), (64, 200), (3, 500)])
def test_native_size(method, h, w):
    image = smooth(h, w)
    fitted = fit_image(image, method=method, size=(64, 64), multiple=16)
    assert fitted.image.shape == (1, 3, 64, 64) and fitted.mask.shape == (1, 1, 64, 64)
    assert 0.0 <= float(fitted.image.min()) <= float(fitted.image.max()) <= 1.0
    source, target = fitted.undo.source, fitted.undo.target
    if method == "crop":
        assert target.size == (64, 64) and abs(source.height - source.width) <= 1
    elif method == "pad":
        assert source.size == (h, w) and 64 in target.size
    assert torch.equal(unfit_image(fitted.image, fitted.undo), image), "nothing was edited, nothing is lost"
    result = (fitted.image * 0.5 + 0.1).clamp(0, 1)
    back = unfit_image(result, fitted.undo)
    assert back.shape == image.shape
    if min(h, w) > 3:  # a smooth picture survives the resampling
        assert float((source.cut(back) - (source.cut(image) * 0.5 + 0.1)).abs().mean()) < 0.01


def test_only_the_edit_pays_for_resampling():
    image = picture(150, 200)
    fitted = fit_image(image, method="stretch", size=(64, 64))
    result = fitted.image + 1e-6  # as a pixel VAE rounds
    result[..., 20:30, 20:30] = 0.0
    back = unfit_image(result, fitted.undo)
    same = (back == image).all(1)[0]
    assert bool(same[:40].all()) and bool(same[80:].all()) and bool(same[:, 110:].all())
    assert float(back[..., 52:66, 70:88].abs().max()) < 0.05


def test_masks():
    image = picture(100, 80)
    hard = torch.zeros(1, 1, 100, 80)
    hard[..., 30:60, 20:50] = 1.0
    fitted = fit_image(image, hard, method="stretch", size=(64, 64))
    assert set(fitted.mask.unique().tolist()) == {0.0, 1.0}
    assert abs(float(fitted.mask.mean()) - float(hard.mean())) < 0.02
    soft = fit_image(image, hard * 0.5, method="stretch", size=(64, 64)).mask
    assert 0.0 < float(soft[soft < 0.5].max()) < 0.5
    small = fit_image(image, torch.zeros(1, 1, 64, 64), method="pad", multiple=16)
    assert small.mask.shape == (1, 1, 112, 80) and float(small.mask.max()) == 0.0 and "64 x 64" in small.text


def test_batches():
    image = picture(50, 61, 2)
    fitted = fit_image(image, torch.rand(1, 1, 50, 61), multiple=16)
    alone = fit_image(image[1:], multiple=16)
    assert torch.equal(fitted.image[1:], alone.image) and fitted.mask.shape[0] == 1
    many = unfit_image(fitted.image.repeat(2, 1, 1, 1), fitted.undo)
    assert torch.equal(many, image.repeat(2, 1, 1, 1))
    with pytest.raises(ValueError, match="do not go together"):
        unfit_image(fitted.image[:1].repeat(3, 1, 1, 1), fitted.undo)
    with pytest.raises(ValueError, match="one mask or as many"):
        fit_image(image, torch.rand(3, 1, 50, 61))


def test_wrong_inputs_say_what_is_wrong():
    good = picture(20, 20)
    broken = good.clone()
    broken[0, 0, 3, 3] = float("nan")
    for bad, words in (
        (broken, "NaN"),
        (good[:, :1], "3 colour channels, got 1"),
        (torch.rand(1, 4, 8, 8), "alpha"),
        (good[0], "batch"),
        (good[:0], "batch"),
        ((good * 255).byte(), "floating point"),
        (None, "NoneType"),
    ):
        with pytest.raises(ValueError, match=words):
            fit_image(bad)
    for mask, words in ((broken[:, :1], "NaN"), (good, "mask must"), (good[0, 0], "mask must"), (3, "int")):
        with pytest.raises(ValueError, match=words):
            fit_image(good, mask)
    undo = fit_image(good, multiple=16).undo
    for result, original, words in (
        (good, None, "fitted picture was 16 x 16"),
        (broken[..., :16, :16], None, "NaN"),
        (good[..., :16, :16], good[..., :16, :16], "original is 16 x 16"),
    ):
        with pytest.raises(ValueError, match=words):
            unfit_image(result, undo, original)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_of_the_picture_is_kept(dtype):
    image = picture(50, 61).to(dtype)
    for method in METHODS:
        for options in ({"size": (64, 64)}, {"multiple": 16}):
            fitted = fit_image(image, method=method, **options)
            back = unfit_image(fitted.image * 0.5, fitted.undo)
            assert fitted.image.dtype == back.dtype == dtype and back.shape == image.shape
            assert torch.equal(unfit_image(fitted.image, fitted.undo), image)


def test_a_picture_of_one_column_keeps_its_rows():
    image = torch.linspace(0, 1, 6).view(1, 1, 6, 1).repeat(1, 3, 1, 1)
    wide = fit_image(image.expand(1, 3, 6, 4), method="stretch", size=(9, 9)).image
    assert float(wide.max()) > 0.9
    for size in ((9, 9), (9, 1), (9, 2)):
        found = fit_image(image, method="stretch", size=size).image
        assert found.shape[-2:] == size and torch.allclose(found, wide[..., : size[1]], atol=1e-6)
        from_wide = fit_image(image.expand(1, 3, 6, 4), method="stretch", size=size).image
        assert torch.allclose(from_wide, found, atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (96, 120), (7, 9)])
def test_a_mask_thinner_than_a_pixel_is_not_lost(size):
    for side in (1, 2):
        mask = torch.zeros(1, 1, 20, 25)
        mask[..., 7 : 7 + side, 11] = 1.0
        fitted = fit_image(torch.rand(1, 3, 20, 25), mask, method="stretch", size=size)
        assert 0 < float(fitted.mask.mean()) < 0.05 + side / 64
    nothing = fit_image(torch.rand(1, 3, 20, 25), torch.zeros(1, 1, 20, 25), method="stretch", size=size)
    assert float(nothing.mask.max()) == 0.0
