"""SDEdit's algorithms 1 and 3 word for word, for reproduction."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def paper(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    guide: torch.Tensor | None = None,
    change: torch.Tensor | None = None,
) -> torch.Tensor:
    """The paper's step with its noise kept at every level, also the last, and the paper's masking.

    After each step from sigma to sigma_next the kept region is set to ``guide + sigma z`` with the z of that step:
    fresh noise at the *old* level, one level noisier than the edited region.  Nothing is pasted at the end, so
    both regions keep grain of about sigma_min (2.6 / 255), unlike every other path through this package.
    Without ``change`` everything may change.
    """
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        eps2 = sigma * sigma - sigma_next * sigma_next
        z = noise(sigma, sigma_next).to(x.dtype)
        x = torch.lerp(x, d, eps2 / (sigma * sigma)).add_(z, alpha=math.sqrt(eps2))
        if change is not None:
            x = torch.where(change, x, torch.add(guide, z, alpha=sigma))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
