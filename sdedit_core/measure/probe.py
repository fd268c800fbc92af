"""t0 Probe: what survives at this noise level?  One evaluation per t0 shows E[x0 | x(t0)].

D(x(t0), sigma0) is the mean of everything the reverse SDE could draw from this noised guide (Tweedie's formula):
what is sharp in it is fixed by the guide, what is blurred will be invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ..model import ScoreModel
from ..sampling.share import MODEL_TIME, Dial
from ..sampling.state import perturb
from .deviation import Deviation, default_drawn, pixel_size, predict_from_state


@dataclass(frozen=True)
class Probe:
    """``denoised`` (B,C,H,W) = E[x0 | x(t0)] in the model's data range, kept pixels equal to the guide.

    ``level``: t0 and sigma in short, the unit that the probe was given first; ``note``: what had to be clamped.
    """

    t0: float
    sigma: float
    noise_share: float
    denoised: torch.Tensor
    nfe: int
    predicted: Deviation | None = None
    level: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        return self.level if self.predicted is None else f"{self.level}   change {self.predicted.rms:.3f}"


@torch.no_grad()
def probe(
    model: ScoreModel,
    guide: torch.Tensor,
    t0_values: Sequence[float],
    *,
    seed: int = 0,
    mask: torch.Tensor | None = None,
    y: torch.Tensor | None = None,
    predict: bool = False,
    unit: str = MODEL_TIME,
    sample_indices: Sequence[int] | None = None,
    callback: Callable[[Probe, int, int], None] | None = None,
) -> list[Probe]:
    """E[x0 | x(t0)] at every t0, all with the noise that a run with this seed starts from.

    Args:
        guide: (B,C,H,W) in the model's data range.
        mask: (B|1,1,H,W), 1 = change; where it is between 0 and 1 the probe shows the full t0 all the same.
        predict: spend a second evaluation on the expected change (see :mod:`deviation`).  Not for a distilled model,
            whose D is no mean: the probe is then the run of one step itself.
        unit: what ``t0_values`` are, one of ``sampling.share.UNITS``.
        sample_indices: place of every item in a larger batch, as for :func:`~sdedit_core.sampling.state.perturb`.
        callback: ``callback(probe, index, total)`` after every value; may raise to stop.
    """
    dial = Dial(model.schedule, model.data_std, unit)
    values = [dial.check(value) for value in t0_values]
    if not values:
        raise ValueError("A probe needs at least one t0 value, got none.")
    out = []
    for index, value in enumerate(values):
        t0 = dial.t0(value)
        state = perturb(model, guide, t0, seed=seed, mask=mask, sample_indices=sample_indices)
        change = None if state.mask is None else state.mask > 0.0
        if state.sigma == 0.0 or (change is not None and not bool(change.any())):
            denoised, nfe = state.guide.clone(), 0
        else:
            denoised, nfe = model.denoise(state.samples, state.sigma, y), 1
        predicted = None
        if predict and not model.distilled:
            first = denoised if nfe else None
            predicted = predict_from_state(
                lambda x, sigma: model.denoise(x, sigma, y),
                state,
                sigma_min=model.schedule.sigma_min,
                drawn=default_drawn(model, t0),
                first=first,
                pixel=pixel_size(model),
            )
            nfe += predicted.nfe
        if change is not None:
            denoised = torch.where(change, denoised, state.guide)
        level, share = dial.label(t0, state.sigma), dial.share(state.sigma)
        out.append(Probe(t0, state.sigma, share, denoised, nfe, predicted, level, dial.note(value)))
        if callback is not None:
            callback(out[-1], index, len(values))
    return out
