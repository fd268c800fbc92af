"""What there is in a painting, seen through the noise: sky and clouds, paths of light, and what the references lack.

The noisy picture x and its posterior mean P are compared by their cartoons C (see :mod:`.palette`); where C(x) - C(P)
is large, the references lack what is painted.  How large that is grows with the noise level.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from .cells import in_cells
from .clouds import clouds_of
from .glints import glints_of
from .palette import Cartoons
from .sky import sky_of
from .windows import mean_around, mean_of

_CELLS = 128  # most cells on the shorter side, about
_FOREIGN = (0.03, 0.5)  # change of a sky, RMS over its mean, that makes it foreign by half; and more of it with sigma
_LACKING = (0.07, 0.55)  # C(x) - C(P) in a thing, RMS over the picture's mean, that it lacks by half; the same
_AROUND = 10  # shorter side over how far around a place that is looked at
_PATH = 24  # shorter side over half the width over which the bars of a path of light are one colour


class Scene(NamedTuple):
    """A painting, on cells.  A cloud that the references have is theirs to draw, and so is a path of light."""

    cell: int  # side of a cell in pixels
    pooled: int  # cells of the cartoons in the side of one here
    painted: torch.Tensor  # C(x), (3, h, w)
    lacking: torch.Tensor  # C(x) - C(P), (3, h, w)
    sky: torch.Tensor  # (1, h, w) in [0, 1], see :mod:`.sky`
    clouds: torch.Tensor  # (1, h, w), 0 or 1, see :mod:`.clouds`
    bars: torch.Tensor  # of paths of light, (1, h, w), 0 or 1, see :mod:`.glints`
    path: torch.Tensor  # with what is between the bars, (1, h, w) in [0, 1]
    foreign: torch.Tensor  # how far the references lack this sky, a number from 0 to 1
    dull: torch.Tensor  # how far they lack the paths of light, (1, h, w) in [0, 1]

    @classmethod
    def of(cls, seen: Cartoons, drawn: torch.Tensor, sigma: float) -> Scene:
        """That of a picture.

        Args:
            seen: x and P as they are compared.
            drawn: what a network makes of x, (3, H, W): it shows thin things through much noise.
            sigma: noise level of x.
        """
        pooled = max(1, min(seen.painted.shape[1:]) // _CELLS)
        cell, painted = seen.cell * pooled, in_cells(seen.painted, pooled)
        lacking, sky = painted - in_cells(seen.shown, pooled), sky_of(painted)
        bars, path = glints_of(in_cells(drawn, cell), (sky < 0.5).float())
        foreign = _foreign(lacking, painted, sky, sigma)
        # bars or glitter is no difference
        dull = lacked(mean_around(lacking, max(1, min(sky.shape[1:]) // _PATH)), painted, path, sigma)
        return cls(cell, pooled, painted, lacking, sky, clouds_of(painted, sky), bars, path, foreign, dull)

    @property
    def bare(self) -> torch.Tensor:
        """How far the references lack the clouds of this sky, a number from 0 to 1."""
        return self.foreign**3


def lacked(lacking: torch.Tensor, painted: torch.Tensor, part: torch.Tensor, sigma: float) -> torch.Tensor:
    """How far the references lack the colours of what is ``part`` (1, H, W) of a picture, (1, H, W) in [0, 1].

    Args:
        lacking: C(x) - C(P), (3, H, W).
        painted: C(x), (3, H, W).
        part: in [0, 1].
        sigma: noise level of x.
    """
    bright = painted.mean(2).mean()  # row by row, see palette
    over = (lacking / (bright * (_LACKING[0] + _LACKING[1] * sigma)).clamp_min(1e-3)).square().mean(0, keepdim=True)
    over = mean_of(over, part, max(1, min(painted.shape[1:]) // _AROUND)) ** 3
    return over / (1.0 + over)


def _foreign(change: torch.Tensor, painted: torch.Tensor, sky: torch.Tensor, sigma: float) -> torch.Tensor:
    """How far the sky has colours that the references lack, 0 to 1, by C(x) - C(P); all (C, H, W)."""
    parts = torch.cat([sky, sky * painted.mean(0), sky * change.square().mean(0)])
    share, bright, energy = parts.mean(2).mean(1).clamp_min(1e-6)  # row by row, see palette
    over = energy * share / (bright * (_FOREIGN[0] + _FOREIGN[1] * sigma)).square()
    return over**3 / (1.0 + over**3)
