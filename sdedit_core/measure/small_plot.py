"""The trade-off over t0 drawn with Pillow alone, for where matplotlib is not installed: two curves, one sweet spot."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from .table import Row, SweetSpot

_PAPER, _INK, _GRID, _SPOT = "#ffffff", "#27272a", "#e4e4e7", "#dcf3e3"
_SCALE = 2  # drawn so much larger, then made smaller: smooth lines


def small_plot(
    rows: Sequence[Row], *, spot: SweetSpot | None, along: str, width: int, height: int, colours: tuple[str, str]
) -> Image.Image:
    """Distance to the guide, and to real pictures where that was measured, each from 0 to its own largest value.

    Args:
        rows: at least two, by rising t0.
        spot: the sweet spot, shaded.
        along: the attribute of a row that goes from left to right: "t0" or "noise_share".
        width: of the picture in pixels.
        height: of the picture in pixels.
        colours: of the distance to the guide and of that to real pictures.
    """
    w, h, unit = width * _SCALE, height * _SCALE, height * _SCALE // 20
    image = Image.new("RGB", (w, h), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=unit)
    left, right, top, bottom = 3 * unit, w - 3 * unit, 3 * unit, h - 4 * unit
    at = [getattr(row, along) for row in rows]
    first, last = min(at), max(at)

    def x(value: float) -> float:
        return left + (right - left) * (value - first) / ((last - first) or 1.0)

    if spot is not None:
        best, low, high = spot.shares or (spot.best, spot.low, spot.high)
        ends = (max(left, x(min(low, high))), min(right, x(max(low, high))))
        draw.rectangle((ends[0], top, max(ends), bottom), fill=_SPOT)
        draw.line((x(best), top, x(best), bottom), fill="#16a34a", width=_SCALE)
    for i, value in enumerate(at):
        draw.line((x(value), top, x(value), bottom), fill=_GRID, width=_SCALE)
        if i % (1 + len(at) // 12) == 0:
            draw.text((x(value), bottom + unit // 3), f"{value:.2g}", font=font, fill=_INK, anchor="ma")
    draw.rectangle((left, top, right, bottom), outline=_INK, width=_SCALE)
    legend = left
    series = (("l2", colours[0], "distance to the guide"), ("realism", colours[1], "distance to real pictures"))
    for name, colour, words in series:
        points = [(t, getattr(row, name)) for t, row in zip(at, rows, strict=True) if getattr(row, name) is not None]
        if not points:
            continue
        largest = max(value for _, value in points) or 1.0
        places = [(x(t), bottom - (bottom - top) * 0.94 * value / largest) for t, value in points]
        draw.line(places, fill=colour, width=3 * _SCALE, joint="curve")
        for px, py in places:
            draw.ellipse((px - unit / 3, py - unit / 3, px + unit / 3, py + unit / 3), fill=colour)
        draw.line((legend, 1.5 * unit, legend + 2 * unit, 1.5 * unit), fill=colour, width=3 * _SCALE)
        text = f"{words}, up to {largest:.3g}"
        draw.text((legend + 2.5 * unit, 1.5 * unit), text, font=font, fill=_INK, anchor="lm")
        legend += 4 * unit + draw.textlength(text, font=font)
    words = along.replace("_", " ") + (", green: the sweet spot" if spot is not None else "")
    draw.text(((left + right) / 2, h - 1.2 * unit), words, font=font, fill=_INK, anchor="mm")
    return image.resize((width, height), Image.Resampling.LANCZOS)
