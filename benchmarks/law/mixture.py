"""Monte-Carlo law tests: many runs from one fixed start state against the exact posterior of a Gaussian mixture."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.solvers import SOLVERS
from sdedit_core.sde import VESDE

from .gaussian import budget_steps
from .metrics import Law, Reference
from .problems import PROBLEMS, Mixture

# Start states and runs per start state.
SIZES = {"gm2": (6, 8000), "gm16": (5, 4000), "gm256": (4, 1500), "far": (6, 8000)}
SCHEDULE = VESDE(0.01, 348.0)


class FreshNoise:
    """Independent normals (rows, d), seeded; with a corrector stream of its own."""

    def __init__(self, shape: tuple[int, int], seed: int):
        self._shape = shape
        self._path, self._corrector = (torch.Generator().manual_seed(2 * seed + k) for k in (0, 1))

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        return torch.randn(self._shape, dtype=torch.float64, generator=self._path)

    def corrector(self, sigma: float) -> torch.Tensor:
        return torch.randn(self._shape, dtype=torch.float64, generator=self._corrector)


@functools.cache
def problem(name: str) -> Mixture:
    return PROBLEMS[name]()


@functools.cache
def references(name: str, t0: float, scale: float = 1.0) -> tuple[torch.Tensor, list[Reference], Law]:
    """Start states (m, d), their exact posteriors, and the noise floor (an exact sample in place of a solver)."""
    mixture, (m, n) = problem(name), SIZES[name.partition("-")[0]]
    n = int(n * scale)
    sigma = SCHEDULE.sigma(t0)
    g = torch.Generator().manual_seed(11)
    x = mixture.sample(m, g)
    x = x + sigma * torch.randn(m, mixture.dim, dtype=torch.float64, generator=g)
    g = torch.Generator().manual_seed(77)
    refs = [Reference(mixture.posterior(row, sigma), n, g) for row in x]
    floors = [Law.average([r.compare(r.posterior.sample(n, g)) for r in refs]) for _ in range(4)]
    floor = Law.average(floors)
    floor.energy = max(abs(f.energy) for f in floors)
    return x, refs, floor


@functools.cache
def perfect(name: str, t0: float, scale: float = 1.0) -> Law:
    """The law of a solver without any error that ends like ours, with x0 = D(x at sigma_min).

    What D loses below sigma_min cannot be sampled back; a solver that measures better than this makes up for the
    loss with an error of its own.
    """
    mixture, end = problem(name), SCHEDULE.sigma_min
    g = torch.Generator().manual_seed(78)
    laws = []
    for ref in references(name, t0, scale)[1]:
        x0 = ref.posterior.sample(ref.n, g)
        x = x0 + end * torch.randn(x0.shape, dtype=torch.float64, generator=g)
        laws.append(ref.compare(mixture.denoise(x, end)))
    return Law.average(laws)


def measure(
    name: str,
    t0: float,
    solve: Callable[..., torch.Tensor],
    sigmas: list[float],
    *,
    scale: float = 1.0,
    seed: int = 123,
    **options,
) -> Law:
    """The law of a solver's output given fixed start states, averaged over them."""
    x, refs, _ = references(name, t0, scale)
    start = x.repeat_interleave(refs[0].n, 0)
    noise = FreshNoise(tuple(start.shape), seed)
    out = solve(problem(name).denoise, start, sigmas, noise=noise, **options)
    return Law.average([r.compare(q) for r, q in zip(refs, out.reshape(len(x), -1, out.shape[1]), strict=True)])


def run(name: str, t0: float, solver: str, evaluations: int, *, grid: str | None = None, **options) -> Law:
    """:func:`measure` for a named solver at a budget of evaluations."""
    chosen = SOLVERS[solver]
    steps = budget_steps(chosen, evaluations)
    levels = sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), steps, grid=grid or chosen.grid, data_std=0.25)
    return measure(name, t0, chosen.solve, levels, seed=123 + evaluations, **options)


def line(law: Law) -> str:
    """One line of a table."""
    return f"{law.energy:6.3f} % / {law.std:.3f} / {law.mean:.3f} / {law.scales:.3f}"
