"""Our own format: ``.safetensors`` whose metadata describes the network block by block.

Metadata key ``sdedit`` holds JSON: version, network (UNetSpec or CompactSpec), preconditioning, gain, offset, size,
name and provenance.  Tensors carry the network's own names, in canonical form.
"""

from __future__ import annotations

import json

from ...networks import CompactSpec, Spec, UNetSpec
from ...networks.preconditioning import VE, preconditioning
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..weights import plain_tensors

NAME = "SDEdit score model"
VERSION = 1


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    if "sdedit" not in raw.metadata:
        return "no sdedit metadata"
    return None if plain_tensors(raw.content) else "no tensors"


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Read the description; ValueError for one that does not fit."""
    try:
        data = json.loads(raw.metadata["sdedit"])
        if not isinstance(data, dict):
            raise ValueError("it is no table")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its metadata cannot be read ({error}).") from None
    if data.get("version") != VERSION:
        raise ValueError(f"it has version {data.get('version')!r} and this program reads {VERSION}; update it.")
    try:
        spec, precond = _spec(data["network"]), preconditioning(data["preconditioning"])
        found = Found(
            NAME, str(data["architecture"]), spec, dict(raw.content), precond, which=str(data["weights"]),
            gain=float(data["gain"]), offset=float(data["offset"]), size=int(data["size"]) if data["size"] else None,
            name=str(data.get("name", "")),
        )  # fmt: skip
        for key in ("detected", "assumed", "notes"):
            getattr(found, key).extend(str(v)[:500] for v in data.get(key, [])[:50])
    except (KeyError, TypeError) as error:
        raise ValueError(f"its metadata lacks or misstates {error}.") from None
    if weights == "raw" and found.which == "EMA":
        raise ValueError('it holds averaged (EMA) weights only; convert the original file again with weights="raw".')
    changed = {k: getattr(options, k) for k in ("sigma_min", "sigma_max") if getattr(options, k) is not None}
    if changed and isinstance(precond, VE):
        from dataclasses import replace

        found.preconditioning = replace(precond, **changed)
    return found


def _spec(data: dict) -> Spec:
    """Inverse of ``to_dict`` of both kinds; ValueError for anything that is not a sane description."""
    if not isinstance(data, dict):
        raise ValueError(f"A network is described by a table, got {type(data).__name__}.")
    kind = data.get("kind", "unet")
    if kind not in ("unet", "compact"):
        raise ValueError(f'A network is of the kind "unet" or "compact", got {kind!r}.')
    return (CompactSpec if kind == "compact" else UNetSpec).from_dict(data)


def describe(found: Found, source: dict) -> dict[str, str]:
    """The metadata for a file with ``found``'s weights."""
    data = {
        "version": VERSION, "name": found.name, "architecture": found.architecture, "weights": found.which,
        "network": found.spec.to_dict(), "preconditioning": found.preconditioning.to_dict(), "gain": found.gain,
        "offset": found.offset, "size": found.size, "detected": found.detected, "assumed": found.assumed,
        "notes": found.notes, "source": source,
    }  # fmt: skip
    return {"format": "pt", "sdedit": json.dumps(data)}
