"""SDE-DPM-Solver++(2M): one evaluation a step and the last one remembered (Lu et al. 2022, DPM-Solver++, sec. 5)."""

from __future__ import annotations

import math

import torch

from .base import Callback, Denoise, Noise, Step, check_eta, evaluate, step_pairs


def sde_2m(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    eta: float = 1.0,
    variant: str = "midpoint",
) -> torch.Tensor:
    """Ancestral step plus ``c (D - D_last) / r``, r = h_last / h, h = ln(sigma / sigma_next).

    ``variant``: "midpoint" (c = b/2, known as ``dpmpp_2m_sde``) or "heun" (c = 1 - b / ((1 + eta^2) h), exact for
    D linear in log sigma; weaker at few steps).
    ``eta``: noise between the probability-flow ODE (0, then it is DPM-Solver++(2M)) and SDEdit's law (1), see
    :func:`~sdedit_core.sampling.solvers.ancestral.ancestral`.

    Alive besides the network: x, the last D, and one noise tensor.
    """
    if variant not in ("midpoint", "heun"):
        raise ValueError(f"variant must be 'midpoint' or 'heun', got {variant!r}.")
    p = check_eta(eta) ** 2
    pairs = step_pairs(sigmas)
    last, h_last = None, 0.0
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        b = 1.0 - (sigma_next / sigma) ** (1.0 + p)
        x = x.lerp_(d, b) if i else torch.lerp(x, d, b)
        if sigma_next > 0.0:
            h = math.log(sigma / sigma_next)
            if last is not None:
                c = 0.5 * b if variant == "midpoint" else 1.0 - b / ((1.0 + p) * h)
                x.add_(torch.sub(d, last, out=last), alpha=c * h / h_last)
            last, h_last = (d.clone() if last is None else last.copy_(d)), h
            if p > 0.0:
                x.add_(noise(sigma, sigma_next), alpha=sigma_next * math.sqrt(1.0 - (sigma_next / sigma) ** (2.0 * p)))
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x
