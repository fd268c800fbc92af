"""Colours of the painter: where a picture is far from the colours of the references, its own colours are kept.

Let P be the posterior mean over the reference patches, whose mean colours may move a little (see
:meth:`.PatchBank.posterior_mean`), and r = x - P.  One change of colour for a whole patch tints what lies on both sides
of a border; so r is smoothed over a neighbourhood, which frees it of noise and texture, and along the edges of P, so
that it stops at them:

    P' = P + o (1 - (0.01 / |o|)^2)_+ n tau^2 / (sigma^2 + n tau^2),        o = r smoothed,

with tau the palette freedom and n the pixels of a window.  The second factor, the nonnegative garrote, leaves alone
what is explained already; the third is the posterior share of a change of deviation tau, and falls to 0 where the noise
hides the colour.  Two passes, the second on P': what the first leaves at a border that P has only begun to show.

Source: He, Sun and Tang, Guided image filtering (2013): in every window r is an affine function of P, by ridge
regression; on a coarse grid as in He and Sun, Fast guided filter (2015).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

_GRID = 64  # cells along the shorter side of the coarse grid
_RADIUS = 1  # of a window, in cells
_RIDGE = 0.003  # variance of P in a window below which r is taken for constant there: more than texture has
_PASSES = 2
_THRESHOLD = 0.01  # change of colour, RMS in [0, 1], that is none


def with_palette(x: torch.Tensor, mean: torch.Tensor, sigma: float, freedom: float) -> torch.Tensor:
    """P' for a picture x and its P ``mean``, both (3, H, W), sigma > 0, freedom > 0."""
    for _ in range(_PASSES):
        mean = _once(x, mean, sigma, freedom)
    return mean


def _once(x: torch.Tensor, mean: torch.Tensor, sigma: float, freedom: float) -> torch.Tensor:
    height, width = x.shape[1:]
    cell = max(1, min(height, width) // _GRID)
    slope, level = _affine(_cells(mean, cell), _cells(x - mean, cell))
    coarse = torch.cat([slope.flatten(0, 1), level])[None]
    whole = [-(-side // cell) * cell for side in (height, width)]
    full = F.interpolate(coarse, whole, mode="bilinear", align_corners=False)[0, :, :height, :width]
    change = (full[:9].view(3, 3, height, width) * mean).sum(1) + full[9:]
    size = change.square().mean(0, keepdim=True)
    kept = 1.0 - _THRESHOLD**2 / size.clamp_min(_THRESHOLD**2)
    count = ((2 * _RADIUS + 1) * cell * freedom) ** 2
    return mean + change * kept * (count / (sigma * sigma + count))


def _cells(picture: torch.Tensor, cell: int) -> torch.Tensor:
    """Means over cells, (3, h, w); at the edge over what there is of them."""
    return F.avg_pool2d(picture[None], cell, ceil_mode=True, count_include_pad=False)[0]


def _affine(guide: torch.Tensor, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(slope (3, 3, h, w), level (3, h, w)) of signal = slope guide + level, averaged over the windows."""
    shape = 3, 3, *guide.shape[1:]
    squares = (guide[:, None] * guide).flatten(0, 1), (signal[:, None] * guide).flatten(0, 1)
    means = _boxes(torch.cat([guide, signal, *squares]))
    g, s = means[:3], means[3:6]
    own = means[6:15].view(shape) - g[:, None] * g
    cross = means[15:].view(shape) - s[:, None] * g
    own = own + _RIDGE * torch.eye(3, dtype=g.dtype, device=g.device)[:, :, None, None]
    slope = torch.einsum("skyx,kgyx->sgyx", cross, _inverse(own))
    smooth = _boxes(torch.cat([slope.flatten(0, 1), s - (slope * g).sum(1)]))
    return smooth[:9].view(shape), smooth[9:]


def _inverse(matrix: torch.Tensor) -> torch.Tensor:
    """Of symmetric matrices (3, 3, h, w), by cofactors: the same to the last digit for any number of threads."""
    a, b, c = matrix
    rows = torch.stack(
        [torch.linalg.cross(b, c, dim=0), torch.linalg.cross(c, a, dim=0), torch.linalg.cross(a, b, dim=0)]
    )
    return rows / (a * rows[0]).sum(0)


def _boxes(maps: torch.Tensor) -> torch.Tensor:
    """Means over windows; at the edge over what there is of them."""
    side = 2 * _RADIUS + 1
    rows = F.avg_pool2d(maps[None], (side, 1), 1, (_RADIUS, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, _RADIUS), count_include_pad=False)[0]
