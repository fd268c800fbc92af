"""Pictures as means over square cells, and back."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def in_cells(picture: torch.Tensor, cell: int) -> torch.Tensor:
    """Means over cells of (C, H, W), (C, h, w); at the edge over what there is of them."""
    if cell == 1:
        return picture
    return F.avg_pool2d(picture[None], cell, ceil_mode=True, count_include_pad=False)[0]


def in_pixels(cells: torch.Tensor, cell: int, height: int, width: int) -> torch.Tensor:
    """Cells (C, h, w) as a picture of that size again, bilinear."""
    if cell == 1:
        return cells
    whole = [cell * count for count in cells.shape[1:]]
    # a channel at a time: of several at once the last digits depend on the number of threads
    pixels = F.interpolate(cells[:, None], whole, mode="bilinear", align_corners=False)
    return pixels[:, 0, :height, :width]
