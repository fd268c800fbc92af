"""Few steps on a distilled model, whose D is a sample: noise the answer again, less, and ask again.

For consistency, LCM, Turbo and DMD models D(x, sigma) is the end of the probability-flow ODE that starts in x, a
finished picture and not the mean of all that fit.  A step of the reverse SDE adds the spread that a mean lacks and so
has it twice.  Multistep consistency sampling keeps the law: where x has the law of noised data, D has that of data,
and ``D + sigma' z`` that of data noised to sigma', whatever the levels (Song et al. 2023, Consistency Models,
algorithm 1; started from a noised guide it is their zero-shot editing, algorithm 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .base import Callback, Denoise, Noise, Step, check_eta, evaluate, step_pairs


def few_step(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    callback: Callback | None = None,
    eta: float = 1.0,
) -> torch.Tensor:
    """``x <- D + sigma_next (sqrt(1 - eta^2) (x - D) / sigma + eta z)``; the last D is the result.

    ``eta``: 1 draws all noise anew (multistep consistency sampling), 0 keeps the one noise that x holds, which is
    Euler's step, as progressively distilled models (Lightning) are trained for.  Every eta leaves noise of std
    sigma_next on D.

    Alive besides the network: x, D, and one noise tensor.
    """
    eta = check_eta(eta)
    pairs = step_pairs(sigmas)
    for i, sigma, sigma_next in pairs:
        d = evaluate(denoise, x, sigma)
        if eta < 1.0 and sigma_next > 0.0:
            x = torch.lerp(d, x, sigma_next / sigma * math.sqrt(1.0 - eta * eta))
        else:
            x = d.clone()
        if eta > 0.0 and sigma_next > 0.0:
            x.add_(noise(sigma, sigma_next), alpha=sigma_next * eta)
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, d))
    return x


class OwnStarts:
    """A denoiser for a level per pixel: before its start a pixel predicts ``clean``, so it holds noise and no change.

    Every pixel then carries the noise that the network is told, as kept ones do.  It starts at that level of the run
    which is nearest to its own (in log sigma): a start between two levels would need D at a level that the network
    was not asked at, and mixing two answers for it would take from the spread of the result.  Below the last level
    s there is no other to start at; there the answer counts by ``(level / s)^2``, which is how fast a small noise
    moves a pixel, and levels of 0 keep ``clean`` bit for bit.

    Args:
        clean: what the pixels were noised from, of x's shape.
        levels: the level of every pixel, broadcastable to x, float64, between 0 and sigmas[0].
        sigmas: the levels of the run.

    Levels at which no pixel has started cost no evaluation.
    """

    def __init__(self, denoise: Denoise, clean: torch.Tensor, levels: torch.Tensor, sigmas: Sequence[float]):
        self._denoise, self._clean = denoise, clean
        own = [s for s in sigmas if s > 0.0]
        log = torch.tensor(own, dtype=torch.float64, device=levels.device).log()
        middles = torch.exp(0.5 * (log[1:] + log[:-1]))
        nearest = torch.searchsorted(-middles, -levels.contiguous())  # levels fall: the first middle that is lower
        self._start = nearest.masked_fill(levels <= 0.0, len(own)).to(clean.device)
        self._first = int(self._start.min())  # read here once: a GPU is not waited for inside the loop
        self._index = {s: i for i, s in enumerate(own)}
        self._last, self._share = None, None
        if sigmas[-1] == 0.0:
            self._last, self._share = own[-1], (levels / own[-1]).clamp(max=1.0).square().to(clean)

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        if self._index[sigma] < self._first:
            return self._clean
        started = self._start <= self._index[sigma]
        d = torch.where(started, self._denoise(x, sigma).to(self._clean), self._clean)
        return torch.lerp(self._clean, d, self._share) if sigma == self._last else d
