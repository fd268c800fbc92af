"""Bands of a painted sky melt into each other; clouds of it, and long strokes on the ground, get other outlines.

With the sky s of :mod:`.sky`, C a cartoon and D a posterior mean,

    D' = D + s l (G(C(D)) - C(D)) - p s (D - C(D)),

G a mean of the sky alone, so that nothing else bleeds into it.  l is whether the sky's borders lie level there: white
mountains are lighter than the sky above them, and theirs do not (by the structure tensor of Foerstner and Guelch,
1987).  What is finer than C, in a sky of a colour that the references lack, is wisps of their skies: most of it goes,
p, but not in the dark, where there are stars.  Last, flecks: where D' and N (see :mod:`.outlined`) disagree about
something small, by day and far more than is usual in that sky, N is right; that is at the smallest noise alone, since
before N has the borders of the bands.  Clouds: see :mod:`.clouds`, and :mod:`.ragged` for their outlines and those of
strokes on the ground.
"""

from __future__ import annotations

import torch

from .around import beyond
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .clouds import softened
from .palette import Cartoons
from .ragged import MOST as RAGGED
from .ragged import ragged
from .scene import Scene
from .sky import level
from .stray import daylight
from .windows import mean_around, mean_of

_PLAIN = 0.7  # of the texture of a foreign sky that goes
_STRONG = 4.0  # times the usual energy: half of a fleck goes
_SMALL = 0.03  # noise level up to which there are flecks
_FINE = 40  # shorter side over half the width up to which something is a fleck
_WIDE = 40  # shorter side over half the width of a mean; there are three
_LEVEL = 0.02  # sigma at which half of it is done: what is left at the end is kept


def with_sky(mean: torch.Tensor, drawn: torch.Tensor, seen: Cartoons, scene: Scene, sigma: float) -> torch.Tensor:
    """D' of a posterior mean D (3, H, W), and with other outlines of clouds and of strokes on the ground.

    Args:
        mean: D.
        drawn: N.
        seen: the picture that D is the mean of, as it is compared.
        scene: what there is in it.
        sigma: its noise level, above 0; what is painted melts while there is noise to hide it.
    """
    cell, sky = scene.cell, scene.sky
    shown = cartoon(in_cells(mean, cell), seen.strength / scene.pooled)
    melted = mean_of(shown, sky, max(1, min(shown.shape[1:]) // _WIDE))
    texture = mean - in_pixels(shown, cell, *mean.shape[1:])
    change = sky * level(shown, sky) * (melted - shown) + scene.bare * softened(shown, sky, scene.clouds)
    done, gone = sigma**2 / (sigma**2 + _LEVEL**2), torch.zeros_like(sky)
    if sigma <= RAGGED:
        outlines, gone = ragged(shown, in_cells(texture.mean(0, keepdim=True), cell), scene, sigma)
        change = change + outlines
    day = sky * daylight(scene.painted)
    plain = in_pixels((_PLAIN * scene.foreign * day).maximum(done * gone), cell, *mean.shape[1:])
    out = mean + in_pixels(done * change, cell, *mean.shape[1:]) - plain * texture
    odd = out - drawn
    odd = odd - mean_around(odd, max(1, min(mean.shape[1:]) // _FINE))
    flecks = day / (1.0 + (sigma / _SMALL) ** 4) * _flecks(in_cells(odd.square().mean(0, keepdim=True), cell), sky)
    return out - in_pixels(flecks, cell, *mean.shape[1:]) * odd


def _flecks(energy: torch.Tensor, sky: torch.Tensor) -> torch.Tensor:
    """How far an energy is much more than usual in the sky; all (1, H, W)."""
    share, root = torch.cat([sky, sky * energy.sqrt()]).mean(2).mean(1)  # row by row, see palette
    limit = _STRONG * (root / share.clamp_min(1e-6)).square() + 1e-10
    return mean_around(beyond(energy, limit.sqrt()), 1)
