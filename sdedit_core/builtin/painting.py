"""A little paint box: wobbly brush strokes and washes on a flat canvas, drawn by code with Pillow."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

Point = tuple[float, float]
Paint = tuple[int, int, int]

_SCALE = 3


class Canvas:
    """Points are fractions of the picture: (0, 0) top left, (1, 1) bottom right. Colours are 8-bit RGB."""

    def __init__(self, width: int, height: int, paper: Paint | int, *, seed: int = 3, mode: str = "RGB") -> None:
        self.width, self.height = width, height
        self.size = (width * _SCALE, height * _SCALE)
        self.image = Image.new(mode, self.size, paper)
        self.draw = ImageDraw.Draw(self.image)
        self.random = random.Random(seed)

    def wash(self, points: Sequence[Point], paint: Paint | int, *, wobble: float = 0.008) -> None:
        """Fill an outline whose edge trembles."""
        self.draw.polygon(self._place(self._tremble([*points, points[0]], wobble)), fill=paint)

    def stroke(self, points: Sequence[Point], paint: Paint | int, *, width: float, wobble: float = 0.006) -> None:
        """A brush stroke with round ends; width is a fraction of the short side."""
        line = self._place(self._tremble(points, wobble))
        thickness = width * min(self.size)
        radius = thickness / 2
        for x, y in line:
            r = radius * self.random.uniform(0.82, 1.08)
            self.draw.ellipse([x - r, y - r, x + r, y + r], fill=paint)
        self.draw.line(line, fill=paint, width=max(1, round(thickness * 0.92)), joint="curve")

    def blob(self, x: float, y: float, radius: float, paint: Paint | int, *, squash: float = 1.0) -> None:
        """A round dab; radius is a fraction of the short side."""
        short = min(self.size)
        ring = []
        for i in range(36):
            angle = 2 * math.pi * i / 36
            r = radius * self.random.uniform(0.95, 1.05) * short
            ring.append((x * self.size[0] + r * math.cos(angle), y * self.size[1] + squash * r * math.sin(angle)))
        self.draw.polygon(ring, fill=paint)

    def tensor(self) -> Tensor:
        """The painting as (1, C, H, W) in [0, 1]."""
        small = self.image.resize((self.width, self.height), Image.Resampling.BOX)
        array = np.asarray(small, dtype=np.float32) / 255
        array = array[:, :, None] if array.ndim == 2 else array
        return torch.from_numpy(array.copy()).permute(2, 0, 1)[None]

    def _tremble(self, points: Sequence[Point], wobble: float) -> list[Point]:
        out: list[Point] = []
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            count = max(2, int(math.hypot(x1 - x0, y1 - y0) / 0.035))
            for k in range(count):
                t = k / count
                shift = self.random.uniform(-wobble, wobble), self.random.uniform(-wobble, wobble)
                out.append((x0 + (x1 - x0) * t + shift[0], y0 + (y1 - y0) * t + shift[1]))
        return [*out, points[-1]]

    def _place(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.size[0], y * self.size[1]) for x, y in points]


def band(top: float, bottom: float) -> list[Point]:
    """A full-width rectangle that reaches past both sides."""
    return [(-0.05, top), (1.05, top), (1.05, bottom), (-0.05, bottom)]
