"""t0 Sweep: the same guide and the same random numbers at several t0; what changes is t0 alone.

Every cell is the run that ``sdedit`` would make with this seed at that t0, bit for bit: initial noise and Brownian
path depend on the seed only (common random numbers), so neighbouring cells differ by t0 and not by luck.  The model,
its conditioning and the guide are shared; cells are given out as they finish and survive a cancelled sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ..edit import check_repeats, sdedit
from ..model import ScoreModel
from ..sampling.grids import check_steps, sigma_grid
from ..sampling.masks import check_mask, is_hard
from ..sampling.solvers import Callback, get_solver
from ..sampling.solvers.mca import drawn_share
from ..sampling.state import check_seed, perturb
from ..sde import check_t0
from .bound import Bounds, ScoreRecorder, bounds, check_delta, recorded
from .deviation import Deviation, pixel_size, predict_from_state


@dataclass
class Cell:
    """One finished edit of a sweep; ``samples`` (B,C,H,W) in the model's data range, unclamped."""

    t0: float
    sigma: float
    samples: torch.Tensor
    nfe: int
    seconds: float
    predicted: Deviation | None = None
    bounds: Bounds | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"t0 {self.t0:g}   sigma {self.sigma:.3g}"


@dataclass
class Sweep:
    """Finished cells in order of t0; ``stopped`` is the exception that ended the sweep early, or None."""

    wanted: list[float]
    cells: list[Cell] = field(default_factory=list)
    stopped: BaseException | None = None

    @property
    def complete(self) -> bool:
        return len(self.cells) == len(self.wanted)

    def batch(self) -> torch.Tensor:
        """All pictures as one batch (cells * B, C, H, W), cell after cell."""
        return torch.cat([cell.samples for cell in self.cells])


def parse_t0_values(text: str | Sequence[float]) -> list[float]:
    """'0.2, 0.3, 0.5', '0.2:0.7:6' (six values from 0.2 to 0.7) or numbers, as rising values without doubles."""
    out: list[float] = []
    for part in text.replace(";", ",").split(",") if isinstance(text, str) else text:
        pieces = part.split(":") if isinstance(part, str) else [part]
        try:
            if len(pieces) == 3:
                start, stop, count = check_t0(pieces[0]), check_t0(pieces[1]), int(pieces[2])
                if not 2 <= count <= 1000:
                    raise ValueError(f"Between 2 and 1000 values are possible in {part!r}.")
                out += [round(start + i * (stop - start) / (count - 1), 10) for i in range(count)]
            elif len(pieces) == 1:
                out += [check_t0(pieces[0])] if str(pieces[0]).strip() else []
            else:
                raise ValueError(f"{part!r} has {len(pieces)} parts.")
        except ValueError as error:
            raise ValueError(
                f"Cannot read t0 values from {text!r}: {error} Write 0.2, 0.3, 0.4 or start:stop:count as in 0.2:0.7:6."
            ) from None
    if not out:
        raise ValueError(f"No t0 values in {text!r}. Write 0.2, 0.3, 0.4 or start:stop:count as in 0.2:0.7:6.")
    return sorted(set(out))


@dataclass(frozen=True)
class SweepPlan:
    """An edit with everything fixed but t0; arguments as for :func:`~sdedit_core.edit.sdedit`.

    ``predict`` spends one evaluation more per cell on the expected deviation (the run's own first evaluation serves
    as the other).  ``delta`` is the failure probability of the bound.
    ``options`` are further keyword arguments of ``sdedit``: grid, eta, mask_mode, literal, solver_options, data_std.
    """

    model: ScoreModel
    guide: torch.Tensor
    steps: int = 20
    solver: str = "auto"
    seed: int = 0
    mask: torch.Tensor | None = None
    repeats: int = 1
    y: torch.Tensor | None = None
    sample_indices: Sequence[int] | None = None
    predict: bool = False
    delta: float = 0.05
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_steps(self.steps), check_repeats(self.repeats), check_seed(self.seed), check_delta(self.delta)
        get_solver(self.solver)
        if "sigmas" in self.options or "t0_map" in self.options:
            raise ValueError("A sweep sets the noise levels by t0; leave sigmas and t0_map out.")
        object.__setattr__(self, "guide", self.model.check_guide(self.guide))
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, self.guide))

    def callbacks(self, t0_values: Sequence[float]) -> int:
        """How many times the step callback will be called, for a progress bar."""
        if self.mask is not None and not bool((self.mask > 0.0).any()):
            return 0
        solver = get_solver("reverse_diffusion" if self.options.get("literal") else self.solver)
        grid = self.options.get("grid") or solver.grid
        levels = [sigma_grid(self.model.schedule, t0, self.steps, grid=grid) for t0 in t0_values]
        return self.repeats * sum(len(one) - 1 for one in levels)

    def why_no_law(self) -> str:
        """Why prediction and bounds do not apply to this plan; empty when they do."""
        if self.repeats > 1:
            return "prediction and bounds are for one pass"
        if self.options.get("eta", 1.0) != 1.0 or get_solver(self.solver).law != "sde":
            return "prediction and bounds are for solvers of the reverse SDE"
        if self.mask is not None and not is_hard(self.mask):
            return "prediction and bounds are for one t0, not for a soft mask"
        if self.mask is not None and self.options.get("mask_mode", "bridge") != "bridge":
            return "prediction and bounds are for mask_mode bridge"
        return ""

    @torch.no_grad()
    def cell(self, t0: float, *, callback: Callback | None = None) -> Cell:
        """The edit at one t0, with its bounds; ``callback(step)`` after every step may raise to stop."""
        started = time.perf_counter()
        model, guide, mask, why_not = self.model, self.guide, self.mask, self.why_no_law()

        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            return model.denoise(x, sigma, self.y)

        record = ScoreRecorder(mask=mask, keep_first=self.predict and not why_not)
        run = sdedit(
            recorded(model, record),
            guide,
            t0=t0,
            steps=self.steps,
            solver=self.solver,
            seed=self.seed,
            mask=mask,
            repeats=self.repeats,
            y=self.y,
            sample_indices=self.sample_indices,
            callback=callback,
            **self.options,
        )
        predicted, bound, nfe = None, None, run.nfe
        if self.predict and not why_not:
            predicted = predict_from_state(
                denoise,
                perturb(model, guide, t0, seed=self.seed, mask=mask, sample_indices=self.sample_indices),
                sigma_min=model.schedule.sigma_min,
                drawn=drawn_share(run.levels, run.report.finish),
                first=record.first,
                pixel=pixel_size(model),
            )
            nfe += predicted.nfe
        if run.nfe and not why_not and _even(mask):
            bound = bounds(
                record,
                guide=guide,
                samples=run.samples,
                sigma=run.sigma,
                delta=self.delta,
                mask=mask,
                data_range=model.data_range,
            )
        notes = [*run.report.notes, *([why_not] if why_not else [])]
        return Cell(run.report.t0, run.sigma, run.samples, nfe, time.perf_counter() - started, predicted, bound, notes)


def _even(mask: torch.Tensor | None) -> bool:
    """Every mask of the batch frees the same number of pixels."""
    return mask is None or len(set((mask > 0.0).flatten(1).sum(1).tolist())) == 1


def sweep(
    plan: SweepPlan,
    t0_values: str | Sequence[float],
    *,
    callback: Callback | None = None,
    on_cell: Callable[[Cell, int, int], None] | None = None,
    stop: tuple[type[BaseException], ...] = (),
) -> Sweep:
    """One cell per t0 value, in rising order.

    Args:
        callback: called after every step of every cell with a :class:`~..sampling.solvers.Step`; may raise to stop.
        on_cell: ``on_cell(cell, index, total)`` after every cell; may raise to stop.
        stop: exception types that end the sweep and leave the finished cells (the host's interrupt,
            KeyboardInterrupt); without a finished cell, and for every other type, the exception goes on its way.
    """
    values = parse_t0_values(t0_values)
    out = Sweep(wanted=values)
    try:
        for index, t0 in enumerate(values):
            cell = plan.cell(t0, callback=callback)
            out.cells.append(cell)
            if on_cell is not None:
                on_cell(cell, index, len(values))
    except stop as error:
        if not out.cells:
            raise
        out.stopped = error
    return out
