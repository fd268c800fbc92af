"""Sigmas from t0: noise levels for ComfyUI's own samplers that start at t0."""

from __future__ import annotations

import torch

from ..sdedit_core.sampling.grids import check_steps
from ..sdedit_core.sampling.share import MODEL_TIME
from .dial import find_dial, read_out
from .frames import HostSchedule
from .schema import T0_INPUT, UNIT_INPUT, Node, choice, knob, socket

SPACINGS = ("karras", "exponential", "uniform t")


class SigmasFromT0(Node):
    ID = "SDEdit_SigmasFromT0"
    NAME = "Sigmas from t0"
    FUNCTION = "get_sigmas"
    OUTPUTS = (
        (
            "SIGMAS",
            "sigmas",
            "Noise levels from sigma(t0) down to 0, in the model's own units: for SamplerCustom, "
            "SamplerCustomAdvanced and the sigmas input of Reverse SDE Sampler.",
        ),
        ("FLOAT", "sigma", "The first level, in the model's own units."),
        (
            "STRING",
            "read-out",
            "t0, sigma, noise share, the denoise of a KSampler that equals them. Connect Preview as Text to read it.",
        ),
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
                "model": socket("MODEL", "The model that will sample; it knows what t0 means."),
                "t0": T0_INPUT,
                **knob("steps", tooltip="How many levels between t0 and 0. All of them are run."),
                "spacing": choice(
                    list(SPACINGS),
                    "karras: more steps at low noise, good for nearly every sampler. exponential: even "
                    "in log sigma. uniform t: even in the model's own time, as in the paper and as stock "
                    "schedulers normal and simple.",
                    default="karras",
                ),
            },
            "optional": {"unit": UNIT_INPUT},
        }

    def get_sigmas(self, model: object, t0: float, steps: int, spacing: str, unit: str = MODEL_TIME) -> tuple:
        from . import host

        dial, steps = find_dial(model, unit), check_steps(steps)
        t0, note = dial.t0(t0), dial.note(t0)
        text = "\n".join([*read_out(model, dial, t0), *[note] * bool(note)])
        if t0 == 0.0:
            return torch.zeros(0), 0.0, text
        schedule = dial.schedule
        level = schedule.level if isinstance(schedule, HostSchedule) else schedule.sigma
        start, end = level(t0), float(model.get_model_object("model_sampling").sigma_min)
        if spacing == "uniform t":
            sigmas = torch.tensor([level(t0 * i / steps) for i in range(steps, 0, -1)] + [0.0])
        elif steps == 1 or start <= end:
            sigmas = torch.tensor([start, 0.0])
        else:
            sigmas = host.spaced_sigmas(spacing, steps, end, start)
        return sigmas, float(sigmas[0]), text
