"""Regions with their own t0, laid over one another to one map of start times.

Every region is a mask and a t0.  They lie on one another in order, as layers do: where a region's mask is 1 its own t0
counts whatever lies below, higher or lower; a soft mask mixes its t0 with the one below, linearly in t0.  So a later
region can protect as well as open: a face at t0 0.1 in a street at 0.5.  (The largest t0 could only open.)

A map is not a blend of pictures: every pixel starts at its own t0, which is exact in law (see :mod:`.masks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..sde import check_t0
from .masks import feather as feathered


@dataclass(frozen=True)
class Region:
    """Where (..., H, W), 1 = all of it and soft in between, and from which t0."""

    mask: torch.Tensor
    t0: float


def lay_regions(regions: Sequence[Region], *, base: float = 0.0, feather: int = 0, side: str = "out") -> torch.Tensor:
    """One map of start times out of regions.

    Args:
        regions: from the lowest to the topmost; their masks have one height and width, and one batch or none.
        base: t0 of everything outside of them, 0 = kept.
        feather: width of every region's edge in pixels, 0 to 512 (see :func:`~.masks.feather`).
        side: where the edge lies: "out", "in" or "both".

    Returns:
        float64 (..., H, W), between 0 and the largest t0: exactly a region's t0 where its mask is 1 and nothing lies
        on it, exactly ``base`` outside of all.

    Raises:
        ValueError: without regions, for a t0 outside 0 to 1, a bad feather, masks that do not go together.
    """
    if not regions:
        raise ValueError("A t0 map needs at least one region.")
    base = check_t0(base)
    sides = {tuple(region.mask.shape[-2:]) for region in regions}
    if len(sides) > 1:
        sizes = ", ".join(f"{w} x {h}" for h, w in sorted(sides))
        raise ValueError(f"The masks of a t0 map must have one size, got {sizes}. Resize them first.")
    try:
        shape = torch.broadcast_shapes(*(region.mask.shape for region in regions))
    except RuntimeError:
        counts = ", ".join(str(tuple(region.mask.shape)) for region in regions)
        raise ValueError(f"The masks of a t0 map do not go together: {counts}. Give one mask or as many.") from None
    found = torch.full(shape, base, dtype=torch.float64, device=regions[0].mask.device)
    for region in regions:
        t0 = check_t0(region.t0)
        mask = region.mask.clamp(0.0, 1.0)
        mask = (feathered(mask, feather, side=side) if feather else mask).double()
        found = torch.where(mask >= 1.0, t0, found + mask * (t0 - found))
    return found


def as_mask(t0_map: torch.Tensor) -> tuple[torch.Tensor, float]:
    """(mask, t0) that mean this map: the largest start time, and every pixel's share of it, float32, largest 1.

    Noising at that t0 with this mask is the map: a pixel under m starts at m t0.  (zeros, 0) for a map of zeros.
    """
    top = float(t0_map.max())
    if top <= 0.0:
        return torch.zeros_like(t0_map, dtype=torch.float32), 0.0
    return (t0_map / top).clamp(0.0, 1.0).float(), top
