"""Distances to the edge of a region, and soft edges made of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..sde import short, whole_number


def distance(inside: torch.Tensor, limit: int) -> torch.Tensor:
    """Distance of every pixel to the nearest True one of ``inside`` (..., H, W), float32, at most limit + 1.

    Exact Euclidean distance by two passes of a parabola envelope (Felzenszwalb and Huttenlocher 2012, equation 4).
    """
    far = float((limit + 1) ** 2)
    d2 = torch.where(inside, 0.0, far)
    for dim in (-1, -2):
        n = d2.shape[dim]
        best = d2.clone()
        for k in range(1, min(limit, n - 1) + 1):
            a, b = d2.narrow(dim, 0, n - k), d2.narrow(dim, k, n - k)
            best.narrow(dim, k, n - k).clamp_(max=a + k * k)
            best.narrow(dim, 0, n - k).clamp_(max=b + k * k)
        d2 = best
    return d2.clamp_(max=far).sqrt_()


def check_feather(radius: int) -> int:
    """Width of the edge of a paste in pixels, 0 to 256; ValueError for anything else."""
    given = whole_number(radius)
    if given is None or not 0 <= given <= 256:
        raise ValueError(f"The feather must be a whole number of pixels from 0 to 256, got {short(radius)}.")
    return given


def paste_weight(region: torch.Tensor, radius: int) -> torch.Tensor:
    """How much of a result is laid over the original: 0 outside a region, rising to 1 over ``radius`` pixels inside it.

    Where the region is narrow the edge is narrower too: pixels at least half as deep as the deepest one near by are 1,
    so that a thin stroke is not faded away.  The border of the picture is no edge.

    Args:
        region: boolean (B, 1, H, W), True = may change.
        radius: width of the edge in pixels, 0 to 256; 0 = none.

    Returns:
        float32 (B, 1, H, W), exactly 0 outside and above 0 inside.

    Raises:
        ValueError: for another radius.
    """
    radius = check_feather(radius)
    if radius == 0 or bool(region.all()):
        return region.float()
    depth = distance(~region, 2 * radius)  # 1 for the outermost pixels inside
    wide, reach = 4 * radius + 1, 2 * radius
    deepest = F.max_pool2d(depth, (wide, 1), stride=1, padding=(reach, 0))
    deepest = F.max_pool2d(deepest, (1, wide), stride=1, padding=(0, reach))
    return (depth / (0.5 * deepest).clamp(1.0, radius + 1.0)).clamp_(max=1.0)
