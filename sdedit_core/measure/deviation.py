"""How far will this t0 move the picture?  Two evaluations answer before any sampling.

The reverse SDE from x(t0) draws from p(x0 | x(t0)) whatever the guide is, so the expected squared deviation is

    E ||x0 - x_g||^2 = ||D - x_g||^2 + tr Cov[x0 | x(t0)] = ||D - x_g||^2 + sigma0^2 tr(dD/dx),   D = D(x(t0), sigma0)

by Tweedie's second-order formula.  The trace is Hutchinson's: e . (D(x + h e) - D(x)) / h with e of random signs.
One evaluation for D, one for the trace.  The probe noise has a stream of its own, the noise of x(t0) is that of the
run with the same seed, so the answer is about that very run.

A run that ends in D at sigma_min lacks the last spread, tr Cov[x0 | x(sigma_min)]; the default solver draws it for
networks, wholly or in part (:func:`~..sampling.solvers.mca.drawn_share`).  What is not drawn matters for sigma0
of a few sigma_min only and is estimated from the mean slope J = tr(dD/dx)/d as for a Gaussian of variance
v = sigma0^2 J / (1 - J): d sigma_min^2 v / (v + sigma_min^2).  At sigma0 <= sigma_min nothing is left of the spread,
as it should be: the run is one evaluation of D.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..edit import run_levels
from ..model import ScoreModel
from ..sampling.masks import is_hard
from ..sampling.noise import NoiseStream
from ..sampling.solvers.base import Denoise
from ..sampling.solvers.mca import automatic_finish, drawn_share
from ..sampling.state import NoisedState, noised, perturb
from ..sde import check_t0, whole_number

STEP = 0.02
START_STRIDE = 1_000_003


@dataclass(frozen=True)
class Deviation:
    """Expected squared deviation per sample, in the model's units, and its two parts.

    ``shift`` = ||D - x_g||^2 (the picture's mean moves), ``spread`` = tr Cov (details are drawn anew), less the part
    that the last step does not draw.
    ``pixel`` is the size of one [0, 1] pixel value in the model's units (1 without a data range).
    """

    t0: float
    sigma: float
    d: int
    shift: list[float]
    spread: list[float]
    nfe: int
    pixel: float = 1.0

    @property
    def squared(self) -> list[float]:
        """E ||x0 - x_g||^2 per sample in the model's units, never negative."""
        return [max(0.0, a + b) for a, b in zip(self.shift, self.spread, strict=True)]

    @property
    def l2(self) -> list[float]:
        """The paper's L2 per sample, on [0, 1] pixels."""
        return [math.sqrt(value) / self.pixel for value in self.squared]

    @property
    def rms(self) -> float:
        """Root mean square change of one value on [0, 1] pixels, over samples and all that may change."""
        values = self.squared
        return math.sqrt(sum(values) / (len(values) * self.d)) / self.pixel if self.d else 0.0

    def __str__(self) -> str:
        return f"t0 {self.t0:.3g} (sigma {self.sigma:.4g}): expected RMS change {self.rms:.4f}"


def predict_from_state(
    denoise: Denoise,
    state: NoisedState,
    *,
    sigma_min: float = 0.0,
    drawn: float = 0.0,
    first: torch.Tensor | None = None,
    pixel: float = 1.0,
) -> Deviation:
    """Expected deviation of a run that starts from ``state``; 2 evaluations, 1 when ``first`` = D(x(t0)) is given.

    ``drawn``: share of the last spread that the run draws, see :func:`default_drawn`.

    Under a mask only what may change is counted; the kept pixels' later influence is not known at t0, so the number
    is approximate there (it ignores what the kept region will still reveal).
    """
    if state.t0_map is not None or (state.mask is not None and not is_hard(state.mask)):
        raise ValueError("The prediction is for one t0: it needs a mask of 0 and 1 only, or none.")
    guide, x, sigma = state.guide, state.samples, state.sigma
    change = torch.ones_like(guide) if state.mask is None else state.mask.expand_as(guide)
    d = int(change.flatten(1).sum(1).max())
    batch = guide.shape[0]
    if sigma == 0.0 or d == 0:
        return Deviation(state.t0, sigma, d, [0.0] * batch, [0.0] * batch, 0, pixel)
    mean = denoise(x, sigma) if first is None else first
    rows = {"samples": state.sample_indices, "device": guide.device, "parts": state.parts}
    stream = NoiseStream(guide.shape[1:], seed=state.seed, stream="probe", **rows)
    signs = torch.where(stream() >= 0.0, 1.0, -1.0) * change
    moved = x.add(signs, alpha=STEP * sigma)
    response = (denoise(moved, sigma) - mean).double() * signs / (STEP * sigma)
    shift = ((mean - guide).double().square() * change).flatten(1).sum(1)
    trace = response.flatten(1).sum(1).tolist()
    missing = 1.0 if sigma <= sigma_min else 1.0 - drawn
    spread = [sigma**2 * value - missing * _last_spread(value / d, sigma, sigma_min) * d for value in trace]
    return Deviation(state.t0, sigma, d, shift.tolist(), spread, 1 if first is not None else 2, pixel)


def _last_spread(slope: float, sigma: float, sigma_min: float) -> float:
    """Posterior variance per value that is still there at sigma_min, for mean slope J at sigma."""
    if sigma <= sigma_min:
        return sigma**2 * slope
    slope = min(max(slope, 0.0), 1.0)
    scaled = sigma**2 * slope  # v (1 - J); the form below has no division by 1 - J
    return sigma_min**2 * scaled / (scaled + sigma_min**2 * (1.0 - slope)) if scaled else 0.0


def default_drawn(model: ScoreModel, t0: float, steps: int = 20) -> float:
    """Share of the last spread that a run of the default solver draws; 0 for models with hard switches."""
    levels = run_levels(model.schedule, model.schedule.sigma(t0), steps=steps, data_std=model.data_std)
    return drawn_share(levels, automatic_finish(levels, model.schedule.sigma_min, smooth=model.smooth))


def pixel_size(model: ScoreModel) -> float:
    """Size of one [0, 1] pixel value in the model's units: 1 for (0, 1) and for latents, 2 for (-1, 1)."""
    return 1.0 if model.data_range is None else model.data_range[1] - model.data_range[0]


@torch.no_grad()
def predict_deviation(
    model: ScoreModel,
    guide: torch.Tensor,
    t0: float,
    *,
    seed: int = 0,
    mask: torch.Tensor | None = None,
    starts: int = 1,
    y: torch.Tensor | None = None,
    steps: int = 20,
) -> Deviation:
    """Expected deviation of an edit with the default solver at t0, before sampling; 2 evaluations per start.

    Args:
        guide: (B,C,H,W) in the model's data range.
        mask: (B|1,1,H,W), 1 = change.
        starts: noised guides to average over; 1 = that of the run with this seed. One start is enough for a
            picture, pictures of a few pixels want more.
        steps: of the run; they matter near sigma_min only.
    """
    if whole_number(starts) is None or starts < 1:
        raise ValueError(f"starts must be a whole number of at least 1, got {starts!r}.")

    if model.distilled:
        raise ValueError(
            "The expected change is for models whose D is a mean, and this one is distilled. Run it instead: one step "
            "of solver few_step costs one evaluation."
        )

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return model.denoise(x, sigma, y)

    state = perturb(model, guide, t0, seed=seed, mask=mask)
    options = {
        "sigma_min": model.schedule.sigma_min,
        "drawn": default_drawn(model, t0, steps),
        "pixel": pixel_size(model),
    }
    found = []
    for k in range(starts):
        if k:
            state.sample_indices = [i + START_STRIDE for i in state.sample_indices]
            state.samples = noised(state.guide, state.sigma, seed=seed, samples=state.sample_indices, parts=state.parts)
        found.append(predict_from_state(denoise, state, **options))
    shift, spread = (
        [sum(values) / starts for values in zip(*(getattr(one, name) for one in found), strict=True)]
        for name in ("shift", "spread")
    )
    one = found[0]
    return Deviation(one.t0, one.sigma, one.d, shift, spread, sum(f.nfe for f in found), one.pixel)


def t0_for_deviation(
    model: ScoreModel,
    guide: torch.Tensor,
    rms: float,
    *,
    seed: int = 0,
    mask: torch.Tensor | None = None,
    starts: int = 1,
    y: torch.Tensor | None = None,
    tolerance: float = 0.005,
    low: float = 0.0,
    high: float = 1.0,
    callback: Callable[[Deviation], None] | None = None,
) -> Deviation:
    """The t0 whose expected RMS change on [0, 1] pixels is ``rms``: bisection with the same noise throughout.

    About 8 x 2 evaluations at the default tolerance (in t0).  ``callback`` sees every trial and may raise to stop.
    Raises ValueError when no t0 between ``low`` and ``high`` moves the picture that far, naming the reach.
    """
    low, high = check_t0(low), check_t0(high)
    if not (math.isfinite(rms) and rms >= 0.0):
        raise ValueError(f"The wanted RMS change must be a number >= 0, got {rms!r}. 0.1 is a clear change.")
    if not low < high or not tolerance > 0.0:
        raise ValueError(f"Bisection needs low < high and a tolerance above 0, got {low}, {high}, {tolerance}.")

    def trial(t0: float) -> Deviation:
        found = predict_deviation(model, guide, t0, seed=seed, mask=mask, starts=starts, y=y)
        if callback is not None:
            callback(found)
        return found

    below, above = trial(low), trial(high)
    if not below.rms <= rms <= above.rms:
        raise ValueError(
            f"An RMS change of {rms:g} is out of reach: t0 {low:g} gives {below.rms:.4g}, t0 {high:g} gives "
            f"{above.rms:.4g}."
        )
    while above.t0 - below.t0 > tolerance:
        middle = trial(0.5 * (below.t0 + above.t0))
        below, above = (middle, above) if middle.rms <= rms else (below, middle)
    return min((below, above), key=lambda found: abs(found.rms - rms))
