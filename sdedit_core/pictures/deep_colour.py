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

from .files import replace_file
from .opening import open_picture, unreadable

LEAST = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}  # of big-endian numbers, what "16L" takes is the low byte
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def load_deep_colour(path: str | os.PathLike) -> torch.Tensor | None:
    """A 16-bit colour PNG as (1, 3, H, W) float32 in [0, 1]; None for every other file.

    None as well where colours would have to be converted: with a colour profile, transparency or an orientation.
    Pillow decodes such a file to its high bytes; a second pass with the other byte order yields the low ones.
    """
    path = Path(path)
    with open_picture(path) as image:
        raw = _raw_mode(image)
        tagged = "icc_profile" in image.info or "transparency" in image.info
        if image.format != "PNG" or raw not in LEAST or tagged:
            return None
    try:
        high, turned = _bytes(path, raw)
        low, _ = _bytes(path, LEAST[raw])
    except Exception as error:  # each format's plugin has its own ways to fail
        raise unreadable(path, error) from None
    values = high.astype(np.uint16) << 8 | low
    if turned or (values.shape[-1] == 4 and not bool((values[..., 3] == 65535).all())):
        return None
    colours = torch.from_numpy(values[..., :3].astype(np.float32) / np.float32(65535.0))
    return rearrange(colours, "h w c -> 1 c h w").contiguous()


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


def _bytes(path: Path, raw: str) -> tuple[np.ndarray, bool]:
    """One byte of every number, (H, W, 3 or 4), and whether the file says that the picture is turned."""
    with open_picture(path) as image:
        image.tile = [(tile[0], tile[1], tile[2], raw) for tile in image.tile]
        image.load()
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return np.array(image), turned
