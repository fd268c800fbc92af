"""Reverse SDE (SAMPLER): our solvers for ComfyUI's own sampling nodes."""

from __future__ import annotations

from ..sdedit_core.edit import NoisedState, reverse
from ..sdedit_core.sampling.solvers import get_solver
from .frames import Frame
from .latent import ve_levels
from .schema import SolverNode, knob, seed


class ReverseSDE(SolverNode):
    ID = "SDEdit_ReverseSDE"
    NAME = "Reverse SDE (SAMPLER)"
    FUNCTION = "get_sampler"
    OUTPUTS = (
        ("SAMPLER", "sampler", "For SamplerCustom and SamplerCustomAdvanced, with any guider, noise and sigmas."),
    )
    DESCRIPTION = (
        "Our reverse-SDE solvers as a SAMPLER for ComfyUI's own sampling nodes: use them with any guider, with your "
        "own noise, and on a full generation as well as on SDEdit."
    )
    SEARCH_ALIASES = ["sdedit", "ksampler select", "sampler", "sde", "ancestral", "reverse diffusion"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                **knob("solver"),
                "seed": seed("Seed of the noise along the way; the start noise comes from the sampling node."),
            }
        }

    def get_sampler(self, solver: str, seed: int) -> tuple:
        from . import host

        get_solver(solver)

        def loop(model, noise, latent_image, sigmas, denoise_mask, callback):
            schedule = model.schedule
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
                parts=model.parts,
            )

            def tell(step) -> None:
                if callback is not None:
                    callback(step.index, step.denoised, step.x, step.total)

            return reverse(model, state, solver=solver, seed=seed, sigmas=levels, callback=tell).samples

        return (host.LoopSampler(loop),)
