"""A t0 map as a picture: colours for start times over the picture they belong to, with their numbers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from ..pictures.distance import distance
from ..pictures.io import from_pil, to_pil
from .plots import heat_colours

LEAST_SIDE, MOST_SIDE = 384, 1024  # of the picture that is shown
DARK, INK = (24, 24, 27), (228, 228, 231)
TRIED, SHOWN = 40, 6  # start times that are looked at, the most frequent ones, and those that get a number
KEPT = 0.0


def t0_picture(t0_map: torch.Tensor, *, picture: torch.Tensor | None = None, unit: str = "t0") -> torch.Tensor:
    """Start times in colours, dark = kept to bright = the largest, their numbers on them and a scale below.

    Args:
        t0_map: (B, H, W), start times from 0 to 1.
        picture: (B or 1, 3, H, W) in [0, 1], shown in grey underneath.
        unit: what the numbers are called.

    Returns:
        (B, 3, h, w) in [0, 1], between 384 and 1024 pixels on its longer side, with the scale below.
    """
    top = float(t0_map.max())
    values = (t0_map / (top or 1.0)).float()[:, None]
    image = heat_colours(0.1 + 0.9 * values)  # black stays for what is kept
    image = torch.where(values > 0.0, image, torch.tensor(DARK).reshape(1, 3, 1, 1) / 255.0)
    if picture is not None:
        grey = picture.float().clamp(0.0, 1.0).mean(1, keepdim=True)
        image = torch.where(values > 0.0, 0.7 * image + 0.3 * grey, 0.6 * grey)
    h, w = image.shape[-2:]
    scale = min(max(1.0, LEAST_SIDE / max(h, w)), MOST_SIDE / max(h, w))
    size = max(round(h * scale), 1), max(round(w * scale), 1)
    if size != (h, w):
        mode = {"mode": "nearest"} if scale > 1.0 else {"mode": "bilinear", "antialias": True}
        image = F.interpolate(image, size=size, **mode)
    bar = _scale(size[1], top, unit)
    pages = [_numbered(one[None], starts, bar) for one, starts in zip(image, t0_map, strict=True)]
    return torch.cat(pages)


def main_values(t0_map: torch.Tensor) -> list[float]:
    """The start times of a map (..., H, W) that have areas of their own, the largest first; at most six.

    An area is five pixels wide somewhere: the single steps of a soft edge are none.  Where there are six or fewer
    start times in all, each counts.
    """
    rounded = torch.round(t0_map.double() * 1e6).reshape(-1, 1, *t0_map.shape[-2:])
    values, counts = rounded.unique(return_counts=True)
    order = counts.argsort(descending=True)[:TRIED]
    few = len(values) <= SHOWN
    wide = [float(v) / 1e6 for v in values[order] if few or _is_wide(rounded == v)]
    return wide[:SHOWN] or [float(values[order[0]]) / 1e6]


def _is_wide(inside: torch.Tensor) -> bool:
    """Whether a square of five pixels fits in somewhere; the border of the map cuts it off."""
    return bool((F.max_pool2d((~inside).float(), 5, stride=1, padding=2) == 0.0).any())


def _numbered(image: torch.Tensor, t0_map: torch.Tensor, bar: Image.Image) -> torch.Tensor:
    """One picture with a number at the deepest place of each of its main start times, and the scale below."""
    page = to_pil(image)
    font = ImageFont.load_default(size=max(14, max(page.size) // 18))
    draw, (h, w) = ImageDraw.Draw(page), t0_map.shape[-2:]
    for value in main_values(t0_map):
        y, x = _deepest((t0_map - value).abs() < 1e-6)
        where = (x + 0.5) * page.width / w, (y + 0.5) * page.height / h
        words = f"{value:.3g}" if value > KEPT else "kept"
        left, upper, right, lower = draw.textbbox(where, words, font=font, anchor="mm")
        over = max(0, 3 - left) - max(0, right - page.width + 3), max(0, 3 - upper) - max(0, lower - page.height + 3)
        where = where[0] + over[0], where[1] + over[1]
        draw.text(where, words, font=font, anchor="mm", fill="white", stroke_width=3, stroke_fill=DARK)
    whole = Image.new("RGB", (page.width, page.height + bar.height), DARK)
    whole.paste(page, (0, 0))
    whole.paste(bar, (0, page.height))
    return from_pil(whole)


def _deepest(inside: torch.Tensor) -> tuple[int, int]:
    """Row and column that are farthest from the edge of an area (H, W), the border of the picture being one."""
    step = max(1, max(inside.shape) // 128)
    small = F.pad(inside[::step, ::step], (1, 1, 1, 1))
    if not bool(small.any()):
        row, column = inside.nonzero()[0].tolist()
        return row, column
    depth = distance(~small, max(small.shape))
    rows, columns = torch.arange(depth.shape[0])[:, None].float(), torch.arange(depth.shape[1]).float()
    y, x = small.nonzero().float().mean(0)
    depth = depth - 1e-3 * ((rows - y).square() + (columns - x).square()).sqrt()  # of equals, the most central one
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return (row - 1) * step, (column - 1) * step


def _scale(width: int, top: float, unit: str) -> Image.Image:
    """A strip of the colours from 0 to the largest start time, with numbers under it."""
    text = max(12, width // 20)
    strip = heat_colours(0.1 + 0.9 * torch.linspace(0, 1, width).expand(1, 1, text, width))
    canvas = Image.new("RGB", (width, round(2.8 * text)), DARK)
    canvas.paste(to_pil(strip), (0, round(0.25 * text)))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=text)
    marks = ((0.0, "la", "0"), (0.5, "ma", f"{unit} {0.5 * top:.3g}"), (1.0, "ra", f"{top:.3g}"))
    for place, anchor, words in marks:
        draw.text((2 + place * (width - 5), 1.45 * text), words, font=font, fill=INK, anchor=anchor)
    return canvas
