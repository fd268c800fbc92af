"""What a run has found: checks with figure and limit, and timings."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field


@dataclass
class Check:
    """``value`` may be at most ``limit``; ``why`` says where the limit comes from.  None: not run, and why not."""

    name: str
    value: float | None
    limit: float | None
    why: str

    @property
    def ok(self) -> bool | None:
        """None when it was not run."""
        return None if self.value is None else self.value <= self.limit

    def __str__(self) -> str:
        if self.value is None:
            return f"  not run  {self.name}: {self.why}"
        return f"  {'ok    ' if self.ok else 'FAILED'}   {self.name}: {self.value:.3g}, at most {self.limit:.3g}"


@dataclass
class Timing:
    """``figures``: name with unit -> number."""

    name: str
    figures: dict[str, float | None]

    def __str__(self) -> str:
        shown = ", ".join(f"{key} {value:.3g}" for key, value in self.figures.items() if value is not None)
        return f"  {self.name}: {shown}"


@dataclass
class Record:
    """One run of the script."""

    machine: dict[str, object]
    checks: list[Check] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self, name: str, value: float | None, limit: float | None, why: str) -> None:
        """NaN counts as infinitely wrong."""
        value = math.inf if value is not None and math.isnan(value) else value
        self._tell(self.checks, Check(name, value, limit, why))

    def skip(self, name: str, why: str) -> None:
        self.check(name, None, None, why)

    def time(self, name: str, **figures: float | None) -> None:
        """Figures in milliseconds unless their name says otherwise."""
        self._tell(self.timings, Timing(name, {key.replace("_", " "): value for key, value in figures.items()}))

    def _tell(self, kept: list, found: Check | Timing) -> None:
        kept.append(found)
        print(found, flush=True)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.ok is False]

    def summary(self) -> str:
        """The last lines of a run."""
        run = [check for check in self.checks if check.ok is not None]
        lines = [f"{len(run) - len(self.failed)} of {len(run)} checks hold, {len(self.checks) - len(run)} not run."]
        return "\n".join(lines + [f"FAILED {check.name} ({check.why})" for check in self.failed] + self.notes)

    def data(self) -> dict:
        """For the JSON file; a figure that is infinite is the text "inf"."""

        def plain(value: object) -> object:
            return str(value) if isinstance(value, float) and not math.isfinite(value) else value

        checks = [{**{k: plain(v) for k, v in asdict(c).items()}, "ok": c.ok} for c in self.checks]
        return {
            "machine": self.machine,
            "checks": checks,
            "timings": [asdict(timing) for timing in self.timings],
            "notes": self.notes,
        }
