"""Where a difference is large, and around it: a soft mask."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def around(size: torch.Tensor, level: torch.Tensor, reach: int) -> torch.Tensor:
    """Share (1, H, W) in [0, 1]: 0.5 where ``size`` is level^2, towards 1 above, also up to 2 ``reach`` pixels away.

    Args:
        size: (1, H, W), squared differences.
        level: a number as a tensor.
        reach: at least 1.
    """
    size = size.square()
    share = (size / (size + level**4))[None]
    for width in ((2 * reach + 1, 1), (1, 2 * reach + 1)):  # one axis after the other: 2 k instead of k^2 operations
        share = F.max_pool2d(share, width, 1, (width[0] // 2, width[1] // 2))
    for width in ((2 * reach + 1, 1), (1, 2 * reach + 1)):
        share = F.avg_pool2d(share, width, 1, (width[0] // 2, width[1] // 2), count_include_pad=False)
    return share[0]
