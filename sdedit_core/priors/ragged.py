"""Strokes of a painting stand for bushes, clouds, a glint on water: their outline is the texture's, not the brush's.

Every stroke has the round ends and the smooth outline of its brush, and nothing in a landscape has.  Where the outline
is to run, the texture around knows: dark grass beside a bush is bush, a light wave beside a glint is glint, a wisp of
the sky is cloud.  With a stroke (see :mod:`.strokes` and :mod:`.clouds`), S how deep in it or far from its outline a
place is, over half its thickness, and T the lightness of the texture D - C(D), a band of it over what is usual around,

    D' = D + b (G_0 + (G_1 - G_0) m - C(D)) - q b (D - C(D)),
    m = min(1, max(0, 1/2 + k (S + a T))),

G_1 and G_0 means of the stroke and of its ground alone, b the stroke and what is close to it but no other thing, q the
share of T that goes along the rows: what is left of the old outline there goes.  In clouds T is what goes along the
rows, as wisps do; in bushes and islands, which are dark (so -T), it is lumps.  They stand on the ground, so their foot
is more level than their top, and light comes from above.  A light stroke is a glint where the texture of its ground
goes along the rows, as waves do, and a path, a river or a patch of meadow where it does not, or from side to side.
The bars of a path of light (see :mod:`.glints`) are such strokes, short as they are.  For a faint stroke a is smaller,
for a thin one a and q: it would be torn and fade.  What the references have, their patches draw: there b is 0.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from .around import beyond
from .scene import Scene, lacked
from .strokes import Strokes, largest_along, strokes_of
from .windows import largest_around, mean_around, mean_beside, mean_of

_FINE = 128  # shorter side over the unit of what follows
_USUAL = 10  # shorter side over how far texture is usual
_MORE = 9.0  # times the usual energy of the ground's texture: the old outline by half
_MUCH = 2.0  # times what is usual counts as this
_FOOT, _SHADE = 0.25, 0.18  # of a, at the foot of a bush; share by which it is lighter on top and darker below
_GRASS, _WAVES = 1.2, 1.5  # texture along the rows over that along the columns: as much in lumps, as little
_SLOPE, _LONG, _WHOLE = 8, 3, (0.7, 0.9)  # units up and down, side over half a row, share of it: side to side
_IN_LUMPS = 0.18  # of a, for a light stroke on what is no water
_OTHER = 0.06  # RMS from the colours between those of stroke and ground, from which it is another thing by half
_CLEAR = 0.1  # contrast of a stroke from which it may lose its outline; what is fainter would be lost with it
_INNER = 0.2  # RMS from its ground, up to which more of it is more of the stroke
_TOP = 24  # shorter side over how far its top goes
MOST = 0.1  # noise level up to which there is a texture that stays


class _Kind(NamedTuple):
    strength: float  # a
    along: float | None  # share of T that goes along the rows; None = as the ground has it
    steep: float  # k
    soft: int  # how deep S goes, less 1, and half of how far b goes
    band: int  # half the width of what is taken off T


_BUSH = _Kind(-0.3, 0.0, 2.5, 1, 4)
_LIGHT = _Kind(0.6, None, 2.5, 1, 4)
_CLOUD = _Kind(0.7, 1.0, 1.5, 3, 6)


def ragged(shown: torch.Tensor, texture: torch.Tensor, scene: Scene, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """b (G_0 + (G_1 - G_0) m - C(D)) on cells, (3, H, W), and q b, (1, H, W).

    Args:
        shown: C(D), (3, H, W).
        texture: lightness of D - C(D), (1, H, W).
        scene: what there is in the picture that D is the mean of.
        sigma: its noise level.
    """
    painted, sky, clouds = scene.painted, scene.sky, scene.clouds
    dark, light = strokes_of(painted, sky)
    land, air = (sky < 0.5).float(), torch.maximum(sky, clouds)
    change, gone = torch.zeros_like(shown), torch.zeros_like(sky)
    for kind, strokes, within, part in (
        (_BUSH, dark, land, None),
        (_LIGHT, light, land, None),
        (_LIGHT, light._replace(cells=scene.bars), land, scene.dull),
        (_CLOUD, Strokes(clouds, mean_of(painted, sky, _count(_CLOUD.soft, shown))), air, scene.bare),
    ):
        if not bool(strokes.cells.any()):
            continue
        within = within * _between(painted, strokes, _count(kind.soft + 1, shown))
        close, to, along = _outlined(kind, strokes.cells, within, shown, texture)
        close = close * (lacked(scene.lacking, painted, strokes.cells, sigma) if part is None else part)
        change = change + close * (to - shown)
        plain = within * (1.0 - largest_around(strokes.cells, _count(kind.soft + 2, shown)))
        gone = torch.maximum(gone, close * along * _excess(texture, plain))
    return change, gone


def _excess(texture: torch.Tensor, ground: torch.Tensor) -> torch.Tensor:
    """How far a texture is more than the usual one of the ground, (1, H, W) in [0, 1]."""
    energy = texture.square()
    usual = mean_of(energy, ground, max(1, min(texture.shape[1:]) // _USUAL))
    return beyond(energy, (_MORE * usual + 1e-8).sqrt())


def _count(cells: int, shown: torch.Tensor) -> int:
    return max(1, min(shown.shape[1:]) * cells // _FINE)


def _between(painted: torch.Tensor, strokes: Strokes, reach: int) -> torch.Tensor:
    """Whether a colour (3, H, W) is one of a stroke, its ground or between, no other thing's: (1, H, W) in [0, 1]."""
    own, other = mean_of(torch.cat([painted, strokes.ground]), strokes.cells, reach).chunk(2)
    way, off = own - other, painted - other
    share = ((off * way).sum(0, keepdim=True) / way.square().sum(0, keepdim=True).clamp_min(1e-6)).clamp(0, 1)
    return 1.0 / (1.0 + ((off - share * way).square().mean(0, keepdim=True) / _OTHER**2).square())


def _outlined(
    kind: _Kind, stroke: torch.Tensor, within: torch.Tensor, shown: torch.Tensor, texture: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """b, G_0 + (G_1 - G_0) m and q of one kind of strokes (1, H, W)."""
    fine, soft, wide = (_count(cells, shown) for cells in (1, kind.soft, max(2, kind.soft)))
    ground = within * (1.0 - largest_around(stroke, 1))
    other = mean_of(shown, ground, wide)
    inner = stroke * ((shown - other).square().mean(0, keepdim=True) / _INNER**2).clamp_max(1.0)  # not its soft borders
    own = mean_of(shown, inner, wide)
    part, along = _texture(kind, texture, stroke, ground)
    part = kind.strength * part * ((own - other).abs().mean(0, keepdim=True) / _CLEAR).clamp_max(1.0)
    if kind is _BUSH:
        top = _top(stroke, max(1, min(shown.shape[1:]) // _TOP))
        own = own * (1.0 + _SHADE * top)
        part = part * torch.lerp(torch.full_like(top, _FOOT), torch.ones_like(top), (0.5 + top).clamp(0, 1))
    near = 2 * soft + fine
    depth, half = _depth(stroke, soft + fine, near)
    thick = half / (soft + fine - 0.5)  # a thin one would be torn and fade
    share = (0.5 + kind.steep * (depth + thick * part)).clamp(0, 1)
    close = mean_around(largest_around(stroke, near), fine)
    return within * close, other + (own - other) * share, along * thick.square()


def _depth(stroke: torch.Tensor, reach: int, near: int) -> tuple[torch.Tensor, torch.Tensor]:
    """S, (1, H, W): from 1/2 in the middle of a stroke, or ``reach`` deep, over 0 at its outline to -1/2 as far out.

    And how deep that middle is, in the same units, at most ``reach`` - 1/2.
    """
    within, out = stroke, stroke
    deep, far = 0.5 * stroke, 0.5 * (1.0 - stroke)
    for _ in range(reach - 1):
        within, out = -largest_around(-within, 1), largest_around(out, 1)
        deep, far = deep + within, far + (1.0 - out)
    half = largest_around(deep, near).clamp_min(0.5)
    return mean_around(((deep - far) / (2.0 * half)).clamp(-0.5, 0.5), 1), half


def _texture(
    kind: _Kind, texture: torch.Tensor, stroke: torch.Tensor, ground: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """T for one kind of strokes, 1 where it is usual, and q, both (1, H, W)."""
    fine, band = _count(1, texture), _count(kind.band, texture)
    far = max(1, min(texture.shape[1:]) // _USUAL)
    most = _MUCH * mean_of(texture.square(), ground, far).sqrt()
    texture = texture.maximum(-most).minimum(most)  # not the old outline
    coarse = mean_around(texture, band)
    parts = [mean_around(texture, fine), mean_beside(texture, band), mean_beside(texture.mT, band).mT]
    parts = torch.cat(parts) - coarse
    energy = mean_of(parts.square(), ground, far)
    lumps, rows, _ = (parts / energy.clamp_min(1e-8).sqrt()).clamp(-_MUCH, _MUCH)[:, None]
    if kind.along is not None:
        along = torch.full_like(lumps, kind.along)
        return torch.lerp(lumps, rows, along), along
    ratio = (energy[1:2] / energy[2:].clamp_min(1e-8)).sqrt()
    waves = ((ratio - _GRASS) / (_WAVES - _GRASS)).clamp(0, 1)
    in_row = largest_along(stroke, _count(_SLOPE, texture))
    row = mean_beside(in_row, max(1, min(texture.shape[1:]) // _LONG))
    ends = 1.0 - ((row - _WHOLE[0]) / (_WHOLE[1] - _WHOLE[0])).clamp(0, 1)
    return torch.lerp(_IN_LUMPS * lumps, rows, waves * ends), waves * ends


def _top(stroke: torch.Tensor, reach: int) -> torch.Tensor:
    """From 1 at the top of a stroke (1, H, W) to -1 at its foot: how much of it is below, less how much above."""
    below, above = (
        F.avg_pool2d(F.pad(stroke, (0, 0, *ends)), (reach, 1), 1) for ends in ((0, reach - 1), (reach - 1, 0))
    )
    return below - above
