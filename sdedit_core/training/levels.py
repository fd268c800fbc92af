"""Which noise levels are trained, how much each counts, and the loss seen at each."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from .settings import Settings

EDGES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Borders in sigma between the bins in which losses are reported."""


def draw_levels(count: int, settings: Settings, generator: torch.Generator) -> Tensor:
    """sigma (count,) float32: log-normal, plus a share uniform in log sigma over the whole schedule.

    Stratified: each batch holds one level from each of ``count`` equal parts of the law.  The normal part follows
    Karras et al. (EDM, section 5); the uniform part keeps levels trained that it hardly meets.
    """
    device = generator.device
    tail = min(count, round(settings.level_tail * count))
    if settings.level_tail > 0 and tail < 1:
        coin = torch.rand((), generator=generator, device=device)
        tail = int(coin < settings.level_tail * count)
    u = torch.rand(count, generator=generator, device=device)
    low, high = math.log(settings.sigma_min / 2), math.log(settings.sigma_max)
    flat = (torch.arange(tail, device=device) + u[:tail]) / max(1, tail)
    bell = (torch.arange(count - tail, device=device) + u[tail:]) / max(1, count - tail)
    normal = math.sqrt(2) * torch.erfinv((2 * bell - 1).clamp(-0.999999, 0.999999))
    log_sigma = torch.cat([low + (high - low) * flat, settings.level_mean + settings.level_std * normal])
    return log_sigma.clamp(low, high).exp()


def loss_weight(sigma: Tensor, sigma_data: float) -> Tensor:
    """EDM's weight (sigma^2 + sigma_data^2) / (sigma sigma_data)^2: every level starts with the same loss, 1."""
    return (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()


class LossByLevel:
    """Running means of the weighted loss in bins of sigma; stays on the device until it is read."""

    def __init__(self, device: torch.device) -> None:
        self.edges = torch.tensor(EDGES, device=device)
        self.sums = torch.zeros(len(EDGES) + 1, device=device)
        self.counts = torch.zeros_like(self.sums)

    def add(self, sigma: Tensor, loss: Tensor) -> None:
        """Take in levels (B,) and losses (B,)."""
        bins = torch.bucketize(sigma, self.edges)
        self.sums.index_add_(0, bins, loss.float())
        self.counts.index_add_(0, bins, torch.ones_like(loss, dtype=torch.float32))

    def read(self) -> tuple[float, dict[str, float]]:
        """(mean loss, {"0.1-0.2": loss, ...}); starts afresh."""
        sums, counts = self.sums.tolist(), self.counts.tolist()
        self.sums.zero_()
        self.counts.zero_()
        names = [f"<{EDGES[0]:g}", *(f"{a:g}-{b:g}" for a, b in pairwise(EDGES)), f">{EDGES[-1]:g}"]
        total = sum(sums) / max(1.0, sum(counts))
        return total, {n: s / c for n, s, c in zip(names, sums, counts, strict=True) if c}
