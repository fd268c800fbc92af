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
    """``x <- (1-b) x + b D + sigma_next sqrt(b) z`` with ``b = 1 - (sigma_next / sigma)^2``.

    Exact mean at any step size, a little too little spread at few steps.  The same scheme is known as score-SDE's
    ancestral sampler, ``euler_ancestral``, SDE-DPM-Solver++(1) and SEEDS-1.

    ``eta`` scales the noise of the reverse SDE between the probability-flow ODE (0) and SDEdit's law (1):
    ``b = 1 - r^(1 + eta^2)``, noise ``sigma_next sqrt(1 - r^(2 eta^2)) z``, ``r = sigma_next / sigma``.  Every eta
    keeps the marginals of the data; only 1 keeps the law of the result given the guide.

    Alive besides the network: x and one noise tensor.
    """
    p = check_eta(eta) ** 2
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        b = 1.0 - (sigma_next / sigma) ** (1.0 + p)
        x = x.lerp_(d, b) if i else torch.lerp(x, d, b)
        if sigma_next > 0.0 and p > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=sigma_next * math.sqrt(1.0 - (sigma_next / sigma) ** (2.0 * p)))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
