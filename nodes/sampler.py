"""Reverse SDE Sampler: SDEdit's second step."""

from __future__ import annotations

from itertools import pairwise

import torch

from .options import CATEGORY, check_latent, check_number, seed
from .state import KEY, batch_indices, check_noise_level, describe_mask, guide_for, unpack


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
        "The finished picture as LATENT; decode it with the model's VAE. Kept regions equal the guide exactly.",
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
                        "tooltip": "Noise levels between sigma(t0) and 0, all of them run. 12 to 40 for auto, 200 to "
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
                "positive": (
                    "CONDITIONING",
                    {"tooltip": "What the picture should show. Text models need it, score models do not."},
                ),
                "negative": ("CONDITIONING", {"tooltip": "What it should not show. Only used when cfg is not 1."}),
                "cfg": (
                    "FLOAT",
                    {
                        "default": 1.0,
                        "min": 0.0,
                        "max": 100.0,
                        "step": 0.1,
                        "round": 0.01,
                        "tooltip": "Strength of the prompt. 1 = off (score models, Flux); 4 to 8 is usual for SD and "
                        "SDXL and needs negative.",
                    },
                ),
                "sigmas": (
                    "SIGMAS",
                    {
                        "tooltip": "Noise levels to use instead of the solver's own, e.g. from a scheduler node; "
                        "steps is then ignored. Needed for noised latents of other nodes."
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
    ) -> tuple:
        from ..sdedit_core.edit import check_repeats, reverse
        from ..sdedit_core.grids import check_steps
        from . import host

        steps, repeats = check_steps(steps), check_repeats(repeats)
        cfg = check_number(cfg, "cfg", 0.0, 100.0)
        positive, negative = _conditioning(host, model, positive, negative, cfg)
        start = _start(host, model, latent, steps, solver, sigmas)
        result = latent.copy()
        result.pop(KEY, None)
        state, schedule = start.state, start.schedule
        run = {"schedule": schedule, "steps": steps, "solver": solver, "seed": seed, "repeats": repeats}
        if start.nothing_to_do:
            state.samples = state.guide
            edit = reverse(_never, state, **run, sigmas=start.levels)
            result["samples"] = host.to_intermediate(start.guide.clone())
            return result, result.copy(), str(edit.report)
        total, last = repeats * (len(start.levels) - 1), {}

        def loop(denoise, noise, latent_image, levels, denoise_mask, callback):
            for name in ("samples", "guide", "mask"):
                value = getattr(state, name)
                setattr(state, name, None if value is None else value.to(noise.device))
            done = 0

            def tell(step) -> None:
                nonlocal done
                last["denoised"] = step.denoised
                callback(done, step.denoised, step.x, total)
                done += 1

            last["edit"] = reverse(denoise, state, **run, sigmas=start.levels, callback=tell)
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
        result["samples"] = host.to_intermediate(start.keep(samples.cpu()))
        clean = result.copy()
        clean["samples"] = host.to_intermediate(start.keep(denoised))
        return result, clean, "\n".join([str(last["edit"].report), *start.notes])


def _never(x: torch.Tensor, sigma: float) -> torch.Tensor:
    raise RuntimeError("There is nothing to sample, the model must not be called.")


def _conditioning(host, model: object, positive: list | None, negative: list | None, cfg: float) -> tuple:
    """Conditioning for the guider; score models make their own, text models must be given one."""
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


class _Start:
    """Where a run starts: state in the model's space, levels, clean guide and mask as LATENT, notes."""

    def __init__(self, schedule, state, levels, guide, mask, notes):
        self.schedule, self.state, self.levels = schedule, state, levels
        self.guide, self.mask, self.notes = guide, mask, notes

    @property
    def nothing_to_do(self) -> bool:
        return self.state.sigma == 0.0 or (self.mask is not None and not bool((self.mask >= 0.5).any()))

    def keep(self, samples: torch.Tensor) -> torch.Tensor:
        """Samples with the kept region bit-equal to the guide, whatever the conversions in between rounded."""
        return samples if self.mask is None else torch.where(self.mask >= 0.5, samples, self.guide)


def _start(host, model: object, latent: dict, steps: int, solver: str, sigmas: torch.Tensor | None) -> _Start:
    from ..sdedit_core.edit import NoisedState
    from ..sdedit_core.grids import sigma_grid
    from ..sdedit_core.solvers import get_solver

    where = ReverseSDESampler.NAME
    samples = check_latent(latent, where)
    schedule, indices = host.model_schedule(model), batch_indices(latent)
    given = None if sigmas is None else _given_levels(host, model, sigmas)
    carried, notes = unpack(latent), []
    guide = None
    if carried is not None:
        try:
            guide = _carried_guide(host, model, carried, samples, indices)
        except ValueError as problem:
            if given is None:
                raise ValueError(f"{where}: {problem}. (Or connect sigmas, to sample it as it is.)") from None
            notes.append(f"The carried guide was not used: {problem}.")
    if guide is None and given is None:
        raise ValueError(
            f"{where}: this latent does not say how much noise it holds. Put Add VE Noise at t0 before it; to "
            "continue a noisy latent of another sampler, connect the rest of its sigmas."
        )
    if guide is not None:
        sigma, t0, noise_seed, note = carried.sigma, carried.t0, carried.seed, carried.note
        if given is not None and sigma > 0.0 and abs(given[0] / sigma - 1.0) > 1e-3:
            raise ValueError(
                f"{where}: the sigmas start at {given[0]:.4g}, the latent was noised to {sigma:.4g}. Take them from "
                "a node that knows the same t0, or take Add VE Noise at t0 away."
            )
        levels = sigma_grid(schedule, schedule.t(sigma), steps, grid=get_solver(solver).grid)
        levels = given or levels
        levels[0] = sigma
    else:
        samples = host.fit_latent(model, samples, clean=False)
        sigma, t0, noise_seed, note, guide, levels = given[0], schedule.t(given[0]), 0, "", samples, given
        notes.append("Continued a noised latent without a clean guide: the change above is measured from that.")
    mask = latent.get("noise_mask")
    if mask is not None:
        mask = host.fit_mask(mask, samples)
        if guide is samples and not bool((mask >= 0.5).all()):
            raise ValueError(
                f"{where}: a mask needs the clean guide, and this latent only has a noisy one. Noise it with "
                "Add VE Noise at t0, or remove the noise mask."
            )
        notes.append(describe_mask(mask))
        mask = None if bool((mask >= 0.5).all()) else mask
    state = NoisedState(
        samples=host.to_model(model, samples),
        guide=host.to_model(model, guide),
        sigma=sigma,
        t0=t0,
        seed=noise_seed,
        mask=mask,
        sample_indices=indices,
        note=note,
    )
    return _Start(schedule, state, levels, guide, mask, notes)


def _carried_guide(host, model: object, carried, samples: torch.Tensor, indices: list[int]) -> torch.Tensor:
    """The clean guide as LATENT; ValueError when the carried state does not belong to samples or model."""
    space = host.latent_space(model)
    if space != carried.space:
        raise ValueError(
            f"the latent was noised for another model ({carried.space}, here {space}): connect the same MODEL to "
            "both nodes"
        )
    guide = guide_for(carried, samples, indices).to(samples)
    check_noise_level(host.to_model(model, samples), host.to_model(model, guide), carried.sigma)
    return guide


def _given_levels(host, model: object, sigmas: torch.Tensor) -> list[float]:
    """SIGMAS of the host as VE levels; ValueError unless they fall to 0."""
    frame = host.frame_of(model.get_model_object("model_sampling"))
    values = [float(s) for s in sigmas.flatten()]
    if len(values) < 2:
        raise ValueError("sigmas is empty: the scheduler made no steps. Raise its steps or its denoise.")
    if any(not a > b for a, b in pairwise(values)) or values[-1] != 0.0:
        raise ValueError(
            f"sigmas must fall from the start level to 0, got {values[0]:.4g} ... {values[-1]:.4g}. Use the low part "
            "of a SplitSigmas, or all of them."
        )
    top = host.model_schedule(model).sigma_max
    return [top if frame.flow and s >= 1.0 else frame.to_ve(s) for s in values]
