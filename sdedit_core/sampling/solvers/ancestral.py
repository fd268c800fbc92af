"""Ancestral sampling: the exact posterior step for a point estimate of x0 (DDPM, Ho et al. 2020, eq. 6-7)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, check_eta, evaluate, step_pairs


def ancestral(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    eta: float = 1.0,
) -> torch.Tensor:
    """``x <- (1-b) x + b D + s sqrt(b) z`` with ``b = 1 - (s/t)^2`` for a step from level t to level s.

    Exact mean at any step size, a little too little spread at few steps.  The same scheme is known as score-SDE's
    ancestral sampler, ``euler_ancestral``, SDE-DPM-Solver++(1) and SEEDS-1.

    ``eta`` scales the noise of the reverse SDE between the probability-flow ODE (0) and SDEdit's law (1):
    ``b = 1 - (s/t)^(1 + eta^2)``, noise ``s sqrt(1 - (s/t)^(2 eta^2)) z``.  Every eta keeps the marginals of the
    data; only 1 keeps the law of the result given the guide.

    Alive besides the network: x and one noise tensor.
    """
    p = check_eta(eta) ** 2
    pairs = step_pairs(sigmas)
    for i, t, s in pairs:
        d = evaluate(denoise, x, t)
        b = 1.0 - (s / t) ** (1.0 + p)
        x = x.lerp_(d, b) if i else torch.lerp(x, d, b)
        if s > 0.0 and p > 0.0:
            x.add_(noise(t, s), alpha=s * math.sqrt(1.0 - (s / t) ** (2.0 * p)))
        if callback is not None:
            callback(Step(i, len(pairs), t, s, x, d))
    return x
