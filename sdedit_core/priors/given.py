"""The images that a patch prior is made of: checked, brought to a size, and without what a mask leaves out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..sde import short
from .levels import size_for
from .patch_bank import PatchLevel, whole_patches

_OPENING = 0.2  # an edit below this share of the shorter side counts as one of this
_COPIES = (0.75, 0.56, 0.42)  # sizes of the copies of an image that is edited
_SMALLEST = 16  # side in pixels of an image
_ROOM = 0.5  # share of a patch size's places that a mask has to leave, or the size is not used


def check_freedom(value: object) -> float:
    """A palette freedom as a number; ValueError for anything but a finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"palette_freedom must be a number of at least 0, got {short(value)}. 0 keeps the colours of the images, "
            "0.05 lets patches take those of the guide."
        )
    return float(value)


def check_images(images: torch.Tensor | Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The images as a list of float32 (3, H, W) on the CPU.

    Raises:
        ValueError: no images, wrong channels, NaN, values outside [0, 1], or an image below 16 px.
    """
    items = list(images)
    if not items:
        raise ValueError("A patch prior needs at least one image, got none.")
    out = []
    for number, item in enumerate(items):
        image = item[0] if item.ndim == 4 and item.shape[0] == 1 else item
        if image.ndim != 3 or image.shape[0] != 3:
            raise ValueError(f"Image {number} is {tuple(item.shape)}, expected (3, H, W) with three colours.")
        if min(image.shape[1:]) < _SMALLEST:
            raise ValueError(
                f"Image {number} is {image.shape[2]} x {image.shape[1]} px, expected at least 16 x 16. Enlarge it."
            )
        image = image.detach().float().cpu()
        if not torch.isfinite(image).all():
            raise ValueError(f"Image {number} contains NaN or infinite values; look at what made it.")
        if image.min() < -1e-3 or image.max() > 1 + 1e-3:
            raise ValueError(
                f"Image {number} has values in [{image.min():.3g}, {image.max():.3g}], expected [0, 1]. Scale it first."
            )
        out.append(image.clamp(0, 1))
    return out


def left_out_pixels(
    masks: Sequence[torch.Tensor | None] | None, sizes: list[tuple[int, int]], height: int, width: int
) -> torch.Tensor | None:
    """The masks of images of these sizes, as bool (N, height, width); None when they leave out nothing."""
    if masks is None:
        return None
    if len(masks) != len(sizes):
        raise ValueError(f"leave_out needs a mask or None for each of the {len(sizes)} images, got {len(masks)}.")
    out = torch.zeros(len(sizes), height, width, dtype=torch.bool)
    for slot, mask, size in zip(out, masks, sizes, strict=True):
        if mask is None:
            continue
        if mask.ndim != 2 or mask.numel() == 0:
            raise ValueError(f"A mask of leave_out is (H, W), got {tuple(mask.shape)}.")
        touched = F.interpolate((mask > 0).float()[None, None], size, mode="area")[0, 0] > 0
        slot[: size[0], : size[1]] = touched
    return out if bool(out.any()) else None


class Stack(NamedTuple):
    """Images of several sizes in one tensor, each in the upper left corner of its slot."""

    images: torch.Tensor  # uint8 (N, 3, H, W)
    sizes: list[tuple[int, int]]  # (height, width) of each
    left_out: torch.Tensor | None  # bool (N, H, W)


def stacked(images: list[torch.Tensor], masks: Sequence[torch.Tensor | None] | None, *, flip: bool) -> Stack:
    """Images (3, H, W) in [0, 1] and what their masks leave out; with ``flip`` their mirror images come after them.

    Raises:
        ValueError: masks of another number or shape.
    """
    sizes = [(image.shape[1], image.shape[2]) for image in images]
    height, width = max(s[0] for s in sizes), max(s[1] for s in sizes)
    left_out = left_out_pixels(masks, sizes, height, width)
    canvas = torch.zeros(len(images), 3, height, width, dtype=torch.uint8)
    for slot, image in zip(canvas, images, strict=True):
        slot[:, : image.shape[1], : image.shape[2]] = (image * 255 + 0.5).to(torch.uint8)
    if not flip:
        return Stack(canvas, sizes, left_out)
    turned = None if left_out is None else torch.cat([left_out, _mirrored(left_out, sizes)])
    return Stack(torch.cat([canvas, _mirrored(canvas, sizes)]), sizes + sizes, turned)


def _mirrored(slots: torch.Tensor, sizes: list[tuple[int, int]]) -> torch.Tensor:
    """(N, ..., H, W), turned left to right within each image's size."""
    out = torch.zeros_like(slots)
    for slot, source, (height, width) in zip(out, slots, sizes, strict=True):
        slot[..., :height, :width] = source[..., :height, :width].flip(-1)
    return out


def with_copies(
    images: list[torch.Tensor], masks: Sequence[torch.Tensor | None] | None
) -> tuple[list[torch.Tensor], list[torch.Tensor | None] | None]:
    """The images, and smaller copies of those with a mask: what is pasted may be smaller than it is in the photo.

    Returns:
        Images and masks; the given ones come first.
    """
    if masks is None:
        return images, None
    more, of_more = [], []
    for image, mask in zip(images, masks, strict=True):
        for scale in _COPIES if mask is not None and bool((mask > 0).any()) else ():
            size = round(scale * min(image.shape[1:]))
            if size >= _SMALLEST:
                more.append(resized(image, size))
                of_more.append(mask)
    return images + more, [*masks, *of_more]


def opening_of(left_out: torch.Tensor, sizes: list[tuple[int, int]]) -> float:
    """Side of a square as large as the smallest mask, over the shorter side of the images."""
    opened = [int(out.sum()) for out in left_out if bool(out.any())]
    return min(opened) ** 0.5 / min(min(size) for size in sizes)


def within_opening(levels: tuple[PatchLevel, ...], opening: float, native: int) -> tuple[PatchLevel, ...]:
    """The levels whose patches are small against the edit (see :func:`opening_of`).

    An edit that fills a small part of a patch hardly counts when it is compared, and at large noise levels the patches
    without it would take it back.
    """
    most = size_for(opening) * max(opening, _OPENING) * native
    return _to_the_top([level for level in levels if level.patch <= most] or [levels[0]])


def with_room(
    levels: tuple[PatchLevel, ...], left_out: torch.Tensor, sizes: list[tuple[int, int]]
) -> tuple[PatchLevel, ...]:
    """The levels of which enough places are whole; the largest of them serves all higher noise levels."""
    kept = []
    for level in levels:
        places = whole = 0
        for out, (height, width) in zip(left_out, sizes, strict=True):
            if min(height, width) >= level.patch:
                free = whole_patches(out[:height, :width], level.patch)
                places, whole = places + free.numel(), whole + int(free.sum())
        if whole > _ROOM * places:
            kept.append(level)
        elif not kept:
            raise ValueError(
                f"The mask leaves out so much that no {level.patch} px of the images are left to learn from. Paint a "
                "smaller mask, or give images without one."
            )
        else:
            break
    return _to_the_top(kept)


def _to_the_top(levels: Sequence[PatchLevel]) -> tuple[PatchLevel, ...]:
    """The levels, the largest of which serves all higher noise levels."""
    return (*levels[:-1], replace(levels[-1], sigma_below=math.inf))


def resized(image: torch.Tensor, size: int | None) -> torch.Tensor:
    """Resize so that the short side is ``size`` (antialiased); unchanged for None."""
    if size is None or min(image.shape[1:]) == size:
        return image
    scale = size / min(image.shape[1:])
    shape = [max(size, round(side * scale)) for side in image.shape[1:]]
    return F.interpolate(image[None], shape, mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)
