"""What a training run is: every choice in one place, checked, and stored in the files it writes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Settings:
    """Choices of a run. Units of sigma are those of the data, [-1, 1] for pictures.

    Attributes:
        steps: optimisation steps in all.
        batch: pictures per step at the first size (see ``sources.Size``).
        accumulate: parts into which a batch is cut, one after the other, to save memory.
        rate: peak learning rate.
        warmup: steps of linear rise.
        decay: last part of the run, with a fall to 0.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        ema: relative width of the weight average, 0 to 0.28: 0.1 averages about the last tenth of the run.
        level_mean: mean of ln(sigma) in training.
        level_std: spread of ln(sigma) in training.
        level_tail: share of levels drawn from the whole range.
        sigma_min: of the VE schedule of the finished model (the paper's 0.01 in [0, 1]).
        sigma_max: of the same schedule (the paper's 348 in [0, 1]).
        flip: mirror half of the pictures.
        reference: pictures drawn for each part of a batch, over which the target is averaged as the noised picture
            makes them likely (``trainer.reference_mean``); 0: the target is the picture that was noised.
        precision: "fp32" or "bf16" (weights stay float32, the network runs in bfloat16).
        seed: decides everything random.
        network: a name from ``architectures.NETWORKS``.
    """

    steps: int = 20_000
    batch: int = 64
    accumulate: int = 1
    rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.4
    weight_decay: float = 0.0
    clip: float = 1.0
    ema: float = 0.06
    level_mean: float = -0.7
    level_std: float = 1.3
    level_tail: float = 0.12
    sigma_min: float = 0.02
    sigma_max: float = 696.0
    flip: bool = True
    reference: int = 0
    precision: str = "fp32"
    seed: int = 0
    network: str = "base"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate"):
            self._check(
                name, lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 1, "a whole number, >= 1"
            )
        self._check("warmup", lambda v: isinstance(v, int) and v >= 0, "a whole number, >= 0")
        self._check(
            "reference", lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "a whole number, >= 0"
        )
        self._check("seed", lambda v: isinstance(v, int) and not isinstance(v, bool), "a whole number")
        for name in ("rate", "clip", "level_std"):
            self._check(name, lambda v: _number(v) and v > 0, "a number above 0")
        self._check("level_mean", _number, "a number")
        self._check("weight_decay", lambda v: _number(v) and v >= 0, "a number, >= 0")
        for name in ("decay", "level_tail"):
            self._check(name, lambda v: _number(v) and 0 <= v <= 1, "a number from 0 to 1")
        self._check("ema", lambda v: _number(v) and 0 < v < 0.28, "a number between 0 and 0.28")
        self._check("precision", lambda v: v in PRECISIONS, f"one of {', '.join(PRECISIONS)}")
        if not (_number(self.sigma_max) and 0 < self.sigma_min < self.sigma_max):
            raise ValueError(
                f"Training needs 0 < sigma_min < sigma_max, got {self.sigma_min!r} and {self.sigma_max!r}."
            )
        if self.batch % self.accumulate:
            raise ValueError(f"A batch of {self.batch} cannot be cut into {self.accumulate} equal parts.")

    def _check(self, name: str, good, expected: str) -> None:
        value = getattr(self, name)
        if not good(value):
            raise ValueError(f"{name} must be {expected}, got {value!r}.")

    def to_dict(self) -> dict:
        """Plain data for a file."""
        return asdict(self)

    def learning_rate(self, step: int) -> float:
        """Rate of a step (0-based): linear rise, constant, then a half cosine down to 0 over the last part."""
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        start = self.steps * (1.0 - self.decay)
        fall = 1.0
        if step >= start:
            fall = 0.5 + 0.5 * math.cos(math.pi * (step + 0.5 - start) / max(1.0, self.steps - start))
        return self.rate * rise * max(fall, 0.0)


def _number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
