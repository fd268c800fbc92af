"""What t0 Probe and t0 Sweep share: inputs, a checked guide, one run inside the host's guider, its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from .carried import KEY, check_clean
from .hints import lost_strokes
from .image import check_image, to_core
from .latent import batch_indices, check_latent
from .parts import Layout, describe_parts, masks_by_part, split, to_latent
from .patches import idle_patches, idle_text
from .schema import check_number, find_conditioning, socket

DROPPED = (KEY, "noise_mask", "batch_index")  # entries of a LATENT that do not fit a batch over t0

T0_VALUES = (
    "STRING",
    {
        "default": "0.2:0.7:6",
        "tooltip": "The t0 values: single ones as in 0.2, 0.35, 0.5, or start:stop:count as in 0.2:0.7:6, which is six "
        "values from 0.2 to 0.7. 0 is the guide itself, 1 forgets almost everything. In the unit chosen below.",
    },
)


SOCKETS = {
    "model": socket("MODEL", "A score model or any other diffusion or flow MODEL."),
    "latent": socket("LATENT", "The clean guide, from VAE Encode with the model's VAE. Not yet noised."),
    "vae": socket("VAE", "The model's VAE, to show the results as pictures."),
    "t0_values": T0_VALUES,
}


@dataclass
class Job:
    """A clean guide as LATENT with its model; ``mask`` fits the latent and is None when everything may change.

    ``layout``: of several latents in one, which guide, mask and results have in a row; ``given_mask`` is the first's.
    ``indices``: the place of every item in the batch it was taken from, which its random numbers go by.
    """

    model: object
    latent: dict
    guide: torch.Tensor
    mask: torch.Tensor | None
    given_mask: torch.Tensor | None
    positive: list
    negative: list | None
    cfg: float
    indices: list[int]
    notes: list[str] = field(default_factory=list)
    layout: Layout | None = None

    @property
    def shown(self) -> torch.Tensor:
        """The guide's picture: of several latents in one the first."""
        return split(self.guide, self.layout)[0]

    def run(self, work: Callable, *, sigma: float, seed: int, total: int) -> object:
        """What ``work(score_model, guide, mask, tell)`` returns, called inside the guider.

        Guide and mask are in the model's own space and on its device; ``tell(step, x0, x, total)`` moves the bar.
        """
        from . import host

        def inside(score_model, tell):
            guide = host.to_model(self.model, self.guide, self.layout).to(score_model.device)
            mask = None if self.mask is None else self.mask.to(score_model.device)
            return work(score_model, guide, mask, tell)

        return host.run_guided(
            self.model,
            inside,
            guide=self.guide,
            sigmas=[sigma, 0.0],
            positive=self.positive,
            negative=self.negative,
            cfg=self.cfg,
            seed=seed,
            total=total,
            mask=self.mask,
            layout=self.layout,
        )

    def to_latent(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """A result of ``work`` as LATENT samples; kept regions, and all of it at sigma 0, bit-equal to the guide."""
        from . import host

        if sigma == 0.0:
            return self.guide.clone()
        samples = host.from_model(self.model, x.float(), self.layout).cpu()
        return samples if self.mask is None else torch.where(self.mask > 0.0, samples, self.guide)

    def batch(self, each: list[torch.Tensor]) -> dict:
        """LATENT samples, one after the other, as one LATENT."""
        from . import host

        kept = {key: value for key, value in self.latent.items() if key not in DROPPED}
        return {**kept, "samples": host.to_intermediate(to_latent(torch.cat(each), self.layout))}

    @property
    def units(self) -> str:
        from . import host

        return "pixels in 0 to 1" if host.score_model_of(self.model) is not None else "the latent's own units"


def find_job(
    where: str,
    model: object,
    latent: dict,
    mask: torch.Tensor | None,
    positive: list | None,
    negative: list | None,
    cfg: float,
) -> Job:
    """Check what the node was given; ValueError that names the input which helps."""
    from . import host

    cfg = check_number(cfg, "cfg", 0.0, 100.0)
    positive, negative = find_conditioning(model, positive, negative, cfg)
    samples, layout = check_latent(latent, where)
    own = host.score_model_of(model)
    notes = check_clean(latent, samples, where) + idle_patches(model.model_options, own)
    notes += idle_text(positive, negative, own)
    guide = host.fit_latent(model, samples, layout)
    shown = split(guide, layout)[0]
    if shown.ndim not in (4, 5):
        raise ValueError(
            f"{where} works on latents of pictures or videos (4 or 5 dimensions), got shape {tuple(shown.shape)}."
        )
    given, fitted = latent.get("noise_mask"), None
    if given is not None or layout is not None:
        fitted = host.fit_masks(given, None, guide, layout)
        notes += lost_strokes(guide, fitted, pixels=own is not None)
    if mask is not None:
        fitted = host.fit_masks(given, mask, guide, layout)
    if fitted is not None:
        notes.append(describe_parts(fitted, layout))
        fitted = None if bool((fitted >= 1.0).all()) else fitted
    given = mask if mask is not None else given if layout is None else masks_by_part(given, None, layout)[0]
    indices = batch_indices(latent)
    return Job(model, latent, guide, fitted, given, positive, negative, cfg, indices, notes, layout)


def decode(vae: object, samples: torch.Tensor, where: str, layout: Layout | None = None) -> torch.Tensor:
    """LATENT samples as (B,3,H,W) in [0, 1]; frames of a video count as pictures, of several latents the first."""
    samples = split(samples, layout)[0]
    try:
        image = vae.decode(samples)
    except RuntimeError as problem:
        channels = getattr(vae, "latent_channels", None)
        if channels is None or channels == samples.shape[1]:
            raise
        raise ValueError(
            f"{where}: this VAE reads latents of {channels} channels, the model's have {samples.shape[1]}. Connect the "
            "VAE that belongs to the model."
        ) from problem
    image = image.reshape(-1, *image.shape[-3:]) if image.ndim == 5 else image
    return to_core(check_image(image, where, "decoded picture"))
