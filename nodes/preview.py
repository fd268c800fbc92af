"""The picture that a score model shows on its node while it samples."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from PIL import Image

SIDE = 512  # longest side sent to the browser
GAP = 0.1  # seconds between pictures


def preview_image(data_range: tuple[float, float] | None) -> Callable[..., Image.Image | None]:
    """``picture(x0, last=False)``: the first sample as a PIL image, or None when one was sent a moment ago."""
    low, high = data_range or (-1.0, 1.0)
    sent = float("-inf")

    def picture(x0: torch.Tensor, last: bool = False) -> Image.Image | None:
        nonlocal sent
        now = time.monotonic()
        if not last and now - sent < GAP:
            return None
        sent = now
        pixels = ((x0[0].float() - low) / (high - low)).clamp(0.0, 1.0).mul(255.0).round()
        image = Image.fromarray(pixels.to(device="cpu", dtype=torch.uint8).permute(1, 2, 0).contiguous().numpy())
        if max(image.size) > SIDE:
            image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
        return image

    return picture
