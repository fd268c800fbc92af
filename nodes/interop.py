"""Both ways between SDEdit and ComfyUI's own samplers: noise levels that start at t0, and our solvers as SAMPLER."""

from __future__ import annotations

import torch

from .frames import Frame, HostSchedule
from .options import CATEGORY, T0, seed
from .sampler import solver_tooltip
from .start import ve_levels

SPACINGS = ("karras", "exponential", "uniform t")


class SigmasFromT0:
    ID = "SDEdit_SigmasFromT0"
    NAME = "Sigmas from t0"
    CATEGORY = CATEGORY
    FUNCTION = "get_sigmas"
    RETURN_TYPES = ("SIGMAS", "FLOAT")
    RETURN_NAMES = ("sigmas", "sigma")
    OUTPUT_TOOLTIPS = (
        "Noise levels from sigma(t0) down to 0, in the model's own units: for SamplerCustom, SamplerCustomAdvanced "
        "and the sigmas input of Reverse SDE Sampler.",
        "The first level, in the model's own units.",
    )
    DESCRIPTION = (
        "Noise levels for stock samplers that start exactly at t0, whatever the number of steps. With Add VE Noise at "
        "t0 at the same t0 and the sampler's own noise disabled, any stock sampler runs SDEdit."
    )
    SEARCH_ALIASES = ["sdedit", "scheduler", "karras scheduler", "denoise", "img2img", "start sigma", "t0"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "The model that will sample; it knows what t0 means."}),
                "t0": ("FLOAT", dict(T0)),
                "steps": (
                    "INT",
                    {
                        "default": 20,
                        "min": 1,
                        "max": 10000,
                        "tooltip": "How many levels between t0 and 0. All of them are run.",
                    },
                ),
                "spacing": (
                    list(SPACINGS),
                    {
                        "default": "karras",
                        "tooltip": "karras: more steps at low noise, good for nearly every sampler. exponential: even "
                        "in log sigma. uniform t: even in the model's own time, as in the paper and as stock "
                        "schedulers normal and simple.",
                    },
                ),
            }
        }

    def get_sigmas(self, model: object, t0: float, steps: int, spacing: str) -> tuple:
        from ..sdedit_core.sampling.grids import check_steps
        from ..sdedit_core.sde import check_t0
        from . import host

        t0, steps = check_t0(t0), check_steps(steps)
        if t0 == 0.0:
            return torch.zeros(0), 0.0
        schedule = host.model_schedule(model)
        level = schedule.level if isinstance(schedule, HostSchedule) else schedule.sigma
        start, end = level(t0), float(model.get_model_object("model_sampling").sigma_min)
        if spacing == "uniform t":
            sigmas = torch.tensor([level(t0 * i / steps) for i in range(steps, 0, -1)] + [0.0])
        elif steps == 1 or start <= end:
            sigmas = torch.tensor([start, 0.0])
        else:
            sigmas = host.spaced_sigmas(spacing, steps, end, start)
        return sigmas, float(sigmas[0])


class ReverseSDE:
    ID = "SDEdit_ReverseSDE"
    NAME = "Reverse SDE (SAMPLER)"
    CATEGORY = CATEGORY
    FUNCTION = "get_sampler"
    RETURN_TYPES = ("SAMPLER",)
    RETURN_NAMES = ("sampler",)
    OUTPUT_TOOLTIPS = ("For SamplerCustom and SamplerCustomAdvanced, with any guider, noise and sigmas.",)
    DESCRIPTION = (
        "Our reverse-SDE solvers as a SAMPLER for ComfyUI's own sampling nodes: use them with any guider, with your "
        "own noise, and on a full generation as well as on SDEdit."
    )
    SEARCH_ALIASES = ["sdedit", "ksampler select", "sampler", "sde", "ancestral", "reverse diffusion"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core import SOLVERS

        return {
            "required": {
                "solver": (list(SOLVERS), {"default": "auto", "tooltip": solver_tooltip()}),
                "seed": seed("Seed of the noise along the way; the start noise comes from the sampling node."),
            }
        }

    def get_sampler(self, solver: str, seed: int) -> tuple:
        from ..sdedit_core.edit import NoisedState, reverse
        from ..sdedit_core.sampling.solvers import get_solver
        from . import host

        get_solver(solver)

        def loop(denoise, schedule, noise, latent_image, sigmas, denoise_mask, callback):
            levels = ve_levels(sigmas, getattr(schedule, "frame", Frame()), schedule.sigma_max)
            mask = None if denoise_mask is None else denoise_mask[:, :1]
            if mask is not None and not bool(noise.any()) and not bool((mask >= 1.0).all()):
                raise ValueError(
                    "Reverse SDE (SAMPLER): a mask needs the clean latent, but noise is disabled, so the latent is "
                    "already noisy. Use Reverse SDE Sampler after Add VE Noise at t0, or connect RandomNoise and the "
                    "clean latent."
                )
            state = NoisedState(
                samples=latent_image + levels[0] * noise,
                guide=latent_image,
                sigma=levels[0],
                t0=schedule.t(levels[0]),
                seed=seed,
                mask=mask,
                sample_indices=list(range(noise.shape[0])),
            )

            def tell(step) -> None:
                if callback is not None:
                    callback(step.index, step.denoised, step.x, step.total)

            run = {"schedule": schedule, "steps": len(levels) - 1, "solver": solver, "seed": seed}
            return reverse(denoise, state, **run, sigmas=levels, smooth=denoise.smooth, callback=tell).samples

        return (host.LoopSampler(loop),)
