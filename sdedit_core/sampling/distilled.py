"""Does this model look distilled?  Read off a run of the reverse SDE, without an evaluation of its own.

Along the reverse SDE a mean keeps what it made of the start noise: D is a martingale, ``E[D(x, sigma) | x0] =
D(x0, sigma0)`` for any data and any start ``x0 = guide + sigma0 z``.  So the change of D between two levels is not
correlated with z.  A distilled D is a picture drawn from x, and a later picture keeps less of the first one's detail:
of data much finer than sigma it keeps the share r = sigma / sigma0, and the correlation of its change with -z is
``sqrt((1 - r) / 2)``, 0.5 at r = 1/2.  The standard error for N numbers is ``1 / sqrt(N)``, as z is white.

A step that is not small is not quite the reverse SDE's: on well separated modes it leaves the change of a mean
correlated by up to 0.16 where it halves sigma, and by 0.24 where it takes 0.7 of it away.  So the limit rises with the
largest step, and above 0.9 nothing is said: a run of 20 steps sees more than one of 4.  What cannot be seen at all is a
model whose data is wider than sigma everywhere: there a distilled D differs from the mean of somewhat wider data in
the second order only.  Guided answers (cfg) are no means either, nor quite are those of a patch prior, which takes over
shapes of the painting and switches between patches: nothing is said about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from .state import NoisedState

LIMIT = 0.06, 0.6  # of the correlation: for small steps, and times the square of the largest, 1 - sigma_next / sigma
COARSE = 0.9
STANDARD_ERRORS = 5.0


class Redrawn:
    """Give it to a run as an observer of evaluations; ``looks_distilled`` is the answer.

    Compares the first D with that at the first level of half the start's sigma or less (or the last level).  One
    tensor is alive until then.

    Args:
        state: a fresh start, ``guide + sigma z`` all over; of any other nothing is said.
        levels: the levels of the run.
    """

    def __init__(self, state: NoisedState, levels: Sequence[float]):
        later = [s for s in levels[1:-1] if 0.0 < s < state.sigma]
        self._at = next((s for s in later if s <= 0.5 * state.sigma), min(later, default=0.0))
        self._state, self._first, self._change = state, None, state.change()
        self._found: tuple[torch.Tensor, torch.Tensor | int] | None = None
        near = [s for s in levels if s >= self._at > 0.0]
        self.largest = max((1.0 - b / a for a, b in pairwise(near)), default=1.0)
        if self.largest > COARSE:
            self._at = 0.0

    def __call__(self, x: torch.Tensor, sigma: float, denoised: torch.Tensor) -> None:
        """Called after every evaluation."""
        if self._at == 0.0:
            return
        if self._first is None:
            self._first = denoised.clone()
        elif sigma <= self._at * (1.0 + 1e-6):
            self._at = 0.0
            self._measure(denoised)
            self._first = None

    def _measure(self, denoised: torch.Tensor) -> None:
        state, change = self._state, self._change
        z = (state.samples - state.guide).float() / state.sigma
        answer = (self._first - denoised).float()
        answer = answer if change is None else answer * change
        count = answer.count_nonzero() if change is not None else answer.numel()
        # All of it, and the fine detail: in the coarse a distilled D is as good as a mean.
        seen = [_correlation(v, z) for v in (answer, _second_differences(answer))]
        self._found = torch.stack([z.square().mean(), *seen]), count

    def _read(self) -> tuple[float, float]:
        """(correlation, standard error): read off the device after the run, not inside it."""
        if self._found is None:
            return 0.0, 1.0
        power, *seen = self._found[0].tolist()
        if not 0.8 < power < 1.25:
            return 0.0, 1.0  # not the noise of a fresh start
        return max(seen), float(int(self._found[1]) or 1) ** -0.5

    @property
    def correlation(self) -> float:
        """Of the change of D with the start noise's negative; 0 where nothing was measured."""
        return self._read()[0]

    @property
    def error(self) -> float:
        """Standard error of :attr:`correlation`."""
        return self._read()[1]

    @property
    def looks_distilled(self) -> bool:
        """Whether what was seen is far above what a mean may show."""
        limit = LIMIT[0] + LIMIT[1] * self.largest**2
        return self.correlation > max(limit, STANDARD_ERRORS * self.error)


def _correlation(a: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    size = torch.linalg.vector_norm(a) * torch.linalg.vector_norm(z)
    return torch.where(size > 0.0, (a * z).sum() / size, 0.0)


def _second_differences(v: torch.Tensor) -> torch.Tensor:
    """Every value against its neighbours along height and width, or length; the ends meet."""
    out = torch.zeros_like(v)
    for dim in range(2, v.dim()) if v.dim() < 5 else (3, 4):
        if v.shape[dim] > 2:
            out += 2.0 * v - v.roll(1, dim) - v.roll(-1, dim)
    return out
