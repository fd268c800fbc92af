"""SDEdit itself: noise the guide up to t0, run the reverse SDE back (Meng et al., ICLR 2022, algorithms 1 to 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from .grids import check_steps, sigma_grid
from .masking import binary_mask, check_mask, keep_region
from .noise import BrownianPath, NoiseStream, path_depth
from .score_model import ScoreModel
from .sde import Schedule, check_t0
from .solvers import Callback, get_solver
from .solvers.base import Denoise


@dataclass
class NoisedState:
    """A guide noised up to sigma(t0), with everything a sampler needs to go on from here.

    ``samples`` = guide + sigma * z in the VE frame, never clamped; ``mask`` is 1 where the picture may change.
    """

    samples: torch.Tensor
    guide: torch.Tensor
    sigma: float
    t0: float
    seed: int
    mask: torch.Tensor | None = None
    sample_indices: list[int] = field(default_factory=list)
    note: str = ""


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
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        change = ", ".join(f"{v:.4f}" for v in self.rms_change)
        lines = [
            f"t0 {self.t0:g}  (sigma {self.sigma:.4g})",
            f"solver {self.solver}, {self.steps} steps, {self.nfe} evaluations"
            + (f", {self.repeats} repeats" if self.repeats > 1 else ""),
            f"{self.seconds:.2f} s",
            f"RMS change from the guide: {change}",
        ]
        return "\n".join(lines + self.notes)


@dataclass
class EditResult:
    """``samples`` (B,C,H,W) in the model's data range, unclamped; ``sigma`` = sigma(t0); ``nfe`` evaluations."""

    samples: torch.Tensor
    sigma: float
    nfe: int
    report: Report


def check_seed(seed: int) -> int:
    """Return the seed as an int; ValueError for anything that is not a whole number."""
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ValueError(f"seed must be a whole number, got {seed!r}.")
    return seed


def check_repeats(repeats: int) -> int:
    """Return K, the number of passes, between 1 and 100."""
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not 1 <= repeats <= 100:
        raise ValueError(f"repeats must be a whole number from 1 to 100, got {repeats!r}.")
    return repeats


def noised(guide: torch.Tensor, sigma: float, *, seed: int, samples: Sequence[int], repeat: int = 0) -> torch.Tensor:
    """guide + sigma * z with z from the "initial" stream; the guide itself, bit for bit, for sigma 0."""
    if sigma == 0.0:
        return guide.clone()
    stream = NoiseStream(
        guide.shape[1:], seed=seed, stream="initial", samples=samples, repeat=repeat, device=guide.device
    )
    return guide.add(stream(), alpha=sigma)


def perturb(
    model: ScoreModel,
    guide: torch.Tensor,
    t0: float,
    *,
    seed: int,
    mask: torch.Tensor | None = None,
    sample_indices: Sequence[int] | None = None,
) -> NoisedState:
    """Noise a guide up to SDE time t0: x(t0) = guide + sigma(t0) z (algorithm 1, first line).

    Args:
        guide: (B,C,H,W) in the model's data range.
        t0: 0 (the guide, bit for bit) to 1.
        seed: any whole number; item i draws from (seed, sample_indices[i]).
        mask: (B|1,1,H,W), 1 = change; carried along for the sampler, the noise is added everywhere.
    """
    guide = model.check_guide(guide)
    t0, seed = check_t0(t0), check_seed(seed)
    mask = None if mask is None else check_mask(mask, guide)
    indices = list(range(guide.shape[0])) if sample_indices is None else [int(i) for i in sample_indices]
    if len(indices) != guide.shape[0]:
        raise ValueError(f"sample_indices has {len(indices)} entries for a batch of {guide.shape[0]}.")
    sigma = model.schedule.sigma(t0)
    return NoisedState(
        samples=noised(guide, sigma, seed=seed, samples=indices),
        guide=guide,
        sigma=sigma,
        t0=t0,
        seed=seed,
        mask=mask,
        sample_indices=indices,
        note=model.schedule.note(t0),
    )


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
    callback: Callback | None = None,
) -> EditResult:
    """Run the reverse SDE from a noised state; the engine behind :func:`sdedit` and the sampler node.

    Args:
        denoise: ``D(x, sigma)`` with one float sigma for the batch.
        sigmas: levels to use instead of the solver's own grid; must start at the state's sigma and end in 0.
        seed: seed of the path noise; the state's seed when None (the streams differ, so that is safe).
        repeats: K passes (algorithm 2); each re-noises the last result at the same t0 with fresh noise.
    """
    steps, repeats = check_steps(steps), check_repeats(repeats)
    seed = state.seed if seed is None else check_seed(seed)
    chosen = get_solver(solver)
    guide, notes = state.guide, [state.note] if state.note else []
    started = time.perf_counter()
    if sigmas is None:
        levels = sigma_grid(schedule, state.t0, steps, grid=chosen.grid)
    else:
        levels = [float(s) for s in sigmas]
    change = None
    if state.mask is not None:
        change = binary_mask(state.mask)
        if not bool(change.any()):
            notes.append("The mask is empty: nothing may change, so the guide is returned.")
    if state.sigma == 0.0 or (change is not None and not bool(change.any())):
        samples, nfe = guide.clone(), 0
    else:
        if change is not None and bool(change.all()):
            change = None
        evaluate = _Counter(denoise)
        masked = evaluate if change is None else keep_region(evaluate, guide, change)
        samples = _passes(masked, state, chosen.solve, levels, schedule, seed, repeats, callback, change)
        nfe = evaluate.calls
    rms = (samples - guide).square().mean(dim=(1, 2, 3)).sqrt()
    report = Report(
        t0=state.t0,
        sigma=state.sigma,
        steps=len(levels) - 1,
        solver=chosen.name,
        nfe=nfe,
        repeats=repeats,
        seconds=time.perf_counter() - started,
        rms_change=[float(v) for v in rms],
        notes=notes,
    )
    return EditResult(samples=samples, sigma=state.sigma, nfe=nfe, report=report)


def _passes(
    denoise: Denoise,
    state: NoisedState,
    solve: Callable[..., torch.Tensor],
    levels: list[float],
    schedule: Schedule,
    seed: int,
    repeats: int,
    callback: Callback | None,
    change: torch.Tensor | None,
) -> torch.Tensor:
    """The K passes; the kept region is put back exactly after each."""
    x = state.samples
    for k in range(repeats):
        if k:
            x = noised(x, state.sigma, seed=state.seed, samples=state.sample_indices, repeat=k)
        stream = NoiseStream(
            x.shape[1:], seed=seed, stream="path", samples=state.sample_indices, repeat=k, device=x.device
        )
        ends = {"sigma_min": schedule.sigma_min, "sigma_max": schedule.sigma_max}
        path = BrownianPath(stream, depth=path_depth(levels, **ends), **ends)
        x = solve(denoise, x, levels, noise=path, callback=callback)
        if change is not None:
            x = torch.where(change, x, state.guide)
    return x


class _Counter:
    """Counts network evaluations."""

    def __init__(self, denoise: Denoise):
        self._denoise, self.calls = denoise, 0

    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        self.calls += 1
        return self._denoise(x, sigma)


@torch.no_grad()
def sdedit(
    model: ScoreModel,
    guide: torch.Tensor,
    *,
    t0: float,
    steps: int = 20,
    solver: str = "auto",
    seed: int = 0,
    mask: torch.Tensor | None = None,
    t0_map: torch.Tensor | None = None,
    repeats: int = 1,
    y: torch.Tensor | None = None,
    callback: Callback | None = None,
) -> EditResult:
    """Guide in, picture out.

    Args:
        model: any :class:`ScoreModel`.
        guide: (B,C,H,W) in ``model.data_range``: strokes, a photo with strokes on it, a rough composite.
        t0: the one dial. 0 returns the guide, 0.3 to 0.6 is useful, 1 forgets almost everything.
        steps: noise levels, 8 to 40 for the default solver.
        solver: a name of ``SOLVERS``.
        seed: same seed, same picture, whatever the batch or the device.
        mask: (B|1,1,H,W), 1 = change; pixels under 0 come back bit for bit.
        repeats: the paper's K.
        y: class labels (B,) for class-conditional models.
        callback: called after every step with a :class:`~sdedit_core.solvers.Step`; may raise to stop.

    Raises:
        ValueError: for any bad input, saying what came and what was expected.
    """
    if t0_map is not None:
        raise ValueError("t0_map is not available yet; use mask.")
    state = perturb(model, guide, t0, seed=seed, mask=mask)
    return reverse(
        lambda x, sigma: model.denoise(x, sigma, y),
        state,
        schedule=model.schedule,
        steps=steps,
        solver=solver,
        repeats=repeats,
        callback=callback,
    )
