"""Files of a training run: tensors with a description, and the log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..pictures.files import check_regular, replace_file


def save_tensors(path: str | os.PathLike, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    """Write a safetensors file with ``header`` as its metadata; whole or not at all."""
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    path = Path(path)
    replace_file(
        path,
        lambda part: part.write_bytes(save(plain, metadata=header)),  # save_file's is for its owner's eyes only
        temporary=f".{path.stem}.part{path.suffix}",  # one name: a killed run leaves one such file at most
    )


def read_tensors(path: str | os.PathLike, key: str) -> tuple[dict[str, Tensor], dict]:
    """(tensors, meta) of a file that :func:`save_tensors` wrote; ValueError when it is not one."""
    check_regular(path)
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            header = file.metadata() or {}
            if key not in header:
                raise ValueError(f"{path} holds no {key!r} description; it was not written by this program.")
            tensors, meta = {name: file.get_tensor(name) for name in file.keys()}, _table(path, header[key])
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise ValueError(f"{path} cannot be read: {reason}. Move it away to begin anew.") from None
    return tensors, meta


def _table(path: str | os.PathLike, text: str) -> dict:
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: its description is damaged ({error}).") from None
    if not isinstance(meta, dict):
        raise ValueError(f"{path} cannot be read: its description is damaged (no table).")
    return meta


def write_text_line(path: str | os.PathLike, record: dict) -> None:
    """Append one JSON line to the log; ValueError when it cannot be written."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise ValueError(f"Cannot write {path}: {error}") from None


def finite(tensor: Tensor) -> Tensor:
    """The tensor; ValueError when it is not finite or does not fit into float16."""
    if not float(tensor.detach().abs().max()) <= 6e4:
        raise ValueError("The weights are not finite; the run diverged. Train with a lower learning rate.")
    return tensor
