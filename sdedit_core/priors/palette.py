"""Shapes and colours of the painter, texture of the references: what is painted stays what it is.

Let P be the posterior mean over the reference patches, whose mean colours may move a little (see
:meth:`.PatchBank.posterior_mean`).  No patch of a meadow and a red house is among the references unless that house is;
P has something else there, and one change of colour for a whole patch is a haze over both.  But the shapes of a
painting can be seen through the noise: x and P are compared by their cartoons C (see :mod:`.cartoon`), areas of one
colour with sharp borders,

    P' = P - b (P - C(P)) + w o (1 - 1/r^2)_+ (n tau^2 / (sigma^2 + n tau^2))^2,        o = C(x) - C(P),

with tau the palette freedom, n the cells of an area and m the mean of C(x).  The third factor, the nonnegative garrote,
leaves alone what is explained already, light and shade, and noise: r is the larger of |o's lightness| / a(0.045) and
|o's hue| / a(0.03), since in the same thing light varies more than hue does, and a(k)^2 = (k m)^2 + g^2 with g about
what C lets through of the noise.  The last factor is the posterior share of a change of deviation tau, squared so that
no coloured specks pile up; it falls to 0 where the noise hides the painting.  The larger the noise, the larger the
cells that are compared.  At small noise w lets outlines run as those of the references do (see :mod:`.outline`), or
clouds would keep the outline of the brush; before it is 1.

Guides of flat strokes have no texture of their own, which makes a change sure at noise levels up to 0.25:

- Texture P - C(P) goes where the change is large (b, see :mod:`.around`): there P had another thing in mind, and its
  texture would be splinters of a rock in the sky; farther around, texture that is stronger than usual on its colour
  goes, and everywhere but in the dark, where there are stars, what is much stronger (see :mod:`.stray`). The texture
  that suits the right colours is found at a smaller noise.
- Around a large change a patch has been pulled to a colour between: there is no light and shade to be kept, and a falls
  to a fifth.  Nor has P the outline of what the references lack: w is 1 there.

Guides like photos have texture, and what they show need not agree with P to within less than half of it: then that is
added to a^2, and b is 0.

Then once more with P' in the place of P, and the same factors: C takes a little contrast away, and this gives back what
it took from the change (twicing, Tukey 1977).
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from .around import around
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .outline import beyond_outlines
from .stray import daylight, without_stray
from .windows import largest_around, mean_around

_LIGHT, _HUE = 0.045, 0.03  # change of either, RMS over the picture's mean, that is none: light and shade
_HAZE = 0.08  # change over m around which a patch's colours are no light and shade any more
_KEPT = 0.2  # of these limits, there
_DARK = 0.05  # mean of the darkest picture
_DIM = 0.35  # mean of the darkest picture, where contrasts are judged
_AREA = 8  # shorter side over the side of an area
_NOISE = 2.0  # strength of the cartoon in sigma: so that no noise is in it
_TEXTURE = 0.25  # and at 256 pixels at least so much, so that no texture is
_LEVEL = 0.01  # sigma at which it is half of that
_OUTLINES = 0.05  # noise level up to which outlines may run otherwise
_LACKING = 0.15  # change over m, beyond outlines, around which they may not
_THIN = 128  # shorter side over half the width up to which it is an outline all the same
_GRAIN = 0.1  # of the noise in a cell that a cartoon lets through
_ROUGH = 0.5  # of the texture, within which photos agree
_WIDE = 32  # shorter side over how far texture is looked at
SURE = 0.25  # noise level up to which a change is sure enough to judge what lies around it
_TORN = ((0.05, 0.16), (SURE, 0.08))  # up to a noise level: change over m that halves the texture
_STRAY = 0.08  # change over m around which stray texture goes
_NEAR, _BESIDE, _FAR = 64, 32, 12  # shorter side over how far the texture, the outlines and the haze of a change reach
_CELLS = ((0.05, 256), (0.2, 128), (0.6, 64), (float("inf"), 32))  # up to a noise level: most on the shorter side


class Cartoons(NamedTuple):
    """A picture x and its posterior mean P as they are compared at a noise level."""

    cell: int  # side of the cells in pixels
    strength: float  # of the cartoon C
    painted: torch.Tensor  # C(x), (3, h, w) cells
    shown: torch.Tensor  # C(P)

    @classmethod
    def of(cls, x: torch.Tensor, mean: torch.Tensor, sigma: float) -> Cartoons:
        """Of x and P, both (3, H, W), at a noise level sigma > 0."""
        side = min(x.shape[1:])
        cell = -(-side // _at(sigma, _CELLS))
        strength = max(_NOISE * sigma, _TEXTURE * side / 256 * sigma / (sigma + _LEVEL)) / cell
        return cls(cell, strength, cartoon(in_cells(x, cell), strength), cartoon(in_cells(mean, cell), strength))


def with_palette(
    x: torch.Tensor,
    mean: torch.Tensor,
    sigma: float,
    freedom: float,
    *,
    flat: bool,
    seen: Cartoons | None = None,
) -> torch.Tensor:
    """P' for a picture x and its P ``mean``, both (3, H, W), sigma > 0, freedom > 0.

    Args:
        x: the picture.
        mean: P.
        sigma: noise level of x.
        freedom: tau.
        flat: guides are painted in flat strokes; else they are like photos.
        seen: how x and P are compared, where it is known already.
    """
    height, width = x.shape[1:]
    side = min(height, width)
    cell, strength, painted, shown = Cartoons.of(x, mean, sigma) if seen is None else seen
    share = share_of_areas(side, sigma, freedom)
    change = painted - shown
    size = change.square().mean(0, keepdim=True)
    bright = painted.mean(2).mean().clamp_min(_DARK)  # row by row: one long sum depends on the number of threads
    contrast = bright.clamp_min(_DIM)
    near, beside, far, wide = (max(1, side // cell // part) for part in (_NEAR, _BESIDE, _FAR, _WIDE))
    sure = flat and sigma <= SURE
    if sigma <= _OUTLINES:
        beyond = beyond_outlines(painted, shown)
        if flat:
            thin = max(1, side // cell // _THIN)
            lacking = -largest_around(-size * beyond**4, thin)
            beyond = torch.lerp(beyond, torch.ones_like(beyond), around(lacking, _LACKING * bright, beside))
        share = share * beyond
    grain, most = size.new_tensor((_GRAIN * sigma / cell) ** 2), bright
    if not flat:
        texture = mean - in_pixels(shown, cell, height, width)
        energy = in_cells(texture.square().mean(0, keepdim=True), cell)
        grain = grain + _ROUGH**2 * mean_around(energy, wide)
    elif sure:
        kept = 1.0 - (1.0 - _KEPT) * around(size * share**2, _HAZE * contrast, far)
        most, grain = bright * kept, grain * kept.square()
    share = share * _garrote(change, most, grain)
    if sure:
        texture = mean - in_pixels(shown, cell, height, width)
        size = size * share.square()
        torn, gone = around(size, _at(sigma, _TORN) * contrast, near), around(size, _STRAY * contrast, far)
        parts = (torn, gone, daylight(painted), painted)
        torn, gone, day, colours = (in_pixels(part, cell, height, width) for part in parts)
        mean = mean - texture + without_stray((1.0 - torn) * texture, colours, gone, day)
    mean = mean + in_pixels(change * share, cell, height, width)
    change = painted - cartoon(in_cells(mean, cell), strength)
    return mean + in_pixels(change * share, cell, height, width)


def share_of_areas(side: int, sigma: float, freedom: float) -> float:
    """The last factor, for pictures of that shorter side: how far areas keep their colour at a noise level."""
    area = (min(side, _CELLS[0][1]) / _AREA * freedom) ** 2
    return (area / (sigma * sigma + area)) ** 2


def _garrote(change: torch.Tensor, bright: torch.Tensor, grain: torch.Tensor) -> torch.Tensor:
    """(1 - 1/r^2)_+, (1, H, W), of a change (3, H, W) in a picture of mean ``bright``; ``grain`` is g^2."""
    light = change.mean(0, keepdim=True)
    hue = (change - light).square().mean(0, keepdim=True)
    ratio = torch.maximum(
        light.square() / ((_LIGHT * bright).square() + grain), hue / ((_HUE * bright).square() + grain)
    )
    return 1.0 - 1.0 / ratio.clamp_min(1.0)


def _at(sigma: float, table: tuple[tuple[float, float], ...]) -> float:
    return next(value for level, value in table if sigma <= level)
