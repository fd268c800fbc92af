"""Distances between pictures, against independent formulas."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from landscapes.examples import held_out
from landscapes.render import render
from sdedit_core.measure.metrics import distances, regions, squared_l2, ssim_map
from sdedit_core.measure.realism import SlicedWasserstein, laplacian_pyramid


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_l2_is_the_papers_norm_over_pixels_and_channels():
    a = torch.zeros(2, 3, 4, 5)
    b = a.clone()
    b[0] += 0.5
    first, second = distances(a, b)
    assert first.l2_squared == pytest.approx(0.25 * 60) and first.l2 == pytest.approx(math.sqrt(15.0))
    assert first.rmse == pytest.approx(0.5) and first.psnr == pytest.approx(-20 * math.log10(0.5))
    assert first.pixels == 20
    assert second.l2 == 0.0 and second.psnr == math.inf and second.ssim == pytest.approx(1.0)
    assert second.to_dict()["psnr"] is None


def test_regions_split_the_whole_by_the_mask():
    a, b = noise(2, 3, 12, 16), noise(2, 3, 12, 16, seed=1)
    mask = torch.zeros(1, 1, 12, 16)
    mask[..., 3:9, 2:7] = 1.0
    for i, item in enumerate(regions(a, b, mask)):
        assert item["inside"].pixels == 30 and item["outside"].pixels == 12 * 16 - 30
        total = item["inside"].l2_squared + item["outside"].l2_squared
        assert total == pytest.approx(item["whole"].l2_squared)
        direct = float((a[i, :, 3:9, 2:7] - b[i, :, 3:9, 2:7]).double().square().sum())
        assert item["inside"].l2_squared == pytest.approx(direct, rel=1e-6)
        assert item["inside"].rmse == pytest.approx(math.sqrt(direct / 90), rel=1e-6)


def test_a_soft_mask_counts_every_pixel_that_may_change():
    a, b = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :2, :] = 0.1
    assert float(squared_l2(a, b, mask)) == 48.0


def test_an_empty_region_is_undefined_not_zero():
    item = regions(noise(1, 3, 8, 8), noise(1, 3, 8, 8, seed=1), torch.ones(1, 1, 8, 8))[0]
    assert item["outside"].pixels == 0 and math.isnan(item["outside"].rmse)
    assert item["outside"].to_dict()["rmse"] is None


def test_ssim_agrees_with_a_direct_sum():
    a, b = noise(1, 1, 20, 18).double(), noise(1, 1, 20, 18, seed=3).double()
    taps = torch.exp(-0.5 * ((torch.arange(11, dtype=torch.float64) - 5) / 1.5) ** 2)
    window = torch.outer(taps, taps)
    window = window / window.sum()
    y, x = 9, 8  # away from the border, where padding does not matter
    p, q = a[0, 0, y - 5 : y + 6, x - 5 : x + 6], b[0, 0, y - 5 : y + 6, x - 5 : x + 6]
    mp, mq = (window * p).sum(), (window * q).sum()
    vp, vq, c = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum(), (window * (p - mp) * (q - mq)).sum()
    expected = (2 * mp * mq + 1e-4) * (2 * c + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4))
    assert float(ssim_map(a, b)[0, y, x]) == pytest.approx(float(expected), rel=1e-9)


def test_ssim_over_the_whole_picture_agrees_with_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    a, b = noise(1, 3, 24, 32).double(), noise(1, 3, 24, 32, seed=5).double()

    def blur(t):
        return ndimage.gaussian_filter(t, 1.5, mode="nearest", truncate=3.34)

    values = []
    for p, q in zip(a[0].numpy(), b[0].numpy(), strict=True):
        mp, mq = blur(p), blur(q)
        vp, vq, c = blur(p * p) - mp**2, blur(q * q) - mq**2, blur(p * q) - mp * mq
        values.append(((2 * mp * mq + 1e-4) * (2 * c + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4))).mean())
    assert distances(a, b)[0].ssim == pytest.approx(sum(values) / 3, abs=1e-9)


def test_regional_ssim_does_not_look_across_the_masks_border():
    a, b = noise(1, 3, 24, 24), noise(1, 3, 24, 24, seed=1)
    mask = torch.zeros(1, 1, 24, 24)
    mask[..., :10] = 1.0
    b = torch.where(mask > 0, b, a)  # equal outside
    item = regions(a, b, mask)[0]
    assert item["outside"].ssim == pytest.approx(1.0) and item["inside"].ssim < 0.2
    other = torch.where(mask > 0, a, noise(1, 3, 24, 24, seed=2))
    assert regions(a, other, mask)[0]["inside"].ssim == pytest.approx(1.0)


@pytest.mark.parametrize(
    "a, b",
    [
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9)),
        (torch.zeros(3, 8, 8), torch.zeros(3, 8, 8)),
        (torch.full((1, 3, 8, 8), math.nan), torch.zeros(1, 3, 8, 8)),
    ],
)
def test_bad_pictures_are_refused(a, b):
    with pytest.raises(ValueError):
        distances(a, b)


@pytest.mark.parametrize("size", [(64, 64), (50, 71), (16, 16)])
def test_a_laplacian_pyramid_adds_up_to_its_image(size):
    image = noise(1, 3, *size)
    levels = laplacian_pyramid(image)
    total = levels[-1]
    for level in reversed(levels[:-1]):
        up = torch.zeros_like(level)
        up[..., ::2, ::2] = total
        taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        kernel = torch.outer(taps, taps).expand(3, 1, 5, 5)
        up = torch.nn.functional.conv2d(torch.nn.functional.pad(up, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)
        total = level + 4 * up
    assert torch.allclose(total, image, atol=1e-5)


def textures(n, size=64, *, roughness, seed):
    """Smooth random pictures."""
    g = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, roughness, roughness, generator=g)
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def test_realism_distance_orders_sets_and_is_deterministic():
    reference = textures(8, roughness=24, seed=0)
    distance = SlicedWasserstein(reference, patches_per_level=4096, directions=64)
    same = distance(textures(8, roughness=24, seed=1)).mean
    near = distance(textures(8, roughness=20, seed=1)).mean
    far = distance(torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))).mean
    assert same < near < far and same < 0.05
    assert distance(textures(8, roughness=24, seed=1)).mean == same
    again = SlicedWasserstein(reference, patches_per_level=4096, directions=64)
    assert again(textures(8, roughness=24, seed=1)).mean == same


def test_realism_distance_sees_blur_and_grain_but_not_a_tint():
    reference = textures(8, roughness=12, seed=0)
    distance = SlicedWasserstein(reference, patches_per_level=4096, directions=64)
    pictures = textures(8, roughness=12, seed=1)
    clean = distance(pictures).mean
    small = torch.nn.functional.interpolate(pictures, (5, 5), mode="bilinear", antialias=True)
    blurred = torch.nn.functional.interpolate(small, (64, 64), mode="bilinear")
    grain = pictures + 0.2 * (noise(8, 3, 64, 64) - 0.5)
    assert distance(blurred).mean > 2 * clean
    assert distance(grain).levels[64] > 2 * distance(pictures).levels[64]
    assert distance(0.8 * pictures + 0.2).mean == pytest.approx(distance(0.8 * pictures).mean, rel=1e-3), "a tint"
    assert distance(0.8 * pictures).mean > 1.3 * clean, "contrast"
    paper = SlicedWasserstein(reference, patches_per_level=4096, directions=64, whiten="own")
    assert paper(0.8 * pictures + 0.1).mean == pytest.approx(paper(pictures).mean, rel=1e-3), "sees no contrast"


def degraded(pictures, kind):
    """The same pictures, worse from step to step."""
    pil = [Image.fromarray((x.permute(1, 2, 0).numpy() * 255).round().astype("uint8")) for x in pictures]
    changes = {
        "blur": [lambda im, r=r: im.filter(ImageFilter.GaussianBlur(r)) for r in (0.5, 1, 2, 4)],
        "median": [lambda im, k=k: im.filter(ImageFilter.MedianFilter(k)) for k in (3, 5, 9, 15)],
        "palette": [lambda im, n=n: im.quantize(n, dither=Image.Dither.NONE).convert("RGB") for n in (16, 8, 4)],
    }[kind]
    for change in changes:
        yield torch.stack([torch.tensor(np.asarray(change(im))).permute(2, 0, 1) / 255 for im in pil])


@pytest.mark.parametrize("kind", ["blur", "median", "palette"])
@pytest.mark.parametrize("mood", ["lake", "night"])
def test_worse_pictures_are_further_from_real(mood, kind):
    """Every step of a degradation counts; with the paper's whitening a coarser median of the night does not."""
    renders = torch.cat([render(held_out(mood, i), height=64, width=64) for i in range(32)])
    distance = SlicedWasserstein(renders[16:], patches_per_level=4096, directions=64)
    found = [distance(x).mean for x in (renders[:16], *degraded(renders[:16], kind))]
    assert all(a < b for a, b in pairwise(found)), found
    assert found[-1] > 2 * found[0]


def test_onewasserstein_distance_against_the_closed_form():
    """Two sets of constant level and slope differ only in the tails of their values."""
    from sdedit_core.measure.realism import wasserstein

    a = torch.sort(torch.randn(4, 5000, generator=torch.Generator().manual_seed(0)), dim=1).values
    assert wasserstein(a, a + 0.3) == pytest.approx(0.3, abs=1e-5)
    assert wasserstein(a, 2.0 * a) == pytest.approx(math.sqrt(2 / math.pi), rel=0.03)  # E|z|
    assert wasserstein(a[:, ::2].contiguous(), a) < 0.01  # other sizes go through quantiles


def test_realism_distance_refuses_other_sizes_and_empty_sets():
    distance = SlicedWasserstein(noise(2, 3, 32, 32))
    with pytest.raises(ValueError, match="one size"):
        distance(noise(2, 3, 32, 40))
    with pytest.raises(ValueError, match="at least one"):
        distance([])
    with pytest.raises(ValueError, match="16 x 16"):
        SlicedWasserstein(noise(2, 3, 15, 32))
    with pytest.raises(ValueError, match="whiten"):
        SlicedWasserstein(noise(2, 3, 32, 32), whiten="both")


def test_realism_distance_reads_a_sequence_one_by_one():
    images = noise(3, 3, 32, 32)
    distance = SlicedWasserstein(images)
    assert distance(images).mean == distance([image[None] for image in images]).mean
