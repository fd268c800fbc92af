"""Drawings as JSON: read, painted at some size, written and read again."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import torch

from sdedit_core.builtin import example_drawing
from sdedit_core.pictures.canvas import paint_drawing, parse_drawing

from .. import mutate
from ..case import Case, Target

SMALL = {
    "version": 1, "width": 64, "height": 48, "background": "#ffffff", "mask": {"invert": True, "grow": 3},
    "strokes": [
        {"tool": "fill", "colour": "#5695db"},
        {"tool": "shape", "colour": "#626c7a", "points": [9, 32, 18, 22, 26, 9, 44, 32]},
        {"tool": "brush", "colour": "#d2d9e4", "size": 8, "points": [24, 14, 26, 10.5, 28, 15]},
        {"tool": "brush", "colour": "#d2d9e4", "size": 9, "opacity": 0.5, "hardness": 0.2, "points": [3, 4, 40, 30],
         "pressure": [20, 100]},
        {"tool": "area", "colour": "#344e2e", "rings": [[1, 1, 30, 2, 20, 30], [8, 8, 12, 8, 10, 12]]},
        {"tool": "eraser", "size": 4, "points": [20, 20]},
    ],
}  # fmt: skip


def make(rng: Random) -> Case:
    how = rng.randrange(8)
    data = SMALL if how else json.loads(example_drawing())
    if how < 4:
        text = mutate.written(rng, mutate.changed(rng, data))
    elif how < 7:
        text = mutate.dumped(_drawing(rng))
    else:
        text = mutate.broken(rng, json.dumps(data).encode()).decode("utf-8", "replace")
    sides = [rng.choice((1, 2, 7, 16, 40, 64)) for _ in range(2)]
    if rng.random() < 0.05:
        sides[rng.randrange(2)] = rng.choice((0, -1, 2048, 10_000))
    return Case(call={"text": text, "width": sides[0], "height": sides[1]})


def _drawing(rng: Random) -> dict:
    """A drawing whose points and sizes lie at and beyond the bounds."""
    width, height = rng.choice((1, 64, 8192, 1.5, 1e-3)), rng.choice((1, 64, 8192, 8193))
    strokes = []
    for _ in range(rng.choice((0, 1, 3, 20))):
        tool = rng.choice(("fill", "shape", "brush", "eraser"))
        entry = {"tool": tool}
        if tool != "eraser":
            entry["colour"] = "#" + f"{rng.randrange(1 << 24):06x}"
        if tool in ("brush", "eraser"):
            entry["size"] = rng.choice((1e-3, 1, 5, 4 * max(width, height), 1e-300))
        if tool != "fill":
            count = rng.choice((1, 3, 4, 50, 300))
            far = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.999, 2.0, 2.1 if rng.random() < 0.02 else 0.25)
            entry["points"] = [rng.choice(far) * (height if i % 2 else width) for i in range(2 * count)]
        if tool == "shape" and rng.random() < 0.5:
            entry = {"tool": "area", "colour": entry["colour"], "rings": [entry["points"]] * rng.choice((1, 2, 9))}
        if rng.random() < 0.3:
            entry["opacity"] = rng.choice((0.01, 0.5, 1, 0, 1.01))
        if "size" in entry and rng.random() < 0.5:
            entry["hardness"] = rng.choice((0, 0.5, 1, -0.01))
        if "size" in entry and rng.random() < 0.3:
            entry["pressure"] = [rng.choice((1, 33.3, 100, 100.1 if rng.random() < 0.02 else 50)) for _ in range(count)]
        strokes.append(entry)
    whole = {"version": 1, "width": width, "height": height, "background": "#000000"}
    if rng.random() < 0.3:
        whole["mask"] = {"grow": rng.choice((0, 0.125, 0.126)) * min(width, height), "invert": rng.random() < 0.5}
    return {**whole, "strokes": strokes}


def run(case: Case, folder: Path) -> list[torch.Tensor]:
    call = case.call
    drawing = parse_drawing(call["text"])
    again = parse_drawing(drawing.to_json())
    picture, mask = paint_drawing(drawing, width=call["width"], height=call["height"])
    if (
        picture.shape != (1, 3, call["height"], call["width"])
        or not 0.0 <= float(mask.min()) <= float(mask.max()) <= 1.0
    ):
        raise AssertionError("a picture of another shape, or a mask outside 0 to 1")
    if len(again.strokes) != len(drawing.strokes):
        raise AssertionError("written and read again it is another drawing")
    return [picture, mask]


def plain() -> Case:
    return Case(call={"text": json.dumps(SMALL), "width": 20, "height": 16})


TARGETS = (Target("canvas", make, run, share=4, plain=plain),)
