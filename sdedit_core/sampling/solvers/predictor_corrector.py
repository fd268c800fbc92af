"""Predictor-corrector sampling: a Langevin step at every level (Song et al. 2021, algorithms 2 and 4)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def predictor_corrector(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    snr: float = 0.16,
) -> torch.Tensor:
    """Langevin corrector, then the reverse-diffusion predictor; two evaluations a step, the end is x0 = D.

    Step size ``e = 2 (snr |z| / |score|)^2`` from each sample's own norms.  (Song's code averages the norms over
    the batch, so that a picture there depends on its neighbours.)  The corrector mixes within each level and
    forgets part of the guide: it samples another law than SDEdit's and is offered for reproduction.

    ``noise`` must have a ``corrector(sigma)`` method, as :class:`~sdedit_core.sampling.brownian.BrownianPath` has: the
    corrector's noise may not be the path's.
    """
    pairs = step_pairs(sigmas)
    fresh = getattr(noise, "corrector", None)
    if fresh is None:
        raise ValueError("predictor_corrector needs a noise source with a corrector stream, such as BrownianPath.")
    if not snr > 0.0:
        raise ValueError(f"snr must be positive, got {snr!r}. Song's values are 0.075 (256 px) to 0.17.")
    x = x.clone()
    for i, sigma, sigma_next in pairs:
        if sigma_next > 0.0:
            z = fresh(sigma).to(x.dtype)
            score = evaluate(denoise, x, sigma).sub(x).div_(sigma * sigma)
            ratio = _norm(z) / _norm(score).clamp_min_(1e-12)
            e = 2.0 * (snr * ratio) ** 2
            x.addcmul_(score, e).addcmul_(z, (2.0 * e).sqrt())
        d = evaluate(denoise, x, sigma)
        x.lerp_(d, 1.0 - (sigma_next / sigma) ** 2)
        if sigma_next > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=math.sqrt(sigma * sigma - sigma_next * sigma_next))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x


def _norm(x: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of each sample, broadcastable to x."""
    return x.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.dim() - 1))
