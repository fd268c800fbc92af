"""SDEdit itself: noise the guide up to t0, run the reverse SDE back (Meng et al., ICLR 2022, algorithms 1 to 3)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from .model import ScoreModel
from .sampling.grids import check_steps, sigma_grid
from .sampling.masks import MASK_MODES, check_mask, is_hard
from .sampling.passes import Counter, literal_pass, plain_pass, run_passes, soft_pass
from .sampling.solvers import Callback, Denoise, Solver, get_solver
from .sampling.solvers.base import step_pairs
from .sampling.solvers.mca import automatic_finish
from .sampling.state import NoisedState, check_seed, noised, perturb
from .sde import Schedule

__all__ = ["EditResult", "NoisedState", "Report", "check_repeats", "noised", "perturb", "reverse", "sdedit"]


@dataclass
class Report:
    """What a run did, in numbers a reader can check."""

    t0: float
    sigma: float
    steps: int
    solver: str
    nfe: int
    repeats: int
    seconds: float
    rms_change: list[float]
    finish: str = ""
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        change = ", ".join(f"{v:.4f}" for v in self.rms_change)
        lines = [
            f"t0 {self.t0:g}  (sigma {self.sigma:.4g})",
            f"solver {self.solver}, {self.steps} steps, {self.nfe} evaluations"
            + (f", {self.repeats} repeats" if self.repeats > 1 else "")
            + (f", finish {self.finish}" if self.finish else ""),
            f"{self.seconds:.2f} s",
            f"RMS change from the guide: {change}",
        ]
        return "\n".join(lines + self.notes)


@dataclass
class EditResult:
    """``samples`` (B,C,H,W) in the model's data range, unclamped; ``sigma`` = sigma(t0); ``nfe`` evaluations.

    ``levels``: the noise levels of one pass, from sigma(t0) down.
    """

    samples: torch.Tensor
    sigma: float
    nfe: int
    report: Report
    levels: list[float] = field(default_factory=list)


def check_repeats(repeats: int) -> int:
    """Return K, the number of passes, between 1 and 100."""
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not 1 <= repeats <= 100:
        raise ValueError(f"repeats must be a whole number from 1 to 100, got {repeats!r}.")
    return repeats


@torch.no_grad()
def reverse(
    denoise: Denoise,
    state: NoisedState,
    *,
    schedule: Schedule,
    steps: int,
    solver: str = "auto",
    seed: int | None = None,
    repeats: int = 1,
    sigmas: Sequence[float] | None = None,
    grid: str | None = None,
    data_std: float | None = None,
    smooth: bool = True,
    eta: float = 1.0,
    mask_mode: str = "bridge",
    literal: bool = False,
    solver_options: Mapping[str, object] | None = None,
    callback: Callback | None = None,
) -> EditResult:
    """Run the reverse SDE from a noised state; the engine behind :func:`sdedit` and the sampler node.

    Args:
        denoise: ``D(x, sigma)`` with one float sigma for the batch.
        seed: seed of the path noise; the state's seed when None (the streams differ, so that is safe).
        repeats: K passes (algorithm 2); each re-noises the last result at the same t0 with fresh noise.
        sigmas: levels to use instead of a grid; must start at the state's sigma.  When they end above 0 the run stops
            there: the samples, kept pixels too, still hold noise of that level, for another run to go on from.
        grid: a name of ``GRIDS``; None takes the solver's own.
        data_std: spread of the data, for the automatic grid (see :func:`~sdedit_core.sampling.grids.sigma_grid`).
        smooth: False for a denoiser with hard switches (:class:`ScoreModel`): mca then takes finish "balanced" in
            place of "posterior", as it does when the last level is above 2 sigma_min, unless ``solver_options`` say
            which.
        eta: 1 = SDEdit's law, 0 = the deterministic ODE, between them less noise on the way.  Below 1 the solver
            must be "auto", "sde_2m" or "ancestral".
        mask_mode: how a hard mask is kept inside the loop, "bridge" or "tilt" (see :mod:`sdedit_core.sampling.masks`).
        literal: the paper's algorithms word for word (see :mod:`.sampling.solvers.paper`), whatever ``solver`` says.
        solver_options: further keyword arguments of the solver, listed in its ``options``.
    """
    steps, repeats = check_steps(steps), check_repeats(repeats)
    seed = state.seed if seed is None else check_seed(seed)
    if mask_mode not in MASK_MODES:
        raise ValueError(f"Unknown mask_mode {mask_mode!r}; expected one of {', '.join(MASK_MODES)}.")
    chosen = get_solver("reverse_diffusion" if literal else solver)
    chosen, options = _with_options(chosen, eta, solver_options)
    guide, notes = state.guide, [state.note] if state.note else []
    started = time.perf_counter()
    if sigmas is None:
        levels = sigma_grid(schedule, state.t0, steps, grid=grid or chosen.grid, data_std=data_std)
    else:
        levels = _own_levels(sigmas, state.sigma)
    stopped = levels[-1] > 0.0
    if stopped and repeats > 1:
        raise ValueError(
            f"repeats is {repeats}, but the sigmas end at {levels[-1]:.4g}: only a finished picture can be noised "
            "again. Set repeats to 1, or connect sigmas that go down to 0."
        )
    if "finish" in chosen.options:
        options.setdefault("finish", automatic_finish(levels, schedule.sigma_min, smooth=smooth))
    fractions = state.fractions()
    change = None if fractions is None else fractions > 0.0
    soft = fractions is not None and not is_hard(fractions)
    name = f"{chosen.name} (paper-literal)" if literal else chosen.name
    if soft:
        name = _soft_name(chosen, literal, eta, mask_mode, notes)
        lifted = {k: options[k] for k in ("slope", "finish") if k in options} | {"correct": chosen.name != "ancestral"}
    if state.sigma == 0.0 or (change is not None and not stopped and not bool(change.any())):
        if state.sigma > 0.0:
            notes.append("The mask is empty: nothing may change, so the guide is returned.")
        samples, nfe = guide.clone(), 0
    else:
        counted = Counter(denoise)
        if soft:
            one_pass = soft_pass(counted, schedule, guide, fractions, state.t0, under_way=state.under_way, **lifted)
        elif literal:
            one_pass = literal_pass(counted, guide, change)
        else:
            one_pass = plain_pass(counted, partial(chosen.solve, **options), guide, change, mask_mode)
        samples = run_passes(
            one_pass,
            state,
            levels,
            schedule=schedule,
            seed=seed,
            repeats=repeats,
            stages=chosen.stages,
            change=change,
            paste=not literal,
            callback=callback,
        )
        nfe = counted.calls
    if not bool(torch.isfinite(samples).all()):
        broken = (~torch.isfinite(samples)).flatten(1).any(dim=1).nonzero().flatten().tolist()
        raise ValueError(
            f"The model returned NaN or infinite values, picture {', '.join(map(str, broken))} is lost. Run it in "
            "float32 (half precision can overflow), or check the model file."
        )
    if stopped:
        notes.append(f"Stopped at sigma {levels[-1]:.4g}: the result still holds that noise, also in the change above.")
    rms = (samples - guide).flatten(1).square().mean(dim=1).sqrt()
    report = Report(
        t0=state.t0,
        sigma=state.sigma,
        steps=len(levels) - 1,
        solver=name,
        nfe=nfe,
        repeats=repeats,
        seconds=time.perf_counter() - started,
        rms_change=[float(v) for v in rms],
        finish=str(options.get("finish", "")) if nfe and not stopped else "",
        notes=notes,
    )
    return EditResult(samples=samples, sigma=state.sigma, nfe=nfe, report=report, levels=levels)


def _own_levels(sigmas: Sequence[float], start: float) -> list[float]:
    """The caller's levels as floats; ValueError unless they start at the state's level and fall."""
    levels = [float(s) for s in sigmas]
    if start == 0.0:
        return levels or [0.0]  # nothing to run
    step_pairs(levels)
    if abs(levels[0] - start) > 1e-3 * start:
        raise ValueError(
            f"The sigmas start at {levels[0]:.4g}, the state was noised to {start:.4g}: they must start at its level."
        )
    return levels


def _with_options(chosen: Solver, eta: float, given: Mapping[str, object] | None) -> tuple[Solver, dict]:
    """The solver and its keyword arguments; "auto" and "mca" turn into "sde_2m" when eta is not 1."""
    options = dict(given or {})
    if eta != 1.0:
        if chosen.name in ("auto", "mca"):
            chosen = get_solver("sde_2m")
        if "eta" not in chosen.options:
            raise ValueError(f"Solver {chosen.name!r} has no eta; use auto, sde_2m or ancestral, or set eta to 1.")
        options["eta"] = eta
    unknown = sorted(set(options) - set(chosen.options))
    if unknown:
        known = ", ".join(chosen.options) or "no options"
        raise ValueError(f"Solver {chosen.name!r} has no option {unknown[0]!r}; it takes {known}.")
    return chosen, options


def _soft_name(chosen: Solver, literal: bool, eta: float, mask_mode: str, notes: list[str]) -> str:
    """Name of the per-pixel solver that stands in for ``chosen`` under a soft mask, with notes on what it means."""
    if literal or eta != 1.0:
        raise ValueError("A soft mask needs eta = 1 and no paper-literal mode; use a mask of 0 and 1 only.")
    base = "ancestral" if chosen.name == "ancestral" else "mca"
    if chosen.name not in ("auto", base):
        notes.append(f"Soft mask: every pixel starts at its own t0, stepped by {base} in place of {chosen.name}.")
    if mask_mode == "tilt":
        notes.append("Soft mask: mask_mode tilt is for hard masks and was not used.")
    return f"{base}, t0 per pixel"


def sdedit(
    model: ScoreModel,
    guide: torch.Tensor,
    *,
    t0: float | None = None,
    steps: int = 20,
    solver: str = "auto",
    seed: int = 0,
    mask: torch.Tensor | None = None,
    t0_map: torch.Tensor | None = None,
    repeats: int = 1,
    y: torch.Tensor | None = None,
    sample_indices: Sequence[int] | None = None,
    callback: Callback | None = None,
    **options: object,
) -> EditResult:
    """Guide in, picture out.

    Args:
        model: any :class:`ScoreModel`.
        guide: (B,C,H,W) in ``model.data_range``: strokes, a photo with strokes on it, a rough composite.
        t0: the one dial. 0 returns the guide, 0.3 to 0.6 is useful, 1 forgets almost everything.
        steps: noise levels, 8 to 40 for the default solver.
        solver: a name of ``SOLVERS``.
        seed: same seed, same picture, whatever the batch or the device.
        mask: (B|1,1,H,W), 1 = change; pixels under 0 come back bit for bit, a value m between starts its pixel
            at m t0.
        t0_map: (B|1,1,H,W), a start time for every pixel; t0 may then be left out (the map's largest value).  With
            a mask too, the mask scales it.
        repeats: the paper's K.
        y: class labels (B,) for class-conditional models.
        sample_indices: place of every item in a larger batch, 0 .. B-1 by default; an item's random numbers depend on
            seed and place alone.
        callback: called after every step with a :class:`~sdedit_core.sampling.solvers.Step`; may raise to stop.
        options: ``sigmas``, ``grid``, ``eta``, ``mask_mode``, ``literal``, ``solver_options``, ``data_std``,
            ``smooth`` of :func:`reverse`.

    Raises:
        ValueError: for any bad input, saying what came and what was expected.
    """
    if t0 is None:
        if t0_map is None:
            raise ValueError("sdedit needs t0, between 0 and 1; 0.3 to 0.6 is useful.")
        t0 = float(check_mask(t0_map, model.check_guide(guide), name="t0_map").max())
    state = perturb(model, guide, t0, seed=seed, mask=mask, t0_map=t0_map, sample_indices=sample_indices)
    options.setdefault("data_std", model.data_std)
    options.setdefault("smooth", model.smooth)
    return reverse(
        lambda x, sigma: model.denoise(x, sigma, y),
        state,
        schedule=model.schedule,
        steps=steps,
        solver=solver,
        repeats=repeats,
        callback=callback,
        **options,
    )
