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

from ..edit import choose_solver, run_levels, sdedit
from ..model import ScoreModel
from ..sampling.masks import check_mask, is_hard
from ..sampling.options import check_options
from ..sampling.share import MODEL_TIME, Dial
from ..sampling.solvers import Callback
from ..sampling.solvers.mca import drawn_share
from ..sde import check_t0
from .bound import Bounds, ScoreRecorder, bounds, check_delta
from .deviation import Deviation, pixel_size, predict_from_state


@dataclass
class Cell:
    """One finished edit of a sweep; ``samples`` (B,C,H,W) in the model's data range, unclamped.

    ``label``: t0 and sigma in short, the unit that the sweep was given first.
    """

    t0: float
    sigma: float
    noise_share: float
    samples: torch.Tensor
    nfe: int
    seconds: float
    predicted: Deviation | None = None
    bounds: Bounds | None = None
    notes: list[str] = field(default_factory=list)
    label: str = ""


@dataclass
class Sweep:
    """Finished cells in order of t0; ``wanted`` is in the plan's unit.

    ``stopped`` is the exception that ended the sweep early, or None.
    """

    wanted: list[float]
    cells: list[Cell] = field(default_factory=list)
    stopped: BaseException | None = None

    @property
    def complete(self) -> bool:
        return len(self.cells) == len(self.wanted)


def parse_t0_values(text: str | Sequence[float]) -> list[float]:
    """'0.2, 0.3, 0.5', '0.2:0.7:6' (six values from 0.2 to 0.7) or numbers, as rising values without doubles."""
    if not isinstance(text, str | Sequence):
        raise ValueError(f"t0 values must be a text such as 0.2, 0.3, 0.4 or 0.2:0.7:6, got {_short(text)}.")
    out: list[float] = []
    for part in text.replace(";", ",").split(",") if isinstance(text, str) else text:
        pieces = part.split(":") if isinstance(part, str) else [part]
        try:
            if len(pieces) == 3:
                start, stop, count = check_t0(pieces[0]), check_t0(pieces[1]), _count(pieces[2])
                out += [round(start + i * (stop - start) / (count - 1), 10) for i in range(count)]
            elif len(pieces) == 1:
                out += [check_t0(pieces[0])] if str(pieces[0]).strip() else []
            else:
                raise ValueError(f"{part!r} has {len(pieces)} parts.")
        except ValueError as error:
            raise ValueError(
                f"Cannot read t0 values from {_short(text)}: {_short(error)} Write 0.2, 0.3, 0.4 or start:stop:count "
                "as in 0.2:0.7:6."
            ) from None
    if not out:
        raise ValueError(f"No t0 values in {_short(text)}. Write 0.2, 0.3, 0.4 or start:stop:count as in 0.2:0.7:6.")
    return sorted(set(out))


def _count(text: str) -> int:
    word = text.strip()
    count = int(word) if word.isdecimal() and len(word) <= 9 else 0  # Python refuses to read thousands of digits
    if not 2 <= count <= 1000:
        raise ValueError(f"{_short(word)} is no count from 2 to 1000.")
    return count


def _short(what: object) -> str:
    """What somebody wrote, or a sentence on it, in the length of a line or two."""
    text = str(what) if isinstance(what, Exception) else repr(what)
    return text if len(text) <= 200 else f"{text[:120]} ... ({len(text)} characters)"


class SweepPlan:
    """An edit with everything fixed but t0; arguments as for :func:`~sdedit_core.edit.sdedit`.

    Args:
        predict: spend one evaluation more per cell on the expected deviation (the run's own first evaluation serves as
            the other).
        unit: what the values of the dial are, one of ``sampling.share.UNITS``.
        delta: failure probability of the bound.
        solver_options, grid, y, sample_indices: as for ``sdedit``.
        options: those of ``sampling.options.OPTIONS``: steps, solver, seed, repeats, eta, mask_mode.
    """

    def __init__(
        self,
        model: ScoreModel,
        guide: torch.Tensor,
        *,
        mask: torch.Tensor | None = None,
        predict: bool = False,
        unit: str = MODEL_TIME,
        delta: float = 0.05,
        grid: str | None = None,
        solver_options: Mapping[str, object] | None = None,
        y: torch.Tensor | None = None,
        sample_indices: Sequence[int] | None = None,
        **options: object,
    ):
        self.model, self.guide = model, model.check_guide(guide)
        self.mask = None if mask is None else check_mask(mask, self.guide)
        self.options = check_options(options)
        self.predict, self.delta = predict, check_delta(delta)
        self.dial = Dial(model.schedule, model.data_std, unit)
        self.further = {"grid": grid, "solver_options": solver_options, "y": y, "sample_indices": sample_indices}
        self.solver = choose_solver(self.options["solver"], self.options["eta"], distilled=model.distilled)

    def levels(self, value: float) -> list[float]:
        """The noise levels of the cell at a value of the dial."""
        at = {name: self.options[name] for name in ("steps", "solver", "eta")}
        at |= {"grid": self.further["grid"], "data_std": self.model.data_std, "distilled": self.model.distilled}
        return run_levels(self.model.schedule, self.model.schedule.sigma(self.dial.t0(value)), **at)

    def callbacks(self, values: Sequence[float]) -> int:
        """How many times the step callback will be called, for a progress bar."""
        if self.mask is not None and not bool((self.mask > 0.0).any()):
            return 0
        return self.options["repeats"] * sum(len(self.levels(value)) - 1 for value in values)

    def why_no_law(self) -> str:
        """Why prediction and bounds do not apply to this plan; empty when they do."""
        if self.options["repeats"] > 1:
            return "prediction and bounds are for one pass"
        if self.options["eta"] != 1.0 or self.solver.law != "sde":
            return "prediction and bounds are for solvers of the reverse SDE"
        if self.mask is not None and not is_hard(self.mask):
            return "prediction and bounds are for one t0, not for a soft mask"
        if self.mask is not None and self.options["mask_mode"] != "bridge":
            return "prediction and bounds are for mask_mode bridge"
        return ""

    @torch.no_grad()
    def cell(self, value: float, *, callback: Callback | None = None) -> Cell:
        """The edit at one value of the dial, with its bounds; ``callback(step)`` after every step may raise to stop."""
        started = time.perf_counter()
        model, mask, why_not = self.model, self.mask, self.why_no_law()
        record = ScoreRecorder(mask=mask, keep_first=self.predict and not why_not)
        given, t0, note = {**self.options, **self.further}, self.dial.t0(value), self.dial.note(value)
        run = sdedit(model, self.guide, t0=t0, mask=mask, observe=record, callback=callback, **given)
        predicted, bound, nfe = None, None, run.nfe
        if self.predict and not why_not:
            predicted = predict_from_state(
                lambda x, sigma: model.denoise(x, sigma, given["y"]),
                run.state,
                sigma_min=model.schedule.sigma_min,
                drawn=drawn_share(run.levels, run.report.finish),
                first=record.first,
                pixel=pixel_size(model),
            )
            nfe += predicted.nfe
        if run.nfe and not why_not and _even(mask):
            bound = bounds(
                record,
                guide=self.guide,
                samples=run.samples,
                sigma=run.sigma,
                delta=self.delta,
                mask=mask,
                data_range=model.data_range,
            )
        notes = [*([note] if note else []), *(one for one in run.report.notes if one != note)]
        return Cell(
            t0=t0,
            sigma=run.sigma,
            noise_share=run.report.noise_share,
            samples=run.samples,
            nfe=nfe,
            seconds=time.perf_counter() - started,
            predicted=predicted,
            bounds=bound,
            notes=[*notes, *([why_not] if why_not else [])],
            label=self.dial.label(t0, run.sigma),
        )

    def run(
        self,
        t0_values: str | Sequence[float],
        *,
        callback: Callback | None = None,
        on_cell: Callable[[Cell, int, int], None] | None = None,
        stop: tuple[type[BaseException], ...] = (),
    ) -> Sweep:
        """One cell per value, in rising order; arguments as for :func:`sweep`."""
        values = parse_t0_values(t0_values)
        out = Sweep(wanted=values)
        try:
            for index, value in enumerate(values):
                cell = self.cell(value, callback=callback)
                out.cells.append(cell)
                if on_cell is not None:
                    on_cell(cell, index, len(values))
        except stop as error:
            if not out.cells:
                raise
            out.stopped = error
        return out


def _even(mask: torch.Tensor | None) -> bool:
    """Every mask of the batch frees the same number of pixels."""
    return mask is None or len(set((mask > 0.0).flatten(1).sum(1).tolist())) == 1


def sweep(
    model: ScoreModel,
    guide: torch.Tensor,
    t0_values: str | Sequence[float],
    *,
    callback: Callback | None = None,
    on_cell: Callable[[Cell, int, int], None] | None = None,
    stop: tuple[type[BaseException], ...] = (),
    **options: object,
) -> Sweep:
    """The same edit at several t0 with the same random numbers: one :class:`Cell` per value, in rising order.

    Args:
        model, guide: as for :func:`~sdedit_core.edit.sdedit`.
        t0_values: numbers in the plan's unit, or text as in "0.2, 0.3, 0.5" or "0.2:0.7:6".
        callback: called after every step of every cell with a :class:`~..sampling.solvers.Step`; may raise to stop.
        on_cell: ``on_cell(cell, index, total)`` after every cell; may raise to stop.
        stop: exception types that end the sweep and leave the finished cells (the host's interrupt,
            KeyboardInterrupt); without a finished cell, and for every other type, the exception goes on its way.
        options: further arguments of :class:`SweepPlan`: mask, steps, solver, seed, predict, unit, ...
    """
    plan = SweepPlan(model, guide, **options)
    return plan.run(t0_values, callback=callback, on_cell=on_cell, stop=stop)
