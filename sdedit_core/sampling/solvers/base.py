"""What every solver shares: its signature, its description, what it tells a callback, and denoisers in wrappers."""

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
        distilled: works on models whose D is a sample (``ScoreModel.distilled``); all others need a mean.
        masks_itself: ``solve`` also takes ``guide`` and ``change`` and keeps a hard mask's region by a rule of its own.
    """

    name: str
    label: str
    summary: str
    solve: Callable[..., torch.Tensor]
    grid: str = "karras"
    stages: int = 1
    law: str = "sde"
    options: tuple[str, ...] = ()
    masks_itself: bool = False
    distilled: bool = False

    def evaluations(self, steps: int) -> int:
        """Network evaluations of one pass of ``steps`` steps."""
        return self.stages * (steps - 1) + 1


def step_pairs(sigmas: list[float]) -> list[tuple[int, float, float]]:
    """(index, sigma, sigma_next) of every step; ValueError unless the levels fall strictly, to 0 or above."""
    falling = len(sigmas) > 1 and all(math.isfinite(a) and a > b for a, b in pairwise(sigmas))
    if not falling or not sigmas[-1] >= 0.0:
        raise ValueError(f"A solver needs noise levels that fall strictly and end in 0 or above, got {list(sigmas)}.")
    return [(i, sigma, sigma_next) for i, (sigma, sigma_next) in enumerate(pairwise(sigmas))]


def evaluate(denoise: Denoise, x: torch.Tensor, sigma: float) -> torch.Tensor:
    """D(x, sigma) in x's dtype and in memory of its own, so that x may be updated in place afterwards.

    The result is never written to: it may belong to the denoiser.
    """
    d = denoise(x, sigma).to(x.dtype)
    return d.clone() if d.data_ptr() == x.data_ptr() else d


class Counter:
    """A denoiser that counts its evaluations in ``calls``."""

    def __init__(self, denoise: Denoise):
        self._denoise, self.calls = denoise, 0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += 1
        return self._denoise(x, sigma)


def keep_region(denoise: Denoise, guide: torch.Tensor, change: torch.Tensor) -> Denoise:
    """Denoiser whose kept pixels (``change`` False) always predict the guide: mode ``bridge``.

    With an SDE solver the kept pixels then follow the exact Brownian bridge from their noised value to the
    guide, at the same noise level as the edited ones, and end on the guide.  It works with every solver.
    This is the aligned form of SDEdit's algorithm 3, whose kept region lags one noise level behind.
    """

    def masked(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return torch.where(change, denoise(x, sigma), guide)

    return masked


class TiltedRegion:
    """As :func:`keep_region`, and the network's input is tilted until it sees the guide there: mode ``tilt``.

    ``bridge`` shows the network a kept region that is noisier than what is known about it, so the edited region
    fits its surroundings less well than it could.  An offset on the network's input, in the kept pixels only,
    integrates the miss ``guide - D``; where D meets the guide, the edited pixels' D is the exact conditional mean
    for Gaussian data.  The offset never enters the solver's state.  It decays with sigma and is clipped to two
    sigma.  No extra evaluation; one extra tensor alive.  Make a new one for every pass.
    """

    def __init__(self, denoise: Denoise, guide: torch.Tensor, change: torch.Tensor, *, clip: float = 2.0):
        self._denoise, self._guide, self._change, self._clip = denoise, guide, change, clip
        self._offset = torch.zeros_like(guide)
        self._sigma = 0.0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        if self._sigma:
            limit = self._clip * sigma
            self._offset.mul_(sigma / self._sigma).clamp_(-limit, limit)
        self._sigma = sigma
        d = self._denoise(x + self._offset, sigma)
        self._offset.add_((self._guide - d).masked_fill_(self._change, 0.0))
        return torch.where(self._change, d, self._guide)


# How a hard mask is kept inside the loop.
MASK_MODES: dict[str, Callable[[Denoise, torch.Tensor, torch.Tensor], Denoise]] = {
    "bridge": keep_region,
    "tilt": TiltedRegion,
}


def check_mask_mode(mode: str) -> str:
    """Return ``mode``; ValueError that lists the names otherwise."""
    if not isinstance(mode, str) or mode not in MASK_MODES:
        raise ValueError(f"Unknown mask_mode {mode!r}; expected one of {', '.join(MASK_MODES)}.")
    return mode


def check_eta(eta: float) -> float:
    """Return eta as a float in [0, 1]; ValueError otherwise."""
    try:
        value = float(eta)
    except (OverflowError, TypeError, ValueError):
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"eta must lie between 0 (the probability-flow ODE) and 1 (the reverse SDE), got {eta!r}.")
    return value
