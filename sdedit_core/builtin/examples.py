"""Ready-made material for stroke editing and for compositing: fresh renders, strokes on them, masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from .painting import Canvas, Paint
from .scenes import Conifer, Peak, Scene, mood_scene, render

EDITS: dict[str, str] = {
    "autumn-conifers": "autumn meadow; three dark trees are painted into it",
    "lake-peak": "lake with low hills; a snow peak is painted behind them",
    "sunset-sun": "evening sea without a sun; sun and glitter path are painted in",
    "night-moon": "dark starry sky; a moon is painted in",
}
"""Name -> description. The name starts with the mood, whose built-in prior fits."""

COMPOSITES: dict[str, str] = {
    "autumn-conifers": "a group of trees cut from one autumn scene, pasted into another",
    "alpine-peak": "a snow peak cut from one mountain scene, pasted above another meadow",
    "desert-mesa": "a table mountain pasted into an empty desert",
}
"""Name -> description. The name starts with the mood, whose built-in prior fits."""


def paint_edit(name: str, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Material for stroke editing: (photo, guide, mask).

    photo, guide: (1, 3, size, size) in [0, 1]; the guide is the photo with strokes on it.
    mask: (1, 1, size, size), 1 where the picture may change: the strokes and a rim around them.
    """
    if name not in _EDITS:
        raise ValueError(f"unknown editing example {name!r}: expected one of {', '.join(EDITS)}")
    _check_size(size)
    scene, strokes = _EDITS[name]()
    photo = render(scene, height=size, width=size)
    colours = Canvas(size, size, (128, 128, 128), seed=5)
    covered = Canvas(size, size, 0, seed=5, mode="L")
    for kind, points, paint, width in strokes:
        for canvas, ink in ((colours, paint), (covered, 255)):
            if kind == "stroke":
                canvas.stroke(points, ink, width=width)
            elif kind == "wash":
                canvas.wash(points, ink, wobble=0.006)
            else:
                canvas.blob(*points[0], width, ink)
    inside = (covered.tensor() > 0.5).float()
    guide = photo * (1 - inside) + colours.tensor() * inside
    return photo, guide, _grow(inside, size // 24)


def paste(name: str, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Material for compositing: (background, foreground, mask, guide).

    background, foreground, guide: (1, 3, size, size) in [0, 1]; guide = foreground inside the mask, background
    outside. mask: (1, 1, size, size), a rough cut with a hard edge.
    """
    if name not in _COMPOSITES:
        raise ValueError(f"unknown compositing example {name!r}: expected one of {', '.join(COMPOSITES)}")
    _check_size(size)
    back, front, outline = _COMPOSITES[name]()
    background, foreground = (render(scene, height=size, width=size) for scene in (back, front))
    cut = Canvas(size, size, 0, seed=9, mode="L")
    for points in outline:
        cut.wash(points, 255, wobble=0.01)
    mask = (cut.tensor() > 0.5).float()
    return background, foreground, mask, mask * foreground + (1 - mask) * background


def _check_size(size: int) -> None:
    if size < 16:
        raise ValueError(f"examples need a size of at least 16 px, got {size}")


def _grow(mask: Tensor, radius: int) -> Tensor:
    """Widen a binary mask by a square of some radius."""
    radius = max(1, radius)
    return F.max_pool2d(mask, 2 * radius + 1, stride=1, padding=radius).clamp(0, 1)


Stroke = tuple[str, list[tuple[float, float]], Paint, float]


def _autumn_edit() -> tuple[Scene, list[Stroke]]:
    scene = replace(mood_scene("autumn", 10_003), conifers=())
    strokes: list[Stroke] = []
    for x, foot, tall in ((0.24, 0.86, 0.46), (0.36, 0.80, 0.30), (0.80, 0.84, 0.40)):
        outline = [(x - 0.15 * tall, foot), (x, foot - tall), (x + 0.15 * tall, foot)]
        strokes.append(("wash", outline, (42, 54, 38), 0.0))
    return scene, strokes


def _lake_edit() -> tuple[Scene, list[Stroke]]:
    low = (Peak(-0.35, 0.16, 0.5, 3.2), Peak(0.5, 0.13, 0.4, 3.3))
    scene = replace(mood_scene("lake", 10_006), horizon=0.54, peaks=low, cloud_cover=0.2)
    return scene, [
        ("wash", [(0.36, 0.505), (0.50, 0.36), (0.62, 0.19), (0.74, 0.35), (0.90, 0.505)], (108, 120, 134), 0.0),
        ("wash", [(0.62, 0.19), (0.66, 0.36), (0.72, 0.505), (0.90, 0.505), (0.74, 0.35)], (148, 156, 166), 0.0),
        (
            "wash",
            [(0.62, 0.19), (0.545, 0.30), (0.59, 0.34), (0.62, 0.29), (0.65, 0.35), (0.69, 0.29)],
            (212, 220, 230),
            0.0,
        ),
        ("wash", [(0.42, 0.565), (0.86, 0.565), (0.74, 0.70), (0.63, 0.84), (0.52, 0.70)], (116, 134, 156), 0.0),
        ("stroke", [(0.63, 0.80), (0.64, 0.76), (0.63, 0.72)], (196, 210, 226), 0.05),
    ]


def _sunset_edit() -> tuple[Scene, list[Stroke]]:
    scene = replace(mood_scene("sunset", 10_002), disc=None, glitter=0.0, glow=0.25, horizon=0.56)
    strokes: list[Stroke] = [
        ("blob", [(0.36, 0.44)], (244, 186, 138), 0.14),
        ("blob", [(0.36, 0.45)], (255, 236, 198), 0.046),
    ]
    for i in range(9):
        y, spread = 0.60 + 0.043 * i, 0.024 + 0.006 * i
        strokes.append(("stroke", [(0.36 - spread, y), (0.36 + spread, y)], (250, 200, 150), 0.03))
    return scene, strokes


def _night_edit() -> tuple[Scene, list[Stroke]]:
    scene = replace(mood_scene("night", 10_001), disc=None, glitter=0.0, glow=0.05, horizon=0.6)
    strokes: list[Stroke] = [
        ("blob", [(0.66, 0.22)], (58, 70, 112), 0.11),
        ("blob", [(0.66, 0.22)], (240, 241, 238), 0.052),
    ]
    for i in range(8):
        y = 0.66 + 0.04 * i
        strokes.append(("stroke", [(0.63, y), (0.69, y)], (128, 146, 188), 0.024))
    return scene, strokes


def _autumn_composite() -> tuple[Scene, Scene, list[list[tuple[float, float]]]]:
    back = replace(mood_scene("autumn", 10_005), conifers=())
    trees = (Conifer(-0.30, 1.9, 0.52), Conifer(-0.17, 2.2, 0.40), Conifer(-0.24, 1.6, 0.34))
    front = replace(mood_scene("autumn", 10_008), horizon=back.horizon, conifers=trees)
    top, foot = back.horizon - 0.16, back.horizon + 0.36
    return back, front, [[(0.17, foot), (0.20, top), (0.30, top - 0.04), (0.44, top + 0.10), (0.45, foot)]]


def _alpine_composite() -> tuple[Scene, Scene, list[list[tuple[float, float]]]]:
    flat = (Peak(-0.5, 0.12, 0.4, 3.3), Peak(0.6, 0.10, 0.4, 3.3))
    back = replace(mood_scene("alpine", 10_004), horizon=0.62, peaks=flat, conifers=())
    front = replace(
        mood_scene("alpine", 10_007), horizon=0.62, peaks=(Peak(0.08, 0.56, 0.54, 2.9),), conifers=(), cloud_cover=0.2
    )
    return back, front, [[(0.16, 0.64), (0.34, 0.42), (0.52, 0.17), (0.60, 0.17), (0.74, 0.40), (0.92, 0.64)]]


def _desert_composite() -> tuple[Scene, Scene, list[list[tuple[float, float]]]]:
    back = replace(mood_scene("desert", 10_003), horizon=0.58, peaks=())
    front = replace(mood_scene("desert", 10_009), horizon=0.58, peaks=(Peak(0.10, 0.34, 0.40, 2.8, 1.0),))
    return back, front, [[(0.28, 0.64), (0.34, 0.33), (0.60, 0.29), (0.82, 0.33), (0.88, 0.64), (0.58, 0.66)]]


_EDITS: dict[str, Callable[[], tuple[Scene, list[Stroke]]]] = {
    "autumn-conifers": _autumn_edit,
    "lake-peak": _lake_edit,
    "sunset-sun": _sunset_edit,
    "night-moon": _night_edit,
}
_COMPOSITES: dict[str, Callable[[], tuple[Scene, Scene, list[list[tuple[float, float]]]]]] = {
    "autumn-conifers": _autumn_composite,
    "alpine-peak": _alpine_composite,
    "desert-mesa": _desert_composite,
}
