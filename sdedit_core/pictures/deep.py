"""Grey pictures of more than 8 bits, by their values; Pillow's own conversion to RGB would clip them."""

from __future__ import annotations

import numpy as np
from PIL import Image

SLACK = 1e-3  # values that lie so little outside are clipped
BITS, PHOTOMETRIC, FORMAT = 258, 262, 339  # tags of TIFF 6.0: BitsPerSample, PhotometricInterpretation, SampleFormat
WHITE_IS_ZERO, SIGNED = 0, 2


def deep_grey(image: Image.Image) -> np.ndarray | None:
    """16-bit and float grey pictures as float32 (H,W) in [0, 1]; None for all other pictures.

    White is 65,535, of TIFF files with 10 to 16 bits their own largest number, and 1 of float pictures.  ValueError
    for values outside, and for numbers without an agreed white (TIFF files with 32-bit or signed whole numbers).
    """
    if image.mode.startswith("I"):
        raw, high = np.asarray(image), _white(image)
    elif image.mode == "F":
        raw, high = np.asarray(image, dtype=np.float32), 1.0
    else:
        return None
    low, top = float(raw.min()), float(raw.max())  # NaN when one of the values is
    if not (-SLACK <= low and top <= high + SLACK):
        raise ValueError(
            f"It holds grey values from {low:g} to {top:g}; 0 to {high:g} is expected of a picture of this kind. Scale "
            "it to that, or save it with 8 bits."
        )
    grey = np.clip(raw.astype(np.float32) / np.float32(high), 0.0, 1.0)
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        grey = 1.0 - grey
    clear = image.info.get("transparency")
    if isinstance(clear, int) and image.mode != "F":
        grey[raw == clear] = 1.0  # on white
    return grey


def _white(image: Image.Image) -> int:
    bits, signed = _tag(image, BITS) or 16, _tag(image, FORMAT) == SIGNED
    if bits > 16 or signed:
        kind = f"{'signed ' * signed}whole numbers of {bits} bits"
        raise ValueError(f"It holds {kind}, of which nobody says what is white. Save it with 8 or 16 bits.")
    return (1 << max(bits, 8)) - 1


def _tag(image: Image.Image, number: int) -> int | None:
    """The first value of a TIFF tag; None where there is none."""
    value = getattr(image, "tag_v2", {}).get(number)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else None
