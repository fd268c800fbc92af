"""Soft and tapering brushes: the opacity of every pixel from its distance to the line.

web/js/strokes/soft.js computes the same numbers for the screen, in the same order, in float64 too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .coverage import Window


def soft_coverage(
    points: np.ndarray,
    radii: np.ndarray,
    hardness: float,
    window: Window,
    tick: Callable[[], None] | None = None,
) -> np.ndarray:
    """A brush drawn along ``points`` (N, 2) with ``radii`` (N,), all in px: opacity (h, w) in [0, 1] of the window.

    The tip is full up to ``hardness`` of its radius and falls smoothly to nothing at its rim; the fall is at least a
    pixel wide, which keeps hard edges smooth too. Where a stroke crosses itself the stronger of both counts.
    """
    x0, y0, x1, y1 = window
    covered = np.zeros((y1 - y0, x1 - x0), dtype=np.float32)
    last = max(1, len(points) - 1)
    for a, b, ra, rb in zip(points[:last], points[-last:], radii[:last], radii[-last:], strict=True):
        if tick is not None:
            tick()
        reach = max(ra, rb) + 1
        left, top = (max(low, int(np.floor(min(p, q) - reach))) for low, p, q in zip((x0, y0), a, b, strict=True))
        right, bottom = (min(high, int(np.ceil(max(p, q) + reach))) for high, p, q in zip((x1, y1), a, b, strict=True))
        if left >= right or top >= bottom:
            continue
        x = (np.arange(left, right) + 0.5 - a[0])[None, :]
        y = (np.arange(top, bottom) + 0.5 - a[1])[:, None]
        part = covered[top - y0 : bottom - y0, left - x0 : right - x0]
        np.maximum(part, _opacity(x, y, *(b - a), ra, rb, hardness), out=part)
    return covered


def _opacity(x: np.ndarray, y: np.ndarray, dx: float, dy: float, ra: float, rb: float, hardness: float) -> np.ndarray:
    """Around one segment, which begins at (0, 0) and ends at (dx, dy)."""
    length = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length, 0, 1) if length > 0 else np.zeros(np.broadcast_shapes(x.shape, y.shape))
    away_x, away_y = x - along * dx, y - along * dy
    distance = np.sqrt(away_x * away_x + away_y * away_y)
    radius = ra + (rb - ra) * along
    half = np.maximum(radius * (1 - hardness) / 2, 0.5)
    inside = np.clip((radius * (1 + hardness) / 2 + half - distance) / (2 * half), 0, 1)
    thin = np.minimum(1, 2 * radius)  # a line thinner than a pixel covers it partly
    return inside * inside * (3 - 2 * inside) * thin
