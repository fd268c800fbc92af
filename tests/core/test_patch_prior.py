"""The patch prior: closed form, limits, independence of samples, sizes, messages."""

from __future__ import annotations

import math

import pytest
import torch

from sdedit_core.priors.levels import default_levels
from sdedit_core.priors.patch import PatchPrior
from sdedit_core.priors.patch_bank import PatchLevel, _top, patch_view, starts


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """A small structured image, (3, 48, 48)."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48), indexing="ij")
    waves = torch.stack([torch.sin(9 * x + 4 * y), torch.cos(7 * y * y + 2 * x), torch.sin(11 * x * y)])
    return (0.5 + 0.4 * waves).clamp(0, 1)


@pytest.fixture(scope="module")
def prior(picture) -> PatchPrior:
    return PatchPrior.from_images(picture[None])


def one_level(images, *, patch=16, **options) -> PatchPrior:
    level = PatchLevel(patch, 1, 1, math.inf, features=3 * patch * patch)
    return PatchPrior.from_images(images, levels=[level], bank_limit=10**9, **options)


@pytest.mark.parametrize("freedom", [0.0, 0.05])
@pytest.mark.parametrize("sigma", [0.05, 0.4, 3.0])
def test_posterior_of_a_patch_is_the_closed_form(picture, freedom, sigma):
    """One patch as large as the picture: D must equal the brute-force posterior mean over the bank.

    With colour freedom the brute force integrates the colour offset out through the patch covariance.
    """
    image = picture[:, :20, :20]
    made = one_level(image[None], palette_freedom=freedom, flip=False)
    made.top = 10**6
    x = image[None, :, 2:18, 3:19] + sigma * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    bank = made.bank(0)
    got = bank.posterior_mean(made.images, x, sigma, freedom, made.top, 0, len(bank.places))[0].double()

    bank = patch_view((image * 255 + 0.5).to(torch.uint8)[None], 16).reshape(-1, 3, 256).double() / 255
    n = 256
    flat = x.double().reshape(1, 3, n)
    covariance = sigma**2 * torch.eye(n, dtype=torch.float64) + freedom**2 * torch.ones(n, n, dtype=torch.float64)
    inverse = torch.linalg.inv(covariance)
    residual = flat - bank
    weight = torch.softmax(-0.5 * torch.einsum("kci,ij,kcj->k", residual, inverse, residual), 0)
    shift = freedom**2 * torch.ones(n, n, dtype=torch.float64) @ inverse
    means = bank + residual @ shift.T
    keep = weight > 2e-3  # the prior drops lighter patches and renormalises
    want = torch.einsum("k,kci->ci", weight, means)
    loss = 2 * float(weight[~keep].sum()) + 1e-4
    assert (got.reshape(3, n) - want).abs().max() < loss


def test_small_noise_returns_bank_members(picture, prior):
    for sigma in (1e-3, 0.01):
        x = picture[None] + sigma * torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
        assert (prior.denoise(x, torch.tensor([sigma])) - picture).abs().max() < 0.01


def test_sigma_zero_returns_the_input(picture, prior):
    assert torch.equal(prior.denoise(picture[None], torch.zeros(1)), picture[None])


def test_large_noise_returns_about_the_mean(picture):
    made = one_level(picture[None], patch=36, flip=True)
    made.top = 10**6
    x = 1e4 * torch.randn(1, 3, 36, 36, generator=torch.Generator().manual_seed(2))
    bank = patch_view(torch.stack([picture, picture.flip(2)]), 36).reshape(-1, 3, 36, 36).mean(0)
    assert (made.denoise(x, torch.tensor([1e4]))[0] - bank).abs().max() < 0.01


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2, 0.4, 0.8])
def test_denoising_gains(picture, prior, sigma):
    """A noisy picture of the bank comes out much closer to the clean one."""
    noise = sigma * torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    out = prior.denoise(picture[None] + noise, torch.tensor([sigma]))
    gain = 10 * math.log10(float(noise.square().mean() / (out - picture).square().mean().clamp_min(1e-9)))
    assert gain > 10, f"{gain:.1f} dB at sigma {sigma}"


@pytest.mark.parametrize("aware", [False, True])
def test_a_sample_alone_equals_the_sample_in_a_batch(picture, aware):
    made = PatchPrior.from_images(picture[None], position_aware=aware)
    x = torch.rand(3, 3, 40, 33, generator=torch.Generator().manual_seed(4))
    sigma = torch.tensor([0.03, 0.3, 2.0])
    batch = made.denoise(x, sigma)
    for i in range(3):
        assert torch.equal(batch[i : i + 1], made.denoise(x[i : i + 1], sigma[i : i + 1]))


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (48, 96), (75, 20)])
@pytest.mark.parametrize("aware", [False, True])
def test_any_size_works(picture, size, aware):
    made = PatchPrior.from_images(picture[None], position_aware=aware)
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(5))
    for sigma in (0.01, 0.1, 0.5, 5.0):
        out = made.denoise(x, torch.tensor([sigma]))
        assert out.shape == x.shape and out.dtype == torch.float32 and torch.isfinite(out).all()


def test_images_of_different_sizes_share_a_bank(picture):
    made = PatchPrior.from_images([picture, picture[:, :30, :40], picture[None, :, 5:, :33]])
    assert made.native_size == 30 and made.summary()["images"] == 6
    assert torch.isfinite(made.denoise(torch.rand(1, 3, 32, 32), torch.tensor([0.2]))).all()
    assert PatchPrior.from_images([picture[:, :30]], size=24).native_size == 24


def test_palette_freedom(picture):
    """0 keeps the colours of the images; a large freedom keeps the mean colour of the noisy patch."""
    x = torch.full((1, 3, 16, 16), 0.5)
    x[:, 0] = 1.0
    sigma = torch.tensor([0.1])
    strict = one_level(picture[None]).denoise(x, sigma)
    assert strict.max() <= picture.max() + 1e-2
    free = one_level(picture[None], palette_freedom=10.0).denoise(x, sigma)
    assert (free.mean((2, 3)) - x.mean((2, 3))).abs().max() < 1e-3
    assert (strict.mean((2, 3)) - x.mean((2, 3))).abs().max() > 0.05


def test_position_aware_banks_keep_the_sky_up():
    image = torch.zeros(3, 64, 64)
    image[2, :32], image[1, 32:] = 1.0, 1.0
    made = PatchPrior.from_images(image[None], position_aware=True, row_window=0.1)
    grey = torch.full((1, 3, 64, 64), 0.5)
    out = made.denoise(grey, torch.tensor([0.5]))
    assert out[0, 2, :12].mean() > 0.8 and out[0, 1, -12:].mean() > 0.8


def test_denoiser_is_continuous_across_patch_sizes(picture, prior):
    x = picture[None] + 0.1 * torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(6))
    for level in prior.levels[:-1]:
        edge = level.sigma_below
        near, far = (prior.denoise(x, torch.tensor([edge * f], dtype=torch.float64)) for f in (0.999, 1.001))
        assert (near - far).abs().max() < 0.03


def test_building_is_reproducible_and_memory_is_counted(picture):
    a, b = (PatchPrior.from_images(picture[None], seed=3) for _ in range(2))
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(a.denoise(x, torch.tensor([0.2])), b.denoise(x, torch.tensor([0.2])))
    assert 0 < a.nbytes < 20e6 and a.images.dtype == torch.uint8


def test_tick_can_interrupt(picture):
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    made = PatchPrior.from_images(picture[None])
    made.tick = stop
    with pytest.raises(Stop):
        made.denoise(picture[None], torch.tensor([0.1]))


def test_banks_are_built_when_their_noise_level_comes_and_in_any_order(picture):
    x = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(8))
    up, down = (PatchPrior.from_images(picture[None], seed=3) for _ in range(2))
    assert not up._banks
    low, high = torch.tensor([0.02]), torch.tensor([5.0])
    first = up.denoise(x, low)
    small = up.nbytes
    assert 0 < len(up._banks) < len(up.levels)
    last = up.denoise(x, high)
    assert up.nbytes > small
    assert torch.equal(down.denoise(x, high), last) and torch.equal(down.denoise(x, low), first)


@pytest.mark.parametrize("total", [5, 100, 1600, 1613])
def test_two_stage_search_finds_the_largest(total):
    weight = torch.randn(7, total, generator=torch.Generator().manual_seed(7))
    best, index = _top(weight, 12)
    want = weight.topk(min(12, total), 1)
    assert torch.equal(best, want.values) and torch.equal(index, want.indices)


def test_every_pixel_is_covered():
    for length in (16, 17, 40, 129):
        for patch in (5, 8, 16):
            begin = starts(length, patch, 3)
            assert begin[0] == 0 and begin[-1] == length - patch
    for native in (16, 24, 64, 128, 256, 512):
        for dense in (False, True):
            levels = default_levels(native, dense=dense)
            assert all(level.patch <= native for level in levels)
            assert [level.patch for level in levels] == sorted(level.patch for level in levels)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "at least one image"),
        (torch.rand(2, 4, 32, 32), "expected \\(3, H, W\\)"),
        (torch.full((1, 3, 32, 32), float("nan")), "NaN"),
        (torch.rand(1, 3, 12, 40), "16 x 16"),
        (255 * torch.rand(1, 3, 32, 32), "expected \\[0, 1\\]"),
    ],
)
def test_bad_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        PatchPrior.from_images(images)


def test_bad_inputs_are_refused(picture, prior):
    with pytest.raises(ValueError, match="palette_freedom"):
        PatchPrior.from_images(picture[None], palette_freedom=-1)
    with pytest.raises(ValueError, match="\\(B, 3, H, W\\)"):
        prior.denoise(torch.rand(1, 4, 32, 32), torch.tensor([0.1]))
    with pytest.raises(ValueError, match="16 x 16"):
        prior.denoise(torch.rand(1, 3, 8, 32), torch.tensor([0.1]))
    with pytest.raises(ValueError, match="one sigma per sample"):
        prior.denoise(torch.rand(3, 3, 32, 32), torch.tensor([0.1, 0.2]))


def test_many_images_get_larger_patches_and_whole_pictures():
    """From eight position-aware images on; fewer, or position-free ones, keep the small patches."""
    images = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    many = PatchPrior.from_images(images, position_aware=True)
    few = PatchPrior.from_images(images[:7], position_aware=True)
    free = PatchPrior.from_images(images)
    assert many.levels == default_levels(64, dense=False, many=True)
    assert few.levels == default_levels(64, dense=False) and free.levels == default_levels(64, dense=True)
    assert many.levels[-1].patch == 64 and few.levels[-1].patch == 48
    assert many.levels[0].patch > few.levels[0].patch and many.window_power < few.window_power


def test_banks_pool_like_a_square_average():
    """Cell means of a bank patch, pooled axis by axis, are those of the patch itself."""
    images = torch.rand(8, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    prior = PatchPrior.from_images(images, position_aware=True)
    bank = prior.bank(len(prior.levels) - 1)
    assert bank.pool > 1
    index = torch.tensor([0, 3, 7])
    mean, code = bank.encode(bank.gather(prior.images, index))
    assert torch.allclose(torch.cat([code, mean - 0.5], 1), bank.table[index], atol=1e-3)
