"""Inputs that several nodes share, and the checks on what arrives."""

from __future__ import annotations

import math

import torch

CATEGORY = "SDEdit"
MAX_SEED = 0xFFFFFFFFFFFFFFFF
T0 = {
    "default": 0.45,
    "min": 0.0,
    "max": 1.0,
    "step": 0.01,
    "round": 0.001,
    "display": "slider",
    "tooltip": "How far back in the model's own time to go. 0 returns the guide unchanged, 0.3 to 0.6 is the useful "
    "range, 1 forgets almost everything. Lower keeps your layout and colours, higher looks more real. It does not "
    "depend on steps, solver or scheduler.",
}

MASK = (
    "MASK",
    {
        "tooltip": "Where the picture may change: 1 (white) = change, 0 = keep, bit for bit. Any size; it is resized "
        "to the latent. Without it, a noise mask of the latent counts."
    },
)
PROMPT = {
    "positive": (
        "CONDITIONING",
        {"tooltip": "What the picture should show. Text models need it, score models do not."},
    ),
    "negative": ("CONDITIONING", {"tooltip": "What it should not show. Only used when cfg is not 1."}),
    "cfg": (
        "FLOAT",
        {
            "default": 1.0,
            "min": 0.0,
            "max": 100.0,
            "step": 0.1,
            "round": 0.01,
            "tooltip": "Strength of the prompt. 1 = off (score models, Flux); 4 to 8 is usual for SD and SDXL and "
            "needs negative.",
        },
    ),
}


def seed(tooltip: str) -> tuple:
    """A seed input."""
    return ("INT", {"default": 0, "min": 0, "max": MAX_SEED, "control_after_generate": True, "tooltip": tooltip})


def check_latent(latent: dict, where: str) -> torch.Tensor:
    """The samples of a LATENT as float32 on the CPU; ValueError for anything a sampler cannot start from."""
    samples = latent.get("samples") if isinstance(latent, dict) else None
    if not isinstance(samples, torch.Tensor) or getattr(samples, "is_nested", False):
        raise ValueError(
            f"{where} needs a LATENT with one tensor, got {type(samples).__name__}. "
            "Combined audio and video latents are not supported: separate them first."
        )
    if samples.ndim < 3 or samples.shape[0] < 1 or 0 in samples.shape:
        raise ValueError(f"{where} got an empty latent of shape {tuple(samples.shape)}. Connect a VAE Encode.")
    samples = samples.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(samples).all()):
        raise ValueError(
            f"{where} got a latent with NaN or infinite values. Look at the node before it: the image may be "
            "broken, or a VAE overflowed in fp16."
        )
    return samples


def check_image(image: torch.Tensor, where: str, what: str = "image") -> torch.Tensor:
    """An IMAGE as float32 (B, H, W, 3) on the CPU, alpha dropped and grey made RGB; ValueError when unusable."""
    if not isinstance(image, torch.Tensor) or image.ndim != 4 or image.shape[0] < 1:
        shape = tuple(image.shape) if isinstance(image, torch.Tensor) else type(image).__name__
        raise ValueError(f"{where} needs at least one picture as {what} (batch, height, width, 3), got {shape}.")
    image = image.detach().to(device="cpu", dtype=torch.float32)
    if image.shape[-1] == 1:
        image = image.expand(*image.shape[:3], 3)
    if image.shape[-1] not in (3, 4):
        raise ValueError(f"{where} needs {what} with 3 colour channels, got {image.shape[-1]}.")
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"{where}: the {what} has NaN or infinite values. Look at the node it comes from.")
    return image[..., :3].clamp(0.0, 1.0)


def check_number(value: float, name: str, low: float, high: float) -> float:
    """A finite number in [low, high]; ValueError that names the input otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}.")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value:g}.")
    return float(value)
