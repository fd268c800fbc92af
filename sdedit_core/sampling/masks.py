"""Masks: 1 = change, 0 = keep, as everywhere in ComfyUI (the official SDEdit code uses the opposite).

A hard mask keeps its region inside the loop (``bridge`` or ``tilt``).  A soft mask is a map of start times, one t0
per pixel; blending two pictures linearly instead would take most of the variation out of the grey pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..sde import Schedule
from .solvers.base import Denoise

MASK_MODES = ("bridge", "tilt")


def check_mask(mask: torch.Tensor, guide: torch.Tensor, *, name: str = "mask") -> torch.Tensor:
    """Return the mask as float32 (B|1, 1, H, W) on the guide's device, values 0..1.

    Raises ValueError for another size or batch, for NaN, and for values outside [0, 1].
    """
    if not isinstance(mask, torch.Tensor):
        raise ValueError(f"The {name} must be a tensor (batch or 1, 1, height, width), got {type(mask).__name__}.")
    b, _, h, w = guide.shape
    if mask.dim() != 4 or mask.shape[1] != 1 or mask.shape[0] not in (1, b):
        raise ValueError(
            f"The {name} must have shape ({b} or 1, 1, {h}, {w}) to fit the guide, got {tuple(mask.shape)}."
        )
    if tuple(mask.shape[-2:]) != (h, w):
        raise ValueError(
            f"The {name} is {mask.shape[-1]} x {mask.shape[-2]}, the guide is {w} x {h}: "
            "they must have the same size. Resize it to the guide first (sdedit_core.sampling.masks.fit_mask)."
        )
    mask = mask.to(device=guide.device, dtype=torch.float32)
    low, high = float(mask.min()), float(mask.max())
    if not (low >= 0.0 and high <= 1.0):
        raise ValueError(f"The {name}'s values must lie between 0 (keep) and 1 (change), got {low:.3g} to {high:.3g}.")
    return mask


def fit_mask(mask: torch.Tensor, size: tuple[int, int], batch: int = 1) -> torch.Tensor:
    """A mask of any size as (batch, 1, H, W): bilinear resize and repeated over the batch, as ComfyUI does.

    Args:
        mask: (H,W), (B,H,W) or (B,1,H,W), a MASK or a LATENT's noise_mask.
        size: wanted (height, width).
        batch: wanted batch; a shorter mask batch is repeated, a longer one cut.
    """
    if not isinstance(mask, torch.Tensor) or mask.dim() not in (2, 3, 4) or mask.numel() == 0:
        came = tuple(mask.shape) if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise ValueError(f"A mask must be a tensor (H,W), (B,H,W) or (B,1,H,W), got {came}.")
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    if tuple(mask.shape[-2:]) != tuple(size):
        mask = F.interpolate(mask, size=tuple(size), mode="bilinear")
    return mask.repeat(-(-batch // mask.shape[0]), 1, 1, 1)[:batch]


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
        return torch.maximum(mask, 1.0 - _distance(inside, r) / (r + 1))
    if side == "in":
        return torch.minimum(mask, _distance(~inside, r) / (r + 1))
    signed = torch.where(inside, _distance(~inside, r), 1.0 - _distance(inside, r)) - 0.5
    return (0.5 + signed / (r + 1)).clamp(0.0, 1.0)


def _distance(inside: torch.Tensor, limit: int) -> torch.Tensor:
    """Distance to the nearest True pixel, at most limit + 1: two passes of a parabola envelope."""
    far = float((limit + 1) ** 2)
    d2 = torch.where(inside, 0.0, far)
    for dim in (-1, -2):
        n = d2.shape[dim]
        best = d2.clone()
        for k in range(1, min(limit, n - 1) + 1):
            a, b = d2.narrow(dim, 0, n - k), d2.narrow(dim, k, n - k)
            best.narrow(dim, k, n - k).clamp_(max=a + k * k)
            best.narrow(dim, 0, n - k).clamp_(max=b + k * k)
        d2 = best
    return d2.clamp_(max=far).sqrt_()


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
    sigmas = [schedule.sigma(top if k == 4096 else top * k / 4096) for k in used.tolist()]
    return torch.tensor(sigmas, dtype=torch.float64, device=fractions.device)[inverse]


def keep_region(denoise: Denoise, guide: torch.Tensor, change: torch.Tensor) -> Denoise:
    """Denoiser whose kept pixels (``change`` False) always predict the guide: mode ``bridge``.

    With an SDE solver the kept pixels then follow the exact Brownian bridge from their noised value to the
    guide, at the same noise level as the edited ones, and end on the guide.  It works with every solver.
    This is the aligned form of SDEdit's algorithm 3, whose kept region lags one noise level behind.
    """

    def masked(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return torch.where(change, denoise(x, sigma), guide)

    return masked


class TiltedRegion:
    """As :func:`keep_region`, and the network's input is tilted until it sees the guide there: mode ``tilt``.

    ``bridge`` shows the network a kept region that is noisier than what is known about it, so the edited region
    fits its surroundings less well than it could.  An offset on the network's input, in the kept pixels only,
    integrates the miss ``guide - D``; where D meets the guide, the edited pixels' D is the exact conditional mean
    for Gaussian data.  The offset never enters the solver's state.  It decays with sigma and is clipped to two
    sigma.  No extra evaluation; one extra tensor alive.  Make a new one for every pass.
    """

    def __init__(self, denoise: Denoise, guide: torch.Tensor, change: torch.Tensor, *, clip: float = 2.0):
        self._denoise, self._guide, self._change, self._clip = denoise, guide, change, clip
        self._offset = torch.zeros_like(guide)
        self._sigma = 0.0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        if self._sigma:
            limit = self._clip * sigma
            self._offset.mul_(sigma / self._sigma).clamp_(-limit, limit)
        self._sigma = sigma
        d = self._denoise(x + self._offset, sigma)
        self._offset.add_((self._guide - d).masked_fill_(self._change, 0.0))
        return torch.where(self._change, d, self._guide)
