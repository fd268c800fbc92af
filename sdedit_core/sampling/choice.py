"""Which solver runs, and over which levels, when nobody says more than an edit's options."""

from __future__ import annotations

from ..sde import Schedule
from .grids import sigma_grid
from .solvers import Solver, get_solver
from .solvers.base import check_eta


def choose_solver(solver: str, eta: float = 1.0, *, distilled: bool = False) -> Solver:
    """The solver that runs: "auto" is "few_step" for a distilled model, else "sde_2m" for eta below 1.

    ValueError when it has no eta, or needs a mean where a distilled model has samples.
    """
    chosen = get_solver(solver)
    if chosen.name == "auto" and distilled:
        chosen = get_solver("few_step")
    if distilled and not chosen.distilled:
        raise ValueError(
            f"Solver {chosen.name!r} needs a score, and this model has none: it is distilled, made to give a finished "
            "picture in a few steps. Set solver to few_step, or to auto, which takes it."
        )
    if check_eta(eta) == 1.0:
        return chosen
    if chosen.name == "auto":
        chosen = get_solver("sde_2m")
    if "eta" not in chosen.options:
        raise ValueError(
            f"Solver {chosen.name!r} has no eta; use auto, sde_2m, ancestral or few_step, or set eta to 1."
        )
    return chosen


def run_levels(
    schedule: Schedule,
    sigma: float,
    *,
    steps: int,
    solver: str = "auto",
    eta: float = 1.0,
    grid: str | None = None,
    data_std: float | None = None,
    distilled: bool = False,
) -> list[float]:
    """The noise levels of a run from ``sigma``, where nobody gives :func:`~sdedit_core.edit.reverse` others."""
    grid = grid or choose_solver(solver, eta, distilled=distilled).grid
    return sigma_grid(schedule, sigma, steps, grid=grid, data_std=data_std)
