"""The shapes of a picture without its texture and noise: areas of one colour with sharp borders.

C(x) minimises  |C - x|^2 / 2 + lambda TV(C), TV the sum over pixels of the length of the gradient of all three colours:
what is small or of low contrast vanishes, borders stay where they are.

Sources: Rudin, Osher and Fatemi, Nonlinear total variation based noise removal algorithms (1992); colours as in Bresson
and Chan (2008); solved in the dual by the fast gradient projection of Beck and Teboulle (2009), from coarse to fine.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

_STEPS = 5  # iterations at every scale
_SMALLEST = 24  # shorter side in pixels from which there is a coarser scale
_STEP = 0.125  # of the gradient; 1 / |div|^2


def cartoon(picture: torch.Tensor, strength: float) -> torch.Tensor:
    """C of a picture (3, H, W) with sides of at least 2, strength = lambda > 0."""
    return _less(picture, _flow(picture, strength))


def _flow(picture: torch.Tensor, strength: float) -> torch.Tensor:
    """The dual variable (2, 3, H, W), along columns and rows, no longer than ``strength`` at any pixel."""
    height, width = picture.shape[1:]
    if min(height, width) < _SMALLEST:
        flow = picture.new_zeros(2, *picture.shape)
    else:  # where pixels have twice the side, lambda is half as large for the same picture
        half = F.avg_pool2d(picture[None], 2, ceil_mode=True, count_include_pad=False)[0]
        down, along = _flow(half, 0.5 * strength)
        both = _between(down, 1).repeat_interleave(2, 2), _between(along, 2).repeat_interleave(2, 1)
        flow = torch.stack([side[:, :height, :width] for side in both])
    flow[0, :, -1], flow[1, :, :, -1] = 0.0, 0.0
    ahead, t = flow, 1.0
    for _ in range(_STEPS):
        now = _less(picture, ahead)
        new = ahead.clone()
        new[0, :, :-1].add_(now[:, 1:] - now[:, :-1], alpha=_STEP)
        new[1, :, :, :-1].add_(now[..., 1:] - now[..., :-1], alpha=_STEP)
        length = new.square().sum((0, 1)).sqrt_()
        new.mul_(strength / length.clamp_min_(strength))
        following = (1.0 + (1.0 + 4.0 * t * t) ** 0.5) / 2.0
        ahead = torch.lerp(flow, new, 1.0 + (t - 1.0) / following)
        flow, t = new, following
    return flow


def _between(flow: torch.Tensor, axis: int) -> torch.Tensor:
    """A flow of cells as one of half cells: twice it at the border to the next cell, the mean of both inside a cell."""
    before = torch.cat([torch.zeros_like(flow.narrow(axis, 0, 1)), flow.narrow(axis, 0, flow.shape[axis] - 1)], axis)
    return torch.stack([before + flow, 2.0 * flow], axis + 1).flatten(axis, axis + 1)


def _less(picture: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """What is left of the picture when the divergence of the flow is taken off."""
    out = picture + flow[0]
    out += flow[1]
    out[:, 1:] -= flow[0, :, :-1]
    out[..., 1:] -= flow[1, ..., :-1]
    return out
