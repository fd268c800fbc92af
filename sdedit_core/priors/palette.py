"""Shapes and colours of the painter, texture of the references: what is painted stays what it is.

Let P be the posterior mean over the reference patches, whose mean colours may move a little (see
:meth:`.PatchBank.posterior_mean`).  No patch of a meadow and a red house is among the references unless that house is;
P has something else there, and one change of colour for a whole patch is a haze over both.  But the shapes of a
painting can be seen through the noise: x and P are compared by their cartoons C (see :mod:`.cartoon`), areas of one
colour with sharp borders,

    P' = P + w o (1 - (0.03 m / |o|)^2)_+ (n tau^2 / (sigma^2 + n tau^2))^2,        o = C(x) - C(P),

with tau the palette freedom, n the cells of an area and m the mean of C(x).  The texture P - C(P) stays.  The third
factor, the nonnegative garrote, leaves alone what is explained already, and light and shade; the last is the posterior
share of a change of deviation tau, squared so that what C keeps of a large noise does not pile up as coloured specks;
it falls to 0 where the noise hides the painting.  The larger the noise, the larger the cells that are compared.  At
small noise w lets outlines run as those of the references do (see :mod:`.outline`), or clouds would keep the outline of
the brush; before it is 1.

Then once more with P' in the place of P, and the same factors: C takes a little contrast away, and this gives back what
it took from the change (twicing, Tukey 1977).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .cartoon import cartoon
from .outline import beyond_outlines

_THRESHOLD = 0.03  # change of colour, RMS over the picture's mean, that is none: light and shade
_DARK = 0.05  # mean of the darkest picture
_AREA = 8  # shorter side over the side of an area
_NOISE = 2.0  # strength of the cartoon in sigma: so that no noise is in it
_TEXTURE = 0.25  # and at 256 pixels at least so much, so that no texture is
_LEVEL = 0.01  # sigma at which it is half of that
_OUTLINES = 0.05  # noise level up to which outlines may run otherwise
_CELLS = ((0.05, 256), (0.2, 128), (0.6, 64), (float("inf"), 32))  # up to a noise level: most on the shorter side


def with_palette(x: torch.Tensor, mean: torch.Tensor, sigma: float, freedom: float) -> torch.Tensor:
    """P' for a picture x and its P ``mean``, both (3, H, W), sigma > 0, freedom > 0."""
    height, width = x.shape[1:]
    side = min(height, width)
    cell = -(-side // next(most for level, most in _CELLS if sigma <= level))
    strength = max(_NOISE * sigma, _TEXTURE * side / 256 * sigma / (sigma + _LEVEL)) / cell
    area = (min(side, _CELLS[0][1]) / _AREA * freedom) ** 2
    share = (area / (sigma * sigma + area)) ** 2
    painted, shown = cartoon(_cells(x, cell), strength), cartoon(_cells(mean, cell), strength)
    change = painted - shown
    if sigma <= _OUTLINES:
        share = share * beyond_outlines(painted, shown)
    size = change.square().mean(0, keepdim=True)
    none = (_THRESHOLD * painted.mean().clamp_min(_DARK)) ** 2
    share = share * (1.0 - none / torch.maximum(size, none))
    mean = mean + _whole(change * share, cell, height, width)
    change = painted - cartoon(_cells(mean, cell), strength)
    return mean + _whole(change * share, cell, height, width)


def _whole(change: torch.Tensor, cell: int, height: int, width: int) -> torch.Tensor:
    """Cells as pixels again, (3, H, W)."""
    if cell == 1:
        return change
    whole = [cell * cells for cells in change.shape[1:]]
    return F.interpolate(change[None], whole, mode="bilinear", align_corners=False)[0, :, :height, :width]


def _cells(picture: torch.Tensor, cell: int) -> torch.Tensor:
    """Means over cells, (3, h, w); at the edge over what there is of them."""
    if cell == 1:
        return picture
    return F.avg_pool2d(picture[None], cell, ceil_mode=True, count_include_pad=False)[0]
