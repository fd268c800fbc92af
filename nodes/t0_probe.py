"""t0 Probe: the one dial made visible before sampling."""

from __future__ import annotations

import torch

from ..sdedit_core.measure.probe import probe
from ..sdedit_core.measure.sweep import parse_t0_values
from ..sdedit_core.sampling.masks import is_hard
from .guided import SOCKETS, decode, find_job
from .image import sheet
from .schema import MASK, PROMPT, Node, seed


class T0Probe(Node):
    ID = "SDEdit_T0Probe"
    NAME = "t0 Probe"
    FUNCTION = "probe"
    OUTPUTS = (
        (
            "IMAGE",
            "sheet",
            "Labelled sheet: the guide and what survives at every t0. Sharp = the guide decides, blurred = invented.",
        ),
        ("LATENT", "latent", "The same pictures as a LATENT batch, one t0 after the other."),
        ("STRING", "report", "Every t0 with its sigma and how far it is expected to move the picture."),
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
                **SOCKETS,
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
        from . import host

        values = parse_t0_values(t0_values)
        job = find_job(self.NAME, model, latent, mask, positive, negative, cfg)
        predict = job.mask is None or is_hard(job.mask)

        def work(score_model, guide, mask, tell):
            return probe(
                score_model,
                guide,
                values,
                seed=seed,
                mask=mask,
                predict=predict,
                sample_indices=job.indices,
                callback=lambda one, index, total: tell(index, one.denoised, one.denoised, total),
            )

        found = job.run(work, sigma=host.model_schedule(model).sigma(values[-1]), seed=seed, total=len(values))
        each = [job.to_latent(one.denoised, one.sigma) for one in found]
        pictures = [decode(vae, samples, self.NAME, job.layout) for samples in each]
        labels = [f"t0 {one.t0:g}   sigma {one.sigma:.3g}" for one in found]
        lines = [_probe_line(one) for one in found]
        if predict:
            lines.append(f"RMS change: root mean square over what may change, in {job.units}")
        else:
            job.notes.append("The expected change is for one t0 everywhere: not with a soft mask.")
        lines.append(f"{sum(one.nfe for one in found)} evaluations")
        title = "What survives at t0: blurred = will be invented"
        image = sheet(decode(vae, job.shown, self.NAME), pictures, labels, title)
        return image, job.batch(each), "\n".join([*lines, *job.notes])


def _probe_line(one: object) -> str:
    text = f"t0 {one.t0:<6g} sigma {one.sigma:<9.4g}"
    return text if one.predicted is None else text + f" expected RMS change {one.predicted.rms:.4f}"
