"""Any checkpoint that can be loaded to one small, safe, self-describing ``.safetensors``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from ..model import ModelInfo
from ..pictures.files import check_target, replace_file
from .formats import own
from .found import Found
from .load import DTYPES, _info, find, fitted
from .reading import RawFile, file_hash

_CAME = "converted from "


def convert_checkpoint(
    source: str | os.PathLike,
    target: str | os.PathLike,
    *,
    dtype: str = "fp32",
    weights: str = "ema",
    overrides: Mapping[str, Any] | None = None,
) -> ModelInfo:
    """Write one set of weights with everything that was detected, assumed or said into the file's metadata.

    Args:
        source: anything that ``load_checkpoint`` takes.
        target: ``.safetensors`` file to write; replaced only when the new one is complete.
        dtype: "fp32", "fp16" or "bf16" for the blocks (embedding, first and last layers stay fp32).
        weights: "ema" or "raw".
        overrides: as for ``load_checkpoint``; they become part of the file.

    Returns:
        What was written.

    Raises:
        ValueError: bad source, option or target.
    """
    target = Path(target)
    kind = DTYPES.get(dtype)
    if kind is None:
        raise ValueError(f"dtype must be fp32, fp16 or bf16, got {dtype!r}.")
    if target.suffix.lower() != ".safetensors":
        raise ValueError(f"The target must end in .safetensors, got {target.name!r}.")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ValueError("Source and target are the same file; choose another target.")
    check_target(target)
    found, raw = find(source, weights=weights, overrides=dict(overrides or {}))
    shapes = fitted(found, kind).state_dict()
    source_said = _provenance(found, raw, dtype)
    info, metadata = _info(found, raw), own.describe(found, source_said)
    tensors = {}
    for key, meta in shapes.items():
        tensor = found.weights.pop(key).to(dtype=meta.dtype).contiguous().clone()  # one at a time leaves the memory
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{key} does not fit into {dtype}; choose bf16 or fp32.")
        tensors[key] = tensor

    def write(part: Path) -> None:
        try:
            save_file(tensors, part, metadata=metadata)
        except SafetensorError as error:  # a full disk, say
            raise OSError(str(error)) from None

    replace_file(target, write)
    return info


def _provenance(found: Found, raw: RawFile, dtype: str) -> dict[str, str]:
    """Where the weights come from, for the metadata, and the one note that says so: the original file, once."""
    came = next((note for note in found.notes if note.startswith(_CAME)), None)
    if came is not None and found.source:  # the file was converted before
        if not came.endswith(f", {dtype}"):
            found.notes[found.notes.index(came)] = f"{came}, then {dtype}" if ", then" not in came else came
        return found.source
    found.notes.append(f"{_CAME}{raw.path.name} ({found.format}), {dtype}")
    return {"file": raw.path.name, "sha256": file_hash(raw.path), "format": found.format}
