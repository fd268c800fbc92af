"""Find t0 from two answers, "more faithful" and "more real": the paper's interactive binary search, with a memory.

SDEdit (Meng et al., ICLR 2022), section 4: for an individual image, t0 is found by binary search on the feedback.
The whole search is its list of answers; states are values, every answer makes a new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..sde import check_t0
from .table import write_whole

FAITHFUL, REAL = "more faithful", "more real"
VERSION = 1
START = 0.4
_WORDS = {"faithful": FAITHFUL, "f": FAITHFUL, FAITHFUL: FAITHFUL, "real": REAL, "r": REAL, REAL: REAL}


def answer_word(text: str) -> str:
    """'more faithful' or 'more real' from what was typed (also faithful, f, real, r); ValueError otherwise."""
    word = " ".join(str(text).lower().split())
    if word not in _WORDS:
        raise ValueError(f'The answer must be "{FAITHFUL}" or "{REAL}", got {text!r}.')
    return _WORDS[word]


@dataclass(frozen=True)
class Search:
    """A search: the answer lies between ``low`` and ``high``; ``t0`` is the value to look at now.

    ``history`` holds (t0 shown, answer) pairs.  ``done`` once the interval is narrower than ``tolerance``.
    """

    t0: float = START
    low: float = 0.0
    high: float = 1.0
    tolerance: float = 0.02
    history: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        for value in (self.t0, self.low, self.high):
            check_t0(value)
        if not self.low <= self.t0 <= self.high or not self.low < self.high:
            raise ValueError(f"A search needs low <= t0 <= high, got {self.low:g}, {self.t0:g}, {self.high:g}.")
        if not 0.0 < self.tolerance < 1.0:
            raise ValueError(f"The tolerance must lie between 0 and 1, got {self.tolerance!r}.")

    @property
    def done(self) -> bool:
        return self.high - self.low <= self.tolerance

    def answer(self, text: str) -> Search:
        """The next state: "more faithful" goes below the t0 shown, "more real" above it."""
        word = answer_word(text)
        low, high = (self.low, self.t0) if word == FAITHFUL else (self.t0, self.high)
        if not low < high:
            raise ValueError(f"t0 {self.t0:g} is the end of the range {self.low:g} to {self.high:g}: no way further.")
        return replace(
            self,
            low=low,
            high=high,
            t0=round(0.5 * (low + high), 6),
            history=(*self.history, (self.t0, word)),
        )

    def undo(self, start: Search | None = None) -> Search:
        """The state before the last answer; ``start`` is the state the search began with, default the usual one."""
        if not self.history:
            raise ValueError("There is no answer to take back yet.")
        state = Search(tolerance=self.tolerance) if start is None else start
        return state.replay([word for _, word in self.history[:-1]])

    def replay(self, answers: Sequence[str]) -> Search:
        """This state after a list of answers."""
        state = self
        for text in answers:
            state = state.answer(text)
        return state

    def __str__(self) -> str:
        between = f"between {self.low:.3g} and {self.high:.3g}, {len(self.history)} answers"
        return f"t0 {self.t0:.4g} ({'found, ' if self.done else ''}{between})"


def parse_answers(text: str) -> list[str]:
    """Answers from one text: words separated by commas or lines, or letters as in 'rrf'."""
    parts = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
    if len(parts) == 1 and set(parts[0].lower()) <= {"r", "f"}:
        parts = list(parts[0])
    return [answer_word(part) for part in parts]


def save_search(path: str | os.PathLike, search: Search, *, settings: dict, start: Search | None = None) -> None:
    """Write the search and the settings of its pictures as JSON, whole or not at all."""
    begin = Search(tolerance=search.tolerance) if start is None else start
    text = json.dumps(
        {"version": VERSION, "search": asdict(search), "start": asdict(begin), "settings": settings}, indent=2
    )
    write_whole(path, text + "\n")


def load_search(path: str | os.PathLike) -> tuple[Search, Search, dict]:
    """(search, the state it began with, settings) from :func:`save_search`; ValueError for any other file."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"No saved search at {path}. Begin one by naming a guide image.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, this program writes {VERSION}")
        begin = Search(**{**data["start"], "history": ()})
        shown = data["search"]
        search = begin.replay([word for _, word in shown["history"]])
        if abs(search.t0 - shown["t0"]) > 1e-6:
            raise ValueError(f"its answers lead to t0 {search.t0:g}, it says {shown['t0']!r}")
        return search, begin, dict(data["settings"])
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a saved search of sdedit tune: {error}") from None
