"""PyTorch files: their zip directory, and the instructions of their pickles in both containers."""

from __future__ import annotations

import functools
import struct
from dataclasses import replace
from pathlib import Path
from random import Random

import torch

from sdedit_core.checkpoints.reading import read_file

from .. import archives, mutate
from ..archives import Entry
from ..case import Case, Target

GOOD = (
    b"\x80\x02}("
    + archives.text("w")
    + archives.tensor(archives.storage(), 0, (4, 4), (4, 1))
    + archives.text("n")
    + b"K\1u."
)


@functools.cache
def tensors() -> bytes:
    return struct.pack("<16f", *(i / 8 for i in range(16)))


def packed(rng: Random) -> Case:
    """An archive whose directory lies."""
    entries = archives.torch_file(GOOD, tensors())
    options = {}
    for _ in range(rng.choice((0, 1, 1, 2))):
        i = rng.randrange(len(entries))
        e, n = entries[i], mutate.whole(rng)
        changes = (
            {"size": n}, {"stored": n}, {"crc": n}, {"offset": n}, {"method": rng.choice((8, 1, 12, 14, 99))},
            {"name": rng.choice((b"a/data.pkl", b"b/data.pkl", b"", b"../x", b"a/" + b"x" * 5000, b"a/code/x.py",
            b"\xff/data.pkl"))},
            {"inner": rng.choice((b"a/other", b"", b"x" * 999))}, {"extra": struct.pack("<HH", 1,
            16) + rng.randbytes(16)},
            {"flags": rng.choice((1, 8, 0x800, 0xFFFF))}, {"data": e.data + rng.randbytes(5)}, {"data": e.data[:-1]},
        )  # fmt: skip
        entries[i] = replace(e, **rng.choice(changes))
    how = rng.randrange(12)
    if how == 0:
        entries.append(rng.choice(entries))
    elif how == 1:
        entries.remove(rng.choice(entries))
    elif how == 2:
        entries += [Entry(b"a/x%d" % i, b"") for i in range(rng.choice((10, 3000)))]
    elif how == 3:
        options = {"count": mutate.whole(rng)}
    elif how == 4:
        options = {"start": mutate.whole(rng)}
    elif how == 5:
        options = {"comment": rng.randbytes(rng.choice((1, 22, 60_000)))}
    elif how == 6:
        rng.shuffle(entries)
    data = archives.archive(entries, **options)
    if how == 7:  # two in one
        other = archives.archive(archives.torch_file(archives.program(rng), tensors()))
        data = other + data if rng.random() < 0.5 else data + other
    elif how == 8:
        data = mutate.broken(rng, data, most=2)
    elif how == 9:  # in the directory
        at = data.rfind(b"PK\x01\x02")
        data = data[:at] + mutate.broken(rng, data[at:], most=1)
    elif how == 10:
        data = rng.randbytes(rng.choice((1, 4, 30))) + data
    return Case({"a.pth": data})


def pickled(rng: Random) -> Case:
    """An archive or a stream that is in order, with odd instructions."""
    body = archives.program(rng)
    if rng.random() < 0.6:
        return Case({"a.pth": archives.archive(archives.torch_file(body, tensors()))})
    keys = b"" if rng.random() < 0.7 else archives.program(rng)
    data = archives.legacy(body, tensors(), keys)
    return Case({"a.ckpt": mutate.broken(rng, data, most=1) if rng.random() < 0.1 else data})


def run(case: Case, folder: Path) -> list[torch.Tensor]:
    (name,) = case.files
    content = read_file(folder / name).content
    found = list(content.values()) if isinstance(content, dict) else []
    held = [t for t in found if isinstance(t, torch.Tensor) and t.numel() < 1 << 20]
    for tensor in held:
        tensor.float().sum()  # every number is really there
    return []


def plain() -> Case:
    return Case({"a.pth": archives.archive(archives.torch_file(GOOD, tensors()))})


TARGETS = (
    Target("zip", packed, run, share=5, plain=plain),
    Target("pickles", pickled, run, share=6, plain=plain),
)
