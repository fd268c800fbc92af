"""The realism-faithfulness trade-off as a table: one row per t0, the sweet spot, text and CSV.

SDEdit (Meng et al., ICLR 2022), figure 3: over t0 the distance to the guide rises and the distance to real pictures
falls; the paper boxes [0.3, 0.6] by eye.  Here the sweet spot is computed and its rule is stated.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

SLACK = 0.10


@dataclass(frozen=True)
class Row:
    """One t0: means over the pictures, all on [0, 1] pixels; None where it was not measured.

    ``l2`` is the mean of the paper's norm, ``l2_squared`` the mean of its square; ``realism`` is the distance to the
    reference (smaller is more real); ``predicted_l2`` comes from two evaluations before sampling; ``typical_l2``,
    ``strict_l2``, ``repaired_l2`` and ``bound_l2`` (proposition 1 as printed) are square roots of the bounds of
    :mod:`bound`, ``possible_l2`` is as far as two pictures can be apart: bounds above it are vacuous.
    """

    t0: float
    sigma: float
    l2: float
    l2_squared: float
    rmse: float
    psnr: float
    ssim: float
    realism: float | None = None
    predicted_l2: float | None = None
    typical_l2: float | None = None
    strict_l2: float | None = None
    repaired_l2: float | None = None
    bound_l2: float | None = None
    possible_l2: float | None = None
    nfe: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class SweetSpot:
    """``best`` and the range ``low`` to ``high`` of t0 around it that is almost as good."""

    best: float
    low: float
    high: float
    edge: bool

    def __str__(self) -> str:
        text = f"sweet spot: t0 {self.best:g} (within {SLACK:.0%}: {self.low:g} to {self.high:g})"
        return text + ", at the end of the sweep: sweep further" if self.edge else text


def sweet_spot(rows: Sequence[Row], *, floor: float | None = None, ceiling: float | None = None) -> SweetSpot | None:
    """The t0 nearest to the ideal corner of the trade-off; None without realism or with fewer than three rows.

    Rule: faithfulness f = L2 / (largest L2 of the sweep), realism r = (distance - floor) / (ceiling - floor); the
    best t0 has the smallest f^2 + r^2, the range holds all neighbours whose sqrt(f^2 + r^2) is within 10 %.

    Args:
        floor: realism distance of other real pictures, which no edit can beat; default the smallest of the sweep.
        ceiling: realism distance of the guides; default the largest of the sweep.
    """
    rows = sorted(rows, key=lambda row: row.t0)
    if len(rows) < 3 or any(row.realism is None for row in rows):
        return None
    realism = [row.realism for row in rows]
    floor = min(realism) if floor is None else floor
    ceiling = max(realism) if ceiling is None else ceiling
    far = max(row.l2 for row in rows)
    if not (ceiling > floor and far > 0.0):
        return None
    cost = [((row.l2 / far) ** 2 + (max(0.0, row.realism - floor) / (ceiling - floor)) ** 2) ** 0.5 for row in rows]
    i = j = k = min(range(len(rows)), key=cost.__getitem__)
    while i > 0 and cost[i - 1] <= cost[k] * (1.0 + SLACK):
        i -= 1
    while j < len(rows) - 1 and cost[j + 1] <= cost[k] * (1.0 + SLACK):
        j += 1
    return SweetSpot(rows[k].t0, rows[i].t0, rows[j].t0, edge=k in (0, len(rows) - 1))


_HEADS = {
    "t0": "t0",
    "sigma": "sigma",
    "l2": "L2",
    "l2_squared": "L2^2",
    "rmse": "RMSE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "realism": "realism",
    "predicted_l2": "L2 pred.",
    "typical_l2": "typical",
    "strict_l2": "strict",
    "repaired_l2": "repaired",
    "bound_l2": "prop. 1",
    "possible_l2": "possible",
    "nfe": "evals",
    "seconds": "s",
}


def table(rows: Sequence[Row]) -> str:
    """Aligned text, one line per t0; columns that were never measured are left out."""
    names = [f.name for f in fields(Row) if any(getattr(row, f.name) is not None for row in rows)]
    lines = ["".join(f"{_HEADS[name]:>10s}" for name in names)]
    for row in rows:
        cells = (getattr(row, name) for name in names)
        lines.append("".join(f"{'-' if v is None else format(v, '.4g'):>10s}" for v in cells))
    return "\n".join(lines)


def to_csv(rows: Sequence[Row]) -> str:
    """Comma-separated values with a header, full precision, empty where not measured."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f.name for f in fields(Row)]
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if getattr(row, name) is None else repr(getattr(row, name)) for name in names])
    return out.getvalue()


def write_whole(path: str | os.PathLike, data: str | bytes) -> None:
    """Write a file whole or not at all: a temporary file in the same folder is renamed into place."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"The folder {path.parent} does not exist.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file name is needed.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        os.replace(temporary, path)
    except OSError as error:
        raise ValueError(f"Cannot write {path}: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)
