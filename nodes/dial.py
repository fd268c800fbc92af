"""The one dial on a MODEL: its values in a unit, and the ``denoise`` of stock img2img that is the same."""

from __future__ import annotations

import torch

from ..sdedit_core.sampling.share import Dial
from .frames import HostSchedule, frame_of


def find_dial(model: object, unit: str) -> Dial:
    """What values of t0 in this unit mean on the MODEL."""
    from . import host

    return Dial(host.model_schedule(model), host.data_std(model), unit)


def read_out(model: object, dial: Dial, t0: float) -> list[str]:
    """t0 in every way there is to say it, and what the model is."""
    schedule, sigma = dial.schedule, dial.schedule.sigma(t0)
    if sigma == 0.0:
        lines = [f"t0 {t0:g}  ->  sigma 0  (no noise: the guide comes back)"]
    else:
        lines = [
            f"t0 {t0:.6g}  ->  sigma {sigma:.4g}, noise share {dial.share(sigma):.4g}",
            f"like denoise {denoise_at(model, sigma):.3g} of a KSampler with the scheduler simple",
        ]
    if isinstance(schedule, HostSchedule) and schedule.frame.flow and sigma > 0.0:
        lines.append(f"the flow model's own noise level: {schedule.frame.from_ve(sigma):.4g}")
    return [*lines, f"model: {schedule!r}"]


def denoise_at(model: object, sigma: float) -> float:
    """The ``denoise`` with which a stock KSampler, scheduler "simple", starts at ``sigma`` of the VE frame."""
    model_sampling = model.get_model_object("model_sampling")
    return simple_denoise(model_sampling.sigmas, frame_of(model_sampling).from_ve(sigma))


def simple_denoise(table: torch.Tensor, level: float) -> float:
    """Where a level of the model's own lies in its table of L rising levels, 0 to 1.

    The scheduler "simple" takes its n steps evenly out of that table, and KSampler's denoise d leaves the last d of
    int(steps / d) steps: it starts at level number d L, counted from 1.  Exact to 1 / L where steps / d is whole.
    """
    levels = table.detach().to("cpu", torch.float64).flatten()
    if level <= 0.0 or level >= float(levels[-1]):
        return 0.0 if level <= 0.0 else 1.0
    above = int(torch.searchsorted(levels, torch.tensor(level, dtype=torch.float64)))
    low, high = float(levels[above - 1]) if above else 0.0, float(levels[above])
    return (above + (level - low) / (high - low)) / len(levels)
