"""Noise share: a second unit for the dial, which means the same ratio of picture to noise on every model.

    p = sigma / (sigma + data_std),        sigma = data_std p / (1 - p)

p = 0 is the guide, p = 0.5 as much noise as picture, p = 1 noise alone.  A flow model ``(1 - s) x0 + s z`` of
normalised latents (data_std 1) has sigma = s / (1 - s), so there p is the model's own level s, whatever its shift is.
With a noise scale k, ``(1 - s) x0 + k s z``, sigma = k s / (1 - s) counts, which is the noise that is really added.

t0 is the model's own time instead: exact, as the paper has it, and compressed by a shift; t0 0.45 is p = 0.45 without
one and 0.87 with a shift of 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..sde import Schedule, check_dial, check_t0, short

MODEL_TIME, NOISE_SHARE = UNITS = ("t0 (model time)", "noise share")


def check_unit(unit: str) -> str:
    """Return one of ``UNITS``; ValueError for anything else."""
    if unit not in UNITS:
        raise ValueError(f"The unit of t0 is {' or '.join(map(repr, UNITS))}, got {short(unit)}.")
    return unit


def check_share(share: float) -> float:
    """Return a noise share as a float in [0, 1]; ``ValueError`` for anything else."""
    return check_dial(share, "The noise share", most="noise alone", hint="Start with 0.45 to 0.7.")


def share_of(sigma: float, data_std: float | None = None) -> float:
    """Noise share of a level ``sigma`` of the VE frame, from 0 to 1.

    ``data_std``: spread of clean data in the model's own space; None is 1, that of normalised latents.
    """
    return 1.0 if math.isinf(sigma) else sigma / (sigma + (data_std or 1.0))


def sigma_of(share: float, data_std: float | None = None) -> float:
    """The level of the VE frame that has this noise share (inverse of :func:`share_of`); infinite for 1."""
    share = check_share(share)
    return math.inf if share == 1.0 else (data_std or 1.0) * share / (1.0 - share)


@dataclass(frozen=True)
class Dial:
    """What a value of the one dial means on one model: in the model's time, or as noise share.

    Attributes:
        schedule: of the model.
        data_std: spread of clean data in the model's own space; None is 1.
        unit: one of ``UNITS``.
    """

    schedule: Schedule
    data_std: float | None = None
    unit: str = MODEL_TIME

    def __post_init__(self) -> None:
        check_unit(self.unit)

    @property
    def name(self) -> str:
        """The unit in a table or a sentence: "t0" or "noise share"."""
        return "t0" if self.unit == MODEL_TIME else self.unit

    def check(self, value: float) -> float:
        """The value as a float in [0, 1]; ValueError otherwise."""
        return check_t0(value) if self.unit == MODEL_TIME else check_share(value)

    def t0(self, value: float) -> float:
        """The t0 of a value: 0 for 0, and the nearest end where the model has no such level (see :meth:`note`)."""
        value = self.check(value)
        if self.unit == MODEL_TIME or value == 0.0:
            return value
        sigma = sigma_of(value, self.data_std)
        if sigma >= self.schedule.sigma_max:
            return 1.0
        t0 = self.schedule.t(sigma)
        return t0 if self.schedule.sigma(t0) <= sigma * 1.001 else 0.0  # below the first level: no noise

    def note(self, value: float) -> str:
        """One plain sentence when the model has no such level, else an empty string."""
        t0 = self.t0(value)
        if self.unit == MODEL_TIME:
            return self.schedule.note(t0)
        largest = share_of(self.schedule.sigma_max, self.data_std)
        if value > largest:
            return (
                f"A noise share of {value:g} is more than this model has: it was clamped to {largest:.4g}, at t0 = 1."
            )
        if value > 0.0 and self.schedule.sigma(t0) == 0.0:
            return f"A noise share of {value:g} is less than this model's smallest level: no noise was added."
        return self.schedule.note(t0)

    def value(self, t0: float) -> float:
        """What the dial shows at a t0 (inverse of :meth:`t0`)."""
        return t0 if self.unit == MODEL_TIME else self.share(self.schedule.sigma(t0))

    def share(self, sigma: float) -> float:
        """The noise share of a level."""
        return share_of(sigma, self.data_std)

    def label(self, t0: float, sigma: float) -> str:
        """For a sheet, the unit in use first: "t0 0.4   sigma 1.16" or "noise share 0.6   t0 0.158"."""
        if self.unit == MODEL_TIME:
            return f"t0 {t0:.6g}   sigma {sigma:.3g}"
        return f"noise share {self.share(sigma):.3g}   t0 {t0:.3g}"
