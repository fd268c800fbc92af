"""How sure is a realism distance?  Bootstrap over pictures: would other pictures have said the same?

A distance between two sets of pictures is itself an estimate, from these pictures.  Drawing pictures anew with
replacement, on both sides, shows how much it would vary (Efron and Tibshirani, An Introduction to the Bootstrap,
1993).  Sets of the same length and seed are resampled with the same draws, so their draws can be subtracted: that
is how "nearer to real than the strokes" is tested, on the same pictures, directions and patches.

A resample's distance is larger than the set's own (its pictures repeat), so the draws give the width of an interval
and never its middle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch

from .realism import SlicedWasserstein, wasserstein
from .table import Row, sweet_spot

PATCHES, DIRECTIONS = 4096, 32  # of a set: enough for a deviation, and quick
FEWEST = 4
Z95 = 1.96


def resampled(
    distance: SlicedWasserstein,
    sets: Sequence[torch.Tensor | Sequence[torch.Tensor]],
    *,
    times: int = 200,
    seed: int = 0,
) -> torch.Tensor:
    """Distances of resampled sets to a resampled reference, (times, number of sets) float64.

    In one draw all sets keep the same pictures: they must be of one length, their pictures in the same order.

    Raises ValueError for fewer than 4 pictures on either side, or sets of several lengths.
    """
    counts = {len(pictures) for pictures in sets}
    if len(counts) != 1:
        raise ValueError(f"Sets to compare by resampling need the same number of pictures, got {sorted(counts)}.")
    count, other = counts.pop(), len(distance.reference)
    if min(count, other) < FEWEST:
        raise ValueError(f"A bootstrap needs at least {FEWEST} pictures on both sides, got {count} and {other}.")
    size = {"patches": PATCHES, "directions": DIRECTIONS}
    known = distance.channel_projections(**size)
    found = [distance.channel_projections(pictures, **size) for pictures in sets]
    generator = torch.Generator().manual_seed(seed)
    out = torch.zeros(times, len(sets), dtype=torch.float64)
    for draw in out:
        mine = torch.randint(count, (count,), generator=generator)
        theirs = torch.randint(other, (other,), generator=generator)
        for k, reference in enumerate(known):
            expected = reference.sorted(theirs)
            std = None if distance.whiten == "own" else reference.moments(theirs)[1]
            for i, levels in enumerate(found):
                draw[i] += wasserstein(levels[k].sorted(mine, std), expected) / len(known)
    return out


def interval(value: float, draws: torch.Tensor) -> tuple[float, float]:
    """95 % interval of a value: 1.96 deviations of its resampled ``draws`` to both sides."""
    half = Z95 * float(draws.std())
    return value - half, value + half


def with_intervals(rows: Sequence[Row], draws: torch.Tensor, guides: float, guide_draws: torch.Tensor) -> list:
    """Rows with the intervals of ``realism`` and of ``gain``, the guides' distance minus the row's.

    Args:
        rows: with ``realism``.
        draws: (times, rows) from :func:`resampled`.
        guides: distance of the guides.
        guide_draws: (times,), the guides' draws from the same call.
    """
    out = []
    for row, mine in zip(rows, draws.T, strict=True):
        low, high = interval(row.realism, mine)
        gain = guides - row.realism
        gain_low, gain_high = interval(gain, guide_draws - mine)
        extra = {"gain": gain, "gain_low": gain_low, "gain_high": gain_high}
        out.append(replace(row, realism_low=low, realism_high=high, **extra))
    return out


def spot_shares(
    rows: Sequence[Row], draws: torch.Tensor, guides: float, guide_draws: torch.Tensor
) -> dict[float, float]:
    """t0 -> share of the resamples whose sweet spot it is; what is missing to 1 had none."""
    found = Counter()
    for i in range(len(guide_draws)):
        moved = [
            replace(row, realism=row.realism + float(d[i] - d.mean())) for row, d in zip(rows, draws.T, strict=True)
        ]
        spot = sweet_spot(moved, ceiling=guides + float(guide_draws[i] - guide_draws.mean()))
        if spot is not None:
            found[spot.best] += 1
    return {t0: found[t0] / len(guide_draws) for t0 in sorted(found)}
