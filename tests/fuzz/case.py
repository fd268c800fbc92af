"""What a fuzz target is, and what came of one of its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

KINDS = ("accepted", "refused", "foreign", "words", "not finite", "slow", "large", "crash", "hang")
FINE = ("accepted", "refused")


@dataclass(frozen=True)
class Case:
    """Files to lay into an empty folder, and plain data that says what is done with them."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    call: Any = None


@dataclass(frozen=True)
class Target:
    """Something that reads what others made.

    Attributes:
        make: a case from a random generator; always the same one from the same state.
        run: does it in a folder with the case's files, and returns tensors that have to be finite.  A ValueError means
            that it was refused.
        share: of the cases of a run, in relation to the other targets'.
        plain: a case that is accepted, run first so that nothing is measured that is only done once.
        host: its cases need a ComfyUI around them.
    """

    name: str
    make: Callable[[Random], Case]
    run: Callable[[Case, Path], Iterable[Any]]
    share: float
    plain: Callable[[], Case]
    host: bool = False

    def case(self, seed: int, number: int) -> Case:
        """The case of that number."""
        return self.make(Random(f"{self.name}/{seed}/{number}"))


@dataclass(frozen=True)
class Verdict:
    """What came of a case: one of ``KINDS``, words about it, seconds of CPU and bytes of memory."""

    kind: str
    text: str = ""
    seconds: float = 0.0
    growth: int = 0
