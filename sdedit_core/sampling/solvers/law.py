"""The exact law of a solver's output on Gaussian data, with no Monte-Carlo noise.

On data N(0, c^2) per direction the denoiser is linear, D(x, sigma) = c^2 / (c^2 + sigma^2) x, so a solver with
fixed coefficients is an affine map of (start, noise_1, noise_2, ...).  One call on unit impulses reads off all its
coefficients: the gain of the start value and the standard deviation that the noises add, for every c at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


class Impulses:
    """A noise source whose k-th call is 1 in row k + 1 and 0 elsewhere; ``calls`` counts them."""

    def __init__(self, rows: int, columns: int):
        self.calls, self._shape = 0, (rows, columns)

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        z = torch.zeros(self._shape, dtype=torch.float64)
        self.calls += 1
        if self.calls < self._shape[0]:
            z[self.calls] = 1.0
        return z


def affine_law(
    solve: Callable[..., torch.Tensor], *, stds: Sequence[float] | torch.Tensor, sigmas: Sequence[float], **options
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gain of the start value and output std given the start, each (len(stds),) float64.

    Args:
        solve: a solver (or any callable with its signature) whose coefficients do not depend on the state.
        stds: standard deviations c of the data in each direction.
        sigmas: falling noise levels that end in 0.
        options: passed on to ``solve``.
    """
    c2 = torch.as_tensor(stds, dtype=torch.float64) ** 2

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return x * (c2 / (c2 + sigma**2))

    levels = [float(s) for s in sigmas]
    probe = Impulses(1, len(c2))
    solve(denoise, torch.ones(1, len(c2), dtype=torch.float64), levels, noise=probe, **options)
    start = torch.zeros(probe.calls + 1, len(c2), dtype=torch.float64)
    start[0] = 1.0
    out = solve(denoise, start, levels, noise=Impulses(probe.calls + 1, len(c2)), **options)
    return out[0], out[1:].square().sum(0).sqrt()


def exact_law(*, stds: Sequence[float] | torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """What :func:`affine_law` must converge to: the posterior's gain and std given x at level ``sigma``."""
    c = torch.as_tensor(stds, dtype=torch.float64)
    total = c**2 + sigma**2
    return c**2 / total, c * sigma / total.sqrt()
