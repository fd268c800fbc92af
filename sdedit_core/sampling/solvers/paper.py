"""SDEdit's algorithms 1 and 3 word for word, for reproduction."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs


def paper_literal(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    guide: torch.Tensor | None = None,
    change: torch.Tensor | None = None,
    callback: Callback | None = None,
) -> torch.Tensor:
    """The paper's step with its noise kept at every level, also the last, and the paper's masking.

    After each step from sigma to sigma_next the kept region is set to ``guide + sigma z`` with the z of that step:
    fresh noise at the *old* level, one level noisier than the edited region.  Nothing is pasted at the end, so
    both regions keep grain of about sigma_min (2.6 / 255), unlike every other path through this package.
    """
    pairs = step_pairs(sigmas)
    for i, s, s_next in pairs:
        d = evaluate(denoise, x, s)
        eps2 = s * s - s_next * s_next
        z = noise(s, s_next).to(x.dtype)
        x = torch.lerp(x, d, eps2 / (s * s)).add_(z, alpha=math.sqrt(eps2))
        if change is not None:
            x = torch.where(change, x, torch.add(guide, z, alpha=s))
        if callback is not None:
            callback(Step(i, len(pairs), s, s_next, x, d))
    return x
