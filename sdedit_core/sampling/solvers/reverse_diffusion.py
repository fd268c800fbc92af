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
    keep_last_noise: bool = False,
) -> torch.Tensor:
    """``x <- x + eps^2 * score(x, sigma) + eps * z`` with ``eps^2 = sigma^2 - sigma_next^2``.

    Printed eq. 4 of the paper has the sign of eps^2 and the time of the score wrong; its algorithms 1 to 3 are
    right and are what runs here.  It is Song's ``reverse_diffusion`` predictor, not his ``euler_maruyama`` one,
    and exactly the ancestral step with its noise multiplied by sigma / sigma_next: too much at few steps.
    The last step takes the mean, x0 = D; ``keep_last_noise`` adds the last noise as the paper literally does.
    """
    pairs = step_pairs(sigmas)
    for i, s, s_next in pairs:
        d = evaluate(denoise, x, s)
        eps2 = s * s - s_next * s_next
        x = x.lerp_(d, eps2 / (s * s)) if i else torch.lerp(x, d, eps2 / (s * s))
        if s_next > 0.0 or keep_last_noise:
            x.add_(noise(s, s_next), alpha=math.sqrt(eps2))
        if callback is not None:
            callback(Step(i, len(pairs), s, s_next, x, d))
    return x
