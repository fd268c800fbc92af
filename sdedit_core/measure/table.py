"""The realism-faithfulness trade-off as a table: one row per t0, the sweet spot, text and CSV.

SDEdit (Meng et al., ICLR 2022), figure 3: over t0 the distance to the guide rises and the distance to real pictures
falls; the paper boxes [0.3, 0.6] by eye.  Here the sweet spot is computed, by a stated rule.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ..sampling.share import MODEL_TIME, NOISE_SHARE
from .metrics import distances

if TYPE_CHECKING:
    import torch

    from .realism import SlicedWasserstein
    from .sweep import Sweep

PARTS = (0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Row:
    """One t0: means over the pictures, all on [0, 1] pixels; None where it was not measured.

    ``l2`` is the mean of the paper's norm, ``l2_squared`` the mean of its square; ``realism`` is the distance to the
    reference (smaller is more real), ``realism_low`` to ``realism_high`` its 95 % interval; ``gain`` is how much nearer
    to the reference than the guides it is, with the interval of that difference (see :mod:`resampling`);
    ``predicted_l2`` comes from two evaluations before sampling; ``strict_l2`` is the square root of the bound of
    :mod:`bound`, ``vacuous`` where it exceeds what two pictures can differ at all.  ``noise_share`` is that of sigma on
    the model, see :mod:`..sampling.share`.
    """

    t0: float
    sigma: float
    l2: float
    l2_squared: float
    rmse: float
    psnr: float
    ssim: float
    noise_share: float | None = None
    realism: float | None = None
    realism_low: float | None = None
    realism_high: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    predicted_l2: float | None = None
    strict_l2: float | None = None
    vacuous: bool | None = None
    nfe: int | None = None
    seconds: float | None = None


def sweep_rows(
    result: Sweep,
    guide: torch.Tensor,
    pictures: Sequence[torch.Tensor],
    *,
    mask: torch.Tensor | None = None,
    realism: SlicedWasserstein | None = None,
    pixel: float | None = None,
) -> list[Row]:
    """The trade-off table of a sweep.

    Args:
        result: the sweep.
        guide: (B,3,H,W) in [0, 1].
        pictures: one such batch per cell, decoded and clamped, as they will be seen.
        mask: distances are taken where it is above 0.
        realism: distance to real pictures, see :mod:`realism`.
        pixel: size of one [0, 1] pixel value in the model's units, which brings predictions and bounds to pixels;
            None leaves them out (for latents, whose units are not those of pixels).
    """
    if len(pictures) != len(result.cells):
        raise ValueError(f"The sweep has {len(result.cells)} finished cells, got {len(pictures)} pictures.")
    out = []
    for cell, picture in zip(result.cells, pictures, strict=True):
        found = distances(guide, picture, mask)
        means = {
            name: sum(getattr(one, name) for one in found) / len(found)
            for name in ("l2", "l2_squared", "rmse", "psnr", "ssim")
        }
        extra = {}
        if pixel is not None and cell.predicted is not None:
            extra["predicted_l2"] = _root_mean(cell.predicted.squared, pixel)
        if pixel is not None and cell.bounds is not None:
            extra["strict_l2"] = _root_mean(cell.bounds.strict, pixel)
            extra["vacuous"] = cell.bounds.vacuous
        if realism is not None:
            extra["realism"] = realism(picture).mean
        level = {"t0": cell.t0, "sigma": cell.sigma, "noise_share": cell.noise_share}
        out.append(Row(**level, **means, **extra, nfe=cell.nfe, seconds=cell.seconds))
    return out


def _root_mean(values: Sequence[float], pixel: float) -> float:
    return (sum(values) / len(values)) ** 0.5 / pixel


@dataclass(frozen=True)
class SweetSpot:
    """The t0 where realism is nearly reached, ``best``, with a more faithful (``low``) and a more real one.

    ``shares``: the noise shares of the three, where that is the unit to speak in.
    """

    best: float
    low: float
    high: float
    edge: bool
    shares: tuple[float, float, float] | None = None

    def __str__(self) -> str:
        best, low, high = (f"{value:.4g}" for value in self.shares or (self.best, self.low, self.high))
        best = f"t0 {best}" if self.shares is None else f"noise share {best}, which is t0 {self.best:.4g}"
        text = f"sweet spot: {best} (half of the realism at {low}, nine tenths at {high})"
        return text + "; realism still falls at the end of the sweep: sweep further" if self.edge else text


def sweet_spot(rows: Sequence[Row], *, ceiling: float | None = None, unit: str = MODEL_TIME) -> SweetSpot | None:
    """The most faithful t0 that has most of the realism; None without realism or with fewer than three rows.

    Rule: the realism distance falls from that of the guides to its smallest value in the sweep; ``low``, ``best`` and
    ``high`` are the first t0 with 50 %, 75 % and 90 % of that fall.  Beyond, faithfulness is paid for little realism.

    Args:
        ceiling: realism distance of the guides; default the largest of the sweep.
        unit: what the sentence speaks of, one of ``sampling.share.UNITS``.
    """
    rows = sorted(rows, key=lambda row: row.t0)
    if len(rows) < 3 or any(row.realism is None for row in rows):
        return None
    realism = [row.realism for row in rows]
    ceiling = max(realism) if ceiling is None else ceiling
    fall = ceiling - min(realism)
    if not fall > 0.0:
        return None
    low, best, high = (next(i for i, r in enumerate(realism) if ceiling - r >= part * fall) for part in PARTS)
    shares = tuple(rows[i].noise_share for i in (best, low, high)) if unit == NOISE_SHARE else None
    return SweetSpot(rows[best].t0, rows[low].t0, rows[high].t0, edge=best == len(rows) - 1, shares=shares)


def more_real(rows: Sequence[Row]) -> str:
    """Where edits are nearer to real pictures than their guides beyond doubt (95 %); empty when it was not measured."""
    known = [row for row in sorted(rows, key=lambda row: row.t0) if row.gain_low is not None]
    if not known:
        return ""
    runs = []
    for sure, group in groupby(known, key=lambda row: row.gain_low > 0.0):
        if sure:
            t0 = [row.t0 for row in group]
            runs.append(f"{t0[0]:g}" if len(t0) == 1 else f"{t0[0]:g} to {t0[-1]:g}")
    return "more real than the guides (95 % interval above 0): " + (f"t0 {', '.join(runs)}" if runs else "nowhere")


_HEADS = {  # in the order of the columns
    "t0": "t0",
    "sigma": "sigma",
    "noise_share": "share",
    "l2": "L2",
    "l2_squared": "L2^2",
    "rmse": "RMSE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "realism": "realism",
    "realism_low": "from",
    "realism_high": "to",
    "gain": "gain",
    "gain_low": "from",
    "gain_high": "to",
    "predicted_l2": "L2 pred.",
    "strict_l2": "strict",
    "vacuous": "",
    "nfe": "evals",
    "seconds": "s",
}


def table(rows: Sequence[Row]) -> str:
    """Aligned text, one line per t0; columns that were never measured, or say nothing, are left out."""
    names = [name for name in _HEADS if any(_cell(getattr(row, name)) not in ("", "-") for row in rows)]
    lines = ["".join(f"{_HEADS[name]:>10s}" for name in names)]
    for row in rows:
        lines.append("".join(f"{_cell(getattr(row, name)):>10s}" for name in names))
    return "\n".join(lines)


def _cell(value: float | bool | None) -> str:
    if isinstance(value, bool):
        return "vacuous" if value else ""
    return "-" if value is None else format(value, ".4g")


def to_csv(rows: Sequence[Row]) -> str:
    """Comma-separated values with a header, full precision, empty where not measured."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = list(_HEADS)
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if getattr(row, name) is None else repr(getattr(row, name)) for name in names])
    return out.getvalue()
