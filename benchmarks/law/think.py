"""K inner Langevin steps a level under a hard mask, after LanPaint (Zheng et al. 2025, arXiv 2502.03491).

Before every step of the sampler, picture and kept region wander together at one noise level: the edited pixels by the
model's score, the kept ones by ``(1 + strength)`` times the score of the known pixels less ``strength`` times the
model's, which pulls them to where the model sees the guide.  Both move by the exact solution of their linear part
(Ornstein-Uhlenbeck), as there.  Every inner step costs an evaluation, so at equal evaluations there are fewer levels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sdedit_core.sampling.solvers.base import Denoise, Noise, TiltedRegion
from sdedit_core.sampling.solvers.mca import FINISH_SLOPE, finish_gain, step_slope, variance_gain


@dataclass(frozen=True)
class Think:
    """Settings of the inner steps.

    Attributes:
        inner: Langevin steps K at every level that has them.
        strength: LanPaint's lambda, 0 and above; None = the network's input is tilted instead, and the miss is also
            integrated in the inner steps, so that the edited pixels wander by the conditional score itself.
        pace: length of an inner step in units of sigma^2; LanPaint's step size is 0.2.
        share: of the levels, counted from the first, that have inner steps.
        correct: also take ``auto``'s correction at the head of every level.
    """

    inner: int = 5
    strength: float | None = 16.0
    pace: float = 0.2
    share: float = 1.0
    correct: bool = False

    def steps(self, evaluations: int) -> tuple[int, int]:
        """(levels, levels with inner steps) for a budget; what is left over goes to levels without."""
        best = (1, 0)
        for n in range(1, evaluations + 1):
            thinking = min(max(1, round(self.share * n)), (evaluations - n) // self.inner)
            if n + self.inner * thinking <= evaluations and thinking >= min(max(1, round(self.share * n)), n - 1):
                best = (n, thinking)
        n, thinking = best
        return n + (evaluations - n - self.inner * thinking), thinking

    def __str__(self) -> str:
        way = "tilted" if self.strength is None else f"lambda {self.strength:g}"
        where = "all levels" if self.share == 1.0 else f"first {self.share:.0%} of levels"
        return f"K {self.inner}, {way}, step {self.pace:g}, {where}{', auto' if self.correct else ''}"


def think(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    wander: Callable[[float, int], torch.Tensor],
    guide: torch.Tensor,
    change: torch.Tensor,
    settings: Think,
    thinking: int,
    finish: str = "posterior",
    clip: float = 2.0,
) -> torch.Tensor:
    """The picture from ``x`` at sigmas[0].

    Args:
        noise: unit normals of a step; ``wander(sigma, k)``: those of inner step k, of another stream.
        guide: the picture whose kept pixels are known; ``change``: True where it may change.
        thinking: number of levels, from the first, with inner steps.
        finish: what the last step makes of D, as for ``auto``.
        clip: of tilted input, in sigmas.
    """
    tilted = TiltedRegion(denoise, guide, change, clip=clip) if settings.strength is None else None
    x, last, b = x.clone(), None, 0.0
    for i, sigma in enumerate(sigmas[:-1]):
        sigma_next = sigmas[i + 1]
        d = (tilted or denoise)(x, sigma)
        d_kept = torch.where(change, d, guide)
        if last is not None and (settings.correct or sigma_next == 0.0 or i >= thinking):
            slope = FINISH_SLOPE if sigma_next == 0.0 else step_slope(sigma / sigmas[0])
            gain = finish_gain(b, slope, finish) if sigma_next == 0.0 else variance_gain(b, slope)
            moved = gain * (d_kept - last)
            x, d, d_kept = x + moved, d + moved, d_kept + moved
        if i < thinking:
            for k in range(settings.inner):
                x = _wander(x, d, sigma, wander(sigma, k), guide, change, settings)
                d = (tilted or denoise)(x, sigma)
            d_kept = torch.where(change, d, guide)
        last, b = d_kept, 1.0 - (sigma_next / sigma) ** 2
        x = torch.lerp(x, d_kept, b)
        if sigma_next > 0.0:
            x = x + sigma_next * math.sqrt(b) * noise(sigma, sigma_next)
    return torch.where(change, x, guide)


def _wander(
    x: torch.Tensor,
    d: torch.Tensor,
    sigma: float,
    z: torch.Tensor,
    guide: torch.Tensor,
    change: torch.Tensor,
    settings: Think,
) -> torch.Tensor:
    """One inner step: the edited pixels towards D, the kept ones towards the guide and what the model misses of it."""
    rate = 1.0 + (settings.strength or 0.0)
    kept = guide if settings.strength is None else guide - (rate - 1.0) / rate * (d - x)
    rest, rest_kept = math.exp(-settings.pace), math.exp(-settings.pace * rate)
    moved = d + rest * (x - d) + sigma * math.sqrt(1.0 - rest**2) * z
    moved_kept = kept + rest_kept * (x - kept) + sigma * math.sqrt((1.0 - rest_kept**2) / rate) * z
    return torch.where(change, moved, moved_kept)


def grid() -> list[Think]:
    """The settings that are tried on the line."""
    every = itertools.product((1, 2, 4), (0.0, 1.0, 4.0, 16.0, None), (0.05, 0.2, 0.5), (0.5, 1.0), (False, True))
    return [Think(*values) for values in every]
