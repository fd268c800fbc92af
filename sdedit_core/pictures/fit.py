"""Pictures in the size that a model wants, and results back into the picture they came from.

:func:`fit` covers a size and looks no further; :func:`fit_image` can be undone.  Such a fit is two boxes: a part of
the original (all of it, unless cropped) goes to a part of the fitted picture (all of it, unless padded).  Boxes lie on
whole pixels; where both have one size, pixels are copied and nothing is resampled.

On the way back only that is pasted which the mask let change: where it was 0, the original's pixels stay bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..sde import whole_number
from .check import check_picture
from .distance import paste_weight
from .match import match_colours, spread_step
from .window import Box, region_of, window_around

AROUND = "around mask"
METHODS = ("crop", "pad", "stretch", AROUND)
UNCHANGED = 1e-3  # differences below this are rounding (half a step of 8 bits is 0.002)


def fit(image: torch.Tensor, *, width: int, height: int) -> torch.Tensor:
    """Scale to cover width x height and crop the middle; antialiased; values stay in [0, 1]."""
    h, w = image.shape[-2:]
    if (h, w) == (height, width):
        return image
    scale = max(height / h, width / w)
    sh, sw = max(height, round(h * scale)), max(width, round(w * scale))
    image = _scaled(image, (sh, sw), "bicubic")
    top, left = (sh - height) // 2, (sw - width) // 2
    return image[..., top : top + height, left : left + width].clamp(0, 1)


@dataclass(frozen=True)
class Undo:
    """Everything :func:`unfit_image` needs; the pictures are kept by reference where nothing was resampled."""

    original: torch.Tensor
    fitted: torch.Tensor
    source: Box  # in the original
    target: Box  # in the fitted picture
    method: str
    mask: torch.Tensor | None = None  # of the original, (B or 1, 1, H, W); None = everything may change

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
        method: without ``size``, crop rounds down, stretch rounds to the nearest multiple, the others round up.
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
        extra = {"crop": 0, "stretch": multiple // 2}.get(method, multiple - 1)
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
    context: float = 0.5,
    enlarge: int | None = None,
) -> Fitted:
    """Bring pictures to the size a model wants.

    Args:
        image: (B, 3, H, W) in [0, 1].
        mask: (B or 1, 1, H, W), 1 = may change; None = everything may. Another size is resized to the picture first.
        method: "crop" cuts the sides off, "pad" repeats the outermost pixels around, "stretch" changes the shape,
            "around mask" takes the part that may change, one window for all pictures, and pads where there is none.
        size: the model's own (height, width), or None to only round the picture's to ``multiple``.
        multiple: width and height must be multiples of this.
        context, enlarge: of the window around the mask, see :func:`~.window.window_around`.

    Returns:
        The picture (the very same tensor when it fits already), the mask fitted alike with 0 (keep) on padded pixels,
        the way back for :func:`unfit_image`, and what was done.

    Raises:
        ValueError: when the picture or the mask is not one, or has NaN or infinite values.
    """
    check_picture(image, "picture")
    h, w = image.shape[-2:]
    th, tw = target_size(h, w, method=method, size=size, multiple=multiple)
    given, notes = None, []
    if mask is None:
        mask = torch.ones(1, 1, h, w, device=image.device)
    else:
        mask = _check_mask(mask, image)
        if mask.shape[-2:] != (h, w):
            notes.append(f"the mask was {mask.shape[-1]} x {mask.shape[-2]} and was resized to the picture first")
            mask = resize_mask(mask, (h, w))
        given = mask
    if method == AROUND:
        region = region_of(mask)
        if region is None:
            notes.append("the mask is empty (all 0): nothing may change, and Unfit Image gives the original back")
        more = {"size": None if size is None else (th, tw), "context": context, "enlarge": enlarge}
        source, target, (th, tw) = window_around(region or Box(0, 0, h, w), h, w, multiple=multiple, **more)
    else:
        source, target = _boxes(h, w, th, tw, method, keep_scale=size is None)
    fitted = _place(_resize(source.cut(image), target.size), target, th, tw, mode="replicate")
    undo = Undo(image, fitted, source, target, method, given)
    mask = _place(resize_mask(source.cut(mask), target.size), target, th, tw, mode="constant")
    return Fitted(fitted, mask, undo, "\n".join([str(undo), *notes]))


def unfit_image(
    result: torch.Tensor,
    undo: Undo,
    original: torch.Tensor | None = None,
    *,
    feather: int = 0,
    match: bool = False,
) -> torch.Tensor:
    """Put a result back into the original picture, at its place and in its size.

    Only what the mask let change is pasted: where it was 0, the original's own pixels come back bit for bit, whatever
    a VAE made of them.  Where pixels were only cropped or padded they are copied.  Where the fit resampled, what the
    result left as it was comes back as the original's own pixels, so that only the edit pays for the resampling.

    Args:
        result: (N, 3, h, w), what became of the fitted picture; N is the original's batch or a multiple of it.
        undo: from :func:`fit_image`.
        original: another version of the original, of the same size; None = the one that was fitted.
        feather: pixels of the original over which the seam is hidden, inside of what may change (0 to 256).  With
            ``original`` the result fades into it.  What was fitted may have strokes up to the edge, which a fade would
            show again: without ``original`` the step of colour is spread instead (see :func:`~.match.spread_step`),
            and only where a window ends the result fades.
        match: whether to give the result the colours that its kept pixels had (see :func:`~.match.match_colours`).

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
    fades = original is not None
    if original is None:
        original = undo.original
    else:
        check_picture(original, "original")
        if original.shape[-2:] != undo.original.shape[-2:]:
            (h, w), (oh, ow) = original.shape[-2:], undo.original.shape[-2:]
            raise ValueError(f"The original is {w} x {h}, the picture that was fitted was {ow} x {oh}.")
    count = result.shape[0]
    original = _rows(original.to(result.device), count, "original")
    piece, weight = undo.target.cut(result), _weight(undo, feather, result, fades=fades)
    whole_picture = undo.source.size == tuple(original.shape[-2:])
    if undo.exact and whole_picture and weight is None and not match:
        return piece if piece is result else piece.clone()
    before = undo.target.cut(_rows(undo.fitted.to(result.device), count, "fitted picture"))
    matched = match_colours(piece, before, _kept(undo, result)) if match and undo.mask is not None else piece
    ground = undo.source.cut(original)
    if not undo.exact:
        changed = _changed(piece, before, undo.source.size)
        weight = changed if weight is None else weight * changed
        matched = _resize(matched, undo.source.size)
    if undo.mask is not None and not fades:
        region = undo.source.cut(undo.mask).to(result.device) > 0.0
        region = _rows(region, count, "mask") if region.shape[0] > 1 else region
        matched = spread_step(matched, ground, region, feather)
    whole = original.clone()
    undo.source.cut(whole).copy_(matched if weight is None else _laid_over(ground, matched, weight))
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
    return _scaled(image.float(), size, "bicubic").clamp(0.0, 1.0).to(image.dtype)


def _scaled(image: torch.Tensor, size: tuple[int, int], mode: str) -> torch.Tensor:
    if min(image.shape[-1], size[1]) > 1:
        return F.interpolate(image, size=size, mode=mode, antialias=True)
    rows = _scaled_rows(image, size[0], mode)  # torch takes the rows of a picture of one column for channels
    return _scaled_rows(rows.mT, size[1], mode).mT.contiguous()


def _scaled_rows(image: torch.Tensor, rows: int, mode: str) -> torch.Tensor:
    w = image.shape[-1]
    wide = image.expand(*image.shape[:-1], max(w, 2)).contiguous()
    return F.interpolate(wide, size=(rows, max(w, 2)), mode=mode, antialias=True)[..., :w]


def resize_mask(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A mask (B, 1, H, W) in another size.  A hard one stays hard: between 0 and 1 lies a soft edit, not an edge.

    What is thinner than a pixel is not lost: a mask of which nothing is half full keeps its fullest part.
    """
    if tuple(mask.shape[-2:]) == size:
        return mask
    soft = _scaled(mask, size, "bilinear").clamp(0.0, 1.0)
    if not bool(((mask == 0.0) | (mask == 1.0)).all()):
        return soft
    fullest = soft.amax((-2, -1), keepdim=True)
    return ((soft >= torch.where(fullest < 0.5, 0.5 * fullest, 0.5)) & (soft > 0.0)).float()


def _place(image: torch.Tensor, target: Box, height: int, width: int, mode: str) -> torch.Tensor:
    if target.size == (height, width):
        return image
    right, bottom = width - target.left - target.width, height - target.top - target.height
    return F.pad(image, (target.left, right, target.top, bottom), mode=mode)


def _weight(undo: Undo, feather: int, result: torch.Tensor, *, fades: bool) -> torch.Tensor | None:
    """How much of the piece is pasted at every pixel of the source box (N or 1, 1, h, w); None = all of it.

    It fades at the edges of the region and of the box, or of the box alone.
    """
    (h, w), source = undo.original.shape[-2:], undo.source
    mask = torch.ones(1, 1, h, w) if undo.mask is None else undo.mask
    inside = source.cut(mask).to(result.device) > 0.0  # beyond the box nothing changes
    region = torch.zeros(mask.shape, dtype=torch.bool, device=result.device)
    source.cut(region).copy_(inside if fades else torch.ones_like(inside))
    top, left = max(source.top - 1, 0), max(source.left - 1, 0)  # with a pixel around it, where there is one
    bottom, right = min(source.top + source.height + 1, h), min(source.left + source.width + 1, w)
    rim = Box(top, left, bottom - top, right - left)
    weight = paste_weight(rim.cut(region), feather)
    weight = Box(source.top - top, source.left - left, *source.size).cut(weight) * inside
    if bool((weight == 1.0).all()):
        return None
    return _rows(weight, result.shape[0], "mask") if weight.shape[0] > 1 else weight


def _kept(undo: Undo, result: torch.Tensor) -> torch.Tensor:
    """Where in the target box nothing was edited, boolean (N or 1, 1, h, w)."""
    region = (undo.source.cut(undo.mask).to(result.device) > 0.0).float()
    if region.shape[-2:] != undo.target.size:
        region = F.interpolate(region, size=undo.target.size, mode="bilinear", antialias=True)
    return (_rows(region, result.shape[0], "mask") if region.shape[0] > 1 else region) <= 0.0


def _changed(piece: torch.Tensor, before: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Where the piece, or what is resampled with it, changed, as a weight in another size: (N, 1, H, W) in [0, 1]."""
    changed = ((piece - before).abs().amax(1, keepdim=True) > UNCHANGED).float()
    wide = F.max_pool2d(changed, 5, stride=1, padding=2)  # two pixels: the reach of bicubic
    return F.interpolate(wide, size=size, mode="bilinear", antialias=True).clamp(0.0, 1.0)


def _laid_over(original: torch.Tensor, piece: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The piece over the original by weight; bit for bit the one at 1 and the other at 0."""
    piece = piece.to(original.dtype)
    mixed = torch.lerp(original.float(), piece.float(), weight).to(original.dtype)
    mixed = torch.where(weight >= 1.0 - 1e-5, piece, mixed)
    return torch.where(weight > 0.0, mixed, original)


def _rows(image: torch.Tensor, count: int, what: str) -> torch.Tensor:
    """One picture per result: the batch itself, or the whole batch again and again as ComfyUI repeats it."""
    have = image.shape[0]
    if have == count:
        return image
    if count % have:
        raise ValueError(f"There are {count} results and {have} pictures as {what}; they do not go together.")
    return image.repeat(count // have, 1, 1, 1)
