"""The one record of an edit's options: nodes, command line, sweeps and evaluations are made from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..sde import check_t0, whole_number
from .grids import check_steps
from .share import MODEL_TIME, UNITS, check_unit
from .solvers import SOLVERS, get_solver
from .solvers.base import MASK_MODES, check_eta, check_mask_mode
from .state import check_seed


@dataclass(frozen=True)
class Option:
    """One option of an edit: the nodes' inputs, the command line's options, sweeps and evaluations are made from it.

    Attributes:
        default: the value where nobody says anything, decided here and nowhere else.
        words: what it does, for tooltips and help.
        check: returns a good value, raises a ValueError that says what was expected otherwise.
        low, high, step: range of a number, and the step of its widget.
        choices: the names to choose from.
        advanced: rarely needed, and shown so.
    """

    default: object
    words: str
    check: Callable[..., object]
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    advanced: bool = False


def check_repeats(repeats: int) -> int:
    """Return K, the number of passes, between 1 and 100."""
    given = whole_number(repeats)
    if given is None or not 1 <= given <= 100:
        raise ValueError(f"repeats must be a whole number from 1 to 100, got {repeats!r}.")
    return given


T0 = Option(
    0.4,
    "How far back to go, in the model's own time. 0 returns the guide unchanged, 1 forgets almost everything. Lower "
    "keeps your layout and colours, higher looks more real. Start with 0.3 to 0.6 on SD 1.5, SDXL and score networks, "
    "0.2 to 0.4 on built-in models, SD3, Flux.1, Qwen and Z-Image, 0.1 to 0.2 on Flux.2, Wan, HunyuanVideo and LTX. It "
    "does not depend on steps, solver or scheduler.",
    check_t0,
    low=0.0,
    high=1.0,
    step=0.01,
)
UNIT = Option(
    MODEL_TIME,
    "What the number of t0 means. t0 (model time): the model's own clock, on which the same number is another amount "
    "of noise on every model. noise share: how much of what the model gets to see is noise, from 0 to 1, the same on "
    "every model; start with 0.45 to 0.7, on score networks with 0.7 to 0.9. On flow models it is their own noise "
    "level.",
    check_unit,
    choices=UNITS,
)
# New ones go to the end: saved workflows keep the values of a node's widgets by position.
OPTIONS: dict[str, Option] = {
    "steps": Option(
        20,
        "Noise levels between sigma(t0) and 0, all of them run. 10 to 40 for auto, 200 to 1000 for reverse_diffusion, "
        "the model's own 1 to 8 for few_step.",
        check_steps,
        low=1,
        high=10000,
    ),
    "solver": Option(
        "auto",
        "The rule for one step.\n" + "\n".join(f"{solver.name}: {solver.summary}" for solver in SOLVERS.values()),
        lambda name: get_solver(name).name,
        choices=tuple(SOLVERS),
    ),
    "seed": Option(
        0,
        "Seed of the noise along the way. Same seed, same picture, in any batch; another seed varies the details and "
        "keeps the start.",
        check_seed,
        low=0,
        high=0xFFFFFFFFFFFFFFFF,
    ),
    "repeats": Option(
        1,
        "The paper's K: noise the result again to the same t0 and sample again, this many times in all. 2 or 3 looks "
        "more real and keeps less of the guide.",
        check_repeats,
        low=1,
        high=100,
    ),
    "eta": Option(
        1.0,
        "1 = SDEdit's own random path. 0 = the deterministic path, which changes less; between them, less noise on the "
        "way. Below 1: solver auto, sde_2m, ancestral or few_step.",
        check_eta,
        low=0.0,
        high=1.0,
        step=0.05,
        advanced=True,
    ),
    "mask_mode": Option(
        "bridge",
        "How a hard mask is kept on the way. bridge: always right. tilt: shows the model more of the kept region, so "
        "that the edit may fit its surroundings better.",
        check_mask_mode,
        choices=tuple(MASK_MODES),
        advanced=True,
    ),
}


def check_options(given: Mapping[str, object]) -> dict:
    """All of ``OPTIONS``, checked: as given, or at their defaults; ValueError for a name that is none of them."""
    for name in given:
        if name not in OPTIONS:
            near = difflib.get_close_matches(str(name), OPTIONS, n=1)
            raise ValueError(
                f"An edit has no option {name!r}"
                + (f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(OPTIONS)}.")
            )
    return {name: option.check(given.get(name, option.default)) for name, option in OPTIONS.items()}
