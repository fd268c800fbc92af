"""t0 Sweep: the one dial made visible after sampling, several values side by side."""

from __future__ import annotations

from itertools import count

import torch

from ..sdedit_core.measure.deviation import pixel_size
from ..sdedit_core.measure.picks import sheet_after
from ..sdedit_core.measure.realism import SMALLEST, SlicedWasserstein
from ..sdedit_core.measure.sweep import SweepPlan, parse_t0_values
from ..sdedit_core.measure.table import sweep_rows, sweet_spot, table, to_csv
from ..sdedit_core.pictures.fit import fit
from ..sdedit_core.pictures.io import from_pil
from ..sdedit_core.sampling.options import check_options
from ..sdedit_core.sampling.share import MODEL_TIME, Dial
from .dial import denoise_at, find_dial
from .guided import SOCKETS, Job, decode, find_job
from .image import card, check_image, sheet, to_core, to_image
from .schema import MASK, PROMPT, UNIT_INPUT, SolverNode, knob, knobs, socket, switch


class T0Sweep(SolverNode):
    ID = "SDEdit_T0Sweep"
    NAME = "t0 Sweep"
    FUNCTION = "sweep"
    OUTPUTS = (
        ("IMAGE", "sheet", "Numbered sheet: the guide and its edit at every t0, all with the same random numbers."),
        (
            "IMAGE",
            "plot",
            "Faithfulness and realism over t0, and what the bounds said; without matplotlib the two curves alone.",
        ),
        ("IMAGE", "pictures", "The edits as a batch of pictures, one t0 after the other."),
        ("LATENT", "latent", "The edits as a LATENT batch, in the same order."),
        ("STRING", "csv", "The table as comma-separated values, one line per t0, for a spreadsheet."),
        (
            "STRING",
            "report",
            "The table in aligned columns, the sweet spot, and notes. Connect Preview as Text to read it.",
        ),
        (
            "FLOAT",
            "t0",
            "The t0 picked last, for Add VE Noise at t0, always in model time. Without picks: the sweet spot, or the "
            "middle where realism is not measured.",
        ),
    )
    DESCRIPTION = (
        "The same edit at several t0 with the same random numbers, side by side, with a trade-off plot and a table: "
        "the quickest way to find t0. Pick the picture you like by its number and queue again to look closer. Cancel "
        "when you have seen enough; the finished pictures come out."
    )
    SEARCH_ALIASES = [
        "sdedit",
        "t0",
        "xy plot",
        "denoise strength grid",
        "compare",
        "contact sheet",
        "realism",
        "sweep",
    ]
    _cancelled = 0  # a cancelled sweep is not what its inputs stand for: the next queue must not find it in the cache

    @classmethod
    def IS_CHANGED(cls, **inputs: object) -> int:
        return cls._cancelled

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                **SOCKETS,
                **knob(
                    "steps",
                    default=12,
                    tooltip="Noise levels of every single run, all of them run. 8 to 12 are enough to choose.",
                ),
                **knob("solver"),
                **knob(
                    "seed",
                    tooltip="One seed for all t0. Set it in Add VE Noise at t0 and in Reverse SDE Sampler to make a "
                    "cell again.",
                ),
            },
            "optional": {
                "mask": MASK,
                **PROMPT,
                "reference": socket(
                    "IMAGE",
                    "Real pictures to measure realism against, 8 or more are sensible. The built-in "
                    "models bring their own; without any, realism is left out.",
                ),
                **knob("repeats", advanced=True),
                **knob("eta"),
                **knob("mask_mode"),
                "predict": switch(
                    False, "On: one evaluation more per t0 for the change expected before sampling.", advanced=True
                ),
                "keep_on_cancel": switch(
                    True,
                    "What Cancel does here. On: the sweep ends, the nodes behind get what is finished "
                    "and run. Off: everything stops. Cancel before the first picture always stops everything.",
                    advanced=True,
                ),
                "picks": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "Search for t0: write the number of the picture you like best and queue again. The "
                        "next sheet shows it between a more faithful and a more real one; go on as in 4 2 3. f or r: "
                        "more faithful or more real than all of them. Delete the last to go back. Empty: t0_values.",
                    },
                ),
                "unit": UNIT_INPUT,
                **knobs("steps", "solver", "seed", "repeats", "eta", "mask_mode"),
            },
        }

    def sweep(
        self,
        model: object,
        latent: dict,
        vae: object,
        t0_values: str,
        mask: torch.Tensor | None = None,
        positive: list | None = None,
        negative: list | None = None,
        cfg: float = 1.0,
        reference: torch.Tensor | None = None,
        predict: bool = False,
        keep_on_cancel: bool = True,
        picks: str = "",
        unit: str = MODEL_TIME,
        **options: object,
    ) -> tuple:
        from . import host

        dial = find_dial(model, unit)
        search = sheet_after(parse_t0_values(t0_values), picks, name=dial.name)
        values, options = list(search.values), check_options(options)
        if reference is not None:
            reference = check_image(reference, self.NAME, "reference")
        job = find_job(self.NAME, model, latent, mask, positive, negative, cfg)
        clean = decode(vae, job.shown, self.NAME)

        def work(score_model, guide, mask, tell):
            indices = job.indices
            plan = SweepPlan(
                score_model, guide, mask=mask, sample_indices=indices, predict=predict, unit=unit, **options
            )
            total, done = plan.callbacks(values), count()
            return plan.run(
                values,
                callback=lambda step: tell(next(done), step.denoised, step.x, total),
                stop=host.INTERRUPTED if keep_on_cancel else (),
            )

        top, total = dial.schedule.sigma(dial.t0(values[-1])), len(values) * options["steps"] * options["repeats"]
        result = job.run(work, sigma=top, seed=options["seed"], total=total)
        each = [job.to_latent(cell.samples, cell.sigma) for cell in result.cells]
        pictures = [decode(vae, samples, self.NAME, job.layout) for samples in each]
        inside = None if job.given_mask is None else on_pictures(job, clean)
        if inside is not None and not bool((inside > 0.0).flatten(1).any(1).all()):
            inside = None  # nothing to measure inside: the distances are those of the whole picture
        realism = _realism(job, reference, clean)
        own = host.score_model_of(model)
        pixel = None if own is None or own.data_range is None else pixel_size(own)
        found = sweep_rows(result, clean, pictures, mask=inside, realism=realism, pixel=pixel)
        spot = sweet_spot(found, ceiling=realism(clean).mean, unit=unit) if realism is not None else None
        denoise = ", ".join(f"{denoise_at(model, cell.sigma):.3g}" for cell in result.cells)
        lines = [table(found), f"as denoise of a KSampler with the scheduler simple: {denoise}"]
        lines += [str(spot)] * (spot is not None) + [str(search)] + job.notes
        for note in (note for cell in result.cells for note in cell.notes):
            lines += [note] * (note not in lines)
        if not result.complete:
            type(self)._cancelled += 1
            lines.append(f"Cancelled: {len(result.cells)} of {len(result.wanted)} t0 values were finished.")
        title = f"t0 Sweep, seed {options['seed']}: faithful (small {dial.name}) to real (large {dial.name})"
        title += ", * = your pick" * (search.t0 is not None)
        picked = None if search.t0 is None else values.index(search.t0) + 1
        labels = [f"{i}{'*' * (i == picked)}:  {cell.label}" for i, cell in enumerate(result.cells, 1)]
        image = sheet(clean, pictures, labels, title)
        return (
            image,
            _plot(found, spot, unit),
            to_image(torch.cat(pictures)),
            job.batch(each),
            to_csv(found),
            "\n".join(lines),
            _answer(search, spot, dial),
        )


def on_pictures(job: Job, clean: torch.Tensor) -> torch.Tensor:
    """The mask in the size of the decoded pictures, (B, 1, H, W); every frame of a video is a picture."""
    from . import host

    if job.shown.ndim != 5:
        return host.fit_mask(job.given_mask, clean)
    frames = clean.reshape(job.shown.shape[0], -1, *clean.shape[1:]).movedim(1, 2)
    return host.fit_mask(job.given_mask, frames).movedim(2, 1).flatten(0, 1)


def _answer(search: object, spot: object | None, dial: Dial) -> float:
    """The t0 to go on with, in model time: the pick, the sweet spot, or the middle of the sheet."""
    if search.t0 is not None:
        return dial.t0(search.t0)
    return dial.t0(search.values[len(search.values) // 2]) if spot is None else spot.best


def _realism(job: Job, reference: torch.Tensor | None, clean: torch.Tensor) -> object | None:
    """The distance to real pictures, or None with a note when there is nothing to compare with."""
    from ..sdedit_core.builtin import list_priors, references_like
    from . import host

    height, width = clean.shape[-2:]
    own = host.score_model_of(job.model)
    if min(height, width) < SMALLEST:
        job.notes.append(f"Realism was not measured: it needs pictures of at least {SMALLEST} px.")
        return None
    if reference is not None:
        pictures, name = to_core(reference), f"{reference.shape[0]} reference pictures"
    elif own is not None and own.prior is not None and own.info.name in list_priors():
        pictures = references_like(own.info.name, own.prior, clean, min(height, width))
        name = "the built-in model's own pictures"
    else:
        job.notes.append("Realism was not measured: connect real pictures to reference.")
        return None
    job.notes.append(f"realism: sliced Wasserstein distance to {name}; smaller is more real")
    return SlicedWasserstein(fit(pictures, width=width, height=height))


def _plot(found: list, spot: object | None, unit: str) -> torch.Tensor:
    from ..sdedit_core.measure.plots import tradeoff_plot

    try:
        picture = tradeoff_plot(found, spot=spot, unit=unit)
    except ValueError as problem:  # too few values: the sweep itself is done and worth having
        picture = card(f"No plot. {problem}")
    return to_image(from_pil(picture))
