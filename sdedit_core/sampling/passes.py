"""The K passes of one edit: noise, solver and mask put together (Meng et al., ICLR 2022, algorithms 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from ..sde import Schedule
from .masks import TiltedRegion, keep_region, level_map
from .noise import BrownianPath, NoiseStream, level_node, path_depth
from .solvers import Callback, Denoise
from .solvers.lift import lift
from .solvers.paper import paper_literal
from .state import NoisedState, noised

# one_pass(x, clean, levels, *, noise, initial, callback) -> x0; clean is what x is a noised version of.
Pass = Callable[..., torch.Tensor]


class Counter:
    """Counts network evaluations."""

    def __init__(self, denoise: Denoise):
        self._denoise, self.calls = denoise, 0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += 1
        return self._denoise(x, sigma)


def plain_pass(
    denoise: Denoise, solve: Callable[..., torch.Tensor], guide: torch.Tensor, change: torch.Tensor | None, mode: str
) -> Pass:
    """A pass of any solver, without a mask or with a hard one kept by ``mode``."""

    def one_pass(x, clean, levels, *, noise, initial, callback):
        masked = denoise
        if change is not None:
            masked = (keep_region if mode == "bridge" else TiltedRegion)(denoise, guide, change)
        return solve(masked, x, levels, noise=noise, callback=callback)

    return one_pass


def literal_pass(denoise: Denoise, guide: torch.Tensor, change: torch.Tensor | None) -> Pass:
    """A pass of the paper's algorithm 1 or 3, word for word."""

    def one_pass(x, clean, levels, *, noise, initial, callback):
        return paper_literal(denoise, x, levels, noise=noise, guide=guide, change=change, callback=callback)

    return one_pass


def soft_pass(
    denoise: Denoise,
    schedule: Schedule,
    guide: torch.Tensor,
    fractions: torch.Tensor,
    t0: float,
    *,
    under_way: bool = False,
    **options: object,
) -> Pass:
    """A pass with a start level per pixel.

    The start state x = clean + sigma z stays, and the pixels' own noisy values y are drawn from the Brownian bridge
    between clean and x: ``y = clean + q (x - clean) + s sqrt(1 - q) xi`` with ``q = (s / sigma)^2``.  Then y holds
    noise of std s, and x - y is independent of it.  ``options`` are those of :func:`~.solvers.lift.lift`.
    ``under_way``: x was left by such a pass.  Pixels that had not started were on that bridge, so the same draw, with
    numbers of its own, is right for them; the others have their full t0 here and no draw.
    """
    own = level_map(schedule, fractions, top=t0)

    def one_pass(x, clean, levels, *, noise, initial, callback):
        q = (own / levels[0]) ** 2
        xi = initial(level_node(levels[0]) if under_way else 1)
        anchor = torch.addcmul(clean, x - clean, q.to(x)).addcmul_(xi, (own * (1.0 - q).sqrt()).to(x))
        anchor = torch.where((own > 0.0).to(x.device), anchor, guide)
        step = partial(lift, anchor=anchor, levels=own, **options)
        return step(denoise, x, levels, noise=noise, callback=callback)

    return one_pass


def run_passes(
    one_pass: Pass,
    state: NoisedState,
    levels: list[float],
    *,
    schedule: Schedule,
    seed: int,
    repeats: int,
    stages: int,
    change: torch.Tensor | None,
    paste: bool,
    callback: Callback | None,
) -> torch.Tensor:
    """K passes, each from the last result noised again; the kept region is put back exactly between them, and
    after the last one with ``paste``.  Levels that end above 0 leave the state there, for one pass only."""
    x, clean = state.samples, state.guide
    ends = {"sigma_min": schedule.sigma_min, "sigma_max": schedule.sigma_max}
    depth = path_depth(levels, stages=stages, **ends)
    for k in range(repeats):
        rows = {"samples": state.sample_indices, "repeat": k, "device": x.device}
        if k:
            x = noised(clean, state.sigma, seed=state.seed, samples=state.sample_indices, repeat=k)
        initial = NoiseStream(x.shape[1:], seed=state.seed, stream="initial", **rows)
        path = BrownianPath(NoiseStream(x.shape[1:], seed=seed, stream="path", **rows), depth=depth, **ends)
        x = one_pass(x, clean, levels, noise=path, initial=initial, callback=callback)
        clean = x if change is None else torch.where(change, x, state.guide)
    return clean if paste and levels[-1] == 0.0 else x
