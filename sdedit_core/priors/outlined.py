"""Outlines as painted: where patches and a small network disagree about more than texture, the network is right.

A patch has the outline of the landscape that it was cut from.  Where no landscape has the painted one, the patches tear
it: a snow cap melts into its mountain, a roof grows fur.  A network that was trained on parts of landscapes in any
colour has seen any outline, while patches have the better texture.  With P' as in :mod:`.palette` and N the network's
posterior mean of the same picture,

    P' + W (N - P'),    W = max(e^2 / (e^2 + l^2), w f^2 / (f^2 + m^2)),    l = min(l_0^2 + u, l_1^2).

e is the mean square of P' - N close by, and u the mean square that is usual around on the same colour (see
:mod:`.stray`): in high grass there is more texture than in a sky.  l_0 and l_1, in terms of the picture's mean and
larger in small pictures, are what the texture of a sky, and any texture, stays below.  f is how much of an area (see
:mod:`.areas`) has a colour, or is close to an outline, that the patches lack, by C(x) - C(P): there their texture is
foreign as well, a tower of straw, and the larger part w of it goes.  What texture comes there at the smallest noise is
fur and hair: half of it goes as well, but not where there is much more than is usual in the area, at outlines.  W is 0
where the references have the thing and their patches draw it better: at the clouds of a sky that they know, and in a
path of light on water (see :mod:`.scene`).
"""

from __future__ import annotations

import math

import torch

from .areas import Areas
from .around import around, beyond
from .cartoon import cartoon
from .cells import in_cells, in_pixels
from .palette import Cartoons
from .scene import Scene
from .stray import CELLS, usual_around
from .windows import largest_around, mean_around

_TEXTURE = 0.04  # difference, RMS over the picture's mean, that halves the share of the patches
_MUCH = 0.1  # the same where much texture is usual, at most
_SIDE = 256  # below it, the same texture is more contrast from pixel to pixel
_LACKING = 0.1  # C(x) - C(P), RMS over the picture's mean, from which it is a colour that patches lack
_WHOLE, _MOST = 0.35, 0.8  # m and w
_CLOSE, _AROUND = 85, 128  # shorter side over half the width of e, and over how far W is grown
_BESIDE = 64  # shorter side over how far what is lacking is grown
_FUR, _LEVEL = 0.5, 0.03  # of such texture that goes; noise level up to which
_OUTLINE = 9.0  # times the usual energy: half of it stays
_CLOUD = 42  # shorter side over how far around a cloud its outline is
_DARK = 0.35  # mean of the darkest picture


def with_outlines(
    mean: torch.Tensor, drawn: torch.Tensor, seen: Cartoons, areas: Areas, scene: Scene, sigma: float
) -> torch.Tensor:
    """``mean`` with the outlines of ``drawn``, all (3, H, W).

    Args:
        mean: P'.
        drawn: N.
        seen: the picture that both are of, as it is compared.
        areas: of C(x).
        scene: what there is in it.
        sigma: its noise level.
    """
    height, width = mean.shape[1:]
    side = min(height, width)
    bright = seen.painted.mean(2).mean().clamp_min(_DARK)  # row by row: one long sum depends on the number of threads
    energy = (mean - drawn).square().mean(0, keepdim=True)
    cell = max(1, side // CELLS)
    colours = in_cells(in_pixels(seen.painted, seen.cell, height, width), cell)
    usual = in_pixels(usual_around(in_cells(energy, cell), colours), cell, height, width)
    coarse = math.sqrt(max(1.0, _SIDE / side))
    limit = ((_TEXTURE * coarse * bright).square() + usual).clamp_max((_MUCH * coarse * bright).square())
    share = around(mean_around(energy, max(1, side // _CLOSE)), limit.sqrt(), max(1, side // _AROUND))
    foreign = _foreign(seen, areas, bright)
    share = torch.maximum(share, in_pixels(foreign, seen.cell, height, width))
    known = in_pixels(_known(scene), scene.cell, height, width)
    out = torch.lerp(mean, drawn, (1.0 - known) * share)
    if sigma > 3.0 * _LEVEL:  # a hundredth of it
        return out
    texture = out - in_pixels(cartoon(in_cells(out, seen.cell), seen.strength), seen.cell, height, width)
    energy = in_cells(texture.square().mean(0, keepdim=True), seen.cell)
    usual = areas.mean(energy.sqrt()).square()
    edge = beyond(energy, (_OUTLINE * usual + 1e-10).sqrt())
    fur = _FUR / (1.0 + (sigma / _LEVEL) ** 4) * (foreign / _MOST) ** 4 * (1.0 - edge)
    return out - in_pixels(fur, seen.cell, height, width) * texture


def _known(scene: Scene) -> torch.Tensor:
    """What the references have as well, and better: (1, h, w) in [0, 1]."""
    clouds = largest_around(scene.clouds, max(1, min(scene.sky.shape[1:]) // _CLOUD))
    return torch.maximum((1.0 - scene.dull) * scene.path, (1.0 - scene.bare) * clouds)


def _foreign(seen: Cartoons, areas: Areas, bright: torch.Tensor) -> torch.Tensor:
    """The second part of W, (1, h, w)."""
    lacking = beyond((seen.painted - seen.shown).square().mean(0, keepdim=True), _LACKING * bright)
    beside = max(1, min(lacking.shape[1:]) // _BESIDE)
    share = areas.mean(mean_around(largest_around(lacking, beside), 1)).square()
    return _MOST * share / (share + _WHOLE**2)
