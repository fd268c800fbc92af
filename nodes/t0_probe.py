"""t0 Probe: the one dial made visible before sampling."""

from __future__ import annotations

import torch

from ..sdedit_core.measure.probe import probe
from ..sdedit_core.measure.sweep import parse_t0_values
from ..sdedit_core.sampling.masks import is_hard
from ..sdedit_core.sampling.share import MODEL_TIME
from .dial import denoise_at, find_dial
from .frames import is_distilled
from .guided import SOCKETS, decode, find_job
from .image import sheet
from .schema import MASK, PROMPT, UNIT_INPUT, Node, seed


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
        (
            "STRING",
            "report",
            "Every t0 with its sigma, its noise share, the denoise of a KSampler that equals it, and how far it is "
            "expected to move the picture.",
        ),
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
            "optional": {"mask": MASK, **PROMPT, "unit": UNIT_INPUT},
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
        unit: str = MODEL_TIME,
    ) -> tuple:
        from . import host

        values, dial = parse_t0_values(t0_values), find_dial(model, unit)
        job = find_job(self.NAME, model, latent, mask, positive, negative, cfg)
        predict = job.mask is None or is_hard(job.mask)
        distilled = is_distilled(host.score_model_of(model))

        def work(score_model, guide, mask, tell):
            return probe(
                score_model,
                guide,
                values,
                seed=seed,
                mask=mask,
                predict=predict,
                unit=unit,
                sample_indices=job.indices,
                callback=lambda one, index, total: tell(index, one.denoised, one.denoised, total),
            )

        found = job.run(work, sigma=dial.schedule.sigma(dial.t0(values[-1])), seed=seed, total=len(values))
        each = [job.to_latent(one.denoised, one.sigma) for one in found]
        pictures = [decode(vae, samples, self.NAME, job.layout) for samples in each]
        labels = [one.level for one in found]
        lines = [_probe_line(one, denoise_at(model, one.sigma)) for one in found]
        lines.append("denoise: that of a KSampler with the scheduler simple")
        if distilled:
            job.notes.append(
                "The model is distilled: these are its results of one step, and nothing is blurred in them."
            )
        elif predict:
            lines.append(f"RMS change: root mean square over what may change, in {job.units}")
        else:
            job.notes.append("The expected change is for one t0 everywhere: not with a soft mask.")
        lines.append(f"{sum(one.nfe for one in found)} evaluations")
        job.notes += dict.fromkeys(one.note for one in found if one.note)
        title = f"What survives at this {dial.name}: blurred = will be invented"
        image = sheet(decode(vae, job.shown, self.NAME), pictures, labels, title)
        return image, job.batch(each), "\n".join([*lines, *job.notes])


def _probe_line(one: object, denoise: float) -> str:
    text = f"t0 {one.t0:<8.4g} sigma {one.sigma:<9.4g} noise share {one.noise_share:<7.3g} denoise {denoise:<6.3g}"
    return text if one.predicted is None else text + f" expected RMS change {one.predicted.rms:.4f}"
