"""Counts of a run, a row a target, and the table of them in Markdown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from .case import FINE


@dataclass
class Row:
    """What came of the cases of one target; ``slowest`` and ``largest`` as (value, number of the case)."""

    cases: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)
    largest: tuple[int, int] = (0, -1)

    def add(self, number: int, kind: str, seconds: float, growth: int) -> None:
        """One case more; case -1 is the plain one, which is counted when it fails only."""
        self.cases += number >= 0
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.seconds += seconds
        self.slowest = max(self.slowest, (seconds, number))
        self.largest = max(self.largest, (growth, number))

    def join(self, other: dict) -> None:
        """The counts of another part of the same run."""
        self.cases += other["cases"]
        for kind, count in other["kinds"].items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.seconds += other["seconds"]
        self.slowest = max(self.slowest, tuple(other["slowest"]))
        self.largest = max(self.largest, tuple(other["largest"]))

    def to_dict(self) -> dict:
        """Plain data."""
        return asdict(self)

    @property
    def findings(self) -> int:
        """Cases that were neither accepted nor refused as they should be."""
        return sum(count for kind, count in self.kinds.items() if kind not in FINE)


def markdown(rows: dict[str, Row]) -> str:
    """The table, with a line for all targets together."""
    head = ("target", "cases", "accepted", "refused", "other exceptions", "no sentence", "not finite", "crash or hang",
            "slowest, CPU s", "most memory, MB")  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    total = Row()
    for name, row in rows.items():
        total.join(row.to_dict())
        lines.append(_line(name, row))
    return "\n".join([*lines, _line("**all**", total)]) + "\n"


def _line(name: str, row: Row) -> str:
    kinds = row.kinds
    lost = kinds.get("crash", 0) + kinds.get("hang", 0)
    numbers = [
        row.cases,
        *(kinds.get(kind, 0) for kind in ("accepted", "refused", "foreign", "words", "not finite")),
        lost,
    ]
    cells = [name, *(f"{n:,}" for n in numbers), f"{row.slowest[0]:.2f}", f"{row.largest[0] / 2**20:.0f}"]
    return "| " + " | ".join(cells) + " |"
