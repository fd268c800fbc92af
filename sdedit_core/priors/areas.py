"""Areas of a painting: what has about the same colour near by.

Sums over an area are sums over all cells with the weights of the bilateral filter (Tomasi and Manduchi 1998), on some
2000 cells at most.  They are exact (see :mod:`.fixed_point`), so no number of threads changes them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange

from .cells import in_cells
from .fixed_point import fixed_point

_COUNT = 32  # cells on the shorter side, at least, where there are so many
_MOST = 2048  # cells in all, about: there is a weight for every two of them
_COLOUR = 0.035  # distance in RGB, RMS, at which a cell belongs to another area
_REACH = 0.3  # of the shorter side: the same
_BAND = 0.04  # of the shorter side: the same height, and the same place at it
_NEAR = 0.08  # of the shorter side: what counts as close by
_THING = 0.065  # share of the picture up to which an area is a thing
_TIP = 0.32  # share of the same colour close by up to which a place is the tip of something, and a thing as well
_STEEP = 8  # exponent of both


class Areas:
    """The areas of a cartoon."""

    def __init__(self, painted: torch.Tensor) -> None:
        """Weigh the cells of ``painted`` (3, H, W) against each other."""
        height, width = painted.shape[1:]
        self._painted = painted
        self._cell = max(1, min(height, width) // _COUNT, math.ceil(math.sqrt(height * width / _MOST)))
        coarse = in_cells(painted, self._cell)
        self._size = rows, columns = coarse.shape[1:]
        ys, xs = ((torch.arange(n, device=painted.device) + 0.5) / min(rows, columns) for n in (rows, columns))
        apart = _squares(torch.stack(torch.meshgrid(ys, xs, indexing="ij")).flatten(1))
        alike = torch.exp(_squares(coarse.flatten(1)) / (-6.0 * _COLOUR**2))
        self._weight = fixed_point(alike * torch.exp(apart / (-2.0 * _REACH**2)))
        self._total = self._weight.sum(1)
        self._apart, self._alike, self._ys = apart, alike, ys.repeat_interleave(columns)
        unlike = (self._around(coarse) - painted[:, None]).square().sum(0) / (6.0 * _COLOUR**2)
        self._share = (unlike.amin(0) - unlike).exp()
        self._share = self._share / self._share.sum(0)

    def things(self) -> torch.Tensor:
        """Of every cell (1, H, W) in [0, 1], whether it is of something small: a house, a sun, the tip of a tree."""
        parts = ((self.size(), _THING), (self.close(), _TIP))
        return torch.maximum(*(1.0 / (1.0 + (part / limit) ** _STEEP) for part, limit in parts))

    def size(self) -> torch.Tensor:
        """Of every cell (1, H, W), the size of its area as a share of the picture; at most about half."""
        return self._fine((self._total / len(self._total))[None])

    def close(self) -> torch.Tensor:
        """Of every cell (1, H, W), how much of what is close by has its colour: half at a straight border."""
        near = fixed_point(torch.exp(self._apart / (-2.0 * _NEAR**2)))
        return self._fine(((fixed_point(self._alike) * near).sum(1) / near.sum(1))[None])

    def mean(self, part: torch.Tensor) -> torch.Tensor:
        """Of every cell, the mean of ``part`` (C, H, W) over its area."""
        return self._fine(fixed_point(in_cells(part, self._cell).flatten(1)) @ self._weight / self._total)

    def beside(self, part: torch.Tensor) -> torch.Tensor:
        """Of every cell, the mean of ``part`` (C, H, W) close by, less the mean of its area at the same height."""
        cells = fixed_point(in_cells(part, self._cell).flatten(1))
        below = (self._ys[:, None] - self._ys).square()
        level = self._alike * torch.exp(below / (-2.0 * _BAND**2))
        means = []
        for reach in (_BAND, _REACH):
            weight = fixed_point(level * torch.exp((self._apart - below) / (-2.0 * reach**2)))
            means.append(cells @ weight / weight.sum(1))
        return self._fine(means[0] - means[1])

    def _fine(self, coarse: torch.Tensor) -> torch.Tensor:
        """(C, cells) on the cells of the cartoon: of the nine around, those of the same colour."""
        near = self._around(coarse.to(self._painted.dtype).unflatten(1, self._size))
        return (near * self._share).sum(1)

    def _around(self, coarse: torch.Tensor) -> torch.Tensor:
        """(C, h, w) as (C, 9, H, W): the nine cells around every cell of the cartoon."""
        near = F.unfold(F.pad(coarse[None], (1,) * 4, mode="replicate"), 3)[0]
        near = rearrange(near, "(c k) (y x) -> c k y x", k=9, y=coarse.shape[1])
        near = near.repeat_interleave(self._cell, 2).repeat_interleave(self._cell, 3)
        return near[..., : self._painted.shape[1], : self._painted.shape[2]]


def _squares(points: torch.Tensor) -> torch.Tensor:
    """Squared distances (N, N) of points (C, N)."""
    return sum((row[:, None] - row).square() for row in points)
