"""What every solver shares: its signature, its description, and what it tells a callback."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

# denoise(x, sigma) -> E[x0 | x]; sigma is one float for the whole batch.
Denoise = Callable[[torch.Tensor, float], torch.Tensor]
# noise(sigma, sigma_next) -> unit normal of x's shape for that step, the solver's to overwrite.
Noise = Callable[[float, float], torch.Tensor]


@dataclass
class Step:
    """One step as a callback sees it. ``denoised`` is the current guess of the picture.

    ``x`` and ``denoised`` are the solver's working tensors: read them during the call, clone them to keep them.
    """

    index: int
    total: int
    sigma: float
    sigma_next: float
    x: torch.Tensor
    denoised: torch.Tensor


Callback = Callable[[Step], None]


@dataclass(frozen=True)
class Solver:
    """A named solver: ``solve(denoise, x, sigmas, *, noise, callback=None) -> x``.

    ``sigmas`` are decreasing floats, as a rule down to 0; x (B,C,H,W) is the state at sigmas[0] and is left
    untouched; the result is the state at the last level and has x's dtype (float64 in, float64 out).

    Attributes:
        name: key in ``SOLVERS``.
        label: a few words for a menu.
        summary: one or two plain sentences on when to use it.
        grid: name of the solver's own noise-level grid (see :mod:`sdedit_core.sampling.grids`).
        stages: evaluations per step; the last step always costs one.
        law: "sde" keeps the law that SDEdit defines, "other" draws from a different one.
        options: names of the keyword arguments that ``solve`` takes beyond the common ones.
    """

    name: str
    label: str
    summary: str
    solve: Callable[..., torch.Tensor]
    grid: str = "karras"
    stages: int = 1
    law: str = "sde"
    options: tuple[str, ...] = ()

    def evaluations(self, steps: int) -> int:
        """Network evaluations of one pass of ``steps`` steps."""
        return self.stages * (steps - 1) + 1


def step_pairs(sigmas: list[float]) -> list[tuple[int, float, float]]:
    """(index, sigma, sigma_next) of every step; ValueError unless the levels fall strictly, to 0 or above."""
    falling = len(sigmas) > 1 and all(math.isfinite(a) and a > b for a, b in pairwise(sigmas))
    if not falling or not sigmas[-1] >= 0.0:
        raise ValueError(f"A solver needs noise levels that fall strictly and end in 0 or above, got {list(sigmas)}.")
    return [(i, s, s_next) for i, (s, s_next) in enumerate(pairwise(sigmas))]


def evaluate(denoise: Denoise, x: torch.Tensor, sigma: float) -> torch.Tensor:
    """D(x, sigma) in x's dtype and in memory of its own, so that x may be updated in place afterwards.

    The result is never written to: it may belong to the denoiser.
    """
    d = denoise(x, sigma).to(x.dtype)
    return d.clone() if d.data_ptr() == x.data_ptr() else d


def check_eta(eta: float) -> float:
    """Return eta as a float in [0, 1]; ValueError otherwise."""
    value = float(eta)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"eta must lie between 0 (the probability-flow ODE) and 1 (the reverse SDE), got {eta!r}.")
    return value
