"""The stroke document: what a canvas keeps in a workflow file, as JSON.

    {"version": 1, "width": 512, "height": 512, "background": "#ffffff", "strokes": [
        {"tool": "fill", "colour": "#5695db"},
        {"tool": "shape", "colour": "#626c7a", "points": [97, 323, 184, 225, 266, 92, 445, 323]},
        {"tool": "brush", "colour": "#d2d9e4", "size": 24, "points": [240, 140, 262, 100.5, 280, 150]},
        {"tool": "area", "colour": "#344e2e", "rings": [[0, 400, 512, 380, 512, 512], [460, 450, 490, 450, 475, 480]]},
        {"tool": "eraser", "size": 40, "points": [20, 20]}]}

``width`` and ``height`` are the frame that points (x, y, x, y, ...) and sizes are measured in; the picture may have
any size. ``background`` is the paper, seen where nothing is painted. Strokes lie on one another in their order:
*fill* covers everything, *shape* fills a closed outline (even-odd), *area* several at once, so that it may have holes
(what a paint bucket filled, found when it was poured), *brush* and *eraser* are round and ``size`` wide.

A stroke may also have ``opacity`` (0.01 to 1), a brush or eraser ``hardness`` (0 to 1: how much of it has a full tip)
and ``pressure``, how wide it is at every point in percent of its size (1 to 100). Without them: 1, 1 and 100.

A drawing may have ``"mask": {"invert": true, "grow": 8}``, which changes the mask of what was painted and not the
picture, and ``"example": true``: nobody painted it yet, and it makes way for a background.

A workflow may come from anybody, so the text is not trusted: everything is checked and bounded before it is used.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field

import numpy as np

VERSION = 1
MAX_CHARACTERS = 4_000_000
MAX_STROKES = 5_000
MAX_POINTS = 200_000
MAX_SIDE = 8192
TOOLS = {
    "brush": ("colour", "size", "points"),
    "eraser": ("size", "points"),
    "shape": ("colour", "points"),
    "area": ("colour", "rings"),
    "fill": ("colour",),
}
TIP = ("opacity", "hardness", "pressure")
OPTIONAL = {"brush": TIP, "eraser": TIP, "shape": ("opacity",), "area": ("opacity",), "fill": ("opacity",)}
LEAST_OPACITY = 0.01
MOST_GROWTH = 0.125  # of the shorter side

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """One stroke. ``points`` (N, 2) float64 and ``size`` in units of the drawing's frame; ``colour`` 8-bit RGB.

    ``rings``: how many of the points each outline of an area has. ``pressure`` (N,) in (0, 1], or None for a brush that
    is ``size`` wide everywhere.
    """

    tool: str
    colour: Colour | None = None
    size: float = 0.0
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    opacity: float = 1.0
    hardness: float = 1.0
    pressure: np.ndarray | None = None
    rings: tuple[int, ...] = ()

    def outlines(self) -> list[np.ndarray]:
        """The points of every outline."""
        return np.split(self.points, np.cumsum(self.rings)[:-1]) if self.rings else [self.points]


@dataclass(frozen=True)
class Drawing:
    """A frame, the colour of its paper, and the strokes from bottom to top."""

    width: float
    height: float
    background: Colour = (255, 255, 255)
    strokes: tuple[Stroke, ...] = ()
    example: bool = False
    invert: bool = False
    grow: float = 0.0

    def to_json(self) -> str:
        """The document, without needless characters; coordinates to a tenth, the rest to a hundredth."""
        document: dict = {"version": VERSION, "width": _short(self.width), "height": _short(self.height)}
        document["background"] = _hex(self.background)
        if self.example:
            document["example"] = True
        mask = ({"invert": True} if self.invert else {}) | ({"grow": _short(self.grow)} if self.grow else {})
        if mask:
            document["mask"] = mask
        document["strokes"] = [_entry(stroke) for stroke in self.strokes]
        return json.dumps(document, separators=(",", ":"))


def parse_drawing(text: str) -> Drawing:
    """Read a stroke document.

    Raises:
        ValueError: not such a document, or larger than the limits above; the message names the field.
    """
    if not isinstance(text, str):
        raise ValueError(f"A drawing is JSON text, got {type(text).__name__}.")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"The drawing has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read.")
    try:
        data = json.loads(text, parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        raise ValueError("The drawing is not a stroke document: its JSON is nested too deeply.") from None
    except ValueError as problem:
        raise ValueError(
            f"The drawing is not readable JSON ({problem}). Press Clear in the canvas to begin anew."
        ) from None
    _keys(data, "drawing", ("version", "width", "height", "strokes"), optional=("background", "example", "mask"))
    version = data["version"]
    if isinstance(version, bool) or version != VERSION:
        raise ValueError(
            f"drawing.version is {_show(version)}, this pack reads version {VERSION}. Update the pack, or clear the "
            "canvas."
        )
    width = _number(data["width"], "drawing.width", 1, MAX_SIDE)
    height = _number(data["height"], "drawing.height", 1, MAX_SIDE)
    strokes = data["strokes"]
    if not isinstance(strokes, list):
        raise ValueError(f"drawing.strokes must be a list, got {type(strokes).__name__}.")
    if len(strokes) > MAX_STROKES:
        raise ValueError(f"drawing.strokes has {len(strokes):,} entries; at most {MAX_STROKES:,} are painted.")
    out, total = [], 0
    for i, entry in enumerate(strokes):
        stroke = _stroke(entry, f"strokes[{i}]", width, height)
        total += len(stroke.points)
        if total > MAX_POINTS:
            raise ValueError(f"The drawing has more than {MAX_POINTS:,} points (at strokes[{i}]). Simplify it.")
        out.append(stroke)
    paper = _colour(data.get("background", "#ffffff"), "drawing.background")
    mask = data.get("mask", {})
    _keys(mask, "drawing.mask", (), optional=("invert", "grow"))
    return Drawing(
        width,
        height,
        paper,
        tuple(out),
        example=_yes(data.get("example", False), "drawing.example"),
        invert=_yes(mask.get("invert", False), "drawing.mask.invert"),
        grow=_number(mask.get("grow", 0.0), "drawing.mask.grow", 0.0, MOST_GROWTH * min(width, height)),
    )


def _stroke(entry: object, where: str, width: float, height: float) -> Stroke:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, got {type(entry).__name__}.")
    tool = entry.get("tool")
    if not isinstance(tool, str) or tool not in TOOLS:
        raise ValueError(f"{where}.tool must be one of {', '.join(TOOLS)}, got {_show(tool)}.")
    wanted = TOOLS[tool]
    _keys(entry, where, ("tool", *wanted), optional=OPTIONAL[tool])
    colour = _colour(entry["colour"], f"{where}.colour") if "colour" in wanted else None
    size = _number(entry["size"], f"{where}.size", 1e-3, 4 * max(width, height)) if "size" in wanted else 0.0
    points, rings, pressure = np.zeros((0, 2)), (), None
    if "points" in wanted:
        points = _points(entry["points"], f"{where}.points", width, height, at_least=3 if tool == "shape" else 1)
    if "rings" in wanted:
        points, rings = _rings(entry["rings"], f"{where}.rings", width, height)
    if "pressure" in entry:
        pressure = _pressure(entry["pressure"], f"{where}.pressure", len(points))
    opacity = _number(entry.get("opacity", 1.0), f"{where}.opacity", LEAST_OPACITY, 1.0)
    hardness = _number(entry.get("hardness", 1.0), f"{where}.hardness", 0.0, 1.0)
    return Stroke(tool, colour, size, points, opacity, hardness, pressure, rings)


def _rings(values: object, where: str, width: float, height: float) -> tuple[np.ndarray, tuple[int, ...]]:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_POINTS // 3:
        raise ValueError(f"{where} must be a list of outlines, at least one and at most {MAX_POINTS // 3:,}.")
    outlines, total = [], 0
    for k, ring in enumerate(values):
        outlines.append(_points(ring, f"{where}[{k}]", width, height, at_least=3))
        total += len(outlines[-1])
        if total > MAX_POINTS:
            raise ValueError(f"{where} has more than {MAX_POINTS:,} points (at {where}[{k}]). Simplify it.")
    return np.concatenate(outlines), tuple(len(outline) for outline in outlines)


def _pressure(values: object, where: str, count: int) -> np.ndarray:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"{where} must be a list of {count} numbers, one for every point.")
    return np.array([_number(v, f"{where}[{k}]", 1.0, 100.0) for k, v in enumerate(values)]) / 100


def _points(values: object, where: str, width: float, height: float, *, at_least: int) -> np.ndarray:
    if not isinstance(values, list) or len(values) % 2:
        raise ValueError(f"{where} must be a list x, y, x, y, ... of even length.")
    if not 2 * at_least <= len(values) <= 2 * MAX_POINTS:
        raise ValueError(f"{where} has {len(values) // 2:,} points, expected {at_least} to {MAX_POINTS:,}.")
    limits = ((-width, 2 * width), (-height, 2 * height))  # a stroke may begin and end outside the picture
    checked = [_number(v, f"{where}[{k}]", *limits[k % 2]) for k, v in enumerate(values)]
    return np.array(checked, dtype=np.float64).reshape(-1, 2)


def _keys(data: object, where: str, allowed: tuple[str, ...], *, optional: tuple[str, ...] = ()) -> None:
    """An object with these keys and no others: an unknown key would be a silently different picture."""
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be a JSON object, got {type(data).__name__}.")
    for key in allowed:
        if key not in data:
            raise ValueError(f"{where}.{key} is missing.")
    for key in data:
        if key not in (*allowed, *optional):
            raise ValueError(
                f"{where} has an unknown field {_show(key)}; known are {', '.join((*allowed, *optional))}."
            )


def _number(value: object, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} must be a number, got {_show(value)}.")
    if not low <= value <= high or not math.isfinite(value):
        raise ValueError(f"{where} must lie between {low:g} and {high:g}, got {_show(value)}.")
    return float(value)


def _yes(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where} must be true or false, got {_show(value)}.")
    return value


def _colour(value: object, where: str) -> Colour:
    if not isinstance(value, str) or not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise ValueError(f"{where} must be a colour like #5695db, got {_show(value)}.")
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= 30 else float(digits)  # Python refuses to read thousands of digits as int


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _entry(stroke: Stroke) -> dict:
    """A stroke as an object of JSON: what is as usual is left out."""
    entry: dict = {"tool": stroke.tool}
    if stroke.colour is not None:
        entry["colour"] = _hex(stroke.colour)
    if "size" in TOOLS[stroke.tool]:
        entry["size"] = _short(stroke.size)
    if stroke.opacity != 1:
        entry["opacity"] = _short(stroke.opacity, 2)
    if stroke.hardness != 1:
        entry["hardness"] = _short(stroke.hardness, 2)
    if "points" in TOOLS[stroke.tool]:
        entry["points"] = [_short(v) for v in stroke.points.ravel()]
    if "rings" in TOOLS[stroke.tool]:
        entry["rings"] = [[_short(v) for v in ring.ravel()] for ring in stroke.outlines()]
    if stroke.pressure is not None:
        entry["pressure"] = [_short(100 * v, 0) for v in stroke.pressure]
    return entry


def _short(value: float, digits: int = 1) -> int | float:
    """Rounded; whole numbers without a point."""
    value = round(float(value), digits)
    return int(value) if value.is_integer() else value


def _show(value: object) -> str:
    """A value from outside, short enough for an error message."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a number with too many digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
