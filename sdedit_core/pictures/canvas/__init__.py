"""Vector stroke paintings: a small JSON document, and its picture at any size."""

from .document import Drawing, Stroke, parse_drawing
from .paint import paint_drawing

__all__ = ["Drawing", "Stroke", "paint_drawing", "parse_drawing"]
