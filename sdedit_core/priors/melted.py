"""Bands of a painted sky melt into each other; clouds of it, and long strokes on the ground, get other outlines.

With the sky s of :mod:`.sky`, C a cartoon and D a posterior mean,

    D' = D + s l (G(C(D)) - C(D)) - p s (D - C(D)),

G a mean of the sky alone, so that nothing else bleeds into it.  l is whether the sky's borders lie level there: white
mountains are lighter than the sky above them, and theirs do not (by the structure tensor of Foerstner and Guelch,
1987).  What is finer than C, in a sky of a colour that the references lack, is flecks and wisps of their skies: most
of it goes, p, but not in the dark, where there are stars; in any other sky what is many times stronger than usual goes.
Clouds: see :mod:`.clouds`, and :mod:`.ragged` for their outlines and those of strokes on the ground.
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
_STRONG = 6.0  # times the usual energy of a sky's texture: half of it goes
_WIDE = 40  # shorter side over half the width of a mean; there are three
_LEVEL = 0.02  # sigma at which half of it is done: what is left at the end is kept


def with_sky(mean: torch.Tensor, seen: Cartoons, scene: Scene, sigma: float) -> torch.Tensor:
    """D' of a posterior mean D (3, H, W), and with other outlines of clouds and of strokes on the ground.

    Args:
        mean: D.
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
    plain = _PLAIN * scene.foreign
    plain = plain.maximum(_flecks(in_cells(texture.square().mean(0, keepdim=True), cell), sky))
    plain = in_pixels((plain * sky * daylight(scene.painted)).maximum(done * gone), cell, *mean.shape[1:])
    return mean + in_pixels(done * change, cell, *mean.shape[1:]) - plain * texture


def _flecks(energy: torch.Tensor, sky: torch.Tensor) -> torch.Tensor:
    """How far a texture of that energy is much stronger than usual in the sky; all (1, H, W)."""
    share, root = torch.cat([sky, sky * energy.sqrt()]).mean(2).mean(1)  # row by row, see palette
    limit = _STRONG * (root / share.clamp_min(1e-6)).square() + 1e-10
    return mean_around(beyond(energy, limit.sqrt()), 1)
