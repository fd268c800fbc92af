"""Five paintings in colours of their own, in flat strokes of the Stroke Canvas, for the model ``landscape``."""

from __future__ import annotations

import random

import numpy as np
import torch

from sdedit_core.pictures.canvas.document import Colour, Drawing, Stroke
from sdedit_core.pictures.canvas.paint import paint_drawing


class Painting:
    """Strokes of the Stroke Canvas on a square of side 1, (0, 0) at the upper left."""

    def __init__(self, ground: Colour, *, size: int) -> None:
        self._ground, self._size = ground, size
        self._strokes: list[Stroke] = []
        self._hand = random.Random(0)

    def band(self, top: float, colour: Colour, *, wavy: float = 0.012) -> Painting:
        """From a wavy line down to the lower edge."""
        line = [(x / 16, top + self._hand.uniform(-wavy, wavy)) for x in range(17)]
        return self.shape(colour, *line, (1, 1), (0, 1))

    def shape(self, colour: Colour, *points: tuple[float, float]) -> Painting:
        self._strokes.append(Stroke("area", colour, points=np.array(points, float), rings=(len(points),)))
        return self

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> Painting:
        return self.stroke(colour, 2 * radius, (x, y))

    def stroke(self, colour: Colour, width: float, *points: tuple[float, float]) -> Painting:
        """With a round brush."""
        self._strokes.append(Stroke("brush", colour, width, np.array(points, float)))
        return self

    def tensor(self) -> torch.Tensor:
        """(1, 3, size, size) in [0, 1]."""
        drawing = Drawing(1, 1, self._ground, tuple(self._strokes))
        return paint_drawing(drawing, width=self._size, height=self._size)[0]


def paintings(size: int) -> list[torch.Tensor]:
    """An evening in layers, a green sky, pink clouds, a lighthouse at night, a red rock."""
    evening = Painting((70, 40, 90), size=size).band(0.2, (150, 60, 110)).band(0.37, (235, 110, 80))
    evening.band(0.49, (250, 190, 90)).disc(0.53, 0.5, 0.1, (255, 240, 190))
    evening.shape((50, 30, 50), (0, 0.66), (0.27, 0.55), (0.58, 0.64), (1, 0.53), (1, 1), (0, 1))
    green = Painting((40, 122, 92), size=size).band(0.3, (92, 172, 110)).band(0.5, (190, 210, 112))
    green.disc(0.65, 0.55, 0.07, (255, 252, 190)).shape((20, 30, 32), (0, 0.62), (0.12, 0.5), (0.4, 0.64), (0, 0.64))
    green.band(0.63, (40, 72, 72), wavy=0.004).stroke((170, 200, 120), 0.03, (0.55, 0.7), (0.75, 0.705))
    clouds = Painting((122, 108, 192), size=size).stroke((255, 160, 195), 0.09, (0.07, 0.22), (0.44, 0.17))
    clouds.stroke((255, 178, 205), 0.07, (0.56, 0.36), (0.92, 0.31)).disc(0.64, 0.15, 0.055, (255, 238, 190))
    clouds.band(0.52, (248, 168, 108))
    clouds.shape((64, 46, 98), (0, 0.66), (0.24, 0.57), (0.53, 0.68), (0.8, 0.6), (1, 0.66), (1, 1), (0, 1))
    clouds.band(0.76, (92, 76, 145))
    night = Painting((16, 26, 60), size=size).band(0.45, (36, 56, 112)).disc(0.22, 0.3, 0.065, (250, 243, 215))
    night.shape((150, 145, 140), (0.68, 0.3), (0.76, 0.3), (0.79, 0.72), (0.65, 0.72))
    night.shape((110, 50, 45), (0.66, 0.3), (0.72, 0.22), (0.78, 0.3)).shape(
        (255, 214, 110), (0.695, 0.33), (0.745, 0.33), (0.745, 0.38), (0.695, 0.38)
    )
    night.shape((12, 18, 34), (0, 0.7), (0.35, 0.64), (0.7, 0.7), (1, 0.62), (1, 1), (0, 1))
    rock = Painting((88, 165, 228), size=size).band(0.35, (150, 200, 235)).disc(0.18, 0.18, 0.06, (255, 245, 205))
    rock.shape((182, 66, 44), (0.5, 0.28), (0.68, 0.26), (0.72, 0.64), (0.44, 0.64))
    rock.shape((140, 45, 34), (0.62, 0.265), (0.68, 0.26), (0.72, 0.64), (0.65, 0.64))
    rock.band(0.62, (222, 176, 112)).stroke((62, 128, 60), 0.03, (0.24, 0.6), (0.24, 0.84))
    rock.stroke((62, 128, 60), 0.025, (0.17, 0.66), (0.17, 0.72), (0.24, 0.74))
    return [painting.tensor() for painting in (evening, green, clouds, night, rock)]
