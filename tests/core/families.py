"""Files of every family as their tensors alone, changed at will and recognised again."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import golden
import pytest
import torch

from sdedit_core.checkpoints.load import recognise
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile, read_file
from sdedit_core.checkpoints.states import any_state, strip


@cache
def file_of(name):
    """The file as it is read, and its config.json or None."""
    with TemporaryDirectory() as folder:
        path = golden.unpack(name, Path(folder))
        path = next(path.glob("diffusion*")) if path.is_dir() else path
        raw = read_file(path)
        config = path.parent / "config.json"
        return raw, json.loads(config.read_text()) if config.exists() else None


def state_of(name):
    """A copy of the tensors of a family's file, by name."""
    return strip(dict(any_state(file_of(name)[0].content)), "model.")


def found(state, name="a.pt", config=None, scheduler=None, metadata=None, **options):
    """What a state dict is recognised as."""
    raw = RawFile(Path(name), state, "memory", metadata=metadata or {}, config=config, scheduler=scheduler)
    return recognise(raw, Overrides.make(options), "ema")


def broken(state, words):
    """A state dict that must be refused with these words, in one line."""
    with pytest.raises(ValueError, match=words) as caught:
        found(state)
    assert "\n" not in str(caught.value)


def wider(state, times):
    """The same network with ``times`` as many channels, in shapes alone."""
    out = {}
    for key, value in state.items():
        shape = [n * times if i < 2 and n not in (1, 3) else n for i, n in enumerate(value.shape)]
        out[key] = torch.zeros(shape, device="meta")
    return out
