"""t0 Probe and t0 Sweep: the one dial made visible, before sampling and after."""

from __future__ import annotations

import torch

from .guided import Job, card, decode, find_job, sheet, to_core, to_image
from .options import CATEGORY, MASK, PROMPT, check_image, check_number, seed
from .sampler import solver_tooltip

T0_VALUES = (
    "STRING",
    {
        "default": "0.2:0.7:6",
        "tooltip": "The t0 values: single ones as in 0.2, 0.35, 0.5, or start:stop:count as in 0.2:0.7:6, which is six "
        "values from 0.2 to 0.7. 0 is the guide itself, 1 forgets almost everything.",
    },
)


def _sockets() -> dict:
    return {
        "model": ("MODEL", {"tooltip": "A score model or any other diffusion or flow MODEL."}),
        "latent": ("LATENT", {"tooltip": "The clean guide, from VAE Encode with the model's VAE. Not yet noised."}),
        "vae": ("VAE", {"tooltip": "The model's VAE, to show the results as pictures."}),
        "t0_values": T0_VALUES,
    }


class T0Probe:
    ID = "SDEdit_T0Probe"
    NAME = "t0 Probe"
    CATEGORY = CATEGORY
    FUNCTION = "probe"
    RETURN_TYPES = ("IMAGE", "LATENT", "STRING")
    RETURN_NAMES = ("sheet", "latent", "report")
    OUTPUT_TOOLTIPS = (
        "Labelled sheet: the guide and what survives at every t0. Sharp = the guide decides, blurred = invented.",
        "The same pictures as a LATENT batch, one t0 after the other.",
        "Every t0 with its sigma and how far it is expected to move the picture.",
    )
    DESCRIPTION = (
        "Shows before sampling what survives the noise at several t0: the mean of everything the model could make of "
        "the noised guide. Two evaluations per t0, one with a soft mask."
    )
    SEARCH_ALIASES = ["sdedit", "t0", "choose denoise strength", "preview noise level", "tweedie", "probe", "compare"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                **_sockets(),
                "seed": seed("Seed of the noise: that of Add VE Noise at t0, to see the start of that very run."),
            },
            "optional": {"mask": MASK, **PROMPT},
        }

    def probe(
        self,
        model: object,
        latent: dict,
        vae: object,
        t0_values: str,
        seed: int,
        mask: torch.Tensor | None = None,
        positive: list | None = None,
        negative: list | None = None,
        cfg: float = 1.0,
    ) -> tuple:
        from ..sdedit_core.measure.probe import probe
        from ..sdedit_core.measure.sweep import parse_t0_values
        from ..sdedit_core.sampling.masks import is_hard
        from . import host

        values = parse_t0_values(t0_values)
        job = find_job(self.NAME, model, latent, mask, positive, negative, cfg)
        predict, found = job.mask is None or is_hard(job.mask), []

        def work(score, guide, mask, tell) -> None:
            found.extend(
                probe(
                    score,
                    guide,
                    values,
                    seed=seed,
                    mask=mask,
                    predict=predict,
                    sample_indices=job.indices,
                    callback=lambda one, index, total: tell(index, one.denoised, one.denoised, total),
                )
            )

        job.run(work, sigma=host.model_schedule(model).sigma(values[-1]), seed=seed, total=len(values))
        each = [job.to_latent(one.denoised, one.sigma) for one in found]
        pictures = [decode(vae, samples, self.NAME) for samples in each]
        labels = [f"t0 {one.t0:g}   sigma {one.sigma:.3g}" for one in found]
        lines = [_probe_line(one) for one in found]
        if predict:
            lines.append(f"RMS change: root mean square over what may change, in {job.units}")
        else:
            job.notes.append("The expected change is for one t0 everywhere: not with a soft mask.")
        lines.append(f"{sum(one.nfe for one in found)} evaluations")
        title = "What survives at t0: blurred = will be invented"
        image = sheet(decode(vae, job.guide, self.NAME), pictures, labels, title)
        return image, job.batch(each), "\n".join([*lines, *job.notes])


def _probe_line(one: object) -> str:
    text = f"t0 {one.t0:<6g} sigma {one.sigma:<9.4g}"
    return text if one.predicted is None else text + f" expected RMS change {one.predicted.rms:.4f}"


class T0Sweep:
    ID = "SDEdit_T0Sweep"
    NAME = "t0 Sweep"
    CATEGORY = CATEGORY
    FUNCTION = "sweep"
    RETURN_TYPES = ("IMAGE", "IMAGE", "IMAGE", "LATENT", "STRING", "STRING", "FLOAT")
    RETURN_NAMES = ("sheet", "plot", "pictures", "latent", "csv", "report", "t0")
    OUTPUT_TOOLTIPS = (
        "Numbered sheet: the guide and its edit at every t0, all with the same random numbers.",
        "Faithfulness and realism over t0, and what the bounds said. Needs matplotlib; says so when it is missing.",
        "The edits as a batch of pictures, one t0 after the other.",
        "The edits as a LATENT batch, in the same order.",
        "The table as comma-separated values, one line per t0, for a spreadsheet.",
        "The table in aligned columns, the sweet spot, and notes. Connect Preview as Text to read it.",
        "The t0 picked last, for Add VE Noise at t0. Without picks: the sweet spot, or the middle where realism is not "
        "measured.",
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
        from ..sdedit_core import SOLVERS
        from ..sdedit_core.sampling.masks import MASK_MODES

        return {
            "required": {
                **_sockets(),
                "steps": (
                    "INT",
                    {
                        "default": 12,
                        "min": 1,
                        "max": 10000,
                        "tooltip": "Noise levels of every single run, all of them run. 8 to 12 are enough to choose.",
                    },
                ),
                "solver": (list(SOLVERS), {"default": "auto", "tooltip": solver_tooltip()}),
                "seed": seed(
                    "One seed for all t0. Set it in Add VE Noise at t0 and in Reverse SDE Sampler to make a cell again."
                ),
            },
            "optional": {
                "mask": MASK,
                **PROMPT,
                "reference": (
                    "IMAGE",
                    {
                        "tooltip": "Real pictures to measure realism against, 8 or more are sensible. The built-in "
                        "models bring their own; without any, realism is left out."
                    },
                ),
                "repeats": (
                    "INT",
                    {
                        "default": 1,
                        "min": 1,
                        "max": 20,
                        "advanced": True,
                        "tooltip": "The paper's K: noise and sample again. More than 1: more real, less faithful.",
                    },
                ),
                "eta": (
                    "FLOAT",
                    {
                        "default": 1.0,
                        "min": 0.0,
                        "max": 1.0,
                        "step": 0.05,
                        "round": 0.01,
                        "display": "slider",
                        "advanced": True,
                        "tooltip": "1 = SDEdit's own random path, 0 = the deterministic one, which changes less.",
                    },
                ),
                "mask_mode": (
                    list(MASK_MODES),
                    {
                        "default": "bridge",
                        "advanced": True,
                        "tooltip": "How a hard mask is kept on the way, as in Reverse SDE Sampler.",
                    },
                ),
                "predict": (
                    "BOOLEAN",
                    {
                        "default": False,
                        "advanced": True,
                        "tooltip": "On: one evaluation more per t0 for the change expected before sampling.",
                    },
                ),
                "keep_on_cancel": (
                    "BOOLEAN",
                    {
                        "default": True,
                        "advanced": True,
                        "tooltip": "What Cancel does here. On: the sweep ends, the nodes behind get what is finished "
                        "and run. Off: everything stops. Cancel before the first picture always stops everything.",
                    },
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
            },
        }

    def sweep(
        self,
        model: object,
        latent: dict,
        vae: object,
        t0_values: str,
        steps: int,
        solver: str,
        seed: int,
        mask: torch.Tensor | None = None,
        positive: list | None = None,
        negative: list | None = None,
        cfg: float = 1.0,
        reference: torch.Tensor | None = None,
        repeats: int = 1,
        eta: float = 1.0,
        mask_mode: str = "bridge",
        predict: bool = False,
        keep_on_cancel: bool = True,
        picks: str = "",
    ) -> tuple:
        from ..sdedit_core.edit import check_repeats
        from ..sdedit_core.measure.deviation import pixel_size
        from ..sdedit_core.measure.picks import sheet_after
        from ..sdedit_core.measure.sweep import SweepPlan, parse_t0_values, sweep
        from ..sdedit_core.measure.table import sweep_rows, sweet_spot, table, to_csv
        from ..sdedit_core.sampling.grids import check_steps
        from . import host

        search = sheet_after(parse_t0_values(t0_values), picks)
        values, steps, repeats = list(search.values), check_steps(steps), check_repeats(repeats)
        eta = check_number(eta, "eta", 0.0, 1.0)
        if reference is not None:
            reference = check_image(reference, self.NAME, "reference")
        job = find_job(self.NAME, model, latent, mask, positive, negative, cfg)
        clean, last = decode(vae, job.guide, self.NAME), {}

        def work(score, guide, mask, tell) -> None:
            options = {"data_std": host.data_std(model), "eta": eta, "mask_mode": mask_mode}
            run = {"steps": steps, "solver": solver, "seed": seed, "mask": mask, "repeats": repeats}
            run["sample_indices"] = job.indices
            plan = SweepPlan(score, guide, **run, predict=predict, options=options)
            total, done = plan.callbacks(values), 0

            def callback(step) -> None:
                nonlocal done
                tell(done, step.denoised, step.x, total)
                done += 1

            stop = host.INTERRUPTED if keep_on_cancel else ()
            last["result"] = sweep(plan, values, callback=callback, stop=stop)
            last["pixel"] = pixel_size(score) if score.data_range is not None else None

        top, total = host.model_schedule(model).sigma(values[-1]), len(values) * steps * repeats
        job.run(work, sigma=top, seed=seed, total=total)
        result = last["result"]
        each = [job.to_latent(cell.samples, cell.sigma) for cell in result.cells]
        pictures = [decode(vae, samples, self.NAME) for samples in each]
        inside = None if job.given_mask is None else host.fit_mask(job.given_mask, clean)
        if inside is not None and not bool((inside > 0.0).flatten(1).any(1).all()):
            inside = None  # nothing to measure inside: the distances are those of the whole picture
        realism = _realism(job, reference, clean)
        found = sweep_rows(result, clean, pictures, mask=inside, realism=realism, pixel=last["pixel"])
        spot = sweet_spot(found, ceiling=realism(clean).mean) if realism is not None else None
        lines = [table(found)] + [str(spot)] * (spot is not None) + [str(search)] + job.notes
        for note in (note for cell in result.cells for note in cell.notes):
            lines += [note] * (note not in lines)
        if not result.complete:
            type(self)._cancelled += 1
            lines.append(f"Cancelled: {len(result.cells)} of {len(result.wanted)} t0 values were finished.")
        title = f"t0 Sweep, seed {seed}: faithful (small t0) to real (large t0)"
        title += ", * = your pick" * (search.t0 is not None)
        labels = [f"{i}{'*' * (cell.t0 == search.t0)}:  {cell.label}" for i, cell in enumerate(result.cells, 1)]
        image = sheet(clean, pictures, labels, title)
        return (
            image,
            _plot(found, spot),
            to_image(torch.cat(pictures)),
            job.batch(each),
            to_csv(found),
            "\n".join(lines),
            _answer(search, spot),
        )


def _answer(search: object, spot: object | None) -> float:
    """The t0 to go on with: the pick, the sweet spot, or the middle of the sheet."""
    if search.t0 is not None:
        return search.t0
    return search.values[len(search.values) // 2] if spot is None else spot.best


def _realism(job: Job, reference: torch.Tensor | None, clean: torch.Tensor) -> object | None:
    """The distance to real pictures, or None with a note when there is nothing to compare with."""
    from ..sdedit_core.builtin import list_priors, references
    from ..sdedit_core.measure.realism import SMALLEST, SlicedWasserstein
    from ..sdedit_core.pictures.fit import fit
    from . import host

    height, width = clean.shape[-2:]
    own = host.score_model_of(job.model)
    if min(height, width) < SMALLEST:
        job.notes.append(f"Realism was not measured: it needs pictures of at least {SMALLEST} px.")
        return None
    if reference is not None:
        pictures, name = to_core(reference), f"{reference.shape[0]} reference pictures"
    elif own is not None and own.prior is not None and own.info.name in list_priors():
        pictures, name = references(own.info.name, size=min(height, width)), "the built-in model's own pictures"
    else:
        job.notes.append("Realism was not measured: connect real pictures to reference.")
        return None
    job.notes.append(f"realism: sliced Wasserstein distance to {name}; smaller is more real")
    return SlicedWasserstein(fit(pictures, width=width, height=height))


def _plot(found: list, spot: object | None) -> torch.Tensor:
    from ..sdedit_core.measure.plots import tradeoff_plot
    from ..sdedit_core.pictures.io import from_pil

    try:
        picture = tradeoff_plot(found, spot=spot)
    except ValueError as problem:  # too few values, or no matplotlib: the sweep itself is done and worth having
        picture = card(f"No plot. {problem}")
    return to_image(from_pil(picture))
