"""Stroke paintings from photos, as in the paper, and the mask of what was painted.

SDEdit (Meng et al., ICLR 2022), appendix D.2: "human-stroke-simulation" filters a 256 px picture with a median of
23 px, then reduces it to 6 colours with an adaptive palette.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ..sde import whole_number
from .check import check_pair, check_picture
from .io import from_pil, to_pil

PAPER_KERNEL, PAPER_COLOURS, PAPER_SIZE = 23, 6, 256


def stroke_kernel(height: int, width: int) -> int:
    """The paper's 23 px at 256 px, scaled to another picture size: odd, at least 3."""
    kernel = round(PAPER_KERNEL * min(height, width) / PAPER_SIZE)
    return max(3, kernel + 1 - kernel % 2)


def median_filter(image: np.ndarray, kernel: int) -> np.ndarray:
    """Exact median of every kernel x kernel window of uint8 (H,W,C), edges replicated; as Pillow's MedianFilter.

    The median is the number of thresholds that at most half of the window lie at or below; counts come from a
    summed-area table, so the time does not grow with the kernel.
    """
    h, w, _ = image.shape
    pad, half = kernel // 2, (kernel * kernel) // 2
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    table = np.zeros((h + 2 * pad + 1, w + 2 * pad + 1, image.shape[2]), dtype=np.int32)
    median = np.zeros(image.shape, dtype=np.uint8)
    low, high = int(image.min()), int(image.max())
    median += low
    for threshold in range(low, high):
        np.cumsum(padded <= threshold, axis=0, dtype=np.int32, out=table[1:, 1:])
        np.cumsum(table[1:, 1:], axis=1, out=table[1:, 1:])
        count = (
            table[kernel:, kernel:] - table[:-kernel, kernel:] - table[kernel:, :-kernel] + table[:-kernel, :-kernel]
        )
        median += count <= half
    return median


def simulate_strokes(
    image: torch.Tensor, *, colours: int = PAPER_COLOURS, kernel: int | None = PAPER_KERNEL
) -> torch.Tensor:
    """A stroke painting of every picture: median filter, then a palette of its own with few colours.

    Args:
        image: (B,3,H,W) in [0, 1]; clamped and rounded to 8 bits first.
        colours: 2 to 256, the paper uses 6 (3 to 50 in its table 4).
        kernel: odd window of the median in pixels; None scales the paper's 23 px at 256 px to this size; 1 = off.

    Returns (B,3,H,W) in [0, 1] with at most ``colours`` different colours per picture.
    """
    check_picture(image)
    if whole_number(colours) is None or not 2 <= colours <= 256:
        raise ValueError(f"colours must be a whole number from 2 to 256, got {colours!r}. The paper uses 6.")
    kernel = stroke_kernel(*image.shape[-2:]) if kernel is None else kernel
    if whole_number(kernel) is None or kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"kernel must be an odd number of pixels, got {kernel!r}. The paper uses 23 at 256 px.")
    out = []
    for item in image:
        array = np.asarray(to_pil(item))
        if kernel > 1:
            array = median_filter(array, kernel)
        flat = Image.fromarray(array).convert("P", palette=Image.Palette.ADAPTIVE, colors=colours)
        out.append(from_pil(flat.convert("RGB")))
    return torch.cat(out).to(image.device)


def difference_mask(
    before: torch.Tensor, after: torch.Tensor, *, threshold: float = 0.04, grow: int = 0
) -> torch.Tensor:
    """Where two pictures differ, as a mask (B,1,H,W): 1 = changed = what an edit may change.

    Args:
        before: the photo, (B,3,H,W) in [0, 1].
        after: the photo with strokes on it, of the same shape.
        threshold: largest difference of one channel that still counts as equal (0.04 hides JPEG noise).
        grow: pixels by which the mask is widened.
    """
    check_pair(before, after)
    if not 0.0 <= float(threshold) < 1.0:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold!r}. 0.04 hides JPEG noise.")
    if whole_number(grow) is None or not 0 <= grow <= 512:
        raise ValueError(f"grow must be a whole number of pixels from 0 to 512, got {grow!r}.")
    mask = ((before - after).abs().amax(dim=1, keepdim=True) > float(threshold)).float()
    if grow:
        mask = F.max_pool2d(mask, 2 * grow + 1, stride=1, padding=grow)
    return mask
