"""Colour profiles: pictures that carry one are brought to sRGB, which everything here is in."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

try:
    from PIL import ImageCms
except ImportError:  # a Pillow without LittleCMS
    ImageCms = None

SAME = 2  # of 255: profiles that differ by no more from sRGB are sRGB, written by another program


def is_tagged(image: Image.Image) -> bool:
    """Whether a picture carries a colour profile."""
    return bool(image.info.get("icc_profile"))


def is_srgb(profile: bytes | None) -> bool:
    """Whether RGB pictures with this profile are in sRGB as they are; broken profiles say nothing."""
    return not profile or ImageCms is None or _transform(profile, "RGB") is None


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB by its colour profile; as it is without one, and where the profile says sRGB or is broken.

    Pictures of 16-bit and float grey are numbers rather than colours and stay as they are.
    """
    profile, mode = image.info.get("icc_profile"), image.mode
    if not profile or ImageCms is None or mode in ("1", "F") or mode.startswith("I"):
        return image
    alpha = None
    if mode in ("P", "PA", "LA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if mode == "LA" else "RGB")
    transform = _transform(profile, image.mode)
    if transform is not None:
        image = ImageCms.applyTransform(image, transform)
    elif alpha is None:
        return image
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str):
    """From this profile to sRGB for pictures of this mode; None when there is nothing to do or it cannot be done."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if mode in ("L", "RGB"):
        probe = _every_colour(mode)
        found = np.asarray(ImageCms.applyTransform(probe, transform), dtype=np.int16)
        if int(np.abs(found - np.asarray(probe.convert("RGB"), dtype=np.int16)).max()) <= SAME:
            return None
    return transform


def _every_colour(mode: str) -> Image.Image:
    """All greys, or a grid of colours."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3))


@functools.cache
def srgb_profile() -> bytes | None:
    """An sRGB profile to embed, the same bytes at all times; None for a Pillow without LittleCMS."""
    if ImageCms is None:
        return None
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = b"".join(number.to_bytes(2, "big") for number in (2000, 1, 1, 0, 0, 0))  # when it was made
    return bytes(data)
