"""Reverse SDE Sampler: SDEdit's second step."""

from __future__ import annotations

import torch

from .options import CATEGORY, PROMPT, check_number, seed
from .start import find_start
from .state import KEY


def solver_tooltip() -> str:
    """Every solver with when to use it."""
    from ..sdedit_core import SOLVERS

    return "The rule for one step.\n" + "\n".join(f"{s.name}: {s.summary}" for s in SOLVERS.values())


class ReverseSDESampler:
    ID = "SDEdit_ReverseSDESampler"
    NAME = "Reverse SDE Sampler"
    CATEGORY = CATEGORY
    FUNCTION = "sample"
    RETURN_TYPES = ("LATENT", "LATENT", "STRING")
    RETURN_NAMES = ("latent", "denoised", "report")
    OUTPUT_TOOLTIPS = (
        "The finished picture as LATENT; decode it with the model's VAE. Kept regions equal the guide exactly. After "
        "sigmas that end above 0: a latent that still holds noise of that level.",
        "The model's last guess of the clean picture, before the last step.",
        "Steps, network evaluations, seconds, how far the result moved from the guide, and notes.",
    )
    DESCRIPTION = (
        "Second half of SDEdit: walks the noised guide back to a clean picture along the reverse SDE. Takes the "
        "LATENT of Add VE Noise at t0 and the same MODEL; all steps are run between sigma(t0) and 0."
    )
    SEARCH_ALIASES = ["sdedit", "ksampler", "sde sampler", "img2img", "score sde", "langevin", "denoise", "ancestral"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core import SOLVERS
        from ..sdedit_core.sampling.masks import MASK_MODES

        return {
            "required": {
                "model": ("MODEL", {"tooltip": "The model that noised the latent: a score model or any other MODEL."}),
                "latent": ("LATENT", {"tooltip": "The noised guide, straight from Add VE Noise at t0."}),
                "steps": (
                    "INT",
                    {
                        "default": 20,
                        "min": 1,
                        "max": 10000,
                        "tooltip": "Noise levels between sigma(t0) and 0, all of them run. 10 to 40 for auto, 200 to "
                        "1000 for reverse_diffusion.",
                    },
                ),
                "solver": (list(SOLVERS), {"default": "auto", "tooltip": solver_tooltip()}),
                "seed": seed(
                    "Seed of the noise along the way. Same seed, same picture, in any batch; another seed varies the "
                    "details and keeps the start."
                ),
            },
            "optional": {
                **PROMPT,
                "sigmas": (
                    "SIGMAS",
                    {
                        "tooltip": "Noise levels to use instead of the solver's own, e.g. from a scheduler node; "
                        "steps is then ignored. Needed for noised latents of other nodes. With the high part of a "
                        "SplitSigmas the run stops there and any sampler goes on with the low part."
                    },
                ),
                "repeats": (
                    "INT",
                    {
                        "default": 1,
                        "min": 1,
                        "max": 100,
                        "tooltip": "The paper's K: noise the result again to the same t0 and sample again, this many "
                        "times in all. 2 or 3 looks more real and keeps less of the guide.",
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
                        "tooltip": "1 = SDEdit's own random path. 0 = the deterministic path, which changes less; "
                        "between them, less noise on the way. Below 1: solver auto, sde_2m or ancestral.",
                    },
                ),
                "mask_mode": (
                    list(MASK_MODES),
                    {
                        "default": "bridge",
                        "advanced": True,
                        "tooltip": "How a hard mask is kept on the way. bridge: always right. tilt: shows the model "
                        "more of the kept region, so that the edit may fit its surroundings better.",
                    },
                ),
            },
        }

    def sample(
        self,
        model: object,
        latent: dict,
        steps: int,
        solver: str,
        seed: int,
        positive: list | None = None,
        negative: list | None = None,
        cfg: float = 1.0,
        sigmas: torch.Tensor | None = None,
        repeats: int = 1,
        eta: float = 1.0,
        mask_mode: str = "bridge",
    ) -> tuple:
        from ..sdedit_core.edit import check_repeats, reverse
        from ..sdedit_core.sampling.grids import check_steps
        from . import host

        steps, repeats = check_steps(steps), check_repeats(repeats)
        cfg = check_number(cfg, "cfg", 0.0, 100.0)
        positive, negative = find_conditioning(model, positive, negative, cfg)
        start = find_start(model, latent, steps, solver, sigmas)
        result = latent.copy()
        result.pop(KEY, None)
        state, schedule = start.state, start.schedule
        run = {"schedule": schedule, "steps": steps, "solver": solver, "seed": seed, "repeats": repeats}
        run |= {"eta": check_number(eta, "eta", 0.0, 1.0), "mask_mode": mask_mode}
        if start.nothing_to_do:
            state.samples = state.guide
            edit = reverse(_never, state, **run, sigmas=start.levels)
            result["samples"] = host.to_intermediate(start.guide.clone())
            return result, result.copy(), str(edit.report)
        total, last = repeats * (len(start.levels) - 1), {}

        def loop(denoise, schedule, noise, latent_image, sigmas, denoise_mask, callback):
            for name in ("samples", "guide", "mask"):
                value = getattr(state, name)
                setattr(state, name, None if value is None else value.to(noise.device))
            done = 0

            def tell(step) -> None:
                nonlocal done
                last["denoised"] = step.denoised.clone()
                callback(done, step.denoised, step.x, total)
                done += 1

            last["edit"] = reverse(denoise, state, **run, sigmas=start.levels, smooth=denoise.smooth, callback=tell)
            return last["edit"].samples

        samples = host.run_guided(
            model,
            loop,
            guide=start.guide,
            sigmas=start.levels,
            positive=positive,
            negative=negative,
            cfg=cfg,
            seed=seed,
            callback=host.progress(model, total),
            mask=start.mask,
        )
        denoised = host.from_model(model, last["denoised"].float()).cpu()
        clean = result.copy()
        if start.stops_at == 0.0:
            samples = start.keep(samples.cpu())
        else:
            carried = start.carry_on(model, samples.cpu())
            result |= {} if carried is None else {KEY: carried}
        result["samples"] = host.to_intermediate(samples)
        clean["samples"] = host.to_intermediate(start.keep(denoised))
        return result, clean, "\n".join([str(last["edit"].report), *start.notes])


def _never(x: torch.Tensor, sigma: float) -> torch.Tensor:
    raise RuntimeError("There is nothing to sample, the model must not be called.")


def find_conditioning(model: object, positive: list | None, negative: list | None, cfg: float) -> tuple:
    """Conditioning for the guider; score models make their own, text models must be given one."""
    from . import host

    if host.score_model_of(model) is not None:
        positive = positive or host.empty_conditioning(model.model.class_label)
        return positive, negative or host.empty_conditioning(model.model.class_label)
    if not positive:
        raise ValueError(
            "This MODEL is made for text: connect positive (from CLIP Text Encode, an empty prompt will do). "
            "Only models of the Score Model Loader work without."
        )
    if not negative and cfg != 1.0:
        raise ValueError(f"cfg is {cfg:g} but negative is not connected. Connect it, or set cfg to 1.")
    return positive, negative
