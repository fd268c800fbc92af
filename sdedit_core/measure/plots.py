"""Pictures of numbers: the trade-off plot (matplotlib where it is installed) and the difference heat map."""

from __future__ import annotations

import io
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from PIL import Image, ImageDraw, ImageFont

from ..pictures.check import check_pair
from ..pictures.io import from_pil, to_pil
from ..sampling.share import MODEL_TIME, check_unit
from .metrics import may_change
from .small_plot import small_plot
from .table import Row, SweetSpot

_FAITHFUL, _REAL, _PREDICTED, _BOUND = "#1f6fb4", "#c2410c", "#7c3aed", "#6b7280"
# Anchors of a perceptually rising map, dark violet to pale yellow (after matplotlib's inferno).
_HEAT = ((0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39))
_HEAT = (*_HEAT, (252, 255, 164))


def tradeoff_plot(
    rows: Sequence[Row],
    *,
    spot: SweetSpot | None = None,
    floor: float | None = None,
    guides: float | None = None,
    bounded: Sequence[Row] | None = None,
    title: str = "",
    unit: str = MODEL_TIME,
    width: int = 1100,
    height: int = 480,
) -> Image.Image:
    """Faithfulness and realism over t0 (left), and what prediction and bound said (right).

    Without matplotlib only the left side is drawn, with the two curves and the sweet spot (small_plot.py).

    Args:
        rows: at least two, see :mod:`table`; columns that were not measured are left out.  Bars are the 95 % intervals
            where the rows have them.
        spot: the sweet spot, shaded.
        floor: realism distance of other real pictures, drawn as a line.
        guides: realism distance of the guides, drawn as a line.
        bounded: rows for the right side, when prediction and bound were taken on other guides.
        title: above both sides.
        unit: of the axis from left to right, one of ``sampling.share.UNITS``; the rows must have it.
        width: of the picture in pixels.
        height: of the picture in pixels.

    Raises:
        ValueError: fewer than two rows.
    """
    if len(rows) < 2:
        raise ValueError(f"A plot over t0 needs at least two values, got {len(rows)}.")
    rows = sorted(rows, key=lambda row: row.t0)
    along = "t0" if check_unit(unit) == MODEL_TIME else "noise_share"
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        colours = (_FAITHFUL, _REAL)
        return small_plot(rows, spot=spot, along=along, width=width, height=height, colours=colours)
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    if title:
        figure.suptitle(title, fontsize=12)
    _tradeoff_panel(left, rows, spot, floor, guides, along)
    _bounds_panel(right, rows if bounded is None else sorted(bounded, key=lambda row: row.t0), along)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")


def _series(rows: Sequence[Row], name: str, along: str) -> tuple[list[float], list[float]]:
    """(t0 or noise share, value) of the rows where the value was measured."""
    pairs = [(getattr(row, along), getattr(row, name)) for row in rows if getattr(row, name) is not None]
    return [t for t, _ in pairs], [v for _, v in pairs]


def _tradeoff_panel(
    axis, rows: Sequence[Row], spot: SweetSpot | None, floor: float | None, guides: float | None, along: str
) -> None:
    handles = axis.plot(*_series(rows, "l2", along), "o-", color=_FAITHFUL, label="L2 to the guide (small = faithful)")
    axis.set_xlabel(along.replace("_", " "))
    axis.set_ylabel("L2 over [0, 1] pixels", color=_FAITHFUL)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.25)
    if any(row.realism is not None for row in rows):
        other = axis.twinx()
        handles += other.plot(
            *_series(rows, "realism", along), "s-", color=_REAL, label="distance to real (small = real)"
        )
        sure = [row for row in rows if row.realism_low is not None and row.realism is not None]
        if sure:
            half = [row.realism_high - row.realism for row in sure]
            at, values = [getattr(row, along) for row in sure], [row.realism for row in sure]
            other.errorbar(at, values, yerr=half, fmt="none", ecolor=_REAL, elinewidth=1.2, capsize=4)
        if guides is not None:
            line = other.axhline(guides, color=_REAL, linestyle="--", linewidth=1, label="the guides themselves")
            handles.append(line)
        if floor is not None:
            handles += [other.axhline(floor, color=_REAL, linestyle=":", label="real pictures among themselves")]
        other.set_ylabel("sliced Wasserstein distance", color=_REAL)
        other.set_ylim(bottom=0)
    if spot is not None:
        best, low, high = spot.shares or (spot.best, spot.low, spot.high)
        shade = axis.axvspan(low, high, color="#16a34a", alpha=0.12, label="sweet spot", linewidth=0)
        axis.axvline(best, color="#16a34a", alpha=0.6, linewidth=1)
        handles.append(shade)
    top = axis.secondary_xaxis("top")
    top.set_xticks([getattr(row, along) for row in rows], [f"{row.sigma:.2g}" for row in rows], fontsize=7, rotation=45)
    top.set_xlabel("sigma(t0)", fontsize=8)
    axis.legend(handles=handles, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)


def _bounds_panel(axis, rows: Sequence[Row], along: str) -> None:
    shown = [row for row in rows if row.l2 > 0.0]
    series = (
        ("strict_l2", "d-", _BOUND, "bound, path-wise and strict"),
        ("predicted_l2", "x--", _PREDICTED, "predicted by 2 evaluations"),
        ("l2", "o-", _FAITHFUL, "measured"),
    )
    for name, style, colour, label in series:
        t0, values = _series(shown, name, along)
        if values:
            axis.plot(t0, values, style, color=colour, label=label, markersize=5)
    vacuous = _series([row for row in shown if row.vacuous], "strict_l2", along)
    if vacuous[0]:
        label = "vacuous: no two pictures differ so much"
        axis.plot(*vacuous, "d", color=_BOUND, markerfacecolor="white", label=label, markersize=5)
    axis.set_yscale("log")
    axis.set_xlabel(along.replace("_", " "))
    axis.set_ylabel("L2 over [0, 1] pixels, log scale")
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)


def heat_colours(values: torch.Tensor) -> torch.Tensor:
    """Values (B,1,H,W) in [0, 1] to colours (B,3,H,W), dark to bright, equal steps looking equal."""
    anchors = torch.tensor(_HEAT, dtype=torch.float32, device=values.device) / 255.0
    place = values.float().clamp(0, 1)[:, 0] * (len(_HEAT) - 1)
    low = place.floor().clamp(max=len(_HEAT) - 2).long()
    colours = torch.lerp(anchors[low], anchors[low + 1], (place - low)[..., None])
    return rearrange(colours, "b h w c -> b c h w")


def difference_map(guide: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """RMS difference over channels at every pixel, (B,1,H,W), for pictures in [0, 1]."""
    check_pair(guide, picture)
    return (picture - guide).square().mean(dim=1, keepdim=True).sqrt()


def heat_map(
    guide: torch.Tensor,
    picture: torch.Tensor,
    *,
    mask: torch.Tensor | None = None,
    scale: float | None = None,
    legend: bool = True,
) -> torch.Tensor:
    """Where an edit moved the picture: (B,3,H,W) in [0, 1], with a colour bar below when ``legend``.

    Args:
        guide: (B,3,H,W) in [0, 1].
        picture: its edit, of the same shape.
        mask: (B|1,1,H,W), 1 = may change; its border is drawn in white.
        scale: difference shown in the brightest colour; None takes the batch's 99.5 % quantile.
        legend: whether to add the colour bar.
    """
    difference = difference_map(guide, picture)
    if scale is None:
        scale = float(torch.quantile(difference.flatten()[:: max(1, difference.numel() // 1_000_000)], 0.995))
    if not scale >= 0.0:
        raise ValueError(f"The scale of a heat map must be a number above 0, got {scale!r}.")
    scale = max(scale, 1.0 / 255.0)
    image = heat_colours(difference / scale)
    if mask is not None:
        inside = may_change(mask, guide).float().expand(guide.shape[0], -1, -1, -1)
        rim = F.max_pool2d(inside, 3, stride=1, padding=1) - inside
        image = torch.where(rim > 0, torch.ones_like(image), image)
    if not legend:
        return image
    bar = _colour_bar(image.shape[-1], scale).to(image.device)
    return torch.cat([image, bar.expand(image.shape[0], -1, -1, -1)], dim=2)


def _colour_bar(width: int, scale: float) -> torch.Tensor:
    """Strip (1,3,h,width): the colours from 0 to scale, with the numbers under it."""
    text = max(9, width // 24)
    strip = heat_colours(repeat(torch.linspace(0, 1, width), "w -> 1 1 h w", h=text))
    canvas = Image.new("RGB", (width, round(2.8 * text)), (24, 24, 27))
    canvas.paste(to_pil(strip), (0, round(0.25 * text)))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=text)
    for fraction, anchor in ((0.0, "la"), (0.5, "ma"), (1.0, "ra")):
        x = 2 + fraction * (width - 5)
        draw.text((x, 1.45 * text), f"{fraction * scale:.2g}", font=font, fill=(228, 228, 231), anchor=anchor)
    return from_pil(canvas)
