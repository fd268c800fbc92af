"""Calm areas that the references know, sky and still water, as the references have them.

A sky is painted in two or three bands, and what keeps the painter's colours keeps the borders of the bands, too.  Where
the references know the sky, that is needless.  With P' and C as in :mod:`.palette` and P0 the posterior mean without a
freedom of palette, the result is

    P' + k (Q - P'),        Q = P0(x - c - d) + d.

c are things, small areas: they are filled with what is around them, so P0 is shown an empty landscape, and no splinter
of a thing lies in its sky.  d is one change of colour for a whole area, the mean of C(x) - C(P) over it: a green sky is
a sky.  k is the share of what is known and calm: not in a thing; little left of C(x) - c - C(Q) in the area, on means
over 1/16 of the side, for no cloud has the outline of the brush; nowhere much of it; and little texture, for in rocks
and meadows the references have shapes of their own.

Where there is a network that draws outlines (see :mod:`.outlined`), its N decides along the rows, since what goes from
side to side is a band of the sky.  A white roof on snow is lost in C, but N differs from what is left and right in the
same area: there k is 0.  Nor has N the row of peaks that P0 may draw where a field of snow meets the sky: k is 0 in
rows in which Q - N, less its mean to the left and right, is large where k is not 0 already; at a horizon, less is.

Only at noise levels up to 0.06: in larger noise C(x) lacks what is faint, and so would the sky: a cloud at dusk.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from .areas import Areas
from .around import beyond
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .palette import Cartoons
from .stray import daylight, without_stray
from .windows import largest_around, mean_around, mean_beside, mean_of

_AROUND = 25  # shorter side over half the width from which a thing is filled
_SMOOTH = 32  # shorter side over half the width of means of what is left
_PLACE, _TIP = 64, 128  # shorter side over half the width of a place, and over how far a thing is grown
_LEFT, _MUCH, _TEXTURE = 0.04, 0.1, 0.03  # RMS over the mean that halves k: left in an area, at a place; texture
_FOREIGN = 0.08  # change of an area, RMS over the mean, from which it is a thing as well
MOST = 0.06  # noise level up to which C(x) has what is faint
_RISE = 3.0  # of what may be left in an area, or changed, with sigma: means over areas are less sure
_UNLIKE = 0.03  # Q - N along a row, RMS over the mean, that halves k
_HORIZON, _STEP = 0.3, 0.05  # of that limit, at a border from side to side; RMS that makes rows of two colours
_ROW = 8  # shorter side over half the length of a row
_FAINT = 0.012  # RMS over the mean that halves k: how far N is from what is beside it in the same area
_DARK = 0.1  # mean of the darkest picture


def with_calm(
    x: torch.Tensor,
    mean: torch.Tensor,
    seen: Cartoons,
    areas: Areas,
    explain: Callable[[torch.Tensor], torch.Tensor],
    *,
    sigma: float,
    share: float,
    drawn: torch.Tensor | None = None,
) -> torch.Tensor:
    """``mean`` with its calm areas as the references have them, (3, H, W).

    Args:
        x: the noisy picture (3, H, W).
        mean: P'.
        seen: x and P as they are compared.
        areas: of C(x).
        explain: P0, of such a picture.
        sigma: noise level of x, MOST or less.
        share: how far areas keep their colour at this noise level; so far k goes.
        drawn: N, where there is a network.
    """
    height, width = x.shape[1:]
    cell, strength, painted, shown = seen
    side = min(painted.shape[1:])
    grow, place, smooth, wide = (max(1, side // part) for part in (_TIP, _PLACE, _SMOOTH, _AROUND))
    bright = painted.mean(2).mean().clamp_min(_DARK)  # row by row: one long sum depends on the number of threads
    foreign = 1.0 - _at_most(areas.mean(_energy(painted - shown)), _FOREIGN * (1.0 + _RISE * sigma) * bright)
    thing = largest_around(torch.maximum(areas.things(), foreign), grow)
    things = thing * (painted - mean_of(painted, (1.0 - thing).square(), wide))
    change = areas.mean((1.0 - thing) * (painted - shown)) / areas.mean(1.0 - thing).clamp_min(0.01)
    change = share * (1.0 - thing) * change
    moved = in_pixels(change, cell, height, width)
    clean = explain(x - moved - in_pixels(things, cell, height, width))
    shown = cartoon(in_cells(clean, cell), strength)
    texture = clean - in_pixels(shown, cell, height, width)
    light = daylight(painted)
    day, colours = (in_pixels(part, cell, height, width) for part in (light, shown))
    clean = clean - texture + without_stray(texture, colours, torch.zeros_like(day), day) + moved
    left = painted - things - change - shown
    known = _at_most(areas.mean(_energy(mean_around(left, smooth))), _LEFT * (1.0 + _RISE * sigma) * bright)
    known = known * _at_most(areas.mean(in_cells(_energy(texture), cell)), _TEXTURE * bright)
    here = _at_most(mean_around(_energy(left), place), _MUCH * bright)
    known = mean_around(known, grow * 4)
    if drawn is not None:
        row = max(1, side // _ROW)
        unlike = (1.0 - thing) * mean_around(in_cells(clean - drawn, cell), max(1, place // 2))
        unlike = light * _energy(unlike - mean_beside(unlike, row))
        unlike = mean_beside(known * unlike, row) / mean_beside(known, row).clamp_min(1e-3)
        strict = torch.lerp(bright, _HORIZON * bright, _horizon(painted, wide))
        known = known * _at_most(mean_around(unlike, place), _UNLIKE * strict)
        faint = 1.0 - _at_most(_energy(areas.beside(in_cells(drawn, cell))), _FAINT * bright)
        known = known * (1.0 - mean_around(largest_around(faint, grow), grow))
    known = known * (1.0 - thing) * -largest_around(-here, grow)
    return torch.lerp(mean, clean, in_pixels(share * known, cell, height, width))


def _horizon(painted: torch.Tensor, reach: int) -> torch.Tensor:
    """How close rows of a cartoon (3, H, W), by their median colours, are to another colour: (1, H, 1) in [0, 1]."""
    rows = F.pad(painted.median(2).values, (reach, reach), mode="replicate")
    sums = F.avg_pool1d(rows, reach, 1)  # of the rows before and behind every border of two
    step = (sums[:, reach:] - sums[:, :-reach]).square().mean(0)[:-1]
    return largest_around(beyond(step[None, :, None], step.new_tensor(_STEP)), 2 * reach)


def _energy(part: torch.Tensor) -> torch.Tensor:
    return part.square().mean(0, keepdim=True)


def _at_most(energy: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    return 1.0 / (1.0 + (energy / limit.square()) ** 3)
