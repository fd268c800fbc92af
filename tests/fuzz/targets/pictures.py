"""Picture files: read as a guide, as a mask, made small, asked for a profile."""

from __future__ import annotations

import functools
import struct
import zlib
from pathlib import Path
from random import Random

import torch

from sdedit_core.pictures.colour import srgb_profile
from sdedit_core.pictures.io import has_profile, load_image, load_mask

from .. import mutate, seeds
from ..case import Case, Target

KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "TGA", "PPM", "ICO", "DDS", "AVIF", "JPEG2000", "PCX", "SGI")
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "GIF": ("P", "L"),
    "PPM": ("RGB", "L"),
    "AVIF": ("RGB",),
    "WEBP": ("RGB", "RGBA"),
}


@functools.cache
def files() -> tuple[tuple[str, bytes], ...]:
    """(kind, bytes) of pictures of all kinds that this Pillow writes."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    out = []
    for kind in KINDS:
        for mode in MODES.get(kind, ("RGB", "L", "P", "RGBA", "1", "I;16", "F")):
            for options in ({}, {"exif": exif.tobytes()}, {"icc_profile": srgb_profile()}):
                try:
                    out.append((kind, seeds.picture(kind, mode, (24, 18), **options)))
                except (OSError, ValueError, KeyError, TypeError):  # not written here
                    continue
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        out.append(("TIFF", seeds.picture("TIFF", "RGB", (24, 18), compression=compression)))
    return tuple(out)


def make(rng: Random) -> Case:
    kind, data = rng.choice(files())
    others = [other for _, other in files()]
    how = rng.randrange(10)
    if kind == "PNG" and how < 6:
        data = png(rng, data)
    elif how < 9:
        data = mutate.broken(rng, data, others if rng.random() < 0.1 else (), most=3)
    call = {"least": rng.choice((None, None, 16, 64)), "as": rng.choice(("image", "image", "mask"))}
    return Case({"picture" + rng.choice((".png", ".jpg", ".x", "")): data}, call)


def png(rng: Random, data: bytes) -> bytes:
    """Chunks changed, doubled, moved or put in, with right sums."""
    chunks, at = [], 8
    while at + 8 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    for _ in range(rng.randint(1, 2)):
        i, how = rng.randrange(len(chunks)), rng.randrange(6)
        name, body = chunks[i]
        if how < 2:
            chunks[i] = name, mutate.broken(rng, body, most=2)
        elif how == 2:
            chunks.insert(rng.randrange(len(chunks) + 1), chunks[i])
        elif how == 3 and name == b"IHDR":
            sides = [rng.choice((1, 24, 18, 1000, 1 << 31, 100_001, 0)) for _ in range(2)]
            chunks[i] = (
                name,
                struct.pack(">II", *sides) + bytes((rng.choice((1, 2, 4, 8, 16)), rng.randrange(7))) + body[10:],
            )
        elif how == 4:
            chunks.insert(rng.randrange(1, len(chunks) + 1), _extra(rng))
        elif len(chunks) > 1:
            del chunks[i]
    out = data[:8]
    for name, body in chunks:
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return out


def _extra(rng: Random) -> tuple[bytes, bytes]:
    bomb = zlib.compress(bytes(rng.choice((1000, 20_000_000))), 9)
    return rng.choice(
        (
            (b"tEXt", b"workflow\0" + mutate.dumped(mutate.nested(rng)).encode()), (b"zTXt", b"a\0\0" + bomb),
            (b"iTXt", b"a\0\1\0\0\0" + bomb), (b"iCCP", b"a\0\0" + bomb), (b"tRNS", rng.randbytes(rng.choice((1, 2, 6,
            300)))),
            (b"gAMA", rng.randbytes(4)), (b"eXIf", rng.randbytes(40)), (b"PLTE", rng.randbytes(rng.choice((3, 768,
            769)))),
            (b"acTL", rng.randbytes(8)), (b"pHYs", bytes(9)), (b"cHRM", rng.randbytes(32)),
        )
    )  # fmt: skip


def run(case: Case, folder: Path) -> list[torch.Tensor]:
    (name,) = case.files
    path, call = folder / name, case.call
    out = load_mask(path) if call["as"] == "mask" else load_image(path, least=call["least"])
    has_profile(path)
    if not 0.0 <= float(out.min()) <= float(out.max()) <= 1.0:
        raise AssertionError(f"values from {float(out.min())} to {float(out.max())}")
    return [out]


def plain() -> Case:
    return Case({"picture.png": seeds.picture("PNG", "RGBA", icc_profile=srgb_profile())}, {"least": 16, "as": "image"})


TARGETS = (Target("pictures", make, run, share=4, plain=plain),)
