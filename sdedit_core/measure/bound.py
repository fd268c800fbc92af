"""How far can an edit move away from its guide?  A bound along the path of the very run.

An edit is the guide with the first noise sigma0 z, the noise W of the path and the drift I on top:

    result - guide = sigma0 z + W + I,    I = sum_n eps_n^2 s_n,    eps_n^2 = sigma_n^2 - sigma_{n+1}^2

with the scores s_n of the run.  W is independent of z and its variance is at most sigma0^2, so ||sigma0 z + W||^2 is at
most 2 sigma0^2 times a chi-square variable with d degrees of freedom, d values that may change.  The drift is no longer
than the sum of its parts.  Hence, with probability 1 - delta,

    ||guide - result||^2 <= (sum_n eps_n^2 ||s_n|| + sigma0 sqrt(2 T))^2,   T = d + 2 sqrt(-d ln delta) - 2 ln delta

where T is the tail of chi^2_d (Laurent and Massart 2000, lemma 1).  This is *strict* for ``reverse_diffusion`` and
``ancestral`` at any number of steps, for other solvers of the reverse SDE in the limit of many.  It holds in the VE
frame, as every model here does, in the model's own units.  Where it exceeds what two pictures can differ at all it is
*vacuous*, and the text says so.

Proposition 1 of SDEdit (Meng et al., ICLR 2022) bounds the same distance by the largest score alone; why its printed
form fails at small t0 is told in docs/choosing-t0.md.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch

from ..sampling.masks import is_hard
from .metrics import may_change


def check_delta(delta: float) -> float:
    """The failure probability as a float strictly between 0 and 1."""
    if isinstance(delta, bool) or not isinstance(delta, int | float) or not 0.0 < float(delta) < 1.0:
        raise ValueError(f"delta must lie strictly between 0 and 1, got {delta!r}. 0.05 is usual.")
    return float(delta)


def chi2_tail(d: int, delta: float) -> float:
    """Value that a chi-square variable with d degrees of freedom exceeds with probability at most delta."""
    rest = -math.log(check_delta(delta))
    return d + 2.0 * math.sqrt(d * rest) + 2.0 * rest


def strict_bound(*, sigma: float, drift: float, d: int, delta: float = 0.05) -> float:
    """(drift + sigma sqrt(2 T))^2 with an upper bound on the length of the drift."""
    return (drift + sigma * math.sqrt(2.0 * chi2_tail(d, delta))) ** 2


class ScoreRecorder:
    """Remembers how large the score was along a run: give it to ``reverse`` or ``sdedit`` as ``observe``.

    Args:
        mask: norms are over the pixels that may change.
        keep_first: keep the first D, which is E[x0 | x(t0)], as ``first``, for the deviation predictor.
    """

    def __init__(self, *, mask: torch.Tensor | None = None, keep_first: bool = False):
        self._mask = mask
        self._keep_first = keep_first
        self.first: torch.Tensor | None = None
        self._levels: list[tuple[float, torch.Tensor]] = []

    def __call__(self, x: torch.Tensor, sigma: float, d: torch.Tensor) -> None:
        if self._keep_first and self.first is None:
            self.first = d.clone()
        residual = x - d
        if self._mask is not None:
            residual = residual * may_change(self._mask, x)
        norms = torch.linalg.vector_norm(residual.flatten(1), dim=1, dtype=torch.float64) / sigma**2
        self._levels.append((float(sigma), norms))

    @property
    def levels(self) -> list[tuple[float, list[float]]]:
        """(sigma, norm of the score per sample) of every evaluation."""
        return [(sigma, norms.tolist()) for sigma, norms in self._levels]

    def drift(self) -> list[float]:
        """Per sample: sum of eps_n^2 ||s_n||, which bounds the length of the drift (levels met twice count once)."""
        merged: dict[float, list[float]] = {}
        for sigma, norms in self.levels:
            old = merged.get(sigma, norms)
            merged[sigma] = [max(pair) for pair in zip(old, norms, strict=True)]
        sigmas = sorted(merged, reverse=True)
        steps = zip(sigmas, [*sigmas[1:], 0.0], strict=True)
        weighted = [[(s**2 - s_next**2) * norm for norm in merged[s]] for s, s_next in steps]
        return [sum(column) for column in zip(*weighted, strict=True)]


@dataclass(frozen=True)
class Bounds:
    """The strict bound on ||guide - result||^2 per sample, in the model's units, next to the measured value.

    ``vacuous``: the bound says nothing, for every sample it exceeds what a result inside the data range can reach.
    """

    sigma: float
    d: int
    delta: float
    measured: list[float]
    strict: list[float]
    vacuous: bool = False

    def lines(self) -> list[str]:
        """For a read-out; mean over the batch."""

        def row(name: str, values: list[float]) -> str:
            mean = sum(values) / len(values)
            return f"  {name:18s} {mean:12.5g}   RMS {math.sqrt(mean / self.d):9.4g}"

        tail = "  vacuous: no two pictures in the data range are further apart" if self.vacuous else ""
        return [
            f"squared L2 from the guide, model units, d = {self.d}, sigma0 {self.sigma:.4g}, delta {self.delta:g}",
            row("measured", self.measured),
            row("path-wise, strict", self.strict) + tail,
        ]

    def to_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


def bounds(
    record: ScoreRecorder,
    *,
    guide: torch.Tensor,
    samples: torch.Tensor,
    sigma: float,
    delta: float = 0.05,
    mask: torch.Tensor | None = None,
    data_range: tuple[float, float] | None = None,
) -> Bounds:
    """The strict bound of one run with one pass (K = 1), beside what was measured.

    Args:
        record: of the run, with the same mask.
        guide: (B,C,H,W) in the model's units.
        samples: the result, as the guide, unclamped.
        sigma: sigma(t0) of the run.
        delta: failure probability of the bound.
        mask: (B|1,1,H,W) of 0 and 1, 1 = change; it frees the same number of pixels in every item.
        data_range: (low, high) of clean pixels; without one no bound is called vacuous.
    """
    if not record.levels:
        raise ValueError("Nothing was recorded: the run made no evaluation (t0 = 0 or an empty mask).")
    if len(record.levels[0][1]) != guide.shape[0]:
        raise ValueError(f"The record has {len(record.levels[0][1])} samples, the guide {guide.shape[0]}.")
    change = torch.ones_like(guide, dtype=torch.bool)
    if mask is not None:
        change = may_change(mask, guide).expand_as(guide)
        if not is_hard(mask):
            raise ValueError("The bound is for one noise level: it needs a mask of 0 and 1 only, or none.")
    d = int(change[0].sum())
    if bool((change.flatten(1).sum(1) != d).any()):
        raise ValueError("The masks of a batch must free the same number of pixels for one bound; run them one by one.")

    def squared(distance: torch.Tensor) -> list[float]:
        return (distance.double().square() * change).flatten(1).sum(1).tolist()

    strict = [strict_bound(sigma=sigma, drift=drift, d=d, delta=delta) for drift in record.drift()]
    vacuous = False
    if data_range is not None:
        low, high = data_range
        furthest = squared(torch.maximum((guide - low).abs(), (high - guide).abs()))
        vacuous = all(bound >= most for bound, most in zip(strict, furthest, strict=True))
    return Bounds(sigma, d, delta, squared(samples - guide), strict, vacuous)
