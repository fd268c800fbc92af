"""Patch models where the noise is small: they tend to the guide; and the number of threads is of no account."""

from __future__ import annotations

import io

import pytest
import torch
from PIL import Image, ImageDraw

from sdedit_core import VESDE, load_score_model, score_model_from_images, sdedit
from sdedit_core.builtin import MOODS, PREFIX, example_guide, example_photo
from sdedit_core.pictures.io import from_pil
from sdedit_core.priors.departure import reach, with_departure
from sdedit_core.priors.patch_bank import _principal_axes, _project
from sdedit_core.sampling.masks import feather
from sdedit_core.sde import FadingVESDE

SIZE = 48
MODELS = [*(PREFIX + mood for mood in MOODS), "images"]


def model(name: str):
    return score_model_from_images(example_photo("lake", SIZE)) if name == "images" else load_score_model(name)


def stranger(kind: str, size: int = SIZE) -> torch.Tensor:
    """Pictures that no model knows: noise, a photo of some mood, strokes."""
    if kind == "noise":
        return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    return example_photo("desert", size) if kind == "photo" else example_guide("sunset", width=size, height=size)


def rms(x: torch.Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("name", MODELS)
def test_denoiser_tends_to_its_input(name):
    made = model(name)
    for kind in ("noise", "photo", "strokes"):
        x = stranger(kind)
        for sigma, most in ((1e-3, 0.03), (1e-4, 3e-3), (1e-5, 3e-4), (1e-9, 3e-5)):
            assert rms(made.denoise(x, sigma) - x) < most, f"{kind} at {sigma}"


def test_departure_is_bounded_and_leaves_what_the_references_explain():
    x = stranger("noise")[0]
    near = x + 0.01 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert with_departure(near, x, 0.01) is x
    other = stranger("photo")[0]
    for sigma in (1e-4, 1e-3, 1e-2, 0.1):
        d = with_departure(x, other, sigma)
        assert rms(d - x) <= 3 * sigma + reach(sigma)
    for shape in ((3, 16, 16), (3, 17, 31), (3, 22, 64)):
        x = torch.rand(shape, generator=torch.Generator().manual_seed(2))
        assert (with_departure(x, torch.zeros_like(x), 1e-6) - x).abs().max() < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_a_t0_near_0_is_near_the_guide(name):
    made, g = model(name), stranger("noise")
    for t0, most in ((1e-9, 1e-6), (1e-3, 1e-4), (0.01, 2e-3)):
        assert rms(sdedit(made, g, t0=t0, steps=8).samples - g) < most, f"t0 {t0}"


@pytest.mark.parametrize("name", MODELS)
def test_a_grey_of_one_is_nearly_no_change(name):
    made, g = model(name), stranger("photo")
    full, least = (
        rms(sdedit(made, g, t0=0.4, steps=8, mask=torch.full((1, 1, SIZE, SIZE), v)).samples - g)
        for v in (1.0, 1 / 255)
    )
    assert least < 1e-5 and least < 0.1 * full


@pytest.mark.parametrize("name", [PREFIX + "lake", PREFIX + "night", "images"])
def test_black_of_a_jpeg_mask_is_kept(name):
    """Quality 75 leaves greys of up to 36/255 beside an edge, 3 % of the black."""
    made, size = model(name), 128
    drawn = Image.new("L", (size, size), 0)
    ImageDraw.Draw(drawn).ellipse((34, 40, 90, 97), fill=255)
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=75)
    mask = from_pil(Image.open(file).convert("RGB"))[:, :1]
    black = from_pil(drawn.convert("RGB"))[:, :1] == 0
    assert mask[black].max() > 20 / 255
    g = stranger("photo", size)
    change = 255 * (sdedit(made, g, t0=0.4, steps=8, mask=mask).samples - g).abs().amax(1, keepdim=True)
    assert change[black & (mask <= 20 / 255)].max() < 2.0
    assert (change[black] > 2.0).float().mean() < 5e-4


def test_a_feather_has_no_rim():
    """The change grows from nothing along a ramp of start times, and no two columns differ by much of it."""
    made, g, width = load_score_model(PREFIX + "lake"), stranger("photo", 128), 128
    ramp = (torch.arange(width) / (width - 1))[None, None, None].expand(1, 1, width, width)
    change = (sdedit(made, g, t0=0.4, steps=8, mask=ramp).samples - g).square().mean((0, 1, 2)).sqrt()
    parts = change.view(-1, 8).mean(1)
    assert parts[0] < 1e-3 and parts[1] < 0.01 * parts[-1]
    assert (parts.diff() > -0.1 * parts.max()).all()
    assert change.diff().abs().max() < 0.3 * change.max()
    square = torch.zeros(1, 1, width, width)
    square[..., 48:80, 48:80] = 1.0
    soft = feather(square, 32)
    edited = sdedit(made, g, t0=0.4, steps=8, mask=soft).samples
    rim = (soft > 0) & (soft < 0.1)
    assert (edited - g).abs().amax(1, keepdim=True)[rim].max() < 2 / 255


def test_schedule_is_the_papers_above_and_falls_to_0_below():
    own, paper = FadingVESDE(0.01, 348.0), VESDE(0.01, 348.0)
    for t in (0.2, 0.25, 0.4, 1.0):
        assert own.sigma(t) == paper.sigma(t) and own.t(own.sigma(t)) == pytest.approx(t)
    assert own.sigma(0.1) == pytest.approx(paper.sigma(0.2) / 8) and own.sigma(1e-9) < 1e-20 and own.sigma(0) == 0
    assert own.t(own.sigma(0.03)) == pytest.approx(0.03)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [32, 64])
def test_threads_give_the_same_picture(name, size):
    g, before, found = stranger("strokes", size), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(sdedit(model(name), g, t0=0.4, steps=8).samples)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("scale", [0.01, 1.0, 400.0])
def test_features_do_not_depend_on_the_order_of_summing(scale):
    """Neither threads nor processors agree on an order; the features of a patch are equal in every one."""
    generator = torch.Generator().manual_seed(0)
    rows = scale * torch.randn(7, 3888, generator=generator)
    rows[0], rows[1] = 0, rows[1] * 1e-41
    axes = torch.linalg.qr(torch.randn(3888, 96, generator=generator)).Q.mul(2**20).round().mul(2.0**-20)
    found, order = _project(rows, axes), torch.randperm(3888, generator=generator)
    assert torch.equal(found, _project(rows[:, order], axes[order]))
    assert torch.equal(found[3:4], _project(rows[3:4], axes))
    exact = rows.double() @ axes.double()
    assert (found - exact).abs().max() < 2e-6 * rows.abs().max() and found[0].eq(0).all()


def test_axes_without_variance_are_0():
    """32 rows around their mean span 31 directions; a 32nd would be made of rounding, and of threads."""
    data = torch.randn(32, 200, generator=torch.Generator().manual_seed(0))
    axes = _principal_axes(data - data.mean(0), 32, torch.Generator().manual_seed(1))
    assert axes[:, 31].eq(0).all()
    assert (axes[:, :31].t() @ axes[:, :31] - torch.eye(31)).abs().max() < 1e-4
