"""How much of every pixel a brush stroke or a filled outline covers.

Along a row the spans are exact; rows are sampled ``SUBROWS`` times per pixel. All shapes of one stroke are united
before they are summed, so a stroke that crosses itself is not painted twice. Only numpy, no randomness: the same
picture everywhere. Pixel (i, j) is the square from (i, j) to (i + 1, j + 1), as on a browser's canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

SUBROWS = 8
CELLS = 1 << 20  # (sub-rows x spans) worked on at once: bounds the memory

Window = tuple[int, int, int, int]


def window_of(points: np.ndarray, radius: float, width: int, height: int) -> Window | None:
    """Pixels (left, top, right, bottom) that a stroke can touch, or None when it lies outside the picture."""
    low = np.clip(np.floor(points.min(axis=0) - radius), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + radius), 0, (width, height)).astype(int)
    return None if (low >= high).any() else (low[0], low[1], high[0], high[1])


def stroke_coverage(points: np.ndarray, radius: float, window: Window) -> np.ndarray:
    """A round brush of ``radius`` px drawn along ``points`` (N, 2) in px: coverage (h, w) in [0, 1] of the window."""
    start, end = (points, points) if len(points) == 1 else (points[:-1], points[1:])
    step = end - start
    length = np.hypot(step[:, 0], step[:, 1])
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1) * (radius / np.where(length > 0, length, 1))[:, None]
    top, bottom = np.minimum(start[:, 1], end[:, 1]) - radius, np.maximum(start[:, 1], end[:, 1]) + radius

    def spans(y: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each row crosses each segment's capsule (the convex hull of two discs), and then their union."""
        p, q, n = start[near], end[near], normal[near]
        left, right = np.full((len(y), len(p)), np.inf), np.full((len(y), len(p)), -np.inf)
        for centre in (p, q):
            inside = radius**2 - (y[:, None] - centre[:, 1]) ** 2
            half = np.sqrt(np.maximum(inside, 0))
            np.minimum(left, centre[:, 0] - half, out=left, where=inside > 0)
            np.maximum(right, centre[:, 0] + half, out=right, where=inside > 0)
        for a, b in ((p + n, q + n), (p - n, q - n)):
            x, hit = _crossings(y, a, b)
            np.minimum(left, x, out=left, where=hit)
            np.maximum(right, x, out=right, where=hit)
        return _united(left, right)

    return _scan(window, top, bottom, spans)


def shape_coverage(outlines: list[np.ndarray], window: Window) -> np.ndarray:
    """Closed outlines, each (N, 2) in px, filled by the even-odd rule: coverage (h, w) in [0, 1] of the window."""
    start, end = np.concatenate(outlines), np.concatenate([np.roll(points, -1, axis=0) for points in outlines])
    top, bottom = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])

    def spans(y: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, hit = _crossings(y, start[near], end[near])
        x = np.sort(np.where(hit, x, np.inf), axis=1)
        x = x[:, : x.shape[1] // 2 * 2]  # a row crosses a closed outline an even number of times
        return x[:, 0::2], x[:, 1::2]

    return _scan(window, top, bottom, spans)


def _crossings(y: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x where rows y (R,) meet the edges a-b (N, 2), and whether they do (half-open, so a corner counts once)."""
    rows = y[:, None]
    hit = (a[:, 1] <= rows) != (b[:, 1] <= rows)
    rise = b[:, 1] - a[:, 1]
    slope = (b[:, 0] - a[:, 0]) / np.where(rise == 0, 1, rise)
    return a[:, 0] + (rows - a[:, 1]) * slope, hit


def _united(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans per row (R, N), empty where left > right, as spans that do not overlap but cover the same."""
    order = np.argsort(left, axis=1)
    left, right = np.take_along_axis(left, order, axis=1), np.take_along_axis(right, order, axis=1)
    reach = np.maximum.accumulate(right, axis=1)
    left[:, 1:] = np.maximum(left[:, 1:], reach[:, :-1])
    return left, np.maximum(left, right)


def _scan(window: Window, top: np.ndarray, bottom: np.ndarray, spans: Callable) -> np.ndarray:
    """Sum the spans of every sub-row into pixels; top and bottom say which segments a band of rows can meet."""
    x0, y0, x1, y1 = window
    width, height = x1 - x0, y1 - y0
    edges = np.zeros((height, width + 2))
    for first, last in _bands(height, len(top)):
        near = np.flatnonzero((top < y0 + last) & (bottom > y0 + first))
        if not len(near):
            continue
        y = y0 + first + (np.arange((last - first) * SUBROWS) + 0.5) / SUBROWS
        left, right = (np.clip(x - x0, 0, width) for x in spans(y, near))
        row, span = np.nonzero(left < right)
        pixel_row = row // SUBROWS * (width + 2)
        for position, sign in ((left[row, span], 1 / SUBROWS), (right[row, span], -1 / SUBROWS)):
            column = position.astype(np.int64)
            part = position - column
            for shift, weight in ((0, sign * (1 - part)), (1, sign * part)):
                cells = np.bincount(pixel_row + column + shift, weight, minlength=(last - first) * (width + 2))
                edges[first:last] += cells.reshape(last - first, width + 2)
    return np.clip(np.cumsum(edges, axis=1)[:, :width], 0, 1).astype(np.float32)


def _bands(height: int, segments: int) -> Iterator[tuple[int, int]]:
    """Rows (first, last) in pieces that fit ``CELLS``."""
    rows = max(1, CELLS // (SUBROWS * max(1, segments)))
    for first in range(0, height, rows):
        yield first, min(height, first + rows)
