"""Files to tensors, safely: ``.safetensors``, or PyTorch files that hold nothing but tensors and plain data.

No pickled code is ever run and there is no switch to allow it.  Everything is bounded before memory is taken.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..pictures.files import check_regular
from . import refusals
from .pickles import check_pickle

# PyTorch 2.5 knows safe_globals, but takes no other name for what it allows
_NAMED = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2]) >= (2, 6)
MAX_FILE = 64 << 30
MAX_TENSORS = 10_000
MAX_JSON = 4 << 20
MAX_LIST = 100_000  # noise levels
SHARED = 8  # times that the bytes of a file may be used: weights and averages share data, as views do
MAX_HEADER = 8 << 20  # of a .safetensors file: 10,000 tensors need a quarter of it
LISTS = ("sigmas", "u", "betas", "alphas_cumprod")  # tensors whose values say what a network is, not what it does
WAY_OUT = (
    "Pickle files (.pkl) can run any code when they are opened, so they are refused. Convert it to .safetensors on a "
    "machine where you trust it (docs/checkpoints.md shows how), then load that file."
)


@dataclass
class RawFile:
    """What a file holds: ``content`` (a dict, or a list for some trainers), metadata, and how it was stored.

    ``config`` and ``scheduler`` are the JSON files that lie beside a diffusers network.
    """

    path: Path
    content: Any
    container: str
    metadata: dict[str, str] = field(default_factory=dict)
    config: dict | None = None
    scheduler: dict | None = None


def read_file(path: Path, *, shapes: bool = False) -> RawFile:
    """Read a checkpoint file.

    Args:
        path: of the file.
        shapes: keep names, shapes and types alone: tensors on the meta device, which are never read, but for short
            lists of noise levels.  Every check of the file is the same.

    Raises:
        ValueError: not a checkpoint, truncated, hostile or out of bounds; one sentence says which and what to do.
    """
    path = check_regular(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise ValueError(f"Cannot open {path.name}: {error.strerror or error}.") from None
    if size > MAX_FILE:
        raise ValueError(f"{path.name} has {size / 2**30:.0f} GB; score checkpoints have at most a few.")
    if size < 16:
        raise ValueError(f"{path.name} has only {size} bytes, so it is no checkpoint. Was the download interrupted?")
    if path.suffix.lower() in (".pkl", ".pickle"):
        raise ValueError(f"{path.name}: {WAY_OUT}")
    try:
        if what := refusals.by_bytes(head):
            raise ValueError(what)
        if path.suffix.lower() in (".safetensors", ".sft") or _looks_like_safetensors(head, size):
            raw = _read_safetensors(path, head, size, shapes)
        else:
            raw = _read_torch(path, head, shapes)
    except ValueError as error:
        text = str(error)
        raise ValueError(f"{path.name}: {text[0].upper()}{text[1:]}") from None
    return raw


def _looks_like_safetensors(head: bytes, size: int) -> bool:
    (length,) = struct.unpack("<Q", head[:8])
    return head[8:9] == b"{" and length <= size - 8


def _read_safetensors(path: Path, head: bytes, size: int, shapes: bool) -> RawFile:
    """The library checks the header: that it fits into the file, and that the tensors fill the file exactly."""
    from safetensors import SafetensorError, safe_open

    (length,) = struct.unpack("<Q", head[:8])
    if MAX_HEADER < length <= size - 8:
        raise ValueError(f"its header has {length:,} bytes; no score network needs more than {MAX_HEADER:,}.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = list(file.keys())
            if len(names) > MAX_TENSORS:
                raise ValueError(f"it names {len(names)} tensors; no score network has more than {MAX_TENSORS}.")
            content, metadata = {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (SafetensorError, RuntimeError, OverflowError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"it is truncated or damaged, or no .safetensors file at all ({reason}). Download it again."
        ) from None
    return RawFile(path, _checked(content, size, shapes), "safetensors", metadata)


def _allow_numpy_scalars():
    # torch.optim keeps a learning rate as a numpy float64; numpy 1 and 2 name its constructor differently
    if not hasattr(torch.serialization, "safe_globals"):  # PyTorch before 2.5
        return nullcontext()
    scalar = np.float64(0.0).__reduce__()[0]
    import _codecs

    allowed = [
        *([(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")] if _NAMED else [scalar]),
        np.dtype,
        *(type(np.dtype(t)) for t in ("float64", "float32", "int64")),
        _codecs.encode,
        set,
    ]
    return torch.serialization.safe_globals(allowed)


def _read_torch(path: Path, head: bytes, shapes: bool) -> RawFile:
    if not (head.startswith(b"PK\x03\x04") or head[:1] == b"\x80"):
        kind = "a text file" if _is_text(head[:16]) else "neither a .safetensors nor a PyTorch file"
        raise ValueError(f"this is {kind}, not a checkpoint. Check the download (a web page saved by mistake?).")
    check_pickle(path)
    zipped = head.startswith(b"PK")
    try:
        with _allow_numpy_scalars():
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # the weights-only unpickler raises many kinds on broken input
        raise ValueError(_why_not(error)) from None
    container = "PyTorch zip" if zipped else "PyTorch legacy stream"
    return RawFile(path, _checked(content, path.stat().st_size, shapes), container)


def _why_not(error: Exception) -> str:
    """What to say about a file that PyTorch does not read; everything that it asks for was looked at before."""
    text = str(error).strip()
    reason = text.splitlines()[0][:200] if text else type(error).__name__
    if refused := re.search(r"[Uu]nsupported [^\n]{1,100}|unrecognized [^\n]{1,100}", text):
        # allowed by us and not by it: another version's list, which says nothing about the file
        return (
            f"PyTorch {torch.__version__} does not read what is in it ({refused[0].strip()}), which need not mean that "
            "it is damaged: 2.7 and newer read all that score checkpoints hold. Update PyTorch, or convert the file "
            "to .safetensors where there is a newer one."
        )
    if isinstance(error, (RuntimeError, EOFError, MemoryError, OSError, KeyError, TypeError)) or _unpickling(error):
        return f"it is truncated or damaged ({reason}). Download it again."
    return f"it cannot be read as weights ({type(error).__name__})."


def _unpickling(error: Exception) -> bool:
    return type(error).__name__ == "UnpicklingError"


def _is_text(head: bytes) -> bool:
    return all(32 <= b < 127 or b in b"\r\n\t" for b in head)


def _checked(content: Any, size: int, shapes: bool = False) -> Any:
    """The same structure with checked tensors; at most four levels deep, at most MAX_TENSORS tensors.

    ``size`` is that of the file in bytes: tensors may share their data, but not ten thousand the same gigabyte.
    ``shapes`` leaves the data where they are: both kinds of file are mapped, so what is not touched is not read.
    """
    count = visited = total = 0

    def walk(value: Any, depth: int, name: str = "") -> Any:
        nonlocal count, visited, total
        visited += 1
        if visited > 20 * MAX_TENSORS:
            raise ValueError("it holds far more entries than any checkpoint; it is damaged or hostile.")
        if isinstance(value, Tensor):
            count += 1
            if count > MAX_TENSORS:
                raise ValueError(f"it holds more than {MAX_TENSORS} tensors; no score network has so many.")
            if value.dim() > 5 or value.layout != torch.strided or value.is_quantized:
                raise ValueError("it holds a tensor that is no plain array of at most 5 dimensions.")
            if value.numel() * value.element_size() > value.untyped_storage().nbytes():
                raise ValueError("it holds a tensor that is larger than its data; the file is damaged or hostile.")
            total += value.numel() * value.element_size()
            if total > SHARED * size + (1 << 20):
                raise ValueError(f"its tensors claim {total:,} bytes of a file of {size:,}; it is damaged or hostile.")
            if shapes and not (value.dim() == 1 and value.numel() <= MAX_LIST and name.rpartition(".")[2] in LISTS):
                return torch.empty_like(value, device="meta", requires_grad=False)
            return value.detach()
        if depth > 4:
            return None
        if isinstance(value, Mapping):
            keep = {k: v for k, v in value.items() if isinstance(k, (str, int))}
            visited += len(value) - len(keep)
            return {k: walk(v, depth + 1, str(k)) for k, v in keep.items()}
        if isinstance(value, (list, tuple)):
            return [walk(v, depth + 1) for v in value]
        return value if isinstance(value, (str, int, float, bool, type(None), np.generic)) else None

    if isinstance(content, Mapping) and "optimizer" in content:
        content = {k: v for k, v in content.items() if k != "optimizer"}  # Adam's state: twice the weights
    return walk(content, 0)


def read_json(path: Path) -> dict:
    """A small JSON object (config.json, a sidecar); ValueError when it is none."""
    try:
        if check_regular(path).stat().st_size > MAX_JSON:
            raise ValueError("it is too large")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} cannot be read as JSON ({error}).") from None
    if not isinstance(data, dict):
        raise ValueError(f'{path.name} must hold a JSON object, e.g. {{"sde": "vp"}}, got a {type(data).__name__}.')
    return data


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal (about a second a gigabyte)."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
