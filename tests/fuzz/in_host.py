"""Calls of nodes inside a real ComfyUI, with odd latents, masks, pictures, texts and numbers."""

from __future__ import annotations

import functools
from pathlib import Path
from random import Random
from typing import Any

import torch

from . import mutate
from .case import Case, Target
from .values import built, odd_tensor

MODELS = ("eps", "flow", "v", "score", "score")
T0 = (0.0, 0.3, 0.5, 1.0, 0.3, 0.5)
SOLVERS = ("auto", "auto", "sde_2m", "ancestral", "mca", "reverse_diffusion", "predictor_corrector", "x", "")
UNITS = ("t0 (model time)", "t0 (model time)", "noise share", "noise share", "x")
LISTS = ("0.3", "0.2,0.5", "0.2:0.5:2", "", ":", "nan", "9" * 5000, "1", "0")
PICKS = ("", "", "1", "f", "r r", "9", "\u0663", "9" * 5000)


def make(rng: Random) -> Case:
    """A node and its inputs; about half of the calls are in order."""
    odd = rng.random() < 0.7
    kind = rng.choice(tuple(NODES))
    call = {"model": rng.choice(MODELS), "odd": odd, **NODES[kind](rng, odd)}
    return Case(call=[kind, call])


def _number(rng: Random, good: tuple, odd: bool) -> Any:
    return mutate.number(rng) if odd and rng.random() < 0.2 else rng.choice(good)


def _tensor(rng: Random, shape: tuple, odd: bool) -> Any:
    if odd and rng.random() < 0.4:
        return odd_tensor(rng, shape)
    return {"tensor": list(shape), "fill": "rand", "dtype": "float32", "seed": rng.randrange(9), "form": ""}


def _latent(rng: Random, odd: bool) -> dict:
    """A latent's other entries; its samples depend on the model and are described by ``samples``."""
    out: dict = {}
    if odd and rng.random() < 0.5:
        out["samples"] = odd_tensor(rng, rng.choice(((1, 4, 8, 8), (1, 3, 16, 16), (2, 3, 20, 18), (1, 16, 1, 8, 8))))
    if rng.random() < 0.3:
        out["noise_mask"] = _tensor(rng, rng.choice(((1, 8, 8), (1, 1, 16, 16), (16, 16))), odd)
    if odd and rng.random() < 0.3:
        out["batch_index"] = rng.choice(([0], [3], [-1], [1 << 70], [], "x", [0.5], [None], [0, 0]))
    if odd and rng.random() < 0.3:
        out["sdedit"] = mutate.value(rng)
    if odd and rng.random() < 0.2:
        out["type"] = mutate.text(rng)
    return {"latent": out, "noised": rng.random() < 0.7, "tamper": odd and rng.random() < 0.4, "key": mutate.value(rng)}


def _mask(rng: Random, odd: bool) -> dict:
    shape = rng.choice(((1, 16, 16), (1, 8, 8), (16, 16)))
    return {"mask": _tensor(rng, shape, odd)} if rng.random() < 0.3 else {}


def _seed(rng: Random, odd: bool) -> Any:
    return _number(rng, (0, 3, (1 << 64) - 1), odd)


def _image(rng: Random, odd: bool) -> Any:
    return _tensor(rng, rng.choice(((1, 20, 18, 3), (2, 32, 16, 3))), odd)


NODES = {
    "AddVENoise": lambda r, o: {
        **_latent(r, o), **_mask(r, o), "t0": _number(r, T0, o), "seed": _seed(r, o), "unit": r.choice(UNITS),
    },
    "ReverseSDESampler": lambda r, o: {
        **_latent(r, o), **_mask(r, False), "steps": _number(r, (1, 2, 3), o and r.random() < 0.3),
        "solver": r.choice(SOLVERS),
        "seed": _seed(r, o), "repeats": r.choice((1, 1, 2, 0, 101)), "eta": _number(r, (1.0, 1.0, 0.0, 0.5), o),
        "cfg": _number(r, (1.0, 1.0, 2.0), o), "t0": 0.4,
    },
    "T0Probe": lambda r, o: {**_latent(r, o), **_mask(r, o), "t0_values": r.choice(LISTS), "seed": _seed(r, o),
    "noised": False, "unit": r.choice(UNITS)},
    "T0Sweep": lambda r, o: {
        **_latent(r, o), **_mask(r, o), "t0_values": r.choice(LISTS), "seed": _seed(r, o), "steps": r.choice((1, 1, 0,
        -1)),
        "solver": r.choice(SOLVERS), "picks": r.choice(PICKS), "noised": False,
        "unit": r.choice(UNITS),
    },
    "SigmasFromT0": lambda r, o: {
        "t0": _number(r, T0, o), "steps": r.choice((1, 2, 20, 0, -1, 1.5)), "spacing": r.choice(("karras",
        "exponential", "uniform t", "x")), "unit": r.choice(UNITS),
    },
    "EditReport": lambda r, o: {"guide": _image(r, o), "picture": _image(r, o), **_mask(r, o)},
    "FitImage": lambda r, o: {"image": _image(r, o), "method": r.choice(("crop", "pad", "stretch", "x")), **_mask(r,
    o)},
    "SimulateStrokes": lambda r, o: {"image": _image(r, o), "colours": _number(r, (2, 6), o), "kernel": _number(r, (0,
    1, 3), o)},
    "ScoreModelFromImages": lambda r, o: {"images": _image(r, o), "palette_freedom": _number(r, (0.0, 0.05), o),
    "position_aware": r.random() < 0.5, "size": _number(r, (0, 16, 32), o)},
    "ReverseSDE": lambda r, o: {"solver": r.choice(SOLVERS), "seed": _seed(r, o)},
    "ScoreModelLoader": lambda r, o: {
        "model_name": r.choice(("landscape-lake", "../x", "", "a\0b", "/etc/passwd", "x" * 500, "\ud800",
        "landscape-alpine")),
        "weights": r.choice(("ema", "raw", "x")), "dtype": r.choice(("auto", "fp32", "x")), "class_label": _number(r,
        (-1, -1, 0), o),
        "image_size": _number(r, (0, 0, 32, 8), o),
    },
}  # fmt: skip


@functools.cache
def host_model(kind: str) -> Any:
    import checks  # the host's own process, see inside.py

    if kind != "score":
        return checks.model(kind)
    return checks.node("ScoreModelLoader", model_name="landscape-lake", weights="ema", dtype="auto")[0]


def run(case: Case, folder: Path) -> list[torch.Tensor]:
    import checks

    kind, call = case.call
    call = {name: built(value) for name, value in call.items()}
    which, about = call.pop("model"), {name: call.pop(name, None) for name in ("odd", "noised", "tamper", "key")}
    model = host_model(which)
    if kind in ("AddVENoise", "ReverseSDESampler", "T0Probe", "T0Sweep"):
        shape = (1, 3, 16, 16) if which == "score" else (1, 4, 8, 8)
        samples = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
        call["latent"] = {"samples": samples, **call["latent"]}
        if kind == "ReverseSDESampler":
            t0 = call.pop("t0")
            if about["noised"]:
                call["latent"] = checks.node("AddVENoise", model=model, latent=call["latent"], t0=t0, seed=1)[0]
            if about["tamper"] and isinstance(call["latent"].get("sdedit"), dict):
                carried = dict(call["latent"]["sdedit"])
                carried[sorted(carried)[int(call["steps"] == call["steps"]) % len(carried)]] = about["key"]
                call["latent"]["sdedit"] = carried
        if which != "score" and kind != "AddVENoise":
            call["positive"] = checks.cond()
    if kind in ("T0Probe", "T0Sweep"):
        call["vae"] = checks.host.PixelVAE()
    if kind not in ("EditReport", "SimulateStrokes", "ScoreModelFromImages", "ReverseSDE", "ScoreModelLoader"):
        call["model"] = model
    with torch.inference_mode():
        found = checks.node(kind, **call)
    out = [value for value in found if isinstance(value, torch.Tensor)]
    return out + [value["samples"] for value in found if isinstance(value, dict) and "samples" in value]


def plain() -> Case:
    call = {
        "latent": {},
        "noised": True,
        "tamper": False,
        "key": None,
        "t0": 0.4,
        "seed": 0,
        "model": "score",
        "odd": False,
    }
    return Case(call=["AddVENoise", call])


TARGETS = (Target("host", make, run, share=1, plain=plain, host=True),)
