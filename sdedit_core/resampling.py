"""How sure is a realism distance?  Bootstrap over pictures: would other pictures have said the same?

A distance between two sets of pictures is itself an estimate, from these pictures.  Drawing pictures anew with
replacement, on both sides, shows how much it would vary (Efron and Tibshirani, An Introduction to the Bootstrap,
1993).  Sets of the same length and seed are resampled with the same draws, so their draws can be subtracted: that
is how "nearer to real than the strokes" is tested, on the same pictures, directions and patches.

A resample's distance is larger than the set's own (its pictures repeat), so the draws give the width of an interval
and never its middle.  Whitening is that of the full sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .realism import SlicedWasserstein

SPAN, BINS = 8.0, 400  # whitened projections have deviation near 1; what is further out counts as at the end
FEWEST = 4
Z95 = 1.96


def resampled(
    distance: SlicedWasserstein, images: torch.Tensor | Sequence[torch.Tensor], *, times: int = 400, seed: int = 0
) -> torch.Tensor:
    """Distances of ``times`` resamples of the pictures to as many of the reference, (times,) float64.

    The 1-Wasserstein distance of projections is the area between their distribution functions, and that of a
    resample is the mean of its pictures': one matrix product for all resamples.

    Raises ValueError for fewer than 4 pictures on either side.
    """
    sides = (len(images), len(distance.reference))
    if min(sides) < FEWEST:
        raise ValueError(f"A bootstrap needs at least {FEWEST} pictures on both sides, got {sides[0]} and {sides[1]}.")
    generator = torch.Generator().manual_seed(seed)
    weights = [_weights(count, times, generator) for count in sides]
    total = torch.zeros(times, dtype=torch.float64)
    levels = list(zip(distance.projections(images), distance.projections(), strict=True))
    for (_, ours), (_, theirs) in levels:
        axes = max(1, 2**22 // times // BINS)  # directions at once: keeps the table of all resamples small
        for first in range(0, ours.shape[0], axes):
            pair = [_functions(x[first : first + axes], n) for x, n in zip((ours, theirs), sides, strict=True)]
            mine, other = (w @ f for w, f in zip(weights, pair, strict=True))
            total += (mine - other).abs().sum(1).double() * (2.0 * SPAN / BINS) / ours.shape[0]
    return total / len(levels)


def _weights(count: int, times: int, generator: torch.Generator) -> torch.Tensor:
    """How often each of ``count`` pictures is in each resample, as shares: (times, count)."""
    drawn = torch.randint(count, (times, count), generator=generator)
    return torch.zeros(times, count).scatter_add_(1, drawn, torch.full(drawn.shape, 1.0 / count))


def _functions(values: torch.Tensor, count: int) -> torch.Tensor:
    """Distribution function of every picture's values along every direction, (count, directions * BINS)."""
    values = values.cpu().view(values.shape[0], count, -1).transpose(0, 1)
    place = ((values + SPAN) * (BINS / (2.0 * SPAN))).long().clamp_(0, BINS - 1)
    share = torch.full(place.shape, 1.0 / place.shape[-1])
    histogram = torch.zeros(*place.shape[:2], BINS).scatter_add_(2, place, share)
    return histogram.cumsum(2).flatten(1)


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval, 1.96 bootstrap deviations to both sides."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, draws: torch.Tensor) -> Interval:
        """``draws`` (times,) of the value under resampling."""
        half = Z95 * float(draws.std())
        return cls(value, value - half, value + half)

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"
