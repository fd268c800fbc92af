"""Add VE Noise at t0: SDEdit's first step."""

from __future__ import annotations

import torch

from ..sdedit_core.sampling.state import check_seed
from ..sdedit_core.sde import Schedule, check_t0
from .carried import KEY, Carried, check_clean, fingerprints, pack
from .frames import HostSchedule
from .hints import STOCK, lost_strokes
from .latent import batch_indices, check_latent
from .masks import check_mask
from .parts import describe_parts, to_latent
from .schema import MASK, T0_INPUT, Node, seed, socket


class AddVENoise(Node):
    ID = "SDEdit_AddVENoise"
    NAME = "Add VE Noise at t0"
    FUNCTION = "add_noise"
    OUTPUTS = (
        (
            "LATENT",
            "latent",
            "The noised guide for Reverse SDE Sampler. Stock samplers can continue it too, with their own noise "
            "disabled.",
        ),
        ("FLOAT", "sigma", "Standard deviation of the noise, sigma(t0), in the model's own units."),
        ("STRING", "read-out", "t0, sigma and the mask in words. Connect Preview as Text to read it."),
    )
    DESCRIPTION = (
        "First half of SDEdit: adds just as much noise to a guide (strokes, an edited photo, a rough composite) as "
        "the model's own process has at time t0. Works with score models and with every diffusion or flow MODEL."
    )
    SEARCH_ALIASES = ["sdedit", "add noise", "img2img", "denoise strength", "perturb", "noise latent", "t0", "strength"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "model": socket("MODEL", "The model that will sample later; it knows what t0 means."),
                "latent": socket("LATENT", "The clean guide, from VAE Encode with the model's VAE."),
                "t0": T0_INPUT,
                "seed": seed("Seed of this noise. The sampler's noise never repeats it, even with the same number."),
            },
            "optional": {"mask": MASK},
        }

    def add_noise(self, model: object, latent: dict, t0: float, seed: int, mask: torch.Tensor | None = None) -> tuple:
        from . import host

        t0, seed = check_t0(t0), check_seed(seed)
        samples, layout = check_latent(latent, self.NAME)
        notes = check_clean(latent, samples, self.NAME)
        guide = host.fit_latent(model, samples, layout)
        schedule = host.model_schedule(model)
        sigma = schedule.sigma(t0)
        indices = batch_indices(latent)
        out = latent.copy()
        noised = host.add_noise(model, guide, sigma, layout, seed=seed, samples=indices)
        out["samples"] = host.to_intermediate(to_latent(noised, layout))
        lines, note = _read_out(schedule, t0, sigma), schedule.note(t0)
        lines += [] if layout is None else [str(layout)]
        given = latent.get("noise_mask")
        if given is not None:
            fitted = host.fit_masks(given, None, guide, layout)
            notes += lost_strokes(guide, fitted, pixels=host.score_model_of(model) is not None)
        if mask is not None or layout is not None:
            fitted = host.fit_masks(given, mask, guide, layout)
        if layout is not None:
            out["noise_mask"] = layout.nested_mask(fitted)
        elif mask is not None:
            mask = check_mask(mask)
            out["noise_mask"] = mask if mask.ndim == 5 else mask.reshape((-1, 1, *mask.shape[-2:]))
        if mask is not None or given is not None or layout is not None:
            origin = "" if mask is not None or given is None else ", from the latent's noise mask"
            lines.append(describe_parts(fitted, layout) + origin)
        space = host.latent_space(model)
        carried = Carried(guide.clone(), sigma, t0, seed, indices, space, fingerprints(noised), note)
        carried.parts = None if layout is None else [list(shape) for shape in layout.shapes]
        out[KEY] = pack(carried)
        return out, sigma, "\n".join([*lines, *[note] * bool(note), *notes, STOCK])


def _read_out(schedule: Schedule, t0: float, sigma: float) -> list[str]:
    lines = [f"t0 {t0:g}  ->  sigma {sigma:.4g}" + ("  (no noise: the guide comes back)" if sigma == 0.0 else "")]
    if isinstance(schedule, HostSchedule) and schedule.frame.flow and sigma > 0.0:
        lines.append(f"the flow model's own noise level: {schedule.frame.from_ve(sigma):.4g}")
    return [*lines, f"model: {schedule!r}"]
