"""The budget: seconds of this run and of those to come, and what the learning rate is planned by.

The trainer's learning rate is a function of (step, steps in all).  How many steps there will be nobody knows before:
other cards, other speeds.  So ``steps`` is set anew all the time, to what the seconds that are left will hold.  Far
from the end that changes nothing, for the rate is flat; at the end the rate has fallen to 0 when the time is over.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

COMPARING = 0.18  # of a run, kept for the comparison at the end of the last one
CLOSING = 0.02  # of a run, kept for saving at the end of the others
ENOUGH = 0.05  # of a run: with less than this left, there is nothing more to train
LATEST = 7  # measurements of the speed that count


class Clock:
    """Seconds of one run among several.

    Args:
        minutes: of one run.
        runs: planned in all.
        spent: seconds of earlier runs.
        began: when this run began, by ``now``; default: at this moment.
        now: a clock in seconds.
    """

    def __init__(
        self,
        *,
        minutes: float,
        runs: int,
        spent: float,
        began: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ):
        self._now, self.began = now, now() if began is None else began
        self.whole, self.spent = 60.0 * minutes, spent
        rest = max(0.0, self.whole * runs - spent)
        self.trains = rest > ENOUGH * self.whole
        self.here = min(self.whole, rest) if self.trains else self.whole  # what this run may take
        self.later = max(0.0, rest - self.here)
        self.is_last = self.later <= ENOUGH * self.whole
        self._startup = 0.0

    def elapsed(self) -> float:
        """Seconds since this run began."""
        return self._now() - self.began

    def left(self) -> float:
        """Seconds until this run must be over."""
        return self.here - self.elapsed()

    def starts_training(self) -> None:
        """Remember how long it took to get here: the runs to come will need as long."""
        self._startup = self.elapsed()

    def training_here(self) -> float:
        """Seconds of training left in this run."""
        return self.left() - (COMPARING if self.is_last else CLOSING) * self.whole

    def training_left(self) -> float:
        """Seconds of training left in this run and in those to come."""
        if self.is_last:
            return self.training_here()
        runs = -(-self.later // self.whole)
        return (
            self.training_here() + self.later - runs * (self._startup + CLOSING * self.whole) - COMPARING * self.whole
        )


class Pace:
    """Seconds a step takes: the median of the latest measurements, so that one slow start is no measure."""

    def __init__(self, known: float | None = None):
        self._latest = [known] if known else []

    def add(self, steps: int, seconds: float) -> None:
        """Take in that so many steps took so many seconds."""
        if steps:
            self._latest = [*self._latest, seconds / steps][-LATEST:]

    @property
    def seconds(self) -> float | None:
        """Seconds a step, or None before the first measurement."""
        return statistics.median(self._latest) if self._latest else None

    def steps(self, seconds: float) -> int | None:
        """Steps that fit into so many seconds, at least 1."""
        return None if self.seconds is None else max(1, round(max(0.0, seconds) / self.seconds))


def say(seconds: float, text: str) -> None:
    """A line with the time that has passed."""
    minutes, rest = divmod(round(seconds), 60)
    print(f"{minutes:3d}:{rest:02d}  {text}", flush=True)
