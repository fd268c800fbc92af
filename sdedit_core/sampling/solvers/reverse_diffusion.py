"""The paper's step: SDEdit (Meng et al., ICLR 2022), algorithm 1, in the VE frame."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def reverse_diffusion(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
) -> torch.Tensor:
    """``x <- x + eps^2 * score(x, sigma) + eps * z`` with ``eps^2 = sigma^2 - sigma_next^2``.

    Printed eq. 4 of the paper has the sign of eps^2 and the time of the score wrong; its algorithms 1 to 3 are
    right and are what runs here.  It is Song's ``reverse_diffusion`` predictor, not his ``euler_maruyama`` one,
    and exactly the ancestral step with its noise multiplied by sigma / sigma_next: too much at few steps.
    The last step takes the mean, x0 = D; :func:`~..paper.paper` adds the last noise as the paper literally does.
    """
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        eps2 = sigma * sigma - sigma_next * sigma_next
        x = x.lerp_(d, eps2 / (sigma * sigma)) if i else torch.lerp(x, d, eps2 / (sigma * sigma))
        if sigma_next > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=math.sqrt(eps2))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
