"""SA-Solver with tau = 1: stochastic Adams predictor and corrector of order 2 (Xue et al., NeurIPS 2023)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def sa_solver(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
) -> torch.Tensor:
    """Predict to the next level, evaluate there, then redo the step with the new D and the same noise; one evaluation.

    tau = 1 at every level, which is the reverse SDE; other implementations default to a tau that is 0 (the ODE)
    on part of the range and so draw from another law.  With ``l = -ln sigma`` and D interpolated linearly in l,
    the weights ``int 2 e^(2 (l - l_s)) L_j(l) dl`` have the closed forms used here.  The step to the last level
    is predicted at order 1.

    Alive besides the network: the linear part with its noise, the last D, and x.
    """
    pairs = step_pairs(sigmas)
    linear, last, h_last, b, w = None, None, 0.0, 0.0, 0.0
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        if sigma_next == 0.0:
            if callback is not None:
                callback(Step(i, len(pairs), sigma, sigma_next, d, d))
            return d.clone()
        if linear is not None:
            # Corrector: D linear between the two ends of the step just made; ``w`` is the weight of its new end.
            x = linear.add_(last, alpha=b - w).add_(d, alpha=w)
        h, b = math.log(sigma / sigma_next), 1.0 - (sigma_next / sigma) ** 2
        linear = x.mul((sigma_next / sigma) ** 2).add_(noise(sigma, sigma_next), alpha=sigma_next * math.sqrt(b))
        w = 1.0 - b / (2.0 * h)
        c = w * h / h_last if last is not None and i < len(pairs) - 2 else 0.0
        x = linear.add(d, alpha=b + c)
        if c:
            x.add_(last, alpha=-c)
        last, h_last = (d.clone() if last is None else last.copy_(d)), h
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
