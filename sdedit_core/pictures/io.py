"""Pictures in and out: files to tensors and back, value ranges."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, repeat
from PIL import Image, ImageOps, UnidentifiedImageError

from .files import picture_format, replace_file

MAX_PIXELS = 64_000_000


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
    deep = _deep_grey(image)
    if deep is not None:
        return repeat(torch.from_numpy(deep), "h w -> 1 c h w", c=3).contiguous()
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    array = np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0
    return rearrange(torch.from_numpy(array), "h w c -> 1 c h w").contiguous()


def to_pil(image: torch.Tensor) -> Image.Image:
    """(1,3,H,W) or (3,H,W) in [0, 1] (clamped here, nowhere earlier) to an 8-bit PIL image."""
    if image.dim() == 4:
        if image.shape[0] != 1:
            raise ValueError(f"to_pil takes one image, got a batch of {image.shape[0]}.")
        image = image[0]
    array = rearrange(image.detach().float().cpu().clamp(0, 1), "c h w -> h w c").numpy()
    return Image.fromarray((array * 255.0 + 0.5).astype(np.uint8))


def _deep_grey(image: Image.Image) -> np.ndarray | None:
    """16-bit and float grey pictures as float32 in [0, 1]; Pillow's own RGB conversion would clip them."""
    if image.mode.startswith("I"):
        return np.clip(np.asarray(image).astype(np.float32) / 65535.0, 0.0, 1.0)
    if image.mode == "F":
        return np.clip(np.asarray(image, dtype=np.float32), 0.0, 1.0)
    return None


def _open(path: str | os.PathLike, least: int | None = None) -> Image.Image:
    path = Path(path)
    if not path.exists():
        raise ValueError(f"No such image file: {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; an image file is needed.")
    try:
        image = Image.open(path)
        if least is not None:
            image.draft(None, (2 * least, 2 * least))  # JPEG: decoded at 1/2, 1/4 or 1/8, which is much quicker
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{path} is {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read.")
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from None
    factor = 1 if least is None else min(image.size) // (2 * least)
    if factor > 1 and image.mode in ("L", "RGB", "RGBA", "CMYK"):
        image = image.reduce(factor)
    return ImageOps.exif_transpose(image)


def load_image(path: str | os.PathLike, *, least: int | None = None) -> torch.Tensor:
    """Read a picture as (1,3,H,W) float32 in [0, 1]; orientation tags applied, transparency laid on white.

    ``least``, for pictures that will be made small: large files are averaged down while they are read, to a shorter
    side of no less than 2 ``least`` pixels.  Raises ValueError, naming the file, when it cannot be read.
    """
    return from_pil(_open(path, least))


def load_mask(path: str | os.PathLike) -> torch.Tensor:
    """Read a mask as (1,1,H,W) in [0, 1]: white = change. Transparency is not used."""
    image = _open(path)
    array = _deep_grey(image)
    if array is None:
        array = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32) / 255.0
    return torch.from_numpy(array)[None, None].contiguous()


def save_image(image: torch.Tensor, path: str | os.PathLike) -> None:
    """Write one picture (1,3,H,W) or (3,H,W) in [0, 1]; whole or not at all."""
    save_pil(to_pil(image), path)


def save_pil(picture: Image.Image, path: str | os.PathLike) -> None:
    """Write a PIL picture in the format of the file's name; whole or not at all. ValueError when it cannot be."""
    suffix = Path(path).suffix.lower()
    options = {"quality": 95} if suffix in (".jpg", ".jpeg", ".webp") else {}
    options["format"] = picture_format(path)

    def write(part: Path) -> None:
        try:
            picture.save(part, **options)
        except (ValueError, RuntimeError, SystemError) as error:  # Pillow's plugins: a side too long, say
            raise OSError(str(error)) from None

    replace_file(path, write)
