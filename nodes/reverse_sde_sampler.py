"""Reverse SDE Sampler: SDEdit's second step."""

from __future__ import annotations

from itertools import count

import torch

from ..sdedit_core.edit import reverse, unchanged, untouched
from ..sdedit_core.sampling.options import check_options
from ..sdedit_core.sampling.solvers import get_solver
from .carried import KEY
from .frames import is_distilled
from .latent import find_start
from .parts import to_latent
from .patches import idle_patches, idle_text
from .schema import PROMPT, SolverNode, check_number, find_conditioning, knob, knobs, socket


class ReverseSDESampler(SolverNode):
    ID = "SDEdit_ReverseSDESampler"
    NAME = "Reverse SDE Sampler"
    FUNCTION = "sample"
    OUTPUTS = (
        (
            "LATENT",
            "latent",
            "The finished picture as LATENT; decode it with the model's VAE. Kept regions equal the guide exactly. "
            "After sigmas that end above 0: a latent that still holds noise of that level.",
        ),
        ("LATENT", "denoised", "The model's last guess of the clean picture, before the last step."),
        (
            "STRING",
            "report",
            "Steps, network evaluations, seconds, how far the result moved from the guide, and notes.",
        ),
    )
    DESCRIPTION = (
        "Second half of SDEdit: walks the noised guide back to a clean picture along the reverse SDE. Takes the "
        "LATENT of Add VE Noise at t0 and the same MODEL; all steps are run between sigma(t0) and 0."
    )
    SEARCH_ALIASES = ["sdedit", "ksampler", "sde sampler", "img2img", "score sde", "langevin", "denoise", "ancestral"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "model": socket("MODEL", "The model that noised the latent: a score model or any other MODEL."),
                "latent": socket("LATENT", "The noised guide, straight from Add VE Noise at t0."),
                **knob("steps"),
                **knob("solver"),
                **knob("seed"),
            },
            "optional": {
                **PROMPT,
                "sigmas": socket(
                    "SIGMAS",
                    "Noise levels to use instead of the solver's own, e.g. from a scheduler node; "
                    "steps is then ignored. Needed for noised latents of other nodes. With the high part of a "
                    "SplitSigmas the run stops there and any sampler goes on with the low part.",
                ),
                **knobs("steps", "solver", "seed"),
            },
        }

    def sample(
        self,
        model: object,
        latent: dict,
        positive: list | None = None,
        negative: list | None = None,
        cfg: float = 1.0,
        sigmas: torch.Tensor | None = None,
        **options: object,
    ) -> tuple:
        from . import host

        options = check_options(options)
        cfg = check_number(cfg, "cfg", 0.0, 100.0)
        positive, negative = find_conditioning(model, positive, negative, cfg)
        start = find_start(model, latent, options, sigmas)
        result = latent.copy()
        result.pop(KEY, None)
        own = host.score_model_of(model)
        if unchanged(start.state, start.levels):
            result["samples"] = host.to_intermediate(to_latent(start.guide.clone(), start.layout))
            told = {"distilled": is_distilled(own), "data_std": host.data_std(model)}
            still = untouched(start.state, start.levels, options, **told)
            return result, result.copy(), str(still.report)
        idle = idle_patches(model.model_options, own) + idle_text(positive, negative, own)
        total, done = options["repeats"] * (len(start.levels) - 1), count()

        def work(score_model, tell):
            return reverse(
                score_model,
                start.state.to(score_model.device),
                **options,
                sigmas=start.levels,
                callback=lambda step: tell(next(done), step.denoised, step.x, total),
            )

        edit = host.run_guided(
            model,
            work,
            guide=start.guide,
            sigmas=start.levels,
            positive=positive,
            negative=negative,
            cfg=cfg,
            seed=options["seed"],
            total=total,
            mask=start.mask,
            layout=start.layout,
        )
        ends = (edit.samples, edit.denoised)
        samples, denoised = (host.from_model(model, x.float(), start.layout).cpu() for x in ends)
        clean = result.copy()
        if start.stops_at > 0.0:
            carried = start.carry_on(model, samples)
            result |= {} if carried is None else {KEY: carried}
        elif not get_solver(options["solver"]).masks_itself:
            samples = start.keep(samples)
        result["samples"] = host.to_intermediate(to_latent(samples, start.layout))
        clean["samples"] = host.to_intermediate(to_latent(start.keep(denoised), start.layout))
        return result, clean, "\n".join([str(edit.report), *start.notes, *idle])
