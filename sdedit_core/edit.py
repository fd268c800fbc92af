"""SDEdit itself: noise the guide up to t0, run the reverse SDE back (Meng et al., ICLR 2022, algorithms 1 to 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from .model import ScoreModel
from .sampling.brownian import BrownianPath, path_depth
from .sampling.choice import choose_solver, run_levels
from .sampling.distilled import Redrawn
from .sampling.masks import check_mask, is_hard, level_map
from .sampling.noise import NoiseStream, level_node
from .sampling.options import OPTIONS, check_options
from .sampling.share import share_of
from .sampling.solvers import Callback, Denoise, Noise, Solver, get_solver
from .sampling.solvers.base import MASK_MODES, Counter, Step, step_pairs
from .sampling.solvers.few_step import OwnStarts
from .sampling.solvers.lift import lift, lifted_start
from .sampling.solvers.mca import automatic_finish
from .sampling.state import NoisedState, noised, perturb
from .sde import Schedule

__all__ = ["EditResult", "NoisedState", "Report", "choose_solver", "perturb", "reverse", "run_levels", "sdedit"]


@dataclass
class Report:
    """What a run did, in numbers a reader can check."""

    t0: float
    sigma: float
    noise_share: float
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
            f"t0 {self.t0:g}  (sigma {self.sigma:.4g}, noise share {self.noise_share:.3g})",
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

    ``denoised``: the model's last guess of the picture, before the last step.  ``levels``: the noise levels of one
    pass, from sigma(t0) down.  ``state``: what the run started from.
    """

    samples: torch.Tensor
    denoised: torch.Tensor
    sigma: float
    nfe: int
    report: Report
    levels: list[float]
    state: NoisedState


def unchanged(state: NoisedState, levels: Sequence[float]) -> bool:
    """Whether a run over these levels returns the guide without asking the model: t0 = 0, or an empty mask."""
    change = state.change()
    return state.sigma == 0.0 or (levels[-1] == 0.0 and change is not None and not bool(change.any()))


@torch.no_grad()
def reverse(
    model: ScoreModel,
    state: NoisedState,
    *,
    steps: int = OPTIONS["steps"].default,
    solver: str = OPTIONS["solver"].default,
    seed: int | None = None,
    repeats: int = OPTIONS["repeats"].default,
    eta: float = OPTIONS["eta"].default,
    mask_mode: str = OPTIONS["mask_mode"].default,
    sigmas: Sequence[float] | None = None,
    grid: str | None = None,
    solver_options: Mapping[str, object] | None = None,
    y: torch.Tensor | None = None,
    observe: Callable[[torch.Tensor, float, torch.Tensor], None] | None = None,
    callback: Callback | None = None,
) -> EditResult:
    """Run the reverse SDE from a noised state: the second half of :func:`sdedit`.

    Args:
        model: the model that noised the state.
        state: of :func:`perturb`, or what a run left that was stopped above 0.
        seed: seed of the path noise; the state's seed when None (the streams differ, so that is safe).
        steps, solver, repeats, eta, mask_mode: see ``OPTIONS``.  With repeats each pass re-noises the last result at
            the same t0 with fresh noise (algorithm 2).
        sigmas: levels to use instead of a grid; must start at the state's sigma.  When they end above 0 the run stops
            there: the samples, kept pixels too, still hold noise of that level, for another run to go on from.
        grid: a name of ``GRIDS``; None takes the solver's own.
        solver_options: further keyword arguments of the solver, listed in its ``options``.
        y: class labels (B,) for class-conditional models.
        observe: ``observe(x, sigma, denoised)`` after every evaluation.
        callback: called after every step with a :class:`~.sampling.solvers.Step`; may raise to stop.

    Raises:
        ValueError: for bad options, levels that do not start where the state is, and results that are not finite.
    """
    seed = state.seed if seed is None else seed
    given = {"steps": steps, "solver": solver, "seed": seed, "repeats": repeats, "eta": eta, "mask_mode": mask_mode}
    run = check_options(given)
    chosen = choose_solver(run["solver"], run["eta"], distilled=model.distilled)
    started = time.perf_counter()
    if sigmas is None:
        at = {name: run[name] for name in ("steps", "solver", "eta")}
        at |= {"grid": grid, "data_std": model.data_std, "distilled": model.distilled}
        levels = run_levels(model.schedule, state.sigma, **at)
    else:
        levels = _own_levels(sigmas, state.sigma)
    stopped = levels[-1] > 0.0
    if stopped and run["repeats"] > 1:
        raise ValueError(
            f"repeats is {repeats}, but the sigmas end at {levels[-1]:.4g}: only a finished picture can be noised "
            "again. Set repeats to 1, or connect sigmas that go down to 0."
        )
    fractions = state.fractions()
    soft = fractions is not None and not is_hard(fractions)
    options = _solver_options(chosen, run["eta"], solver_options)
    notes = [state.note] if state.note else []
    stepped = _per_pixel(chosen, run, notes) if soft else chosen
    if unchanged(state, levels):
        return untouched(state, levels, run, distilled=model.distilled, data_std=model.data_std)
    if "finish" in stepped.options:
        options.setdefault("finish", automatic_finish(levels, model.schedule.sigma_min, smooth=model.smooth))
    plain = run["eta"] == 1.0 and chosen.law == "sde" and not (soft or state.under_way or model.guided)
    redrawn = Redrawn(state, levels) if plain and model.smooth else None  # what switches between answers is no network
    counted = Counter(partial(_evaluate, model, y, (redrawn, observe)))
    one = _Run(counted, model.schedule, state, levels, stepped, options, run["seed"], run["mask_mode"], callback)
    masked = one.few_pass if stepped.distilled else one.soft_pass
    samples, denoised = one.passes(masked if soft else one.hard_pass, run["repeats"])
    if not bool(torch.isfinite(samples).all()):
        broken = (~torch.isfinite(samples)).flatten(1).any(dim=1).nonzero().flatten().tolist()
        raise ValueError(
            f"The model returned NaN or infinite values, picture {', '.join(map(str, broken))} is lost. Run it in "
            "float32 (half precision can overflow), or check the model file."
        )
    if stopped:
        notes.append(f"Stopped at sigma {levels[-1]:.4g}: the result still holds that noise, also in the change above.")
    if redrawn is not None and redrawn.looks_distilled:
        notes.append(
            f"This model looks distilled (made for 1 to 8 steps); solver {chosen.name} then makes fine detail too "
            "strong. Set solver to few_step, with the model's own number of steps and cfg 1."
        )
    report = Report(
        t0=state.t0,
        sigma=state.sigma,
        noise_share=share_of(state.sigma, model.data_std),
        steps=len(levels) - 1,
        solver=f"{stepped.name}, t0 per pixel" if soft else chosen.name,
        nfe=counted.calls,
        repeats=run["repeats"],
        seconds=time.perf_counter() - started,
        rms_change=(samples - state.guide).flatten(1).square().mean(dim=1).sqrt().tolist(),
        finish="" if stopped else str(options.get("finish", "")),
        notes=notes,
    )
    return EditResult(samples, denoised, state.sigma, counted.calls, report, levels, state)


def untouched(
    state: NoisedState,
    levels: list[float],
    options: Mapping[str, object],
    *,
    distilled: bool = False,
    data_std: float | None = None,
) -> EditResult:
    """The result of a run that asks nothing of the model: the guide, bit for bit (see :func:`unchanged`)."""
    notes = [state.note] if state.note else []
    if state.sigma > 0.0:
        notes.append("The mask is empty: nothing may change, so the guide is returned.")
    solver = choose_solver(options["solver"], options["eta"], distilled=distilled).name
    level, still = (state.t0, state.sigma, share_of(state.sigma, data_std)), [0.0] * state.guide.shape[0]
    report = Report(*level, len(levels) - 1, solver, 0, options["repeats"], 0.0, still, notes=notes)
    return EditResult(state.guide.clone(), state.guide.clone(), state.sigma, 0, report, levels, state)


def _evaluate(
    model: ScoreModel, y: torch.Tensor | None, observers: Sequence[Callable | None], x: torch.Tensor, sigma: float
) -> torch.Tensor:
    d = model.denoise(x, sigma, y)
    for observe in observers:
        if observe is not None:
            observe(x, sigma, d)
    return d


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


def _solver_options(chosen: Solver, eta: float, given: Mapping[str, object] | None) -> dict:
    """Keyword arguments of the solver; ValueError for a name that it does not take."""
    options = dict(given or {}) | ({"eta": eta} if eta != 1.0 else {})
    unknown = sorted(set(options) - set(chosen.options))
    if unknown:
        known = ", ".join(chosen.options) or "no options"
        raise ValueError(f"Solver {chosen.name!r} has no option {unknown[0]!r}; it takes {known}.")
    return options


def _per_pixel(chosen: Solver, run: Mapping[str, object], notes: list[str]) -> Solver:
    """The solver that stands in for ``chosen`` under a soft mask, with notes on what that means."""
    if chosen.masks_itself or (run["eta"] != 1.0 and not chosen.distilled):
        raise ValueError("A soft mask needs eta = 1 and another solver than paper; or use a mask of 0 and 1 only.")
    if chosen.name == "ancestral" or chosen.distilled:
        stepped = chosen
    else:
        stepped = replace(get_solver("auto"), stages=chosen.stages)  # on the path of the solver it stands in for
    if stepped is not chosen and chosen.name != "auto":
        notes.append(f"Soft mask: every pixel starts at its own t0, stepped by auto in place of {chosen.name}.")
    if run["mask_mode"] == "tilt":
        notes.append("Soft mask: mask_mode tilt is for hard masks and was not used.")
    return stepped


@dataclass(frozen=True)
class _Run:
    """What the K passes of one edit share.  A pass goes from ``x``, a noised version of ``clean``, to a picture."""

    denoise: Denoise
    schedule: Schedule
    state: NoisedState
    levels: list[float]
    solver: Solver
    options: Mapping[str, object]
    seed: int
    mask_mode: str
    callback: Callback | None
    last: list[torch.Tensor] = field(default_factory=list)

    def hard_pass(self, x: torch.Tensor, clean: torch.Tensor, *, noise: Noise, initial: NoiseStream) -> torch.Tensor:
        """One pass of any solver, without a mask or with a hard one."""
        denoise, options, change = self.denoise, dict(self.options), self.state.change()
        if self.solver.masks_itself:
            options |= {"guide": self.state.guide, "change": change}
        elif change is not None:
            denoise = MASK_MODES[self.mask_mode](denoise, self.state.guide, change)
        return self.solver.solve(denoise, x, self.levels, noise=noise, callback=self.tell, **options)

    def few_pass(self, x: torch.Tensor, clean: torch.Tensor, *, noise: Noise, initial: NoiseStream) -> torch.Tensor:
        """One pass of a solver for distilled models with a start level per pixel, all of which hold x's noise."""
        own = level_map(self.schedule, self.state.fractions(), top=self.state.t0)
        denoise = OwnStarts(self.denoise, clean, own, self.levels)
        return self.solver.solve(denoise, x, self.levels, noise=noise, callback=self.tell, **self.options)

    def soft_pass(self, x: torch.Tensor, clean: torch.Tensor, *, noise: Noise, initial: NoiseStream) -> torch.Tensor:
        """One pass with a start level per pixel.

        From a state under way: pixels that had not started were on the bridge of ``lifted_start``, so the same draw,
        with numbers of its own, is right for them; the others have their full t0 here and no draw.
        """
        state, top = self.state, self.levels[0]
        own = level_map(self.schedule, state.fractions(), top=state.t0)
        xi = initial(level_node(top) if state.under_way else 1)
        anchor = lifted_start(x, clean=clean, guide=state.guide, levels=own, top=top, xi=xi)
        options = {name: self.options[name] for name in ("slope", "finish") if name in self.options}
        start = {"anchor": anchor, "levels": own, "lowest": self.schedule.sigma_min}
        start["correct"] = self.solver.name != "ancestral"
        return lift(self.denoise, x, self.levels, noise=noise, callback=self.tell, **start, **options)

    def passes(self, one_pass: Callable[..., torch.Tensor], repeats: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(picture, last D) of K passes, each from the last result noised again.

        The kept region is put back exactly between them, and after the last one.  Levels that end above 0 leave the
        state there, for one pass only.
        """
        state, x, clean, change = self.state, self.state.samples, self.state.guide, self.state.change()
        ends = {"sigma_min": self.schedule.sigma_min, "sigma_max": self.schedule.sigma_max}
        depth = path_depth(self.levels, stages=self.solver.stages, **ends)
        for k in range(repeats):
            rows = {"samples": state.sample_indices, "repeat": k, "device": x.device, "parts": state.parts}
            if k:
                again = {"samples": state.sample_indices, "repeat": k, "parts": state.parts}
                x = noised(clean, state.sigma, seed=state.seed, **again)
            initial = NoiseStream(x.shape[1:], seed=state.seed, stream="initial", **rows)
            path = BrownianPath(NoiseStream(x.shape[1:], seed=self.seed, stream="path", **rows), depth=depth, **ends)
            x = one_pass(x, clean, noise=path, initial=initial)
            clean = x if change is None else torch.where(change, x, state.guide)
        return (x if self.solver.masks_itself or self.levels[-1] > 0.0 else clean), self.last[0]

    def tell(self, step: Step) -> None:
        """What solvers call after each step: keeps the last D, and passes the step on."""
        if step.index == step.total - 1:
            self.last[:] = [step.denoised.clone()]
        if self.callback is not None:
            self.callback(step)


def sdedit(
    model: ScoreModel,
    guide: torch.Tensor,
    *,
    t0: float | None = None,
    noise_share: float | None = None,
    mask: torch.Tensor | None = None,
    t0_map: torch.Tensor | None = None,
    steps: int = OPTIONS["steps"].default,
    solver: str = OPTIONS["solver"].default,
    seed: int = OPTIONS["seed"].default,
    repeats: int = OPTIONS["repeats"].default,
    eta: float = OPTIONS["eta"].default,
    mask_mode: str = OPTIONS["mask_mode"].default,
    sigmas: Sequence[float] | None = None,
    grid: str | None = None,
    solver_options: Mapping[str, object] | None = None,
    y: torch.Tensor | None = None,
    sample_indices: Sequence[int] | None = None,
    observe: Callable[[torch.Tensor, float, torch.Tensor], None] | None = None,
    callback: Callback | None = None,
) -> EditResult:
    """Guide in, picture out: :func:`perturb`, then :func:`reverse`.

    Args:
        model: any :class:`ScoreModel`.
        guide: (B,C,H,W) in ``model.data_range``: strokes, a photo with strokes on it, a rough composite.
        t0: the one dial, in the model's own time. 0 returns the guide, 1 forgets almost everything; 0.3 to 0.6 is a
            start on score networks, SD 1.5 and SDXL.
        noise_share: the same dial as share of noise, in place of t0 (see :mod:`.sampling.share`): the same ratio of
            picture to noise on every model, 0.45 to 0.7 is a start.
        mask: (B|1,1,H,W), 1 = change; pixels under 0 come back bit for bit, a value m between starts its pixel
            at m t0.
        t0_map: (B|1,1,H,W), a start time for every pixel; t0 may then be left out (the map's largest value).  With
            a mask too, the mask scales it.
        steps: noise levels, 8 to 40 for the default solver.
        solver: a name of ``SOLVERS``.
        seed: same seed, same picture, whatever the batch or the device.
        repeats: the paper's K.
        eta: 1 = SDEdit's law, 0 = the deterministic ODE, between them less noise on the way.  Below 1 the solver
            must be "auto", "sde_2m" or "ancestral".
        mask_mode: how a hard mask is kept inside the loop, "bridge" or "tilt".
        sample_indices: place of every item in a larger batch, 0 .. B-1 by default; an item's random numbers depend on
            seed and place alone.
        sigmas, grid, solver_options, y, observe, callback: see :func:`reverse`.

    Raises:
        ValueError: for any bad input, saying what came and what was expected.
    """
    if t0 is None and noise_share is None:
        if t0_map is None:
            raise ValueError("sdedit needs t0, or noise_share, between 0 and 1: how much noise the guide gets.")
        t0 = float(check_mask(t0_map, model.check_guide(guide), name="t0_map").max())
    given = {"mask": mask, "t0_map": t0_map, "sample_indices": sample_indices}
    state = perturb(model, guide, t0, seed=seed, noise_share=noise_share, **given)
    return reverse(
        model,
        state,
        steps=steps,
        solver=solver,
        repeats=repeats,
        eta=eta,
        mask_mode=mask_mode,
        sigmas=sigmas,
        grid=grid,
        solver_options=solver_options,
        y=y,
        observe=observe,
        callback=callback,
    )
