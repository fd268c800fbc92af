"""Pictures in the size that a model wants, and results back into the picture they came from.

:func:`fit` covers a size and looks no further; :func:`fit_image` can be undone.  Such a fit is two boxes: a part of
the original (all of it, unless cropped) goes to a part of the fitted picture (all of it, unless padded).  Boxes lie on
whole pixels; where both have one size, pixels are copied and nothing is resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..sde import whole_number
from .check import check_picture

METHODS = ("crop", "pad", "stretch")
UNCHANGED = 1e-3  # differences below this are rounding (half a step of 8 bits is 0.002)


def fit(image: torch.Tensor, *, width: int, height: int) -> torch.Tensor:
    """Scale to cover width x height and crop the middle; antialiased; values stay in [0, 1]."""
    h, w = image.shape[-2:]
    if (h, w) == (height, width):
        return image
    scale = max(height / h, width / w)
    sh, sw = max(height, round(h * scale)), max(width, round(w * scale))
    image = F.interpolate(image, size=(sh, sw), mode="bicubic", antialias=True)
    top, left = (sh - height) // 2, (sw - width) // 2
    return image[..., top : top + height, left : left + width].clamp(0, 1)


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


@dataclass(frozen=True)
class Undo:
    """Everything :func:`unfit_image` needs; the pictures are kept by reference where nothing was resampled."""

    original: torch.Tensor
    fitted: torch.Tensor
    source: Box  # in the original
    target: Box  # in the fitted picture
    method: str

    @property
    def exact(self) -> bool:
        """Whether pixels were copied, not resampled."""
        return self.source.size == self.target.size

    def __str__(self) -> str:
        (h, w), (fh, fw) = self.original.shape[-2:], self.fitted.shape[-2:]
        source, target = self.source, self.target
        if self.exact and source.size == (h, w) and target.size == (fh, fw):
            return f"nothing to do: {w} x {h} already fits"
        done = [f"{w} x {h} to {fw} x {fh}"]
        if source.size != (h, w):
            done.append(f"cropped to {source.width} x {source.height} at ({source.left}, {source.top})")
        if not self.exact:
            done.append(f"resized to {target.width} x {target.height}")
        if target.size != (fh, fw):
            right, bottom = fw - target.left - target.width, fh - target.top - target.height
            done.append(f"padded by {target.left} left, {target.top} top, {right} right, {bottom} bottom")
        return ", ".join(done) + ("; pixels are exact" if self.exact else "")


@dataclass(frozen=True)
class Fitted:
    """A fitted picture (B, 3, h, w), its mask (B or 1, 1, h, w), the way back, and what was done in words."""

    image: torch.Tensor
    mask: torch.Tensor
    undo: Undo
    text: str


def target_size(
    height: int, width: int, *, method: str = "crop", size: tuple[int, int] | None = None, multiple: int = 1
) -> tuple[int, int]:
    """The (height, width) that a picture will get.

    Args:
        height: of the picture.
        width: of the picture.
        method: without ``size``, crop rounds down, pad rounds up and stretch rounds to the nearest multiple.
        size: the model's own (height, width), or None to keep the picture's.
        multiple: the result is a multiple of this in both directions, and at least once this.

    Raises:
        ValueError: for an unknown method or sizes below 1.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown method {method!r}; expected one of {', '.join(METHODS)}.")
    for value in (height, width, multiple, *(size or ())):
        if whole_number(value) is None or value < 1:
            raise ValueError(f"Sizes and the multiple must be whole numbers of at least 1, got {value!r}.")
    if size is None:
        extra = {"crop": 0, "pad": multiple - 1, "stretch": multiple // 2}[method]
    else:
        (height, width), extra = size, multiple // 2
    return tuple(max((value + extra) // multiple, 1) * multiple for value in (height, width))


def fit_image(
    image: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    method: str = "crop",
    size: tuple[int, int] | None = None,
    multiple: int = 1,
) -> Fitted:
    """Bring pictures to the size a model wants.

    Args:
        image: (B, 3, H, W) in [0, 1].
        mask: (B or 1, 1, H, W), 1 = may change; None = everything may. Another size is resized to the picture first.
        method: "crop" cuts the sides off, "pad" repeats the outermost pixels around, "stretch" changes the shape.
        size: the model's own (height, width), or None to only round the picture's to ``multiple``.
        multiple: width and height must be multiples of this.

    Returns:
        The picture (the very same tensor when it fits already), the mask fitted alike with 0 (keep) on padded pixels,
        the way back for :func:`unfit_image`, and what was done.

    Raises:
        ValueError: when the picture or the mask is not one, or has NaN or infinite values.
    """
    check_picture(image, "picture")
    h, w = image.shape[-2:]
    th, tw = target_size(h, w, method=method, size=size, multiple=multiple)
    source, target = _boxes(h, w, th, tw, method, keep_scale=size is None)
    fitted = _place(_resize(source.cut(image), target.size), target, th, tw, mode="replicate")
    undo, notes = Undo(image, fitted, source, target, method), []
    if mask is None:
        mask = torch.ones(1, 1, h, w, device=image.device)
    else:
        mask = _check_mask(mask, image)
        if mask.shape[-2:] != (h, w):
            notes.append(f"the mask was {mask.shape[-1]} x {mask.shape[-2]} and was resized to the picture first")
            mask = _resize_mask(mask, (h, w))
    mask = _place(_resize_mask(source.cut(mask), target.size), target, th, tw, mode="constant")
    return Fitted(fitted, mask, undo, "\n".join([str(undo), *notes]))


def unfit_image(result: torch.Tensor, undo: Undo, original: torch.Tensor | None = None) -> torch.Tensor:
    """Put a result back into the original picture, at its place and in its size.

    Where pixels were only cropped or padded they are copied.  Where the fit resampled, what the result left as it was
    comes back as the original's own pixels, so that only the edit pays for the resampling.

    Args:
        result: (N, 3, h, w), what became of the fitted picture; N is the original's batch or a multiple of it.
        undo: from :func:`fit_image`.
        original: another version of the original, of the same size; None = the one that was fitted.

    Returns:
        (N, 3, H, W) in the original's size.

    Raises:
        ValueError: when the result is not of the fitted size or its batch does not fit.
    """
    check_picture(result, "result")
    if result.shape[-2:] != undo.fitted.shape[-2:]:
        (h, w), (fh, fw) = result.shape[-2:], undo.fitted.shape[-2:]
        raise ValueError(
            f"The result is {w} x {h}, the fitted picture was {fw} x {fh}: a node in between resized or cropped it. "
            "Undo the fit before that."
        )
    if original is None:
        original = undo.original
    else:
        check_picture(original, "original")
        if original.shape[-2:] != undo.original.shape[-2:]:
            (h, w), (oh, ow) = original.shape[-2:], undo.original.shape[-2:]
            raise ValueError(f"The original is {w} x {h}, the picture that was fitted was {ow} x {oh}.")
    count = result.shape[0]
    original = _rows(original.to(result.device), count, "original")
    piece = undo.target.cut(result)
    if undo.exact:
        if undo.source.size == tuple(original.shape[-2:]):
            return piece if piece is result else piece.clone()
    else:
        before = undo.target.cut(_rows(undo.fitted.to(result.device), count, "fitted picture"))
        changed = ((piece - before).abs().amax(1, keepdim=True) > UNCHANGED).float()
        piece = _blend(undo.source.cut(original), _resize(piece, undo.source.size), changed)
    whole = original.clone()
    undo.source.cut(whole).copy_(piece)
    return whole


def _check_mask(mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    if not isinstance(mask, torch.Tensor) or mask.ndim != 4 or mask.shape[1] != 1 or 0 in mask.shape:
        shape = tuple(mask.shape) if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise ValueError(f"The mask must have the shape (batch, 1, height, width), got {shape}.")
    if mask.shape[0] not in (1, image.shape[0]):
        raise ValueError(f"There are {image.shape[0]} pictures and {mask.shape[0]} masks; give one mask or as many.")
    mask = mask.to(device=image.device, dtype=torch.float32)
    if not bool(torch.isfinite(mask).all()):
        raise ValueError("The mask has NaN or infinite values. Look at where it comes from.")
    return mask.clamp(0.0, 1.0)


def _boxes(h: int, w: int, th: int, tw: int, method: str, *, keep_scale: bool) -> tuple[Box, Box]:
    """The part of an h x w picture that is used, and the part of the th x tw one that it fills."""
    source, target = Box(0, 0, h, w), Box(0, 0, th, tw)
    if method == "crop":
        scale = 1.0 if keep_scale and th <= h and tw <= w else max(th / h, tw / w)
        source = _middle(h, w, min(round(th / scale), h), min(round(tw / scale), w))
    elif method == "pad":
        scale = 1.0 if keep_scale else min(th / h, tw / w)
        target = _middle(th, tw, min(round(h * scale), th), min(round(w * scale), tw))
    return source, target


def _middle(h: int, w: int, height: int, width: int) -> Box:
    height, width = max(height, 1), max(width, 1)
    return Box((h - height) // 2, (w - width) // 2, height, width)


def _resize(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if tuple(image.shape[-2:]) == size:
        return image
    resized = F.interpolate(image.float(), size=size, mode="bicubic", antialias=True)
    return resized.clamp_(0.0, 1.0).to(image.dtype)


def _resize_mask(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A hard mask stays hard: between 0 and 1 lies a soft edit, not an edge."""
    if tuple(mask.shape[-2:]) == size:
        return mask
    soft = F.interpolate(mask, size=size, mode="bilinear", antialias=True).clamp(0.0, 1.0)
    return (soft >= 0.5).float() if bool(((mask == 0.0) | (mask == 1.0)).all()) else soft


def _place(image: torch.Tensor, target: Box, height: int, width: int, mode: str) -> torch.Tensor:
    if target.size == (height, width):
        return image
    right, bottom = width - target.left - target.width, height - target.top - target.height
    return F.pad(image, (target.left, right, target.top, bottom), mode=mode)


def _blend(original: torch.Tensor, piece: torch.Tensor, changed: torch.Tensor) -> torch.Tensor:
    """The piece over the original where it, or what was resampled with it, changed."""
    wide = F.max_pool2d(changed, 5, stride=1, padding=2)  # two pixels: the reach of bicubic
    weight = F.interpolate(wide, size=original.shape[-2:], mode="bilinear", antialias=True).clamp(0.0, 1.0)
    mixed = torch.lerp(original.float(), piece.float(), weight).to(piece.dtype)
    mixed = torch.where(weight >= 1.0 - 1e-5, piece, mixed)
    return torch.where(weight > 0.0, mixed, original.to(piece.dtype))


def _rows(image: torch.Tensor, count: int, what: str) -> torch.Tensor:
    """One picture per result: the batch itself, or the whole batch again and again as ComfyUI repeats it."""
    have = image.shape[0]
    if have == count:
        return image
    if count % have:
        raise ValueError(f"There are {count} results and {have} pictures as {what}; they do not go together.")
    return image.repeat(count // have, 1, 1, 1)
