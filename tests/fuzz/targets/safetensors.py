"""Headers, offsets and tensors of safetensors files, and the description in those of our own format."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from .. import mutate, seeds
from ..case import Case, Target
from . import models

NAME = "a.safetensors"


def header(rng: Random) -> Case:
    """The header's table, its length, or the tensors."""
    files = seeds.own_files()
    data = rng.choice((*files[:2], *files[:2], files[2], seeds.fixture("edm_song.safetensors")))
    table, tensors = seeds.split(data)
    how = rng.randrange(10)
    if how < 3:
        text = mutate.written(rng, mutate.changed(rng, table, 2))
        data = seeds.join(text, tensors)
    elif how < 5:
        name = rng.choice([name for name in table if name != "__metadata__"])
        entry = table[name]
        field = rng.choice(("shape", "dtype", "data_offsets"))
        if field == "dtype":
            entry[field] = rng.choice(("F32", "F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E5M2", "C64", "f32"))
        else:
            entry[field] = mutate.changed(rng, entry[field] or [1])
        data = seeds.join(mutate.dumped(table), tensors)
    elif how == 5:
        data = seeds.join(json.dumps(table), tensors, mutate.whole(rng))
    elif how == 6:
        data = seeds.join(json.dumps(table), mutate.floats(rng, tensors))
    elif how == 7:
        data = seeds.join(
            json.dumps(table), mutate.broken(rng, tensors, most=2)[: len(tensors)].ljust(len(tensors), b"\0")
        )
    elif how == 8:
        data = mutate.broken(rng, data, files)
    else:
        table["__metadata__"] = {**table.get("__metadata__", {}), mutate.text(rng): mutate.text(rng)}
        data = seeds.join(json.dumps(table), tensors)
    return Case({NAME: data}, models.call(rng))


def own(rng: Random) -> Case:
    """The description of the network in our own files."""
    table, tensors = seeds.split(rng.choice(seeds.own_files()))
    about = json.loads(table["__metadata__"]["sdedit"])
    how = rng.randrange(6)
    if how < 3:
        about = mutate.changed(rng, about, 2)
    elif how == 3:
        field = rng.choice(list(about["preconditioning"]))
        about["preconditioning"][field] = mutate.value(rng)
    elif how == 4:
        field = rng.choice(("gain", "offset", "size", "name", "detected", "assumed", "notes", "centred", "source"))
        about[field] = mutate.value(rng)
    else:
        about["preconditioning"] = _process(rng)
    table["__metadata__"]["sdedit"] = mutate.written(rng, about)
    return Case({NAME: seeds.join(json.dumps(table), tensors)}, models.call(rng))


def _process(rng: Random) -> dict:
    """A noise process of some kind with numbers of some size."""
    kind = rng.choice(("ve", "ve-discrete", "vp", "vp-continuous", "subvp", "edm", "iddpm", "consistency"))
    low = rng.choice((0.002, 0.01, 1e-12, 1e-300, 0.0, 5.0))
    out = {"kind": kind, "data_range": rng.choice(([0, 1], [-1, 1], [0, 255], [0, 1e-9], [-1e12, 1e12]))}
    names = {
        "ve": ("sigma_min", "sigma_max", "label_gain"), "ve-discrete": ("sigma_min", "sigma_max", "levels"),
        "vp": ("prediction", "beta_schedule", "beta_start", "beta_end", "levels", "betas", "zero_snr"),
        "edm": ("sigma_min", "sigma_max",
        "sigma_data"), "consistency": ("sigma_min", "sigma_max", "sigma_data"),
    }.get(kind, ())  # fmt: skip
    for name in names:
        if rng.random() < 0.6:
            out[name] = {
                "sigma_min": low, "sigma_max": rng.choice((80.0, low, 1e6, 1e12, 1e300)),
                "levels": rng.choice((1, 2, 1000, 100_000, 10**9)), "prediction": rng.choice(("eps", "v", "x0", "")),
                "beta_schedule": rng.choice(("linear", "cosine", "scaled_linear", "x")),
                "beta_start": rng.choice((1e-4, 0.0, 1.0, 0.999)), "beta_end": rng.choice((0.02, 1e-9, 0.9999, 2.0)),
            }.get(name, rng.choice((0.5, 1e-12, 1e12, 1.0)))  # fmt: skip
    return out


def run(case: Case, folder: Path):
    return models.load(folder / NAME, case.call)


def plain() -> Case:
    return Case({NAME: seeds.own_files()[1]}, {"edit": True, "t0": 0.5, "solver": "auto", "convert": True})


TARGETS = (
    Target("safetensors", header, run, share=4, plain=plain),
    Target("own", own, run, share=4, plain=plain),
)
