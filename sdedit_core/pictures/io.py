"""Pictures in and out: files to tensors and back, value ranges."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, repeat
from PIL import ExifTags, Image, ImageOps

from .colour import is_tagged, srgb_profile, to_srgb
from .deep import deep_grey
from .files import picture_format, replace_file
from .opening import open_picture, unreadable


def to_range(image: torch.Tensor, data_range: tuple[float, float] | None) -> torch.Tensor:
    """Map [0, 1] pixels to a model's data range (None and (0, 1): unchanged)."""
    if data_range is None or data_range == (0.0, 1.0):
        return image
    low, high = data_range
    return image * (high - low) + low


def from_range(samples: torch.Tensor, data_range: tuple[float, float] | None) -> torch.Tensor:
    """Map a model's data range back to [0, 1], unclamped."""
    if data_range is None or data_range == (0.0, 1.0):
        return samples
    low, high = data_range
    return (samples - low) / (high - low)


def from_pil(image: Image.Image) -> torch.Tensor:
    """PIL image to (1,3,H,W) float32 in [0, 1]; transparency is laid on white."""
    deep = deep_grey(image)
    if deep is not None:
        return repeat(torch.from_numpy(deep), "h w -> 1 c h w", c=3).contiguous()
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    array = torch.from_numpy(np.array(image.convert("RGB")))
    return rearrange(array, "h w c -> 1 c h w").contiguous().float().div_(255.0)  # a large picture is there once only


def to_pil(image: torch.Tensor) -> Image.Image:
    """(1,3,H,W) or (3,H,W) in [0, 1] (clamped here, nowhere earlier) to an 8-bit PIL image."""
    if image.dim() == 4:
        if image.shape[0] != 1:
            raise ValueError(f"to_pil takes one image, got a batch of {image.shape[0]}.")
        image = image[0]
    array = rearrange(image.detach().float().cpu().clamp(0, 1), "c h w -> h w c").numpy()
    return Image.fromarray((array * 255.0 + 0.5).astype(np.uint8))


def _open(path: str | os.PathLike, least: int | None = None) -> Image.Image:
    image = open_picture(path, least)
    try:
        image.load()
        factor = 1 if least is None else min(image.size) // (2 * least)
        if factor > 1 and image.mode == "RGB" and "transparency" in image.info:
            image = image.convert("RGBA")  # one colour is clear, which an average would hide
        if factor > 1 and image.mode in ("L", "RGB", "RGBA", "CMYK"):
            image = image.reduce(factor)
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # each format's plugin has its own ways to fail
        raise unreadable(Path(path), error) from None
    try:
        grey = deep_grey(image)
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}") from None
    if grey is not None:
        image = Image.fromarray(grey)  # values from 0 to 1; turning it would lose the tags that say what white is
        image.getexif()[ExifTags.Base.Orientation] = orientation
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # broken EXIF data
        raise unreadable(Path(path), error) from None


def load_image(path: str | os.PathLike, *, least: int | None = None) -> torch.Tensor:
    """Read a picture as (1,3,H,W) float32 in [0, 1], sRGB; orientation tags applied, transparency laid on white.

    A picture with a colour profile is brought to sRGB.  ``least``, for pictures that will be made small: large files
    are averaged down while they are read, to a shorter side of no less than 2 ``least`` pixels.  Raises ValueError,
    naming the file, when it cannot be read.
    """
    image = _open(path, least)
    try:
        return from_pil(to_srgb(image))
    except (ValueError, OSError) as error:  # more transparent colours than the palette has, say
        raise unreadable(Path(path), error) from None


def has_profile(path: str | os.PathLike) -> bool:
    """Whether a picture file carries a colour profile; what is made of it should then say that it is sRGB."""
    with open_picture(path) as image:
        return is_tagged(image)


def bits_of(path: str | os.PathLike) -> int:
    """16 for a picture file of deep grey, which is read by its own values; 8 for all others."""
    with open_picture(path) as image:
        return 16 if image.mode.startswith("I") or image.mode == "F" else 8


def load_mask(path: str | os.PathLike) -> torch.Tensor:
    """Read a mask as (1,1,H,W) in [0, 1]: white = change.  Values are taken as they are, without a colour profile.

    Transparency counts where the picture has one colour only, as for a mask painted on an empty layer: what is painted
    there may change.
    """
    image = _open(path)
    array = deep_grey(image)
    if array is None:
        try:
            painted = _painted(image)
            grey = image.convert("RGB").convert("L") if painted is None else painted
        except (ValueError, OSError) as error:
            raise unreadable(Path(path), error) from None
        array = np.asarray(grey, dtype=np.float32) / 255.0
    return torch.from_numpy(array)[None, None].contiguous()


def _painted(image: Image.Image) -> Image.Image | None:
    """The alpha channel when it alone holds something, None otherwise."""
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return None
    *colours, alpha = image.convert("RGBA").split()
    if any(low != high for low, high in (channel.getextrema() for channel in colours)):
        return None
    low, high = alpha.getextrema()
    return alpha if low != high else None


def save_image(image: torch.Tensor, path: str | os.PathLike, *, profile: bool = False) -> None:
    """Write one picture (1,3,H,W) or (3,H,W) in [0, 1]; whole or not at all. ``profile``: as for ``save_pil``."""
    save_pil(to_pil(image), path, profile=profile)


def save_pil(picture: Image.Image, path: str | os.PathLike, *, profile: bool = False) -> None:
    """Write a PIL picture in the format of the file's name; whole or not at all. ValueError when it cannot be.

    ``profile`` embeds an sRGB profile, for pictures made of a file that had a profile.
    """
    suffix = Path(path).suffix.lower()
    options = {"quality": 95} if suffix in (".jpg", ".jpeg", ".webp") else {}
    options["format"] = picture_format(path)
    if profile and srgb_profile() is not None:
        options["icc_profile"] = srgb_profile()

    def write(part: Path) -> None:
        try:
            picture.save(part, **options)
        except (ValueError, RuntimeError, SystemError) as error:  # Pillow's plugins: a side too long, say
            raise OSError(str(error)) from None

    replace_file(path, write)
