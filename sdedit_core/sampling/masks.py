"""Masks: 1 = change, 0 = keep, as everywhere in ComfyUI (the official SDEdit code uses the opposite).

A hard mask keeps its region inside the loop (``bridge`` or ``tilt``).  A soft mask is a map of start times, one t0
per pixel; blending two pictures linearly instead would take most of the variation out of the grey pixels.
"""

from __future__ import annotations

import torch

from ..pictures.distance import distance
from ..sde import Schedule


def check_mask(mask: torch.Tensor, guide: torch.Tensor, *, name: str = "mask") -> torch.Tensor:
    """Return the mask as float32 (B|1, 1, H, W), of a video (B|1, 1, F, H, W), on the guide's device, values 0..1.

    Raises ValueError for another size or batch, for NaN, and for values outside [0, 1].
    """
    if not isinstance(mask, torch.Tensor):
        raise ValueError(f"The {name} must be a tensor (batch or 1, 1, height, width), got {type(mask).__name__}.")
    b, sides = guide.shape[0], tuple(guide.shape[2:])
    if mask.dim() != guide.dim() or mask.shape[1] != 1 or mask.shape[0] not in (1, b):
        fits = ", ".join(map(str, sides))
        raise ValueError(f"The {name} must have shape ({b} or 1, 1, {fits}) to fit the guide, got {tuple(mask.shape)}.")
    if tuple(mask.shape[2:]) != sides:
        raise ValueError(
            f"The {name} is {_sides(mask)}, the guide is {_sides(guide)}: they must have the same size. Resize it to "
            "the guide first."
        )
    mask = mask.to(device=guide.device, dtype=torch.float32)
    low, high = float(mask.min()), float(mask.max())
    if not (low >= 0.0 and high <= 1.0):
        raise ValueError(f"The {name}'s values must lie between 0 (keep) and 1 (change), got {low:.3g} to {high:.3g}.")
    return mask


def _sides(x: torch.Tensor) -> str:
    """Width x height, of a video with its frames."""
    text = f"{x.shape[-1]} x {x.shape[-2]}"
    return text if x.dim() == 4 else f"{text} x {x.shape[2]} frames"


def feather(mask: torch.Tensor, radius: int, *, side: str = "out") -> torch.Tensor:
    """A soft mask whose edge falls linearly from 1 to 0 over ``radius`` pixels (exact Euclidean distance).

    Args:
        mask: (..., H, W), values 0..1; a pixel of 0.5 and more counts as inside.
        radius: width of the edge in pixels, 0 to 512; 0 returns the mask.
        side: "out" keeps all of the mask at 1 and softens outside it, "in" keeps all outside at 0, "both" is
            half and half.
    """
    if side not in ("out", "in", "both"):
        raise ValueError(f"side must be 'out', 'in' or 'both', got {side!r}.")
    if isinstance(radius, bool) or not 0 <= radius <= 512 or radius % 1:
        raise ValueError(f"radius must be a whole number of pixels from 0 to 512, got {radius!r}.")
    mask = mask.float()
    if radius == 0:
        return mask.clone()
    r, inside = int(radius), mask >= 0.5
    if side == "out":
        return torch.maximum(mask, 1.0 - distance(inside, r) / (r + 1))
    if side == "in":
        return torch.minimum(mask, distance(~inside, r) / (r + 1))
    signed = torch.where(inside, distance(~inside, r), 1.0 - distance(inside, r)) - 0.5
    return (0.5 + signed / (r + 1)).clamp(0.0, 1.0)


def is_hard(mask: torch.Tensor) -> bool:
    """Whether every value is exactly 0 or 1."""
    return bool(((mask == 0.0) | (mask == 1.0)).all())


def binary_mask(mask: torch.Tensor) -> torch.Tensor:
    """Boolean mask, True = change: values of 0.5 and more are changed."""
    return mask >= 0.5


def level_map(schedule: Schedule, fractions: torch.Tensor, *, top: float) -> torch.Tensor:
    """sigma(fraction * top) per pixel, float64; exactly 0 at fraction 0 and exactly sigma(top) at fraction 1.

    t0 is resolved to 1/4096 of ``top``: steps of 0.2 % in sigma, and at most 4097 calls of ``schedule.sigma``.
    """
    if fractions.device.type == "mps":  # has no float64
        fractions = fractions.cpu()
    index = torch.round(fractions.double() * 4096.0).long().clamp_(0, 4096)
    used, inverse = index.unique(return_inverse=True)
    sigmas = [schedule.sigma(top * k / 4096) for k in used.tolist()]
    return torch.tensor(sigmas, dtype=torch.float64, device=fractions.device)[inverse]
