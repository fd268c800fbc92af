"""Strokes of a painting stand for bushes, clouds, a glint on water: their outline is the texture's, not the brush's.

Every stroke has the round ends and the smooth outline of its brush, and nothing in a landscape has.  Where the outline
is to run, the texture around knows: dark grass beside a bush is bush, a light wave beside a glint is glint, a wisp of
the sky is cloud.  With a stroke s (see :mod:`.strokes` and :mod:`.clouds`), S its mean close by and T the lightness of
the texture D - C(D), a band of it over what is usual around,

    D' = D + b (G_0 + (G_1 - G_0) m - C(D)),    m = min(1, max(0, 1/2 + k (S - 1/2 + a T))),

G_1 and G_0 means of the stroke and of its ground alone, b the stroke and what is close to it.  In clouds and glints T
is what goes along the rows, for so do waves and wisps; in bushes and islands, which are dark (so -T), it is lumps.  They
stand on the ground, so their foot is more level than their top, and light comes from above.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from .strokes import strokes_of
from .windows import largest_around, mean_around, mean_beside, mean_of

_FINE = 128  # shorter side over the unit of what follows
_USUAL = 10  # shorter side over how far texture is usual
_MUCH = 2.0  # times what is usual counts as this
_FOOT, _SHADE = 0.25, 0.18  # of a, at the foot of a bush; share by which it is lighter on top and darker below
_TOP = 24  # shorter side over how far its top goes
MOST = 0.1  # noise level up to which there is a texture that stays


class _Kind(NamedTuple):
    strength: float  # a
    steep: float  # k
    soft: int  # half the width of S, and half of how far b goes
    band: int  # half the width of what is taken off T
    rows: bool  # T goes along the rows


_BUSH = _Kind(-0.22, 2.5, 1, 4, rows=False)
_GLINT = _Kind(0.5, 2.5, 1, 4, rows=True)
_CLOUD = _Kind(0.5, 1.5, 3, 6, rows=True)


def ragged(
    shown: torch.Tensor, texture: torch.Tensor, painted: torch.Tensor, sky: torch.Tensor, clouds: torch.Tensor
) -> torch.Tensor:
    """D' - D on cells, (3, H, W).

    Args:
        shown: C(D), (3, H, W).
        texture: lightness of D - C(D), (1, H, W).
        painted: C of the picture that D is the mean of, (3, H, W).
        sky: of it, (1, H, W).
        clouds: in it, (1, H, W).
    """
    dark, light = strokes_of(painted, sky)
    land, air = (sky < 0.5).float(), torch.maximum(sky, clouds)
    change = torch.zeros_like(shown)
    for kind, stroke, within in ((_BUSH, dark, land), (_GLINT, light, land), (_CLOUD, clouds, air)):
        ground = within * (1.0 - largest_around(stroke, 1))
        change = change + within * _outlined(kind, stroke, ground, shown, texture)
    return change


def _outlined(
    kind: _Kind, stroke: torch.Tensor, ground: torch.Tensor, shown: torch.Tensor, texture: torch.Tensor
) -> torch.Tensor:
    """b (G_0 + (G_1 - G_0) m - C(D)) of one kind of strokes (1, H, W)."""
    side = min(shown.shape[1:])
    fine, soft = max(1, side // _FINE), max(1, side * kind.soft // _FINE)
    band, wide = max(1, side * kind.band // _FINE), max(1, side * max(2, kind.soft) // _FINE)
    own, other, strength = mean_of(shown, stroke, wide), mean_of(shown, ground, wide), kind.strength
    if kind is _BUSH:
        top = _top(stroke, max(1, side // _TOP))
        own = own * (1.0 + _SHADE * top)
        strength = strength * torch.lerp(torch.full_like(top, _FOOT), torch.ones_like(top), (0.5 + top).clamp(0, 1))
    along = mean_beside(texture, band) if kind.rows else mean_around(texture, fine)
    part = along - mean_around(texture, band)
    usual = max(1, side // _USUAL)
    usual = mean_around(mean_around(part.square(), usual), usual).sqrt().clamp_min(1e-4)
    inside = mean_around(mean_around(stroke, soft), fine)
    share = 0.5 + kind.steep * (inside - 0.5 + strength * (part / usual).clamp(-_MUCH, _MUCH))
    close = mean_around(largest_around(stroke, 2 * soft + fine), fine)
    return close * (other + (own - other) * share.clamp(0, 1) - shown)


def _top(stroke: torch.Tensor, reach: int) -> torch.Tensor:
    """From 1 at the top of a stroke (1, H, W) to -1 at its foot: how much of it is below, less how much above."""
    below, above = (
        F.avg_pool2d(F.pad(stroke, (0, 0, *ends)), (reach, 1), 1) for ends in ((0, reach - 1), (reach - 1, 0))
    )
    return below - above
