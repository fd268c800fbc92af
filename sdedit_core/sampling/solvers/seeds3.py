"""SEEDS-3: a three-stage exponential integrator for the reverse SDE (Gonzalez et al. 2023, SEEDS, algorithm 4)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def seeds3(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
) -> torch.Tensor:
    """Three evaluations a step, at sigma and one and two thirds of the way down in log sigma; n steps cost 3 n - 2.

    The noises of the stages are those of the sub-intervals of one path, so the stages see consistent states.

    Alive besides the network: x, the third stage's state, the stage input, and the running noise.
    """
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        if sigma_next == 0.0:
            if callback is not None:
                callback(Step(i, len(pairs), sigma, sigma_next, d, d))
            return d.clone()
        h = math.log(sigma / sigma_next)
        m1, m2 = sigma * math.exp(-h / 3.0), sigma * math.exp(-2.0 * h / 3.0)
        b1, b2, b = (1.0 - (m / sigma) ** 2 for m in (m1, m2, sigma_next))
        a = 2.0 * (1.0 - b2 / (4.0 * h / 3.0))
        w = 1.5 * (1.0 - b / (2.0 * h))

        # Stage 2, at m1.
        run = noise(sigma, m1).mul_(m1 * math.sqrt(b1))
        stage = torch.lerp(x, d, b1).add_(run)
        third = x.mul(1.0 - b2).add_(d, alpha=b2 - a)
        x = (x.mul_(1.0 - b) if i else x.mul(1.0 - b)).add_(d, alpha=b - w)
        d2 = evaluate(denoise, stage, m1)

        # Stage 3, at m2.
        run = run.mul_((m2 / m1) ** 2).add_(noise(m1, m2), alpha=m2 * math.sqrt(1.0 - (m2 / m1) ** 2))
        third.add_(d2, alpha=a).add_(run)
        d3 = evaluate(denoise, third, m2)

        x.add_(d3, alpha=w).add_(run, alpha=(sigma_next / m2) ** 2)
        x.add_(noise(m2, sigma_next), alpha=sigma_next * math.sqrt(1.0 - (sigma_next / m2) ** 2))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d3))
    return x
