"""How far can an edit move away from its guide?  Proposition 1 of the paper, its repair, and path-wise forms.

SDEdit (Meng et al., ICLR 2022), proposition 1: if ||score(x, t)||^2 <= C everywhere, then with probability 1 - delta

    ||x_g - SDEdit(x_g; t0)||^2 <= sigma0^2 (C sigma0^2 + T),   T = d + 2 sqrt(-d ln delta) - 2 ln delta

with sigma0 = sigma(t0), d values that may change and T the tail of chi^2_d (Laurent and Massart 2000, lemma 1).

**As printed it does not hold.**  Its proof bounds the distance from the *noised* guide, and adds squares without the
cross term.  The guide is noised on the way up and again on the way down, so where the score is small (C sigma0^2 << d,
small t0) the squared distance is near 2 sigma0^2 d, twice what is allowed.  The repair is short.  With first noise
sigma0 z, path noise W (variance at most sigma0^2, independent of z) and drift I, result - guide = sigma0 z + W + I, so

    repaired:           ||x_g - x_0||^2 <= (sqrt(C) sigma0^2 + sigma0 sqrt(2 T))^2
    path-wise, strict:  the same with sum_n eps_n^2 ||s_n|| of this very run in place of sqrt(C) sigma0^2
    path-wise, typical: (sum_n eps_n^2 ||s_n||)^2 + 2 sigma0^2 T, without the cross term: no guarantee, closer

where eps_n^2 = sigma_n^2 - sigma_{n+1}^2.  The first two hold with probability 1 - delta for ``reverse_diffusion`` and
``ancestral`` at any number of steps, for other solvers in the limit of many.  All live in the VE frame, as every model
here does, in the model's own units.  For sharp models C is of the order of d / sigma_min^2: both constants' forms
then exceed what two pictures can differ at all, they are *vacuous*, and the text says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

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


def proposition_1(*, sigma: float, c: float, d: int, delta: float = 0.05) -> float:
    """Right-hand side of proposition 1 as printed (see above: it is too small at small t0), in the model's units.

    Args:
        sigma: sigma(t0). c: bound on the squared norm of the score. d: number of values that may change.
    """
    return sigma**2 * (_check_c(c) * sigma**2 + chi2_tail(d, delta))


def repaired_proposition(*, sigma: float, c: float, d: int, delta: float = 0.05) -> float:
    """Proposition 1 with both noises and the cross term: (sqrt(C) sigma^2 + sigma sqrt(2 T))^2."""
    return strict_bound(sigma=sigma, drift=math.sqrt(_check_c(c)) * sigma**2, d=d, delta=delta)


def strict_bound(*, sigma: float, drift: float, d: int, delta: float = 0.05) -> float:
    """(drift + sigma sqrt(2 T))^2 with an upper bound on the length of the drift."""
    return (drift + sigma * math.sqrt(2.0 * chi2_tail(d, delta))) ** 2


def _check_c(c: float) -> float:
    if not (math.isfinite(c) and c >= 0.0):
        raise ValueError(f"C bounds a squared norm: it must be a number >= 0, got {c!r}.")
    return c


class ScoreRecorder:
    """Remembers how large the score was along a run: give it to ``reverse`` or ``sdedit`` as ``observe``.

    Norms are over the pixels that may change.  With ``keep_first``, ``first`` is the first D, i.e. E[x0 | x(t0)], for
    the deviation predictor.
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

    def largest(self) -> list[float]:
        """Per sample: the largest squared norm of the score along the run, an empirical C."""
        return [max(norm**2 for norm in norms) for norms in zip(*(n for _, n in self.levels), strict=True)]

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
    """Bounds on ||guide - result||^2 per sample, in the model's units, next to the measured value.

    ``possible``: the largest value that a result inside the data range can reach (None without a range); a bound
    above it is vacuous.  ``c_source`` says where C comes from.
    """

    sigma: float
    d: int
    delta: float
    c: list[float]
    c_source: str
    measured: list[float]
    proposition: list[float]
    repaired: list[float]
    typical: list[float]
    strict: list[float]
    possible: list[float] | None = None
    notes: list[str] = field(default_factory=list)

    def vacuous(self, bound: list[float]) -> bool:
        """True when the bound says nothing: it exceeds what is possible at all, for every sample."""
        return self.possible is not None and all(b >= p for b, p in zip(bound, self.possible, strict=True))

    def lines(self) -> list[str]:
        """For a read-out; mean over the batch."""

        def mean(values: list[float]) -> float:
            return sum(values) / len(values)

        def row(name: str, values: list[float]) -> str:
            rms = math.sqrt(mean(values) / self.d)
            tail = "  vacuous: no two pictures in the data range are further apart" if self.vacuous(values) else ""
            return f"  {name:34s} {mean(values):12.5g}   RMS {rms:9.4g}{tail}"

        title = f"squared L2 from the guide, model units, d = {self.d}, sigma0 {self.sigma:.4g}, delta {self.delta:g}"
        out = [title, row("measured", self.measured)]
        out.append(row("path-wise, typical (no guarantee)", self.typical))
        out.append(row("path-wise, strict", self.strict))
        out.append(row("proposition 1, repaired", self.repaired))
        out.append(row("proposition 1, as printed", self.proposition))
        if self.possible is not None:
            out.append(row("largest possible", self.possible).split("  vacuous")[0])
        return [*out, f"  C = {mean(self.c):.4g}: {self.c_source}", *self.notes]

    def to_dict(self) -> dict:
        """For JSON."""
        names = "sigma d delta c c_source measured proposition repaired typical strict possible notes".split()
        return {name: getattr(self, name) for name in names}


def bounds(
    record: ScoreRecorder,
    *,
    guide: torch.Tensor,
    samples: torch.Tensor,
    sigma: float,
    delta: float = 0.05,
    c: float | None = None,
    mask: torch.Tensor | None = None,
    data_range: tuple[float, float] | None = None,
) -> Bounds:
    """All bounds of one run with one pass (K = 1), with the user's C or the trajectory's.

    Args:
        record: the recorder that the run's denoiser was wrapped in, with the same mask.
        guide, samples: (B,C,H,W) in the model's units, samples unclamped.
        c: a bound on the squared norm of the score that you can vouch for; None takes the largest norm met on the
            way, which is an observation and not a guarantee.
    """
    if not record.levels:
        raise ValueError("Nothing was recorded: the run made no evaluation (t0 = 0 or an empty mask).")
    if len(record.levels[0][1]) != guide.shape[0]:
        raise ValueError(f"The record has {len(record.levels[0][1])} samples, the guide {guide.shape[0]}.")
    change = torch.ones_like(guide, dtype=torch.bool)
    if mask is not None:
        change = may_change(mask, guide).expand_as(guide)
        if not is_hard(mask):
            raise ValueError("The bounds are for one noise level: they need a mask of 0 and 1 only, or none.")
    d = int(change[0].sum())
    if bool((change.flatten(1).sum(1) != d).any()):
        raise ValueError("The masks of a batch must free the same number of pixels for one bound; run them one by one.")
    measured = ((samples - guide).double().square() * change).flatten(1).sum(1).tolist()
    seen, drift = record.largest(), record.drift()
    c_list = seen if c is None else [float(c)] * len(seen)
    source = "the largest squared norm of the score along this run: empirical, not a guarantee"
    notes, at = [], {"sigma": sigma, "d": d, "delta": delta}
    printed = [proposition_1(c=value, **at) for value in c_list]
    if any(m > p for m, p in zip(measured, printed, strict=True)):
        notes.append("The result is further away than proposition 1 as printed allows: its small-t0 flaw, not yours.")
    if c is not None:
        source = "given by you"
        if max(seen) > c:
            notes.append(f"The score exceeded your C on this run ({max(seen):.4g}): proposition 1 does not apply.")
    possible = None
    if data_range is not None:
        low, high = data_range
        furthest = torch.maximum((guide - low).abs(), (high - guide).abs()).double()
        possible = (furthest.square() * change).flatten(1).sum(1).tolist()
    return Bounds(
        sigma=sigma,
        d=d,
        delta=delta,
        c=c_list,
        c_source=source,
        measured=measured,
        proposition=printed,
        repaired=[repaired_proposition(c=value, **at) for value in c_list],
        typical=[value**2 + 2.0 * sigma**2 * chi2_tail(d, delta) for value in drift],
        strict=[strict_bound(drift=value, **at) for value in drift],
        possible=possible,
        notes=notes,
    )
