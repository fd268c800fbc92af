"""Add VE Noise at t0: SDEdit's first step."""

from __future__ import annotations

import torch

from ..sdedit_core.sampling.share import MODEL_TIME
from ..sdedit_core.sampling.state import check_seed
from .carried import KEY, Carried, check_clean, fingerprints, pack
from .dial import find_dial, read_out
from .hints import STOCK, lost_strokes
from .latent import batch_indices, check_latent
from .masks import check_mask, for_frames
from .parts import describe_parts, to_latent
from .schema import MASK, T0_INPUT, UNIT_INPUT, Node, seed, socket


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
        (
            "STRING",
            "read-out",
            "t0, sigma, noise share, the denoise of a KSampler that equals them, and the mask. Connect Preview as Text "
            "to read it.",
        ),
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
            "optional": {"mask": MASK, "unit": UNIT_INPUT},
        }

    def add_noise(
        self,
        model: object,
        latent: dict,
        t0: float,
        seed: int,
        mask: torch.Tensor | None = None,
        unit: str = MODEL_TIME,
    ) -> tuple:
        from . import host

        dial, seed = find_dial(model, unit), check_seed(seed)
        t0, note = dial.t0(t0), dial.note(t0)
        samples, layout = check_latent(latent, self.NAME)
        notes = check_clean(latent, samples, self.NAME)
        guide = host.fit_latent(model, samples, layout)
        sigma = dial.schedule.sigma(t0)
        indices = batch_indices(latent)
        out = latent.copy()
        noised = host.add_noise(model, guide, sigma, layout, seed=seed, samples=indices)
        out["samples"] = host.to_intermediate(to_latent(noised, layout))
        lines = read_out(model, dial, t0)
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
            if guide.ndim == 5 and guide.shape[2] > 1 and mask.ndim < 5:
                mask = for_frames(mask, guide.shape[2])
            out["noise_mask"] = mask if mask.ndim == 5 else mask.reshape((-1, 1, *mask.shape[-2:]))
        if mask is not None or given is not None or layout is not None:
            origin = "" if mask is not None or given is None else ", from the latent's noise mask"
            lines.append(describe_parts(fitted, layout) + origin)
        space = host.latent_space(model)
        carried = Carried(guide.clone(), sigma, t0, seed, indices, space, fingerprints(noised), note)
        carried.parts = None if layout is None else [list(shape) for shape in layout.shapes]
        out[KEY] = pack(carried)
        return out, sigma, "\n".join([*lines, *[note] * bool(note), *notes, STOCK])
