"""Reverse-SDE solvers by name. ``SOLVERS["auto"]`` is the recommended default."""

from .ancestral import ancestral
from .base import Callback, Denoise, Noise, Solver, Step
from .mca import mca
from .reverse_diffusion import reverse_diffusion

_ALL = (
    Solver(
        name="auto",
        label="auto (recommended)",
        summary="The best choice at 8 to 40 steps: martingale-corrected ancestral.",
        solve=mca,
    ),
    Solver(
        name="mca",
        label="martingale-corrected ancestral",
        summary="Right mean and spread at 8 to 40 steps, one evaluation a step.",
        solve=mca,
    ),
    Solver(
        name="ancestral",
        label="ancestral (DDPM)",
        summary="The classic ancestral step; a little too smooth below 100 steps.",
        solve=ancestral,
    ),
    Solver(
        name="reverse_diffusion",
        label="reverse diffusion (the SDEdit paper)",
        summary="The paper's own step on its own uniform-t grid; wants 200 to 1000 steps, grainy below.",
        solve=reverse_diffusion,
        grid="uniform-t",
    ),
)

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in _ALL}


def get_solver(name: str) -> Solver:
    """The solver called ``name``; ValueError that lists the names otherwise."""
    if name not in SOLVERS:
        raise ValueError(f"Unknown solver {name!r}; expected one of {', '.join(SOLVERS)}.")
    return SOLVERS[name]


__all__ = ["SOLVERS", "Callback", "Denoise", "Noise", "Solver", "Step", "get_solver"]
