"""Many scenes as one set of tensors, so that they are rendered together, on any device.

Numbers become (B, 1, 1, 1), colours (B, 3, 1, 1); with u (1, 1, 1, W) and v (B, 1, H, 1) the renderer's formulas
read as for one scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import torch
from torch import Tensor

from .parameters import Scene

_NUMBERS = tuple(f.name for f in fields(Scene) if f.type == "float")
_COLOURS = tuple(f.name for f in fields(Scene) if f.type == "Colour")


class SceneBatch:
    """The parameters of B scenes. Attributes are those of :class:`Scene`, as tensors, except:

    disc: (B, 3, 1, 1) = u, elevation, radius, zero radius where a scene has none; stars: list of counts.
    peaks: list of (u, height, width, depth, flat) with flat peaks of height 0 as filling; conifers: list of
    (u, z, height, present), far ones first. water: the level, -9 / camera where there is none, ``wet`` tells which.
    cloud_light, cloud_dark, patch_colour: colours, with the renderer's defaults filled in.
    """

    def __init__(self, scenes: Sequence[Scene], device: str | torch.device = "cpu") -> None:
        if not scenes:
            raise ValueError("at least one scene is needed")
        self.count, self.device = len(scenes), torch.device(device)
        rows = [[getattr(s, name) for name in _NUMBERS] for s in scenes]
        for i, name in enumerate(_NUMBERS):
            setattr(self, name, self._numbers([row[i] for row in rows]))
        for name in _COLOURS:
            setattr(self, name, self._vectors([getattr(s, name) for s in scenes]))
        self.light = [self._numbers([s.light[i] for s in scenes]) for i in range(3)]
        self.glow_at = [self._numbers([s.glow_at[i] for s in scenes]) for i in range(2)]
        disc = [s.disc or (0.0, 9.0, 1e-3) for s in scenes]
        self.disc = [self._numbers([d[i] for d in disc]) for i in range(3)]
        self.discs = [s.disc is not None for s in scenes]
        self.stars = [s.stars for s in scenes]
        self.starry = [s.stars > 0 for s in scenes]
        self.dusty = [s.dunes != 0 for s in scenes]
        self.cloud_light = self._or([s.cloud_light for s in scenes], self._bright())
        self.cloud_dark = self._or([s.cloud_dark for s in scenes], self._dark())
        self.patch_colour = self._or([s.patch_colour for s in scenes], self.grass)
        self.patches = self._numbers([s.patches if s.patch_colour is not None else 0.0 for s in scenes])
        self.wet = [s.water is not None for s in scenes]
        self.water = self._numbers([-9.0 / s.camera if s.water is None else s.water for s in scenes])
        self.has_water = self._numbers([float(w) for w in self.wet])
        most = max(len(s.peaks) for s in scenes)
        self.peaks = []
        for i in range(most):
            row = [s.peaks[i] if i < len(s.peaks) else None for s in scenes]
            values = [(p.u, p.height, p.width, p.depth, p.flat) if p else (0.0, 0.0, 1.0, 3.0, 0.0) for p in row]
            self.peaks.append([self._numbers([v[k] for v in values]) for k in range(5)])
        ordered = [sorted(s.conifers, key=lambda tree: -tree.z) for s in scenes]
        self.wooded = [bool(trees) for trees in ordered]
        self.conifers = []
        for i in range(max(len(trees) for trees in ordered)):
            row = [trees[i] if i < len(trees) else None for trees in ordered]
            values = [(t.u, t.z, t.height, 1.0) if t else (0.0, 4.0, 0.1, 0.0) for t in row]
            self.conifers.append([self._numbers([v[k] for v in values]) for k in range(4)])

    def _numbers(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32).to(self.device, non_blocking=True).view(-1, 1, 1, 1)

    def _vectors(self, values: Sequence[Sequence[float]]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32).to(self.device, non_blocking=True).view(-1, 3, 1, 1)

    def _or(self, values: Sequence[Sequence[float] | None], default: Tensor) -> Tensor:
        given = self._vectors([v or (0.0, 0.0, 0.0) for v in values])
        return torch.where(self._numbers([float(v is not None) for v in values]) > 0, given, default)

    def _bright(self) -> Tensor:
        return 0.55 * self.sun + 0.25 * self.ambient + 0.30 * self.haze

    def _dark(self) -> Tensor:
        return 0.55 * self.ambient + 0.22 * self.zenith + 0.20 * self.haze
