"""Means and largest values over windows.

Two windows side by side are one of twice the width, so a few additions of whole pictures do what pooling does with one
for every pixel of the window.  Their order is always the same, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F


def mean_around(part: torch.Tensor, reach: int) -> torch.Tensor:
    """Means of (..., H, W) over squares of 2 ``reach`` + 1 pixels, at the edge what there is of them."""
    return _mean_along(_mean_along(part, reach, -2), reach, -1)


def mean_beside(part: torch.Tensor, reach: int) -> torch.Tensor:
    """Means of (..., H, W) over 2 ``reach`` + 1 pixels of a row, at the edge what there is of them."""
    return _mean_along(part, reach, -1)


def mean_of(picture: torch.Tensor, part: torch.Tensor, reach: int) -> torch.Tensor:
    """A smooth mean of the part (1, H, W) in [0, 1] of a picture (C, H, W): three means over 2 ``reach`` + 1 pixels."""
    weight = part + 1e-4
    total = weight * picture
    for _ in range(3):
        total, weight = mean_around(total, reach), mean_around(weight, reach)
    return total / weight


def largest_around(part: torch.Tensor, reach: int) -> torch.Tensor:
    """Largest values of (..., H, W) in squares of 2 ``reach`` + 1 pixels, at the edge what there is of them."""
    for axis in (-2, -1):
        near = min(reach, part.shape[axis] - 1)
        part = _windows(_padded(part, near, axis, -torch.inf), 2 * near + 1, axis, torch.maximum)
    return part


def means(part: torch.Tensor, width: int) -> torch.Tensor:
    """Means of (..., H, W) over all squares of that width, (..., H - width + 1, W - width + 1)."""
    return _windows(_windows(part, width, -2, torch.add), width, -1, torch.add) / width**2


def _mean_along(part: torch.Tensor, reach: int, axis: int) -> torch.Tensor:
    length = part.shape[axis]
    near = min(reach, length - 1)
    place = torch.arange(length, device=part.device)
    count = (place + near).clamp_max(length - 1) - (place - near).clamp_min(0) + 1
    sums = _windows(_padded(part, near, axis, 0.0), 2 * near + 1, axis, torch.add)
    return sums / count.to(part.dtype).reshape(-1, *[1] * (-1 - axis))


def _padded(part: torch.Tensor, count: int, axis: int, value: float) -> torch.Tensor:
    return F.pad(part, (count, count) if axis == -1 else (0, 0, count, count), value=value)


def _windows(
    part: torch.Tensor, width: int, axis: int, join: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """All windows of that width joined along an axis, which gets shorter by width - 1.

    A window of 11 is one of 1, one of 2 and one of 8, side by side.
    """
    left = part.shape[axis] - width + 1
    out, begin, size = None, 0, 1
    while True:
        if width & size:
            here = part.narrow(axis, begin, left)
            out, begin = here if out is None else join(out, here), begin + size
        if 2 * size > width:
            return out
        count = part.shape[axis] - size
        part, size = join(part.narrow(axis, 0, count), part.narrow(axis, size, count)), 2 * size
