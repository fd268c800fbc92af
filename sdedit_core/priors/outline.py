"""How much two cartoons differ, beyond where an outline runs.

A painted cloud has the outline of a brush, and a cloud of the references has its own, a little beside it; a house that
no reference has is missing.  Both are differences of colour at a pixel, and what tells them apart is whether the colour
is nearby: with d(a, b)(p) = min over |q| <= r of |a(p) - b(p + q)|,

    w = sqrt(max(d(a, b), d(b, a)) / |a - b|)

is 0 where both show the same colours within r, and 1 where one has a colour that the other lacks there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .cells import in_cells, in_pixels

_CELLS = 128  # on the shorter side, in which colours are compared
_REACH = 64  # shorter side over r
_LEAST = 1e-5  # differences that are none


def beyond_outlines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """w (1, H, W) in [0, 1] of two pictures (3, H, W)."""
    height, width = a.shape[1:]
    cell = max(1, min(height, width) // _CELLS)
    a, b = in_cells(a, cell), in_cells(b, cell)
    reach = max(1, min(a.shape[1:]) // _REACH)
    there = torch.maximum(_nearest(a, b, reach), _nearest(b, a, reach))
    share = (there / (a - b).square().mean(0).clamp_min(_LEAST**2)).clamp(0.0, 1.0).pow(0.25)[None]
    return in_pixels(share, cell, height, width)


def _nearest(a: torch.Tensor, b: torch.Tensor, reach: int) -> torch.Tensor:
    """d(a, b)^2, mean over colours, (H, W)."""
    height, width = a.shape[1:]
    padded = F.pad(b[None], (reach,) * 4, mode="replicate")[0]
    least = torch.full((height, width), float("inf"), device=a.device, dtype=a.dtype)
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if x * x + y * y <= reach * reach:
                shifted = padded[:, reach + y : reach + y + height, reach + x : reach + x + width]
                least = torch.minimum(least, (a - shifted).square().mean(0))
    return least
