"""Find t0 by picking pictures from sheets; the whole search is the list of picks.

SDEdit (Meng et al., ICLR 2022), section 4, finds t0 for a picture by binary search on feedback, "more faithful" or
"more real".  Here the next sheet shows the picked picture between a more faithful and a more real one, so both
answers are seen before one is given.  Nothing is remembered but the text: the same picks lead to the same sheet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..sde import check_t0

TOLERANCE = 0.02
MOST = 9  # digits of a number of a picture; Python itself refuses to read some thousands
DIGITS = 4  # of a t0: far below what can be seen, and short on a sheet
HOW = 'Write the number of a picture on the sheet, f or r, with spaces between, as in "4 2 r".'


@dataclass(frozen=True)
class Sheet:
    """The values on the sheet now, in the unit called ``name``. ``t0`` is the one picked last, None at the beginning.

    The wanted t0 lies between ``low`` and ``high``, the neighbours of the pick that were seen and not chosen.
    """

    values: tuple[float, ...]
    low: float = 0.0
    high: float = 1.0
    t0: float | None = None
    picks: tuple[str, ...] = ()
    name: str = "t0"

    @property
    def found(self) -> bool:
        """The outer pictures of the sheet are too near to the picked one to be worth another pick."""
        return self.t0 is not None and self.high - self.low <= 2.0 * TOLERANCE

    def pick(self, token: str) -> Sheet:
        """The next sheet after "1", "2", .. (this picture), "f" or "r" (more faithful, more real than all of them)."""
        word, last = str(token).strip().lower(), len(self.values)
        edges = (self.low, *self.values, self.high)
        if word in ("f", "r"):
            low, high = (edges[0], edges[1]) if word == "f" else (edges[-2], edges[-1])
            t0 = 0.5 * (low + high)
            if not low < high:
                raise ValueError(
                    f"Nothing lies beyond this sheet ({self.name} {t0:g}): the search ends here. Take {word!r} back."
                )
        elif word.isdecimal() and len(word) <= MOST and 1 <= int(word) <= last:
            low, t0, high = edges[int(word) - 1 : int(word) + 2]
        else:
            said = (
                repr(str(token)) if len(str(token)) <= 40 else f"{str(token)[:20]!r}... ({len(str(token))} characters)"
            )
            raise ValueError(f"Pick {len(self.picks) + 1} is {said}; that sheet has pictures 1 to {last}. {HOW}")
        t0 = round(t0, DIGITS)
        around = sorted({round(0.5 * (low + t0), DIGITS), t0, round(0.5 * (t0 + high), DIGITS)})
        return Sheet(tuple(around), low, high, t0, (*self.picks, word), self.name)

    def __str__(self) -> str:
        if self.t0 is None:
            return "Search: put the number of the picture you like best into picks and queue again."
        where = f"{self.name} {self.t0:.4g} after {len(self.picks)} pick{'s' * (len(self.picks) != 1)}"
        if self.found:
            return f"Search: found, {where}. Its neighbours are less than {TOLERANCE:g} away."
        return f"Search: {where}; the best lies between {self.low:.4g} and {self.high:.4g}. Pick again to narrow it."


def parse_picks(text: str) -> list[str]:
    """Picks from one text, separated by spaces, commas or lines; letters may stand together as in "rrf"."""
    tokens = [token for token in re.split(r"[\s,;]+", str(text).strip()) if token]
    return [part for token in tokens for part in (token if set(token.lower()) <= {"f", "r"} else [token])]


def sheet_after(values: Sequence[float], picks: str, *, name: str = "t0") -> Sheet:
    """The sheet that a list of picks leads to, from the rising values of the first sheet, in the unit called so."""
    sheet = Sheet(tuple(check_t0(value) for value in values), name=name)
    for token in parse_picks(picks):
        sheet = sheet.pick(token)
    return sheet
