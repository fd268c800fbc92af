"""What t0 Probe and t0 Sweep share: a checked guide, one run inside the host's guider, and pictures of its results."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from PIL import Image, ImageDraw, ImageFont

from .options import check_image, check_latent, check_number
from .sampler import find_conditioning
from .state import KEY, batch_indices, describe_mask, unpack

DROPPED = (KEY, "noise_mask", "batch_index")  # entries of a LATENT that do not fit a batch over t0
ACROSS = 6  # pictures in a row of a sheet


@dataclass
class Job:
    """A clean guide as LATENT with its model; ``mask`` fits the latent and is None when everything may change.

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

    def run(self, work: Callable, *, sigma: float, seed: int, total: int) -> None:
        """``work(score, guide, mask, tell)`` inside the guider: a core ScoreModel, (B,C,H,W) in its own space.

        ``tell(done, denoised, x, total)`` moves the progress bar.  Frames of a video lie below one another.
        """
        from ..sdedit_core.model import ScoreModel
        from . import host

        own, progress = host.score_model_of(self.model), host.progress(self.model, max(total, 1))
        shape = self.guide.shape

        def loop(denoise, schedule, noise, latent_image, sigmas, denoise_mask, callback):
            guide = host.to_model(self.model, self.guide).to(noise.device)
            score = ScoreModel.from_denoiser(
                lambda x, s: _flat(denoise(x.reshape(shape), float(s[0]))),
                schedule=schedule,
                data_range=None if own is None else own.data_range,
                smooth=denoise.smooth,
                channels=shape[1],
                device=noise.device,
            )

            def tell(done: int, denoised: torch.Tensor, x: torch.Tensor, total: int) -> None:
                callback(done, denoised.reshape(shape), x.reshape(shape), total)

            work(score, _flat(guide), None if self.mask is None else _flat(self.mask).to(noise.device), tell)
            return guide

        host.run_guided(
            self.model,
            loop,
            guide=self.guide,
            sigmas=[sigma, 0.0],
            positive=self.positive,
            negative=self.negative,
            cfg=self.cfg,
            seed=seed,
            callback=progress,
            mask=self.mask,
        )

    def to_latent(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """A result of ``work`` as LATENT samples; kept regions, and all of it at sigma 0, bit-equal to the guide."""
        from . import host

        if sigma == 0.0:
            return self.guide.clone()
        samples = host.from_model(self.model, x.float().reshape(self.guide.shape)).cpu()
        return samples if self.mask is None else torch.where(self.mask > 0.0, samples, self.guide)

    def batch(self, each: list[torch.Tensor]) -> dict:
        """LATENT samples, one after the other, as one LATENT."""
        from . import host

        kept = {key: value for key, value in self.latent.items() if key not in DROPPED}
        return {**kept, "samples": host.to_intermediate(torch.cat(each))}

    @property
    def units(self) -> str:
        from . import host

        return "pixels in 0 to 1" if host.score_model_of(self.model) is not None else "the latent's own units"


def _flat(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2, -2) if x.ndim == 5 else x


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
    samples = check_latent(latent, where)
    carried = unpack(latent)
    if carried is not None and carried.sigma > 0.0:
        raise ValueError(
            f"{where} adds the noise itself, and this latent holds noise already (t0 {carried.t0:g}). Connect the "
            "clean latent that goes into Add VE Noise at t0."
        )
    guide = host.fit_latent(model, samples)
    if guide.ndim not in (4, 5):
        raise ValueError(
            f"{where} works on latents of pictures or videos (4 or 5 dimensions), got shape {tuple(guide.shape)}."
        )
    given = latent.get("noise_mask") if mask is None else mask
    notes, fitted = [], None
    if given is not None:
        fitted = host.fit_mask(given, guide)
        notes.append(describe_mask(fitted))
        fitted = None if bool((fitted >= 1.0).all()) else fitted
    return Job(model, latent, guide, fitted, given, positive, negative, cfg, batch_indices(latent), notes)


def decode(vae: object, samples: torch.Tensor, where: str) -> torch.Tensor:
    """LATENT samples as (B,3,H,W) in [0, 1]; frames of a video count as pictures."""
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


def to_core(image: torch.Tensor) -> torch.Tensor:
    """IMAGE (B,H,W,3) -> (B,3,H,W)."""
    return image.permute(0, 3, 1, 2).contiguous()


def to_image(pictures: torch.Tensor) -> torch.Tensor:
    """(B,3,H,W) -> IMAGE (B,H,W,3)."""
    return pictures.permute(0, 2, 3, 1).contiguous()


def sheet(guide: torch.Tensor, pictures: list[torch.Tensor], labels: list[str], title: str) -> torch.Tensor:
    """Labelled IMAGE: the guide and its pictures; of a batch every item has its own row."""
    from ..sdedit_core.pictures.io import from_pil
    from ..sdedit_core.pictures.sheet import contact_sheet

    count, names = len(pictures) + 1, ["guide", *labels]
    if guide.shape[0] == 1:
        columns = -(-count // -(-count // ACROSS))
    else:
        columns = count
    cells = [batch[i : i + 1] for i in range(guide.shape[0]) for batch in (guide, *pictures)]
    return to_image(from_pil(contact_sheet(cells, names * guide.shape[0], columns=columns, title=title)))


def card(text: str, width: int = 1100, height: int = 480) -> Image.Image:
    """A sentence where a picture should have been."""
    image = Image.new("RGB", (width, height), (24, 24, 27))
    font = ImageFont.load_default(size=26)
    ImageDraw.Draw(image).multiline_text((40, 40), textwrap.fill(text, 72), font=font, fill=(228, 228, 231), spacing=12)
    return image
