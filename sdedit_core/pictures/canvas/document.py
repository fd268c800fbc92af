"""The stroke document: what a canvas keeps in a workflow file, as JSON.

    {"version": 1, "width": 512, "height": 512, "background": "#ffffff", "strokes": [
        {"tool": "fill", "colour": "#5695db"},
        {"tool": "shape", "colour": "#626c7a", "points": [97, 323, 184, 225, 266, 92, 445, 323]},
        {"tool": "brush", "colour": "#d2d9e4", "size": 24, "points": [240, 140, 262, 100.5, 280, 150]},
        {"tool": "eraser", "size": 40, "points": [20, 20]}]}

``width`` and ``height`` are the frame that points (x, y, x, y, ...) and sizes are measured in; the picture may have
any size. ``background`` is the paper, seen where nothing is painted. Strokes lie on one another in their order:
*fill* covers everything, *shape* fills a closed outline (even-odd), *brush* and *eraser* are round and ``size`` wide.

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
TOOLS = {"brush": ("colour", "size", "points"), "eraser": ("size", "points"), "shape": ("colour", "points")}
TOOLS["fill"] = ("colour",)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Stroke:
    """One stroke. ``points`` (N, 2) float64 and ``size`` in units of the drawing's frame; ``colour`` 8-bit RGB."""

    tool: str
    colour: Colour | None = None
    size: float = 0.0
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))


@dataclass(frozen=True)
class Drawing:
    """A frame, the colour of its paper, and the strokes from bottom to top."""

    width: float
    height: float
    background: Colour = (255, 255, 255)
    strokes: tuple[Stroke, ...] = ()

    def to_json(self) -> str:
        """The document, without needless characters; coordinates to a tenth."""
        strokes = []
        for stroke in self.strokes:
            entry: dict = {"tool": stroke.tool}
            if stroke.colour is not None:
                entry["colour"] = _hex(stroke.colour)
            if "size" in TOOLS[stroke.tool]:
                entry["size"] = _short(stroke.size)
            if "points" in TOOLS[stroke.tool]:
                entry["points"] = [_short(v) for v in stroke.points.ravel()]
            strokes.append(entry)
        document = {"version": VERSION, "width": _short(self.width), "height": _short(self.height)}
        document |= {"background": _hex(self.background), "strokes": strokes}
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
    _keys(data, "drawing", ("version", "width", "height", "background", "strokes"), optional=("background",))
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
    return Drawing(width, height, paper, tuple(out))


def _stroke(entry: object, where: str, width: float, height: float) -> Stroke:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, got {type(entry).__name__}.")
    tool = entry.get("tool")
    if not isinstance(tool, str) or tool not in TOOLS:
        raise ValueError(f"{where}.tool must be one of {', '.join(TOOLS)}, got {_show(tool)}.")
    wanted = TOOLS[tool]
    _keys(entry, where, ("tool", *wanted))
    colour = _colour(entry["colour"], f"{where}.colour") if "colour" in wanted else None
    size = _number(entry["size"], f"{where}.size", 1e-3, 4 * max(width, height)) if "size" in wanted else 0.0
    if "points" not in wanted:
        return Stroke(tool, colour, size)
    points = _points(entry["points"], f"{where}.points", width, height, at_least=3 if tool == "shape" else 1)
    return Stroke(tool, colour, size, points)


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
        if key not in data and key not in optional:
            raise ValueError(f"{where}.{key} is missing.")
    for key in data:
        if key not in allowed:
            raise ValueError(f"{where} has an unknown field {_show(key)}; known are {', '.join(allowed)}.")


def _number(value: object, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} must be a number, got {_show(value)}.")
    if not low <= value <= high or not math.isfinite(value):
        raise ValueError(f"{where} must lie between {low:g} and {high:g}, got {_show(value)}.")
    return float(value)


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


def _short(value: float) -> int | float:
    """Rounded to a tenth; whole numbers without a point."""
    value = round(float(value), 1)
    return int(value) if value.is_integer() else value


def _show(value: object) -> str:
    """A value from outside, short enough for an error message."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a number with too many digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
