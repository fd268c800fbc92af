"""A drawing as a picture and the mask of its strokes, at any size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from .coverage import Window, shape_coverage, stroke_coverage, window_of
from .document import Colour, Drawing, Stroke
from .soft import soft_coverage

MAX_OUTPUT_SIDE = 8192
OCTAGON = math.sqrt(2) - 1


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
        tick: called before every stroke, and within long ones; may raise to stop.

    Returns (picture (B,3,H,W) in [0, 1], mask (1,1,H,W)): mask 1 = painted, 0 = the background, bit for bit; unless
    the drawing says that the mask is to be grown or inverted. An example is not painted over a background.
    """
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= MAX_OUTPUT_SIDE:
            raise ValueError(f"{name} must be a whole number of pixels from 1 to {MAX_OUTPUT_SIDE}, got {side!r}.")
    if background is not None and tuple(background.shape[1:]) != (3, height, width):
        raise ValueError(
            f"The background must have the shape (batch, 3, {height}, {width}), got {tuple(background.shape)}."
        )
    layer = np.zeros((height, width, 4), dtype=np.float32)  # colour times alpha, alpha
    for stroke in () if drawing.example and background is not None else drawing.strokes:
        if tick is not None:
            tick()
        window, covered = _covered(stroke, drawing, width, height, tick)
        if window is None:
            continue
        x0, y0, x1, y1 = window
        part = layer[y0:y1, x0:x1]
        covered = covered[..., None] * np.float32(stroke.opacity)
        part *= 1 - covered
        if stroke.colour is not None:
            part += covered * np.array([*_unit(stroke.colour), 1.0], dtype=np.float32)
    paint = torch.from_numpy(layer).permute(2, 0, 1)[None]
    colour, mask = paint[:, :3], paint[:, 3:].clamp(0, 1).contiguous()
    if background is None:
        background = torch.tensor(_unit(drawing.background)).view(1, 3, 1, 1)
    below = background.detach().to(device="cpu", dtype=torch.float32)
    picture = (colour + below * (1 - mask)).clamp(0, 1).contiguous()
    mask = grown(mask, round(drawing.grow * brush_scale(drawing, width, height)), tick)
    return picture, 1 - mask if drawing.invert else mask


def brush_scale(drawing: Drawing, width: int, height: int) -> float:
    """Pixels per unit of brush size in a picture of this size."""
    return min(width, height) / min(drawing.width, drawing.height)


def grown(mask: torch.Tensor, reach: int, tick: Callable[[], None] | None = None) -> torch.Tensor:
    """A mask (..., H, W) widened by ``reach`` px, to an octagon around every point."""
    for step in range(reach):
        if tick is not None:
            tick()
        # squares and crosses by turns, in the share that makes the octagon a regular one
        square = math.floor((step + 1) * OCTAGON) > math.floor(step * OCTAGON)
        rows = F.max_pool2d(mask, (1, 3), stride=1, padding=(0, 1))
        if square:
            mask = F.max_pool2d(rows, (3, 1), stride=1, padding=(1, 0))
        else:
            mask = torch.maximum(rows, F.max_pool2d(mask, (3, 1), stride=1, padding=(1, 0)))
    return mask


def _covered(
    stroke: Stroke, drawing: Drawing, width: int, height: int, tick: Callable[[], None] | None
) -> tuple[Window | None, np.ndarray | None]:
    """The pixels that a stroke can touch, and how much of each it covers; None when it lies outside the picture."""
    if stroke.tool == "fill":
        return (0, 0, width, height), np.ones((height, width), dtype=np.float32)
    scale = np.array([width / drawing.width, height / drawing.height])
    points = stroke.points * scale
    outlined = stroke.tool in ("shape", "area")
    radius = 0.0 if outlined else stroke.size * brush_scale(drawing, width, height) / 2
    soft = not outlined and (stroke.hardness < 1 or stroke.pressure is not None)
    window = window_of(points, radius + soft, width, height)
    if window is None:
        return None, None
    if outlined:
        return window, shape_coverage([ring * scale for ring in stroke.outlines()], window)
    if soft:
        radii = np.full(len(points), radius) if stroke.pressure is None else radius * stroke.pressure
        return window, soft_coverage(points, radii, stroke.hardness, window, tick)
    return window, stroke_coverage(points, radius, window)


def _unit(colour: Colour) -> tuple[float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255
