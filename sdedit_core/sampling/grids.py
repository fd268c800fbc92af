"""Noise-level grids from sigma(t0) down to sigma_min, then 0 (where x0 = D is taken).

The grid is built on [sigma(t0), sigma_min]; a full-range schedule is never sliced, so t0 does not depend on the
number of steps.  Sources: Karras et al., EDM (2022), eq. 5; SDEdit (2022), algorithm 1 (uniform t).
"""

from __future__ import annotations

import math

from ..sde import Schedule, whole_number

GRIDS = ("auto", "karras", "log", "uniform-t", "few")


def check_steps(steps: int) -> int:
    """Return ``steps`` as an int of at least 1, at most 10000; ``ValueError`` otherwise."""
    given = whole_number(steps, point=True)
    if given is None:
        raise ValueError(f"steps must be a whole number, got {steps!r}.")
    if not 1 <= given <= 10000:
        raise ValueError(f"steps must be between 1 and 10000, got {given}. 20 is a good value.")
    return given


def karras(sigma_start: float, sigma_end: float, n: int, *, rho: float = 7.0, power: float = 1.0) -> list[float]:
    """n levels from sigma_start to sigma_end: ``sigma^(1/rho)`` falls as ``(i / (n - 1))^power``, evenly at 1."""
    if n == 1:
        return [sigma_start]
    a, b = sigma_start ** (1.0 / rho), sigma_end ** (1.0 / rho)
    inner = [(a + (i / (n - 1)) ** power * (b - a)) ** rho for i in range(1, n - 1)]
    return [sigma_start, *inner, sigma_end]


def auto_rho(sigma_start: float, *, data_std: float = 0.5) -> float:
    """``3 + 1.5 ln(sigma_start / data_std)``, at least 3: measured for ``mca`` (docs/solvers.md).

    Starting near the spread of the data, the first steps choose between modes and deserve small steps; the further
    above it, the more levels lie where nothing is decided yet, and the more even in log sigma they should be.
    """
    return max(3.0, 3.0 + 1.5 * math.log(sigma_start / data_std))


def auto_levels(sigma_start: float, sigma_end: float, n: int, *, data_std: float = 0.5) -> list[float]:
    """n levels for ``mca``: Karras' at :func:`auto_rho` with a short first step, uniform in sigma^(1/rho) to power 1.2.

    The first step of a multi-step solver has no earlier evaluation to learn from, so its error is of first order and
    every coarse direction keeps it.  At ``u = (i / (n - 1))^1.2`` in place of ``i / (n - 1)`` it is shorter by
    ``(n - 1)^-0.2`` and the last longer by 1.2 (Karras et al. 2022, eq. 5 is power 1).
    """
    return karras(sigma_start, sigma_end, n, rho=auto_rho(sigma_start, data_std=data_std), power=1.2)


def log_uniform(sigma_start: float, sigma_end: float, n: int) -> list[float]:
    """n levels from sigma_start to sigma_end, uniform in log sigma (for VE: uniform in t)."""
    if n == 1:
        return [sigma_start]
    r = math.log(sigma_end / sigma_start) / (n - 1)
    return [sigma_start, *(sigma_start * math.exp(i * r) for i in range(1, n - 1)), sigma_end]


def uniform_t(schedule: Schedule, sigma_start: float, n: int) -> list[float]:
    """n levels sigma(t0 * i / n), i = n .. 1, with t0 the time of ``sigma_start``: the paper's steps (algorithm 1)."""
    t0 = schedule.t(sigma_start)
    return [sigma_start, *(schedule.sigma(t0 * i / n) for i in range(n - 1, 0, -1))]


def few(schedule: Schedule, sigma_start: float, n: int) -> list[float]:
    """n levels for distilled models: those that such models are trained on, of a schedule that starts here.

    Distillation works on a few levels, even in the model's own time: t = 1, 3/4, 1/2, 1/4 for a model of four steps
    (Turbo, DMD, LCM, schnell; with a shift, the shifted ones), which are also the levels of ComfyUI's own "simple"
    scheduler.  So the levels are ``sigma(t0 i / n)``: at t0 = 1 all of them are the model's own, and so they are where
    t0 is one of them and n the rest (t0 = 1/2 with 2 steps, of a model of four).

    Where t is the logarithm of sigma (VE), even steps in it say nothing about training, and would put half of the
    levels where nothing is left to decide.  Consistency models are trained on Karras' levels (Song et al. 2023,
    section 5): those, without the last one at sigma_min, as D from there hardly differs from its input.
    """
    if _logarithmic(schedule):
        return karras(sigma_start, schedule.sigma_min, n + 1)[:-1]
    return uniform_t(schedule, sigma_start, n)


def _logarithmic(schedule: Schedule) -> bool:
    """Whether t is log sigma in the upper half of the range, where t0 decides about the picture."""
    low, middle, top = (math.log(schedule.sigma(t)) for t in (0.5, 0.75, 1.0))
    return abs(2.0 * middle - low - top) < 1e-3 * (top - low)


def sigma_grid(
    schedule: Schedule, sigma: float, steps: int, *, grid: str = "karras", data_std: float | None = None
) -> list[float]:
    """The levels of one run: ``steps`` positive levels from ``sigma`` = sigma(t0) down, then 0; [0] for sigma 0.

    Args:
        grid: "karras" (rho 7), "auto" (see :func:`auto_levels`), "log", "uniform-t" (the paper),
            "few" (distilled models, see :func:`few`).
        data_std: spread of the data in the model's range, for "auto": a quarter of the range for pictures, 1 for
            normalised latents.  None means 0.5; a factor of two hardly matters.

    A level at or below sigma_min needs no path down: the grid is then [sigma, 0].
    """
    steps = check_steps(steps)
    if grid not in GRIDS:
        raise ValueError(f"Unknown grid {grid!r}; expected one of {', '.join(GRIDS)}.")
    if sigma == 0.0:
        return [0.0]
    end = schedule.sigma_min
    if sigma <= end * (1.0 + 1e-9):
        return [sigma, 0.0]
    if grid == "log":
        levels = log_uniform(sigma, end, steps)
    elif grid == "uniform-t":
        levels = uniform_t(schedule, sigma, steps)
    elif grid == "few":
        levels = few(schedule, sigma, steps)
    elif grid == "auto":
        levels = auto_levels(sigma, end, steps, data_std=data_std or 0.5)
    else:
        levels = karras(sigma, end, steps)
    return [*levels, 0.0]
