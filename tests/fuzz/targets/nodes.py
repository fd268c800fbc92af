"""Inputs of the nodes that work without a ComfyUI, and the texts that nodes and commands read numbers from."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import torch

from sdedit_core.cli.common import parse_overrides, parse_size
from sdedit_core.measure.picks import sheet_after
from sdedit_core.measure.sweep import parse_t0_values

from .. import mutate
from ..case import Case, Target
from ..values import built, odd_tensor
from . import canvas

T0 = (
    "0.4",
    "0.2,0.3",
    "0.2:0.6:3",
    ":",
    "0.2:0.6:1000",
    "0.1:0.2:1e9",
    "1",
    "0",
    ";",
    "0.5:0.1:2",
    "nan",
    "\u0663",
    "0.1:0.2:x",
    "9" * 5000,
)
PICKS = (
    "",
    "1",
    "2 f",
    "f f f f f f f f",
    "r r r",
    "1 1 1",
    "0",
    "-1",
    "9" * 5000,
    "\u0663",
    "\u00b2",
    "f,r",
    "x",
    "f " * 3000,
)


@functools.cache
def pack() -> dict:
    """The nodes, with so much of a host as these need."""
    sys.path.append(str(Path(__file__).parents[3] / "tools"))
    import pack as packs

    nodes = packs.load_pack().NODE_CLASS_MAPPINGS
    host = ModuleType(f"{packs.PACKAGE}.nodes.host")
    host.check_interrupt = lambda: None
    host.picture_size = lambda model: model
    host.usual_side = lambda model: 24
    sys.modules[host.__name__] = host
    packs.part("nodes").host = host
    return nodes


def make(rng: Random) -> Case:
    kind = rng.choice(("StrokeCanvas", "SimulateStrokes", "FitImage", "ExampleGuide", "t0", "picks", "size", "set"))
    side = lambda: rng.choice((16, 16, 24, 32, 40, mutate.number(rng)))  # noqa: E731
    shapes = ((1, 20, 18, 3), (2, 17, 33, 3), (1, 20, 18, 4), (1, 20, 18, 1))
    image = lambda: odd_tensor(rng, rng.choice(shapes))  # noqa: E731
    if kind == "StrokeCanvas":
        call = {"width": side(), "height": side(), "strokes": canvas.make(rng).call["text"]}
        call |= {"background": image()} if rng.random() < 0.4 else {}
        call |= {"palette": image()} if rng.random() < 0.1 else {}
    elif kind == "SimulateStrokes":
        whole = lambda low, high: rng.choice((low, high, mutate.whole(rng), mutate.number(rng)))  # noqa: E731
        call = {"image": image(), "colours": whole(2, 9), "kernel": whole(0, 3), "grow": whole(0, 4)}
        call |= {"original": image()} if rng.random() < 0.5 else {}
    elif kind == "FitImage":
        size = rng.choice((None, (16, 16), (32, 16))), rng.choice((1, 2, 8, 16))
        call = {
            "model": size,
            "image": image(),
            "method": rng.choice(("crop", "pad", "stretch", "around mask", "x")),
            "size": rng.choice(("native", "nearest", "")),
            "context": rng.choice((0.0, 0.5, 4.0, mutate.number(rng))),
            "crop_size": rng.choice((0, 16, 48, mutate.number(rng))),
        }
        call |= (
            {"mask": odd_tensor(rng, rng.choice(((1, 20, 18), (20, 18), (2, 9, 9), (1, 1, 20, 18))))}
            if rng.random() < 0.5
            else {}
        )
    elif kind == "ExampleGuide":
        call = {"name": rng.choice(("alpine", "lake", "alpine strokes", "", "x")), "width": side(), "height": side()}
    else:
        texts = {
            "t0": T0,
            "picks": PICKS,
            "size": ("16", "16x32", "x", "16X16", "0"),
            "set": ("sde=ve", "a=1", "a", "x=1,2", "x=1e999", "x=" + "9" * 5000),
        }
        call = rng.choice(texts[kind]) if rng.random() < 0.7 else mutate.text(rng)
    return Case(call=[kind, call])


def run(case: Case, folder: Path) -> list[torch.Tensor]:
    kind, call = case.call
    if isinstance(call, str):
        if kind == "picks":
            return [torch.tensor(sheet_after([0.2, 0.4, 0.6], call).values)]
        read = {"t0": parse_t0_values, "size": parse_size, "set": lambda text: [parse_overrides([text])] and []}[kind]
        return [torch.tensor(read(call))]
    node = pack()["SDEdit_" + kind]
    found = getattr(node(), node.FUNCTION)(**{name: built(value) for name, value in call.items()})
    found = found["result"] if isinstance(found, dict) else found
    return [value for value in found if isinstance(value, torch.Tensor)]


def plain() -> Case:
    return Case(call=["StrokeCanvas", {"width": 16, "height": 16, "strokes": canvas.plain().call["text"]}])


TARGETS = (Target("nodes", make, run, share=3, plain=plain),)
