"""Tensors as plain data, so that a case can be written down, and what they are built into."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import torch

FILLS = ("rand", "rand", "rand", "rand", "randn", "zeros", "ones", "nan", "inf", "huge", "tiny", "one nan")
DTYPES = ("float32",) * 8 + ("float64", "float16", "bfloat16", "uint8", "int64", "bool", "complex64")
SHAPES = (
    (),
    (0,),
    (3,),
    (1, 0, 0, 3),
    (0, 20, 18, 3),
    (20, 18, 3),
    (1, 1, 20, 18, 3),
    (1, 3, 20, 18),
    (1, 1, 1, 3),
    (1, 20, 18, 2),
)


def odd_tensor(rng: Random, shape: tuple[int, ...]) -> Any:
    """A description of a tensor, mostly of that shape; at times of something else."""
    if rng.random() < 0.02:
        return rng.choice((None, "text", 3, []))
    if rng.random() < 0.15:
        shape = rng.choice(SHAPES)
    form = rng.choice(("", "", "", "strided", "expanded"))
    return {
        "tensor": list(shape),
        "fill": rng.choice(FILLS),
        "dtype": rng.choice(DTYPES),
        "seed": rng.randrange(99),
        "form": form,
    }


def built(value: Any) -> Any:
    """What a description stands for; other values as they are, in tables and lists too."""
    if isinstance(value, dict) and "tensor" in value:
        return _tensor(value)
    if isinstance(value, dict):
        return {name: built(one) for name, one in value.items()}
    return [built(one) for one in value] if isinstance(value, list) else value


def _tensor(about: dict) -> torch.Tensor:
    shape, generator = about["tensor"], torch.Generator().manual_seed(about["seed"])
    make = {"rand": torch.rand, "randn": torch.randn}.get(about["fill"])
    out = torch.zeros(shape) if make is None else make(shape, generator=generator)
    out = out + {"ones": 1.0, "nan": math.nan, "inf": math.inf, "huge": 1e38, "tiny": 1e-42}.get(about["fill"], 0.0)
    if about["fill"] == "one nan" and out.numel():
        out.flatten()[-1] = math.nan
    out = out.to(getattr(torch, about["dtype"]))
    if about["form"] == "strided":
        out = torch.stack([out, out], -1)[..., 0]
    if about["form"] == "expanded" and out.dim() and out.shape[0] == 1:
        out = out.expand(3, *out.shape[1:])
    return out
