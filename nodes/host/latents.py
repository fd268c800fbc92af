"""Facts about any MODEL, and its latents: between LATENT and the model's own space, masks beside them, noise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import comfy.k_diffusion.sampling as k_diffusion
import comfy.model_management
import comfy.model_patcher
import comfy.sample
import comfy.utils
import torch

from ...sdedit_core.sampling.noise import NoiseStream
from ...sdedit_core.sde import Schedule
from ..frames import data_std_of, frame_of, schedule_of
from ..masks import check_mask, one_for_each
from ..parts import Layout, masks_by_part, packed
from .score import PixelFormat, score_model_of

VIDEO = ("wan", "hunyuan_video", "ltx", "mochi", "cosmos", "cogvideo", "kandinsky5", "minimax")  # their image_model
FAR = 1.5  # a picture's LATENT runs from -1 to 1, and its sharpest edges a little beyond


def model_schedule(model: comfy.model_patcher.ModelPatcher) -> Schedule:
    """The SDE time of any MODEL, in the VE frame; honours patched model sampling."""
    return schedule_of(model.get_model_object("model_sampling"))


def latent_space(model: comfy.model_patcher.ModelPatcher) -> str:
    """Name of the space that noise is measured in; equal for models that can continue one another."""
    form = model.get_model_object("latent_format")
    space = f"{type(form).__name__} {form.latent_channels}ch"
    return f"{space} x{form.scale:g}{form.shift:+g}" if isinstance(form, PixelFormat) else space


def picture_size(model: comfy.model_patcher.ModelPatcher) -> tuple[tuple[int, int] | None, int]:
    """((height, width) the model is made for or None, what width and height must be multiples of), in pixels."""
    score_model = score_model_of(model)
    if score_model is not None:
        return score_model.size, score_model.size_multiple
    return None, int(getattr(model.get_model_object("latent_format"), "spacial_downscale_ratio", 8))


def usual_side(model: comfy.model_patcher.ModelPatcher) -> int | None:
    """Side in pixels of the square that the model is used to, for a model of any size; None when it does not matter.

    A rule of thumb, as no MODEL says it: 512 for the latents of SD 1.5, as many pixels as 832 x 480 for video.
    """
    if score_model_of(model) is not None:
        return None
    form = model.get_model_object("latent_format")
    name = str(getattr(model.model.model_config, "unet_config", {}).get("image_model", ""))
    if name.startswith(VIDEO) and getattr(form, "latent_dimensions", 2) == 3:
        return 640
    return 512 if type(form).__name__ == "SD15" else 1024


def data_std(model: comfy.model_patcher.ModelPatcher) -> float:
    """Spread of clean data in the model's own space: a quarter of the pixel range, 1 for normalised latents."""
    return data_std_of(score_model_of(model), model.get_model_object("model_sampling"))


def to_model(
    model: comfy.model_patcher.ModelPatcher, latent: torch.Tensor, layout: Layout | None = None
) -> torch.Tensor:
    """LATENT -> the model's own space; as in the host, an empty latent is not shifted."""
    if score_model_of(model) is None and not bool(latent.any()):
        return latent
    with _laid_out(model, latent, layout):
        return model.model.process_latent_in(latent)


def from_model(model: comfy.model_patcher.ModelPatcher, x: torch.Tensor, layout: Layout | None = None) -> torch.Tensor:
    """The model's own space -> LATENT."""
    with _laid_out(model, x, layout):
        return model.model.process_latent_out(x)


@contextmanager
def _laid_out(model: comfy.model_patcher.ModelPatcher, x: torch.Tensor, layout: Layout | None) -> Iterator[None]:
    """With the shapes that a sampler tells a model of several latents in one: some scale one of them."""
    inner, name = model.model, "latent_shapes"
    before = getattr(inner, name, None)
    if layout is None or not hasattr(inner, name):
        yield
        return
    inner.latent_shapes = [(x.shape[0], *shape) for shape in layout.shapes]
    try:
        yield
    finally:
        inner.latent_shapes = before


def fit_latent(
    model: comfy.model_patcher.ModelPatcher,
    samples: torch.Tensor,
    layout: Layout | None = None,
    *,
    clean: bool = True,
) -> torch.Tensor:
    """The latent in the model's shape; ValueError when it belongs to another model (or, clean, is no picture)."""
    score_model = score_model_of(model)
    form = model.get_model_object("latent_format")
    if layout is not None:
        fits = score_model is None and form.latent_channels in [shape[0] for shape in layout.shapes]
        if not fits or to_model(model, samples, layout).shape != samples.shape:
            raise ValueError(
                f"This MODEL does not work on {layout}. Connect the model that they were made for, or take them apart "
                "(Separate AV Latent) and connect one."
            )
        return samples
    if score_model is None:
        fixed = comfy.sample.fix_empty_latent_channels(model, samples)
        samples = fixed if isinstance(fixed, torch.Tensor) else samples
    if samples.shape[1] != form.latent_channels or (score_model is not None and samples.ndim != 4):
        expected = f"{form.latent_channels} channels" + (", height and width" if score_model is not None else "")
        raise ValueError(
            f"This MODEL works on latents with {expected}; got shape {tuple(samples.shape)}. Encode the picture with "
            + ("the VAE of the Score Model Loader." if score_model is not None else "this model's own VAE.")
        )
    if score_model is not None and clean:
        low, high = float(samples.min()), float(samples.max())
        if score_model.data_range is not None and (low < -FAR or high > FAR):
            raise ValueError(
                f"The latent's values run from {low:.3g} to {high:.3g}, a clean picture's from -1 to 1: it is noised "
                "already, or no picture. Connect a VAE Encode with the VAE of the Score Model Loader."
            )
        score_model.check_guide(to_model(model, samples))
    return samples


def add_noise(
    model: comfy.model_patcher.ModelPatcher,
    guide: torch.Tensor,
    sigma: float,
    layout: Layout | None = None,
    *,
    seed: int,
    samples: list[int],
) -> torch.Tensor:
    """A LATENT noised to sigma: the host's own arithmetic, bit for bit what a stock sampler leaves at that level."""
    if sigma == 0.0:
        return guide.clone()
    x, sampling = to_model(model, guide, layout), model.get_model_object("model_sampling")
    parts = () if layout is None else layout.shapes
    z = NoiseStream(x.shape[1:], seed=seed, stream="initial", samples=samples, parts=parts)()
    level = torch.tensor(frame_of(sampling).from_ve(sigma), dtype=torch.float32)
    return from_model(model, sampling.inverse_noise_scaling(level, sampling.noise_scaling(level, z, x)), layout)


def fit_masks(given: object, mask: torch.Tensor | None, samples: torch.Tensor, layout: Layout | None) -> torch.Tensor:
    """The latent's noise mask ``given``, or the MASK in its stead, beside samples: :func:`fit_mask` of every part."""
    if layout is None:
        return fit_mask(given if mask is None else mask, samples)
    fitted = []
    for part, one in zip(layout.parts(samples), masks_by_part(given, mask, layout), strict=True):
        fitted.append((torch.zeros_like(part) if one is None else fit_mask(one, part)).expand_as(part))
    return packed(fitted)


def fit_mask(mask: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """A mask of any size as (B, 1, ..., h, w) beside samples, resized the way ComfyUI does; values in [0, 1]."""
    mask = one_for_each(check_mask(mask), tuple(samples.shape))
    return comfy.utils.reshape_mask(mask, samples.shape)[:, :1].clamp(0.0, 1.0)


def to_intermediate(x: torch.Tensor) -> torch.Tensor:
    """On the device where ComfyUI keeps results between nodes."""
    return x.to(comfy.model_management.intermediate_device())


def spaced_sigmas(spacing: str, steps: int, low: float, high: float) -> torch.Tensor:
    """ComfyUI's own karras or exponential levels between two noise levels, then 0."""
    make = {"karras": k_diffusion.get_sigmas_karras, "exponential": k_diffusion.get_sigmas_exponential}
    if spacing not in list(make):
        raise ValueError(f"Unknown spacing {spacing!r}; expected one of {', '.join(make)}.")
    return make[spacing](n=steps, sigma_min=low, sigma_max=high)
