"""Opening picture files that others made: what they are is said before anything large is done."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from .files import check_regular

MAX_PIXELS = 64_000_000
MAX_PER_BYTE = 20_000  # pixels for each byte of the file: one colour alone is packed more tightly
MANY = 4_000_000  # pixels from which on that matters
MAX_SIDE = 100_000  # a row, however short, takes memory and time of its own
HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def open_picture(path: str | os.PathLike, least: int | None = None) -> Image.Image:
    """A picture file, its header read and no more; ValueError that names the file, and what it is, when it is none.

    With ``least``, JPEG files are set to be decoded at 1/2, 1/4 or 1/8, to no less than 2 ``least`` pixels.
    """
    path = check_regular(path, kind="image file")
    try:
        image = Image.open(path)
        image.filename = ""  # no memory map: with one, Pillow 13.0 turns grey TIFF files by their orientation twice
        if least is not None:
            image.draft(None, (2 * least, 2 * least))  # much quicker
    except Exception as error:  # each format's plugin has its own ways to fail
        raise unreadable(path, error) from None
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        image.close()
        raise ValueError(
            f"{path} is {width} x {height} pixels; at most {MAX_PIXELS:,} are read, and {MAX_SIDE:,} along a side."
        )
    size = path.stat().st_size
    if width * height > max(MANY, MAX_PER_BYTE * size):
        image.close()
        raise ValueError(
            f"{path} says that it is {width} x {height} pixels, and is {size:,} bytes long: no picture fits into that."
        )
    return image


def unreadable(path: Path, error: Exception) -> ValueError:
    """The sentence for a picture that Pillow gave up on: the file's name, and what it is where that can be seen."""
    return ValueError(f"{path} cannot be read as an image: {_what_it_is(path) or _why(error)}")


def _what_it_is(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        return str(error.strerror or error)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "the file is empty (0 bytes); copy or download it again."
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs, not the picture itself; run git lfs pull."
    if start[4:8] == b"ftyp" and start[8:12] in HEIF:
        return "it is a HEIC picture, as phones take them; save it as .jpg or .png."
    if text.startswith((b"<!doctype html", b"<html")):
        return "it is a web page; download the picture itself."
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "it is an SVG drawing; save it as .png."
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is of no picture format that is known here, or damaged."
    words = " ".join(str(error).split())
    return f"it is damaged, or of a kind that is not supported ({words or type(error).__name__})."
