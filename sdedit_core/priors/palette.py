"""Shapes and colours of the painter, texture of the references: what is painted stays what it is.

Let P be the posterior mean over the reference patches, whose mean colours may move a little (see
:meth:`.PatchBank.posterior_mean`).  No patch of a meadow and a red house is among the references unless that house is;
P has something else there, and one change of colour for a whole patch is a haze over both.  But the shapes of a
painting can be seen through the noise: x and P are compared by their cartoons C (see :mod:`.cartoon`), areas of one
colour with sharp borders,

    P' = P - b (P - C(P)) + w o (1 - (a m / |o|)^2)_+ (n tau^2 / (sigma^2 + n tau^2))^2,        o = C(x) - C(P),

with tau the palette freedom, n the cells of an area and m the mean of C(x).  The third factor, the nonnegative garrote,
leaves alone what is explained already, and light and shade; the last is the posterior share of a change of deviation
tau, squared so that what C keeps of a large noise does not pile up as coloured specks; it falls to 0 where the noise
hides the painting.  The larger the noise, the larger the cells that are compared.  At small noise w lets outlines run
as those of the references do (see :mod:`.outline`), or clouds would keep the outline of the brush; before it is 1.

The texture P - C(P) stays, but not where the change is large: there P had another thing in mind, and its texture would
be splinters of a rock in the sky (b, see :mod:`.around`).  The texture that suits the right colours is found at a
smaller noise.  And around a large change a patch has been pulled to a colour between: there is no light and shade to be
kept, so a falls from 0.03 to 0.006.  Both at noise levels at which changes are sure; before, b is 0 and a 0.03.

Then once more with P' in the place of P, and the same factors: C takes a little contrast away, and this gives back what
it took from the change (twicing, Tukey 1977).
"""

from __future__ import annotations

import torch

from .around import around
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .outline import beyond_outlines

_THRESHOLD = 0.03  # change of colour, RMS over the picture's mean, that is none: light and shade
_HAZE = 0.2  # change over m around which a patch's colours are no light and shade any more
_KEPT = 0.2  # of the threshold, there
_DARK = 0.05  # mean of the darkest picture
_DIM = 0.35  # mean of the darkest picture, where contrasts are judged
_AREA = 8  # shorter side over the side of an area
_NOISE = 2.0  # strength of the cartoon in sigma: so that no noise is in it
_TEXTURE = 0.25  # and at 256 pixels at least so much, so that no texture is
_LEVEL = 0.01  # sigma at which it is half of that
_OUTLINES = 0.05  # noise level up to which outlines may run otherwise
_SEEN = 0.25  # noise level up to which a change is sure enough to judge what lies around it
_TORN = ((0.05, 0.16), (_SEEN, 0.08))  # up to a noise level: change over m that halves the texture
_NEAR, _FAR = 64, 12  # shorter side over how far the texture and the haze of a change reach
_CELLS = ((0.05, 256), (0.2, 128), (0.6, 64), (float("inf"), 32))  # up to a noise level: most on the shorter side


def with_palette(x: torch.Tensor, mean: torch.Tensor, sigma: float, freedom: float) -> torch.Tensor:
    """P' for a picture x and its P ``mean``, both (3, H, W), sigma > 0, freedom > 0."""
    height, width = x.shape[1:]
    side = min(height, width)
    cell = -(-side // _at(sigma, _CELLS))
    strength = max(_NOISE * sigma, _TEXTURE * side / 256 * sigma / (sigma + _LEVEL)) / cell
    area = (min(side, _CELLS[0][1]) / _AREA * freedom) ** 2
    share = (area / (sigma * sigma + area)) ** 2
    painted, shown = cartoon(in_cells(x, cell), strength), cartoon(in_cells(mean, cell), strength)
    change = painted - shown
    if sigma <= _OUTLINES:
        share = share * beyond_outlines(painted, shown)
    size = change.square().mean(0, keepdim=True)
    bright = painted.mean(2).mean()  # row by row: one long sum depends on the number of threads
    contrast = bright.clamp_min(_DIM)
    cells = side // cell
    none = _THRESHOLD * bright.clamp_min(_DARK)
    if sigma <= _SEEN:
        none = none * (1.0 - (1.0 - _KEPT) * around(size * share**2, _HAZE * contrast, max(1, cells // _FAR)))
    share = share * (1.0 - none.square() / torch.maximum(size, none.square()))
    if sigma <= _SEEN:
        torn = around(size * share.square(), _at(sigma, _TORN) * contrast, max(1, cells // _NEAR))
        shown, torn = (in_pixels(part, cell, height, width) for part in (shown, torn))
        mean = mean - torn * (mean - shown)
    mean = mean + in_pixels(change * share, cell, height, width)
    change = painted - cartoon(in_cells(mean, cell), strength)
    return mean + in_pixels(change * share, cell, height, width)


def _at(sigma: float, table: tuple[tuple[float, float], ...]) -> float:
    return next(value for level, value in table if sigma <= level)
