"""Where a difference is large, and around it: a soft mask."""

from __future__ import annotations

import torch

from .windows import largest_around, mean_around


def around(size: torch.Tensor, level: torch.Tensor, reach: int) -> torch.Tensor:
    """Share (1, H, W) in [0, 1]: 0.5 where ``size`` is level^2, towards 1 above, also up to 2 ``reach`` pixels away.

    Args:
        size: (1, H, W), squared differences.
        level: a number as a tensor, or (1, H, W).
        reach: at least 1.
    """
    return mean_around(largest_around(beyond(size, level), reach), reach)


def beyond(size: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """The same for every place by itself; ``level`` may be another at every place."""
    size = size.square()
    return size / (size + level**4)
