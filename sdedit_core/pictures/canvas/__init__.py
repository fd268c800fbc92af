"""Vector stroke paintings: a small JSON document, and its picture at any size."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .document import Drawing, Stroke, parse_drawing
from .paint import paint_drawing

__all__ = ["Drawing", "Stroke", "example_drawing", "paint_drawing", "parse_drawing"]


@cache
def example_drawing() -> str:
    """The drawing that a new canvas shows, as JSON: a grey peak with snow, clouds, a meadow (built-in model alpine)."""
    return (Path(__file__).parent / "alpine.json").read_text(encoding="utf-8").strip()
