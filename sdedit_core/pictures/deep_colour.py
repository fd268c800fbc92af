"""Colour PNG files of 16 bits, which Pillow reads as 8 bits and cannot write: in and out without loss."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import ExifTags, Image

from .colour import is_srgb
from .files import replace_file
from .opening import open_picture, unreadable

LEAST = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}  # of big-endian numbers, what "16L" takes is the low byte
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def load_deep_colour(path: str | os.PathLike) -> torch.Tensor | None:
    """A 16-bit colour PNG as (1, 3, H, W) float32 in [0, 1]; None for every other file.

    As with 8 bits the orientation is applied and transparency is laid on white.  None as well where a colour profile
    says more than sRGB: Pillow converts colours of 8 bits only.  It decodes such a file to its high bytes; a second
    pass with the other byte order yields the low ones.
    """
    path = Path(path)
    with open_picture(path) as image:
        raw, profile, clear = _raw_mode(image), image.info.get("icc_profile"), image.info.get("transparency")
        if image.format != "PNG" or raw not in LEAST or not is_srgb(profile):
            return None
    try:
        high, orientation = _bytes(path, raw)
        low, _ = _bytes(path, LEAST[raw])
    except Exception as error:  # each format's plugin has its own ways to fail
        raise unreadable(path, error) from None
    values = high.astype(np.uint16) << 8 | low
    colours = values[..., :3].astype(np.float32) / np.float32(65535.0)
    if values.shape[-1] == 4:
        alpha = values[..., 3:].astype(np.float32) / np.float32(65535.0)
        colours = colours * alpha + (1.0 - alpha)
    elif isinstance(clear, tuple):  # one colour of the file stands for nothing
        colours[(values == np.array(clear, np.uint16)).all(-1)] = 1.0
    colours = torch.from_numpy(np.ascontiguousarray(_upright(colours, orientation)))
    return rearrange(colours, "h w c -> 1 c h w").contiguous()


def is_deep(path: str | os.PathLike) -> bool:
    """Whether a picture file holds colours of 16 bits, by how its pixels lie in it."""
    with open_picture(path) as image:
        return ";16" in _raw_mode(image) and not image.mode.startswith("I")


def save_deep_colour(image: torch.Tensor, path: str | os.PathLike) -> None:
    """Write (1, 3, H, W) in [0, 1] as a 16-bit colour PNG; whole or not at all (PNG, third edition, section 11)."""
    values = rearrange(image[0].detach().double().cpu().clamp(0, 1), "c h w -> h w c").numpy() * 65535.0 + 0.5
    pixels = np.ascontiguousarray(values.astype(">u2")).view(np.uint8)
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    up = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))  # filter 2: what differs from the row above
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), up], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"sRGB", b"\0"), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    data = SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)
    replace_file(path, lambda part: part.write_bytes(data))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _raw_mode(image: Image.Image) -> str:
    """How the pixels lie in the file, in Pillow's words."""
    if not image.tile:
        return ""
    arguments = image.tile[0][3]
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


def _bytes(path: Path, raw: str) -> tuple[np.ndarray, int]:
    """One byte of every number, (H, W, 3 or 4), and the orientation that the file says."""
    with open_picture(path) as image:
        image.tile = [(tile[0], tile[1], tile[2], raw) for tile in image.tile]
        image.load()
        return np.array(image), image.getexif().get(ExifTags.Base.Orientation, 1)


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, C) turned as ImageOps.exif_transpose turns it (Exif 2.3, table 4, tag 274)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    across = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    down = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    return values[down, across]
