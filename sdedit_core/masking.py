"""Masks: 1 = change, 0 = keep, as everywhere in ComfyUI (the official SDEdit code uses the opposite)."""

from __future__ import annotations

import torch

from .solvers.base import Denoise


def check_mask(mask: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """Return the mask as float32 (B|1, 1, H, W) on the guide's device, values 0..1.

    Raises ValueError for another size or batch, for NaN, and for values outside [0, 1].
    """
    if not isinstance(mask, torch.Tensor):
        raise ValueError(f"The mask must be a tensor (batch or 1, 1, height, width), got {type(mask).__name__}.")
    b, _, h, w = guide.shape
    if mask.dim() != 4 or mask.shape[1] != 1 or mask.shape[0] not in (1, b):
        raise ValueError(f"The mask must have shape ({b} or 1, 1, {h}, {w}) to fit the guide, got {tuple(mask.shape)}.")
    if tuple(mask.shape[-2:]) != (h, w):
        raise ValueError(
            f"The mask is {mask.shape[-1]} x {mask.shape[-2]}, the guide is {w} x {h}: "
            "they must have the same size. Resize the mask to the guide first."
        )
    mask = mask.to(device=guide.device, dtype=torch.float32)
    low, high = float(mask.min()), float(mask.max())
    if not (low >= 0.0 and high <= 1.0):
        raise ValueError(f"The mask's values must lie between 0 (keep) and 1 (change), got {low:.3g} to {high:.3g}.")
    return mask


def binary_mask(mask: torch.Tensor) -> torch.Tensor:
    """Boolean mask, True = change: values of 0.5 and more are changed."""
    return mask >= 0.5


def keep_region(denoise: Denoise, guide: torch.Tensor, change: torch.Tensor) -> Denoise:
    """Denoiser whose kept pixels (``change`` False) always predict the guide.

    With an SDE solver the kept pixels then follow the exact Brownian bridge from their noised value to the
    guide, at the same noise level as the edited ones, and end on the guide.  It works with every solver.
    This is the aligned form of SDEdit's algorithm 3, whose kept region lags one noise level behind.
    """

    def masked(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return torch.where(change, denoise(x, sigma), guide)

    return masked
