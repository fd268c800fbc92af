"""Martingale-corrected ancestral sampling: the low-step default, one evaluation a step.

D(x, sigma) is a martingale along the reverse SDE, so an ancestral step has the exact mean for any step size and
only its spread is too small.  In a direction where D responds to x with slope J, the next D moves by J times the
noise of the step; adding ``kappa (D - D_predicted)`` to the state restores the variance when
``(1 + kappa J)^2 = 1 / (1 - b J)``.  One J has to serve all directions, see :func:`step_slope`.

The picture is ``D_last + g (D - D_last)``, with g from what it shall be (:func:`finish_gain`).  D answers the noise
of the last step, ``s sqrt(b)`` (s: the last level above 0), with J times that noise.  A draw of x0 has the spread
``s sqrt(J / (1 - b J))`` there: the part of D, ``J s sqrt(b) / sqrt(1 - b J)``, and the ``s sqrt(J)`` that x0 varies by
around D, which every sampler that ends with D alone leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs

FAR_SLOPE = 0.65  # far below the start of a run
FINISH_SLOPE = 0.7  # at sigma_min, in the finish


def variance_gain(b: float, slope: float) -> float:
    """kappa with ``(1 + kappa slope)^2 = 1 / (1 - b slope)``; b in [0, 1), slope above 0, b slope below 1."""
    return ((1.0 - slope * b) ** -0.5 - 1.0) / slope


def step_slope(ratio: float) -> float:
    """J of a step's correction at ``ratio`` = sigma / sigma_start in (0, 1]: ``0.65 + ratio^2``.

    A step leaves an error dv in the variance of a direction, and so ``dv / (2 std)`` in its spread.  For data of std c
    there, ``1 / std^2 = 1 / c^2 + 1 / sigma_start^2``.  In units of sigma the first part is the same at every level, as
    long as the spectrum has no scale: J is a constant.  The second grows as ratio^2 and is the same for all c, so near
    the start directions that are resolved already (J near 1) count for more.  That gives the form; the two numbers are
    measured (docs/solvers.md), the sum above 1 in the first steps with them.

    As ``ratio^2 <= 1 - b``, b J never exceeds 0.69 and kappa never 1.06.
    """
    return FAR_SLOPE + ratio * ratio


FINISHES = ("posterior", "balanced", "full", "none")
MOST = 3.0  # bound of g; the last step of 50 steps and less stays below it


def finish_gain(b: float, slope: float, finish: str) -> float:
    """g - 1, the weight of the last change of D in the picture; ``b = 1 - (sigma_next / sigma)^2`` of the step before.

    "posterior": g = 1 / sqrt(b J (1 - b J)), at most 3: a draw of x0, for directions of slope J.
    "balanced": g = 1 / sqrt(1 - b / 2): the law of D alone, for the half resolved direction (J = 1/2), whose spread
    equals the last level.  "full": the weight of all other steps.  "none": D as it is.
    """
    if finish == "none":
        return 0.0
    if finish == "posterior":
        q = b * slope
        return min(MOST, 1.0 / math.sqrt(max(q * (1.0 - q), 1e-12))) - 1.0
    return (2.0 / (2.0 - b)) ** 0.5 - 1.0 if finish == "balanced" else variance_gain(b, slope)


def automatic_finish(levels: Sequence[float], sigma_min: float, *, smooth: bool) -> str:
    """The finish of a run over these levels: one Gaussian draw of x0 is right where little is left open, that is for
    smooth denoisers (networks) at the end of their own levels."""
    return "posterior" if smooth and levels[-2:][0] <= 2.0 * sigma_min else "balanced"


def drawn_share(levels: Sequence[float], finish: str, slope: float = FINISH_SLOPE) -> float:
    """Part of the last spread, tr Cov[x0 | x(sigma_min)], that the picture has: 1 when it is a whole draw of x0.

    With s the last level above 0: beside D's own variance ``q J s^2 / (1 - q)``, q = b J, the picture has
    ``g^2 q J s^2``; what is left is ``q (g^2 - 1 / (1 - q))`` of ``J s^2``.
    0 for the finishes that end in D, and for runs of one evaluation.
    """
    if finish != "posterior" or len(levels) < 3 or levels[-1] > 0.0:
        return 0.0
    b = 1.0 - (levels[-2] / levels[-3]) ** 2
    q, g = b * slope, 1.0 + finish_gain(b, slope, finish)
    return min(max(q * (g * g - 1.0 / (1.0 - q)), 0.0), 1.0)


def check_finish(finish: str) -> str:
    """Return ``finish``; ValueError that lists the names otherwise."""
    if finish not in FINISHES:
        raise ValueError(f"finish must be one of {', '.join(FINISHES)}, got {finish!r}.")
    return finish


def check_slope(slope: float | None) -> float | None:
    """Return ``slope``; ValueError unless it is None or in (0, 1]."""
    if slope is not None and not 0.0 < slope <= 1.0:
        raise ValueError(f"slope must be above 0 and at most 1, got {slope!r}. Leave it out for the measured optimum.")
    return slope


def mca(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    slope: float | None = None,
    finish: str = "posterior",
) -> torch.Tensor:
    """Ancestral steps with the variance correction above; weak order 2, the exact mean for linear D.

    ``slope``: None for :func:`step_slope` in the steps and 0.7 in the finish, or one J in (0, 1] for all of them.
    ``finish``: what the picture is, see :func:`finish_gain`.  Denoisers with hard switches, such as the built-in
    patch prior, answer noise with jumps that "posterior" and "full" would show as grain below 15 steps; they want
    "balanced", or "none" below 8.

    Alive besides the network: x, the last D, and one noise tensor.
    """
    check_slope(slope)
    check_finish(finish)
    pairs = step_pairs(sigmas)
    last, b = None, 0.0
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        if last is None:
            last = d.clone()
        else:
            if sigma_next > 0.0:
                kappa = variance_gain(b, slope or step_slope(sigma / sigmas[0]))
            else:
                kappa = finish_gain(b, slope or FINISH_SLOPE, finish)
            innovation = torch.sub(d, last, out=last)
            x.add_(innovation, alpha=kappa)
            last = torch.add(d, innovation, alpha=kappa, out=innovation)
        b = 1.0 - (sigma_next / sigma) ** 2
        x = x.lerp_(last, b) if i else torch.lerp(x, last, b)
        if sigma_next > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=sigma_next * math.sqrt(b))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, last))
    return x
