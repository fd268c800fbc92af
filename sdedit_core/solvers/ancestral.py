"""Ancestral sampling: the exact posterior step for a point estimate of x0 (DDPM, Ho et al. 2020, eq. 6-7)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, step_pairs


def ancestral(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
) -> torch.Tensor:
    """``x <- (1-b) x + b D + s sqrt(b) z`` with ``b = 1 - (s/t)^2`` for a step from level t to level s.

    Exact mean at any step size, a little too little spread at few steps.
    """
    pairs = step_pairs(sigmas)
    for i, t, s in pairs:
        d = denoise(x, t)
        b = 1.0 - (s / t) ** 2
        x = torch.lerp(x, d, b)
        if s > 0.0:
            x = x.add_(noise(t, s), alpha=s * math.sqrt(b))
        if callback is not None:
            callback(Step(i, len(pairs), t, s, x, d))
    return x
