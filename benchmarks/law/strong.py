"""The same seed at different step counts: how fast one picture settles."""

from __future__ import annotations

import torch

from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.solvers import SOLVERS
from sdedit_core.sde import VESDE

from .mixture import problem

SCHEDULE = VESDE(0.01, 348.0)
ENDS = {"sigma_min": SCHEDULE.sigma_min, "sigma_max": SCHEDULE.sigma_max}


def settle(
    name: str, t0: float, solver: str, steps: list[int], *, reference: int = 2048, rows: int = 256
) -> list[float]:
    """RMS difference to the ``reference``-step result of the same seed, in posterior stds, for each step count.

    All runs use the product's own noise; independent noise would give 1.41.
    """
    mixture, chosen = problem(name), SOLVERS[solver]
    g = torch.Generator().manual_seed(3)
    sigma = SCHEDULE.sigma(t0)
    start = mixture.sample(1, g) + sigma * torch.randn(1, mixture.dim, dtype=torch.float64, generator=g)
    std = float(mixture.posterior(start[0], sigma).moments()[1].trace()) ** 0.5
    x = start.expand(rows, -1)

    def result(n: int) -> torch.Tensor:
        levels = sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), n, grid=chosen.grid, data_std=0.25)
        stream = NoiseStream((rows, mixture.dim), seed=5, stream="path")
        path = BrownianPath(stream, depth=path_depth(levels, stages=chosen.stages, **ENDS), **ENDS)
        return chosen.solve(mixture.denoise, x, levels, noise=lambda a, b: path(a, b)[0])

    limit = result(reference)
    return [float((result(n) - limit).square().sum(1).mean().sqrt()) / std for n in steps]
