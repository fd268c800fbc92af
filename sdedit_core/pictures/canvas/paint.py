"""A drawing as a picture and the mask of its strokes, at any size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from .coverage import shape_coverage, stroke_coverage, window_of
from .document import Colour, Drawing

MAX_OUTPUT_SIDE = 8192


def paint_drawing(
    drawing: Drawing,
    *,
    width: int,
    height: int,
    background: torch.Tensor | None = None,
    tick: Callable[[], None] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rasterise a drawing; its frame is stretched to the picture, brushes stay round.

    Args:
        width, height: of the picture in px.
        background: (B,3,height,width) in [0, 1], seen where nothing is painted; None = the drawing's paper.
        tick: called before every stroke; may raise to stop.

    Returns (picture (B,3,H,W) in [0, 1], mask (1,1,H,W)): mask 1 = painted, 0 = the background, bit for bit.
    """
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_OUTPUT_SIDE:
            raise ValueError(f"{name} must be a whole number of pixels from 1 to {MAX_OUTPUT_SIDE}, got {side!r}.")
    if background is not None and tuple(background.shape[1:]) != (3, height, width):
        raise ValueError(
            f"The background must have the shape (batch, 3, {height}, {width}), got {tuple(background.shape)}."
        )
    layer = np.zeros((height, width, 4), dtype=np.float32)  # colour times alpha, alpha
    scale = np.array([width / drawing.width, height / drawing.height])
    thickness = min(width, height) / min(drawing.width, drawing.height)
    for stroke in drawing.strokes:
        if tick is not None:
            tick()
        if stroke.tool == "fill":
            layer[:] = (*_unit(stroke.colour), 1.0)
            continue
        points = stroke.points * scale
        radius = 0.0 if stroke.tool == "shape" else stroke.size * thickness / 2
        window = window_of(points, radius, width, height)
        if window is None:
            continue
        if stroke.tool == "shape":
            covered = shape_coverage(points, window)
        else:
            covered = stroke_coverage(points, radius, window)
        x0, y0, x1, y1 = window
        part, covered = layer[y0:y1, x0:x1], covered[..., None]
        part *= 1 - covered
        if stroke.colour is not None:
            part += covered * np.array([*_unit(stroke.colour), 1.0], dtype=np.float32)
    paint = torch.from_numpy(layer).permute(2, 0, 1)[None]
    colour, mask = paint[:, :3], paint[:, 3:].clamp(0, 1).contiguous()
    if background is None:
        background = torch.tensor(_unit(drawing.background)).view(1, 3, 1, 1)
    below = background.detach().to(device="cpu", dtype=torch.float32)
    return (colour + below * (1 - mask)).clamp(0, 1).contiguous(), mask


def _unit(colour: Colour) -> tuple[float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255
