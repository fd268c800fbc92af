"""A path of light on water, painted as short bars one below the other.

Such bars stand for glitter, and where the references have water in the light they have the glitter as well: a network
that draws outlines as they are painted (see :mod:`.outlined`) would keep the bars.  What it drew, N, shows them through
much noise.  A place belongs to a path of light where thin light bars (the top-hat of Meyer, 1979, along the columns),
which go on for a little along the row, lie above each other, several of them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from .strokes import largest_along, opened_along, sums_along
from .windows import largest_around, mean_around, mean_beside

_THIN, _LONG = 28, 14  # shorter side over the most thickness of a bar, and over its least length, about
_LEAST, _SHARE = 0.03, 0.12  # contrast of a bar in lightness: so much, and over that of what is around
_MOSTLY = 0.6  # of the length of a bar that is light
_COUNT, _WITHIN = 4, 6  # bars that make a path, shorter side over half the height in which they are counted


class Glints(NamedTuple):
    """Paths of light in a picture."""

    bars: torch.Tensor  # (1, H, W), 0 or 1
    path: torch.Tensor  # with what is between them, (1, H, W) in [0, 1]


def glints_of(drawn: torch.Tensor, land: torch.Tensor) -> Glints:
    """Paths of light.

    Args:
        drawn: N in cells, (3, H, W).
        land: what is not sky, (1, H, W), 0 or 1.
    """
    side = min(drawn.shape[1:])
    reach, half = max(1, side // _THIN // 2), max(1, side // _LONG // 2)
    lightness = drawn.mean(0, keepdim=True)
    opened = opened_along(lightness, reach)
    thin = land * (lightness - opened > (_SHARE * opened).clamp_min(_LEAST)).float()
    bars = thin * (mean_beside(thin, half) > _MOSTLY).float()
    tops = bars * (1.0 - F.pad(bars, (0, 0, 1, 0))[:, :-1])
    tops = largest_along(tops.mT, half).mT  # those of a crooked bar are not all in one row
    near = side // _WITHIN
    many = largest_along((sums_along(tops, near) > _COUNT - 0.5).float(), near)  # the first and the last as well
    path = many * largest_along(bars, 2 * reach + 1)
    return Glints(many * bars, mean_around(largest_around(path, reach), 1))
