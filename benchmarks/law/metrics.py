"""Distances between samples and an exact law."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .problems import Mixture

FLOOR = 0.01  # whitening floor: scales below sigma_min count little


def _sum_distances(a: torch.Tensor, b: torch.Tensor) -> float:
    return sum(float(torch.cdist(rows, b).sum(dtype=torch.float64)) for rows in a.split(1000))


def _mean_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return _sum_distances(a, b) / (len(a) * len(b))


def _self_distance(a: torch.Tensor) -> float:
    return _sum_distances(a, a) / (len(a) * (len(a) - 1))


def energy_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Energy distance of two samples, normalised to 0 .. 1 (1 = disjoint), in percent; may be negative by noise."""
    a, b = a.float(), b.float()
    cross = _mean_distance(a, b)
    return 100.0 * (2.0 * cross - _self_distance(a) - _self_distance(b)) / (2.0 * cross)


@dataclass
class Law:
    """How far samples are from the exact law.

    Attributes:
        energy: energy distance of samples whitened by the exact covariance, normalised to 0 .. 1 (1 = disjoint),
            in percent; an unbiased estimate, so it may be negative.
        std: sqrt(trace of sample covariance / trace of exact covariance).
        mean: |sample mean - exact mean| / exact std.
        scales: rms over eigen-directions of log(sample std / exact std).
    """

    energy: float
    std: float
    mean: float
    scales: float

    @staticmethod
    def average(laws: list[Law]) -> Law:
        n = len(laws)
        return Law(*(sum(getattr(q, k) for q in laws) / n for k in ("energy", "std", "mean", "scales")))


class Reference:
    """An exact mixture posterior and one cached exact sample of it."""

    def __init__(self, posterior: Mixture, n: int, generator: torch.Generator, *, pairs: int = 4000):
        self.posterior, self.n = posterior, n
        self.mean, cov = posterior.moments()
        self.trace = float(cov.trace())
        eig, self._axes = torch.linalg.eigh(cov)
        self._eig = eig.clamp(min=0.0)
        self._whiten = self._axes / (self._eig + FLOOR**2).sqrt()
        self._pairs = min(pairs, n)
        self._exact = self._white(posterior.sample(n, generator))
        self._exact_self = _self_distance(self._exact)

    def _white(self, x: torch.Tensor) -> torch.Tensor:
        return ((x[: self._pairs] - self.mean) @ self._whiten).float()

    def compare(self, x: torch.Tensor) -> Law:
        """x (n, d) float64."""
        white = self._white(x)
        cross = _mean_distance(white, self._exact)
        energy = (2.0 * cross - _self_distance(white) - self._exact_self) / (2.0 * cross)
        centre = x - x.mean(0)
        total = float(centre.square().sum()) / (len(x) - 1)
        along = ((centre @ self._axes).square().mean(0) + FLOOR**2 / 4).sqrt()
        ratio = along / (self._eig + FLOOR**2 / 4).sqrt()
        return Law(
            energy=100.0 * energy,
            std=(total / self.trace) ** 0.5,
            mean=float((x.mean(0) - self.mean).norm()) / self.trace**0.5,
            scales=float(ratio.log().square().mean().sqrt()),
        )
