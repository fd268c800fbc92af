"""The probability-flow ODE: deterministic given the noised guide, and a different law from SDEdit's."""

from __future__ import annotations

import torch

from .base import Callback, Denoise, Noise
from .sde_2m import sde_2m


def pf_ode(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
) -> torch.Tensor:
    """DPM-Solver++(2M), i.e. :func:`~sdedit_core.sampling.solvers.sde_2m.sde_2m` with eta = 0; ``noise`` is not asked.

    Song et al. (2021), eq. 13: the same marginals as the reverse SDE, but one result per noised guide where
    SDEdit has a distribution, and less change at the same t0.
    """
    return sde_2m(denoise, x, sigmas, noise=noise, callback=callback, eta=0.0)
