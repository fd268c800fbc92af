"""Writes subgraphs/*.json, the three ready-made subgraph nodes of the pack."""

from __future__ import annotations

import argparse

from .graph import Graph, Ref
from .parts import NOISE_SHARE
from .subgraph import Blueprint

ALIASES = ["sdedit", "img2img", "image to image", "strokes to picture", "score sde", "inpaint"]
DIALS = {  # what is turned, in the order of the node
    "t0": [("noise", "t0")],
    "steps": [("sample", "steps")],
    "solver": [("sample", "solver")],
    "seed": [("noise", "seed"), ("sample", "seed")],
}
WINDOW = {  # what is worked on, and how it is pasted back
    "context": [("fit", "context")],
    "crop_size": [("fit", "crop_size")],
    "feather": [("unfit", "feather")],
    "colour_match": [("unfit", "colour_match")],
}
ENDS = {"image": [("fit", "image")], "mask": [("fit", "mask")]}
SHARE = {"unit": [("noise", "unit")]}  # for any MODEL: in this unit one number fits them all
OUTPUTS = {"image": Ref("unfit", 0), "read-out": Ref("noise", 2), "report": Ref("sample", 2)}


def _chain(
    name: str, *, t0: float, steps: int, own_model: bool, size: str = "native", match: bool = False, **sampling: object
) -> Graph:
    """Fit around the mask, encode, noise, sample, decode, paste back; without a mask that is the whole picture.

    The model is inside and t0 in its time, or it comes from outside and t0 is a noise share.
    """
    g, unit = Graph(name), {} if own_model else {"unit": NOISE_SHARE}
    model = {"model": Ref("model", 0)} if own_model else {}
    vae = {"vae": Ref("model", 1)} if own_model else {}
    if own_model:
        g.node("model", "SDEdit_ScoreModelLoader", (0, 0), (340, 420), model_name="landscape")
    g.node("fit", "SDEdit_FitImage", (400, 0), (320, 290), **model, method="around mask", size=size)
    g.node("encode", "VAEEncode", (400, 360), (320, 80), pixels=Ref("fit", 0), **vae)
    noise = {**model, **unit, "latent": Ref("encode", 0), "mask": Ref("fit", 1), "t0": t0, "seed": 1}
    g.node("noise", "SDEdit_AddVENoise", (400, 510), (320, 270), **noise)
    sampling |= {**model, "latent": Ref("noise", 0), "steps": steps, "seed": 1}
    g.node("sample", "SDEdit_ReverseSDESampler", (780, 0), (330, 420), **sampling)
    g.node("decode", "VAEDecode", (1170, 0), (260, 80), samples=Ref("sample", 0), **vae)
    back = {"image": Ref("decode", 0), "undo": Ref("fit", 2), "colour_match": match}
    return g.node("unfit", "SDEdit_UnfitImage", (1170, 160), (260, 180), **back)


def score_model() -> Blueprint:
    name = "SDEdit (score model)"
    return Blueprint(
        name,
        "Strokes or a rough picture in, picture out, with a built-in score model or a file of your own. With a mask "
        "only the white part changes: a window around it is worked on and pasted back.",
        _chain(name, t0=0.27, steps=12, own_model=True),
        sockets=ENDS,
        widgets={"model_name": [("model", "model_name")], **DIALS},
        outputs=OUTPUTS,
        aliases=ALIASES,
    )


PROMPTED = {
    "model": [("fit", "model"), ("noise", "model"), ("sample", "model")],
    "vae": [("encode", "vae"), ("decode", "vae")],
    "positive": [("sample", "positive")],
    "negative": [("sample", "negative")],
}


def any_checkpoint() -> Blueprint:
    name = "SDEdit (any checkpoint)"
    return Blueprint(
        name,
        "SDEdit with SD, SDXL, SD3, Flux or any other diffusion MODEL: a guide and a prompt in, picture out, in the "
        "guide's own size. t0 is a noise share here, the same on every MODEL. cfg 1 for Flux.",
        _chain(name, t0=0.7, steps=20, own_model=False, size="nearest", cfg=6.0),
        sockets={**PROMPTED, **ENDS},
        widgets={**DIALS, "cfg": [("sample", "cfg")], **SHARE},
        outputs=OUTPUTS,
        aliases=ALIASES,
    )


def masked_edit() -> Blueprint:
    name = "SDEdit masked edit"
    return Blueprint(
        name,
        "Changes what is white in the mask and keeps every other pixel as it came: a window around it is enlarged to "
        "the MODEL's size and pasted back. Works with any MODEL; score models need no prompt and cfg 1.",
        _chain(name, t0=0.6, steps=20, own_model=False, match=True, cfg=6.0),
        sockets={**PROMPTED, **ENDS},
        widgets={**DIALS, "cfg": [("sample", "cfg")], **SHARE, **WINDOW},
        outputs=OUTPUTS,
        aliases=[*ALIASES, "masked", "local edit", "crop and stitch"],
    )


BLUEPRINTS = (score_model, any_checkpoint, masked_edit)


def main(arguments: list[str]) -> None:
    argparse.ArgumentParser(prog="make.py blueprints", description=__doc__).parse_args(arguments)
    for make in BLUEPRINTS:
        make().write()
