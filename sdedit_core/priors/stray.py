"""Texture much stronger than what is usual around it on the same colour: a wisp beside a painted sun, a splinter of
rock in the sky.

The energy e of the texture, a mean over cells of a 64th of the shorter side, is compared with the usual one: the
geometric mean over cells around that have about the same colour (weights as of the bilateral filter, Tomasi and
Manduchi 1998).  A geometric mean follows the many weak cells of a calm sky and not the few strong ones.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange

from .cells import in_cells, in_pixels

CELLS = 64  # on the shorter side
_REACH, _APART = 6, 2  # cells on each side, and between two that are looked at
_COLOUR = 0.05  # distance in RGB at which a colour counts as another
_MORE = 1.5  # energy over the usual one from which it is too much, near a change
_MUCH_MORE = (4.0, 9.0)  # the same in calm places: plain ones, and those with texture
_USUAL = (1e-4, 4e-4)  # usual energy up to which a place is plain, as a sky, and from which it is not
_LEAST = 1e-5  # energy that is none
_NOWHERE = 0.01  # share that is none
_NIGHT, _DAY = 0.25, 0.4  # lightness up to which there may be stars; from which there are none


def daylight(colours: torch.Tensor) -> torch.Tensor:
    """Where colours (3, H, W) are so light that a fleck is no star: (1, H, W) in [0, 1]."""
    return ((colours.mean(0, keepdim=True) - _NIGHT) / (_DAY - _NIGHT)).clamp(0.0, 1.0)


def usual_around(energy: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """The energy that is usual around every cell on its colour, (1, h, w), for (1, h, w) and (3, h, w)."""
    rows, columns = energy.shape[1:]
    pad = F.pad(torch.cat([(energy + _LEAST).log(), colours])[None], (_REACH,) * 4, mode="replicate")
    there = F.unfold(pad, 2 * _REACH // _APART + 1, dilation=_APART)[0]
    there = rearrange(there, "(c near) (y x) -> near c y x", c=4, y=rows, x=columns)
    weight = torch.exp((there[:, 1:] - colours).square().sum(1) / (-2.0 * _COLOUR**2))
    return torch.exp((weight * there[:, 0]).sum(0) / weight.sum(0))[None]


def without_stray(texture: torch.Tensor, colours: torch.Tensor, near: torch.Tensor, calm: torch.Tensor) -> torch.Tensor:
    """The texture (3, H, W), brought down to the usual strength.

    Args:
        texture: differences to the colours of areas.
        colours: (3, H, W), those of areas.
        near: (1, H, W) in [0, 1], where what is stronger than usual goes.
        calm: the same, where only what is much stronger goes: in a plain sky sooner than in water that glitters.
    """
    if not bool((torch.maximum(near, calm) > _NOWHERE).any()):
        return texture
    height, width = texture.shape[1:]
    cell = max(1, min(height, width) // CELLS)
    energy, here = in_cells(texture.square().mean(0, keepdim=True), cell), in_cells(colours, cell)
    usual = usual_around(energy, here)
    over = (usual / energy.clamp_min(_LEAST)).sqrt()
    rough = ((usual / _USUAL[0]).log() / math.log(_USUAL[1] / _USUAL[0])).clamp(0.0, 1.0)
    for gone, most in ((near, _MORE), (calm, torch.lerp(*map(rough.new_tensor, _MUCH_MORE), rough))):
        kept = in_pixels((most**0.5 * over).clamp_max(1.0), cell, height, width)
        texture = texture * (1.0 - gone * (1.0 - kept))
    return texture
