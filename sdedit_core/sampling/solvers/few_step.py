"""Few steps on a distilled model, whose D is a sample: noise the answer again, less, and ask again.

For consistency, LCM, Turbo and DMD models D(x, sigma) is the end of the probability-flow ODE that starts in x, a
finished picture and not the mean of all that fit.  A step of the reverse SDE adds the spread that a mean lacks and so
has it twice.  Multistep consistency sampling keeps the law: where x has the law of noised data, D has that of data,
and ``D + sigma' z`` that of data noised to sigma', whatever the levels (Song et al. 2023, Consistency Models,
algorithm 1; started from a noised guide it is their zero-shot editing, algorithm 4).
"""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, check_eta, evaluate, step_pairs


def few_step(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    eta: float = 1.0,
) -> torch.Tensor:
    """``x <- D + sigma_next (sqrt(1 - eta^2) (x - D) / sigma + eta z)``; the last D is the result.

    ``eta``: 1 draws all noise anew (multistep consistency sampling), 0 keeps the one noise that x holds, which is
    Euler's step, as progressively distilled models (Lightning) are trained for.  Every eta leaves noise of std
    sigma_next on D.

    Alive besides the network: x, D, and one noise tensor.
    """
    eta = check_eta(eta)
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        if eta < 1.0 and sigma_next > 0.0:
            x = torch.lerp(d, x, sigma_next / sigma * math.sqrt(1.0 - eta * eta))
        else:
            x = d.clone()
        if eta > 0.0 and sigma_next > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=sigma_next * eta)
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
