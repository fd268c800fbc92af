"""Reverse-SDE solvers by name. ``SOLVERS["auto"]`` is the recommended default."""

from functools import partial

from .ancestral import ancestral
from .base import Callback, Denoise, Noise, Solver, Step
from .few_step import few_step
from .mca import mca
from .paper import paper
from .predictor_corrector import predictor_corrector
from .reverse_diffusion import reverse_diffusion
from .sa_solver import sa_solver
from .sde_2m import sde_2m
from .seeds3 import seeds3

_ALL = (
    Solver(
        name="auto",
        label="auto (recommended)",
        summary="Leave it here: the corrected ancestral step on the grid that suits t0. "
        "20 steps are as good as 500 of the paper's, 10 are a good draft.",
        solve=mca,
        grid="auto",
        options=("slope", "finish"),
    ),
    Solver(
        name="sde_2m",
        label="SDE-DPM-Solver++(2M)",
        summary="The well-known two-step solver (dpmpp_2m_sde), from 15 steps. Take it to compare with other tools, "
        "or for eta below 1.",
        solve=sde_2m,
        options=("eta", "variant"),
    ),
    Solver(
        name="seeds3",
        label="SEEDS-3 (accurate, 3 evaluations a step)",
        summary="The smallest error when quality matters more than time: 6 or 7 steps (16 or 19 evaluations) "
        "match 500 of the paper's, 14 are a reference.",
        solve=seeds3,
        stages=3,
    ),
    Solver(
        name="sa_solver",
        label="SA-Solver (tau 1)",
        summary="Predictor-corrector of order 2 with the full noise everywhere; a second opinion from 25 steps.",
        solve=sa_solver,
    ),
    Solver(
        name="ancestral",
        label="ancestral (DDPM, euler_ancestral)",
        summary="The classic step: right on average, but results vary too little and look smooth below 100 steps.",
        solve=ancestral,
        options=("eta",),
    ),
    Solver(
        name="reverse_diffusion",
        label="reverse diffusion (the SDEdit paper)",
        summary="The paper's own step on its own grid, for reproduction: wants 200 to 1000 steps, grainy below.",
        solve=reverse_diffusion,
        grid="uniform-t",
    ),
    Solver(
        name="paper",
        label="the SDEdit paper, word for word",
        summary="As reverse_diffusion, with the noise of the last step left in and the kept region one level late, as "
        "the paper prints it: grain everywhere, kept pixels too.",
        solve=paper,
        grid="uniform-t",
        masks_itself=True,
    ),
    Solver(
        name="predictor_corrector",
        label="predictor-corrector (score SDE; another law)",
        summary="Song's sampler, two evaluations a step, for reproduction: its Langevin steps forget part of the "
        "guide, so the same t0 changes more.",
        solve=predictor_corrector,
        stages=2,
        law="other",
        grid="uniform-t",
        options=("snr",),
    ),
    Solver(
        name="pf_ode",
        label="probability-flow ODE (deterministic; another law)",
        summary="One result per noised guide, no noise on the way. Changes less than SDEdit at the same t0: "
        "for smooth interpolation, not for fidelity to the paper.",
        solve=partial(sde_2m, eta=0.0),
        law="other",
    ),
    Solver(
        name="few_step",
        label="few steps, for distilled models (another law)",
        summary="For models made to run in 1 to 8 steps (LCM, Turbo, DMD, Lightning, schnell, Klein, consistency "
        "models): the model's own number of steps, cfg 1. Other solvers make their fine detail too strong; on other "
        "models this one blurs.",
        solve=few_step,
        law="other",
        grid="few",
        options=("eta",),
        distilled=True,
    ),
)

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in _ALL}


def get_solver(name: str) -> Solver:
    """The solver called ``name`` ("mca", an older name of "auto", too); ValueError that lists the names otherwise."""
    name = "auto" if isinstance(name, str) and name == "mca" else name
    if not isinstance(name, str) or name not in SOLVERS:
        raise ValueError(f"Unknown solver {name!r}; expected one of {', '.join(SOLVERS)}.")
    return SOLVERS[name]


__all__ = ["SOLVERS", "Callback", "Denoise", "Noise", "Solver", "Step", "get_solver"]
