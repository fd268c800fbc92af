"""Colour match: what a VAE did to the colours of pixels that nobody edited is taken back from those that were."""

from __future__ import annotations

import torch

FEW = 64  # pixels: fewer say nothing about the colours
STEEPEST = 1.25  # contrast is raised or lowered by no more than this


def to_linear(image: torch.Tensor) -> torch.Tensor:
    """sRGB values to linear light (IEC 61966-2-1); values outside [0, 1] go on with the curve's sign."""
    size = image.abs()
    return image.sign() * torch.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)


def from_linear(light: torch.Tensor) -> torch.Tensor:
    """Linear light to sRGB values (IEC 61966-2-1)."""
    size = light.abs()
    curve = 1.055 * size.clamp(min=1e-9) ** (1.0 / 2.4) - 0.055
    return light.sign() * torch.where(size <= 0.0031308, size * 12.92, curve)


def match_colours(result: torch.Tensor, before: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """The result, each colour channel scaled and shifted so that its kept pixels are as they were before.

    In linear light, after = gain * result + shift, by least squares over the kept pixels: pixel by pixel, as both
    pictures show the same there.  What only lost detail, as by a VAE, keeps its contrast.

    Args:
        result: (B, 3, H, W), what a model and its VAE made of ``before``.
        before: (B, 3, H, W), the picture that went in.
        kept: boolean (B or 1, 1, H, W), True where nothing was edited.

    Returns:
        (B, 3, H, W) in [0, 1]; pictures with fewer than 64 kept pixels, or whose kept pixels are the same as before,
        as they came.
    """
    kept = kept.expand(result.shape[0], -1, -1, -1)
    out = result.clone()
    for i, where in enumerate(kept[:, 0]):
        x, y = result[i][:, where].double(), before[i][:, where].double()
        if x.shape[1] < FEW or torch.equal(x, y):
            continue
        x, y = to_linear(x), to_linear(y)
        mean_x, mean_y = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
        spread = (x - mean_x).square().sum(1, keepdim=True)
        shared = ((x - mean_x) * (y - mean_y)).sum(1, keepdim=True)
        gain = torch.where(spread > 1e-12 * x.shape[1], shared / spread.clamp(min=1e-30), torch.ones_like(spread))
        gain = gain.clamp(1.0 / STEEPEST, STEEPEST)[..., None]
        light = gain * (to_linear(result[i].double()) - mean_x[..., None]) + mean_y[..., None]
        out[i] = from_linear(light).clamp(0.0, 1.0).to(out.dtype)
    return out
