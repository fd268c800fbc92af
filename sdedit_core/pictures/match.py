"""Colour match: what a VAE did to the colours of pixels that nobody edited is taken back from those that were.

For the whole picture by one gain and one shift (:func:`match_colours`), at an edge by the step that is left there
(:func:`spread_step`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .distance import check_feather, paste_weight

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


def spread_step(result: torch.Tensor, before: torch.Tensor, region: torch.Tensor, radius: int) -> torch.Tensor:
    """The result without the step of colour at the edge of a region: it is spread over ``radius`` pixels inside.

    How much the result differs from ``before`` beside the region, averaged along the edge, is taken back inside of it,
    less and less with the depth.  So nothing of ``before`` inside the region shows, as it would in a fade, and a
    result that fits its surroundings stays as it is.  After the membrane of Perez, Gangnet and Blake, "Poisson image
    editing" (2003), equation 5, which meets the surroundings along the edge; here no deeper than ``radius``.

    Args:
        result: (B, 3, H, W).
        before: (B, 3, H, W), what is outside of the region.
        region: boolean (B or 1, 1, H, W), True = may have changed.
        radius: 0 to 256 pixels; 0 = nothing is done.

    Returns:
        (B, 3, H, W), in [0, 1] where anything was done.

    Raises:
        ValueError: for another radius.
    """
    radius = check_feather(radius)
    if radius == 0 or bool(region.all()) or not bool(region.any()):
        return result
    near = min(max(2, -(-radius // 8)), radius)
    known = (~region).float()
    step = (before - result).float() * known
    for _ in range(-(-radius // near)):  # from what is known on to what is near it
        share = _sum(known, near)
        step = torch.where(known > 0.0, step, _sum(step, near) / share.clamp(min=1.0))
        known = (share > 0.5).float()
    step = step * (1.0 - paste_weight(region, radius)) * region
    moved = (result.float() + step).clamp(0.0, 1.0).to(result.dtype)
    return torch.where(step == 0.0, result, moved)


def _sum(image: torch.Tensor, reach: int) -> torch.Tensor:
    """Sums over squares around every pixel, (B, C, H, W); what is outside of the picture counts as 0."""
    side = 2 * reach + 1
    across = F.avg_pool2d(image, (1, side), stride=1, padding=(0, reach), divisor_override=1)
    return F.avg_pool2d(across, (side, 1), stride=1, padding=(reach, 0), divisor_override=1)
