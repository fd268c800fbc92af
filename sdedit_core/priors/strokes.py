"""Strokes on the ground of a painting: long and thin, with the same ground above and below.

A bush or an island is darker than its ground, a glint on water or a light patch in a meadow is lighter.  Of a cartoon,
what is darker than a closing of its lightness along the columns (or lighter than an opening: the top-hat of Meyer,
1979) is thin.  It is a stroke where the nearest ground above and below has one colour, which a roof or the foot of a
mountain has not, and where it goes on for a while along the row.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from .windows import largest_around, mean_beside, mean_of

_THICK_DARK, _THICK_LIGHT = 9, 16  # shorter side over the most thickness: a light thing that is thicker is a pond
_LONG = 6  # shorter side over the least length, about
_USUAL = 8  # shorter side over half the width of a mean of the ground; there are three
_TOGETHER = 32  # shorter side over how far along the row most places decide
_LEAST, _SHARE = 0.03, 0.12  # contrast of a stroke in lightness: so much, and over that of its ground
_SAME, _DIM = 0.09, 0.3  # RMS over lightness, and this more, up to which two colours are one ground


class Strokes(NamedTuple):
    """Strokes of one kind."""

    cells: torch.Tensor  # (1, H, W), 0 or 1
    ground: torch.Tensor  # there, the colour of the ground around, (3, H, W)


def strokes_of(painted: torch.Tensor, sky: torch.Tensor) -> tuple[Strokes, Strokes]:
    """Dark and light strokes of a cartoon (3, H, W) with its sky (1, H, W)."""
    land = (sky < 0.5).float()
    usual = mean_of(painted.mean(0, keepdim=True), land, max(1, min(painted.shape[1:]) // _USUAL))
    return _darker(painted, land, usual, 1.0, _THICK_DARK), _darker(painted, land, usual, -1.0, _THICK_LIGHT)


def _darker(painted: torch.Tensor, land: torch.Tensor, usual: torch.Tensor, sign: float, thick: int) -> Strokes:
    """Strokes that are darker than their ground, or lighter for a ``sign`` of -1."""
    side = min(painted.shape[1:])
    reach, lightness = max(1, side // thick // 2), painted.mean(0, keepdim=True)
    closed = -opened_along(-sign * lightness, reach)
    thin = land * (closed - sign * lightness > (_SHARE * closed).clamp_min(_LEAST)).float()
    ground = land * (1.0 - largest_around(thin, 1))
    above, some = _nearest_above(painted, ground)
    below, more = (part.flip(1) for part in _nearest_above(painted.flip(1), ground.flip(1)))
    around = 0.5 * (above + below)
    bright = around.mean(0, keepdim=True)
    one = some * more * ((above - below).square().mean(0, keepdim=True).sqrt() < _SAME * (bright + _DIM))
    odd = (lightness - usual).abs() > (bright - usual).abs()  # not the water between two glints
    sure, near = thin * one * odd, max(1, side // _TOGETHER)
    sure = thin * (mean_beside(sure, near) > 0.5 * mean_beside(thin, near)).float()
    return Strokes(_long(sure, max(1, side // _LONG // 2), 2 * reach), around)


def _long(part: torch.Tensor, half: int, reach: int) -> torch.Tensor:
    """What of a part (1, H, W) goes on for a while along the row, the whole of it up to ``reach`` away."""
    long = (mean_beside(largest_around(part, 1), half) > 1.0 - 0.5 / (2 * half + 1)).float()
    out = part * (mean_beside(long, half) > 0)
    for _ in range(reach):
        out = part * largest_around(out, 1)
    return out


def largest_along(part: torch.Tensor, reach: int) -> torch.Tensor:
    """Largest values of (1, H, W) along columns, over 2 ``reach`` + 1 cells."""
    return F.max_pool2d(part, (2 * reach + 1, 1), 1, (reach, 0))


def opened_along(part: torch.Tensor, reach: int) -> torch.Tensor:
    """The opening of (1, H, W) along columns: what is thinner than 2 ``reach`` + 1 cells goes."""
    return largest_along(-largest_along(-part, reach), reach)


def sums_along(part: torch.Tensor, reach: int) -> torch.Tensor:
    """Sums of (1, H, W) along columns, over 2 ``reach`` + 1 cells."""
    rows = 2 * reach + 1
    return F.avg_pool2d(part, (rows, 1), 1, (reach, 0)) * rows


def _nearest_above(painted: torch.Tensor, ground: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour (3, H, W) of the nearest ground at every cell or above, and whether there is any (1, H, W)."""
    rows = torch.arange(painted.shape[1], device=painted.device)[:, None]
    last = torch.where(ground > 0.5, rows, -1).cummax(1).values
    return painted.gather(1, last.clamp_min(0).expand_as(painted)), last >= 0
