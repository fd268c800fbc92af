"""What every solver shares: its signature, its description, and what it tells a callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

# denoise(x, sigma) -> E[x0 | x]; sigma is one float for the whole batch.
Denoise = Callable[[torch.Tensor, float], torch.Tensor]
# noise(sigma, sigma_next) -> unit normal of x's shape for that step.
Noise = Callable[[float, float], torch.Tensor]


@dataclass
class Step:
    """One step as a callback sees it. ``denoised`` is the current guess of the picture (do not modify it)."""

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

    ``sigmas`` are decreasing floats that end in 0; x (B,C,H,W) float32 is the state at sigmas[0].
    """

    name: str
    label: str
    summary: str
    solve: Callable[..., torch.Tensor]
    grid: str = "karras"


def step_pairs(sigmas: list[float]) -> list[tuple[int, float, float]]:
    """(index, sigma, sigma_next) of every step; ValueError unless the levels fall strictly to 0."""
    if len(sigmas) < 2 or sigmas[-1] != 0.0 or any(not a > b for a, b in pairwise(sigmas)):
        raise ValueError(f"A solver needs noise levels that fall strictly and end in 0, got {list(sigmas)}.")
    return [(i, s, s_next) for i, (s, s_next) in enumerate(pairwise(sigmas))]
