"""The window around a mask: which part of a picture is worked on, and in which size.

All on whole pixels: a source box in the picture goes to a target box in a fitted picture of (height, width).  Where the
picture is too small for the window, the target box is smaller than the fitted picture and the rest is padded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

MOST_LONG = 2.0  # long side : short side of an enlarged window


@dataclass(frozen=True)
class Box:
    """A rectangle on whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: torch.Tensor) -> torch.Tensor:
        """The part of (..., H, W) inside this box, as a view; the very same tensor when that is all of it."""
        if self == Box(0, 0, *image.shape[-2:]):
            return image
        return image[..., self.top : self.top + self.height, self.left : self.left + self.width]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.height, self.width


def region_of(mask: torch.Tensor) -> Box | None:
    """The smallest box around everything that may change in any of the masks (..., H, W); None when nothing may."""
    inside = (mask > 0.0).reshape(-1, *mask.shape[-2:]).any(0)
    rows, columns = inside.any(1).nonzero().flatten(), inside.any(0).nonzero().flatten()
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    return Box(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1)


def window_around(
    region: Box,
    height: int,
    width: int,
    *,
    context: float = 0.5,
    size: tuple[int, int] | None = None,
    multiple: int = 1,
    enlarge: int | None = None,
) -> tuple[Box, Box, tuple[int, int]]:
    """Where to work when only a region of a picture may change.

    Args:
        region: what may change, inside the picture.
        height: of the picture.
        width: of the picture.
        context: what is shown around the region on every side, as a share of its longer side, 0 to 4.
        size: the (height, width) that the window is resized to, multiples of ``multiple``; None = see ``enlarge``.
        multiple: width and height of the fitted picture are multiples of this.
        enlarge: without ``size``: a window with fewer pixels than a square of this side is enlarged to that many; a
            larger one, or any when None, keeps its scale, and its pixels are copied.

    Returns:
        The source box in the picture, which holds the region and what context there is; the target box in the fitted
        picture; the fitted picture's (height, width).

    Raises:
        ValueError: for a context outside its range.
    """
    check_context(context)
    margin = math.ceil(context * max(region.height, region.width))
    top, left = max(0, region.top - margin), max(0, region.left - margin)
    bottom = min(height, region.top + region.height + margin)
    right = min(width, region.left + region.width + margin)
    box = Box(top, left, bottom - top, right - left)
    if size is None and enlarge is not None:
        size = _enlarged(box, height, width, multiple, enlarge)
    if size is None:
        size = tuple(-(-side // multiple) * multiple for side in box.size)
        scale = 1.0
    else:
        scale = min(size[0] / box.height, size[1] / box.width)
    y0, h, ty, th = _along(box.top, box.height, height, size[0], scale)
    x0, w, tx, tw = _along(box.left, box.width, width, size[1], scale)
    return Box(y0, x0, h, w), Box(ty, tx, th, tw), size


def check_context(context: float) -> None:
    """ValueError unless the context lies between 0 and 4."""
    if isinstance(context, bool) or not isinstance(context, int | float) or not 0.0 <= context <= 4.0:
        raise ValueError(f"The context around the mask must be a number from 0 to 4, got {context!r}.")


def _enlarged(box: Box, height: int, width: int, multiple: int, side: int) -> tuple[int, int] | None:
    """The size of about side x side pixels for a box, not too long; None when the box has that many pixels."""
    h = min(height, max(box.height, math.ceil(box.width / MOST_LONG)))
    w = min(width, max(box.width, math.ceil(box.height / MOST_LONG)))
    scale = side / math.sqrt(h * w)
    if scale <= 1.0:
        return None
    return max(round(h * scale / multiple), 1) * multiple, max(round(w * scale / multiple), 1) * multiple


def _along(start: int, length: int, whole: int, fitted: int, scale: float) -> tuple[int, int, int, int]:
    """In one direction: start and length in the picture, start and length in the fitted picture.

    The window grows evenly around what is wanted, is pushed into the picture, and padded where that is too small.
    """
    window = max(length, round(fitted / scale))
    if window <= whole:
        begin = min(max(start - -(-(window - length) // 2), 0), whole - window)
        return begin, window, 0, fitted
    used = min(max(round(whole * scale), 1), fitted)
    return 0, whole, (fitted - used) // 2, used
