"""Our own format: ``.safetensors`` whose metadata describes the network block by block.

Metadata key ``sdedit`` holds JSON: version, network (UNetSpec or CompactSpec), preconditioning, gain, offset, size,
name and provenance.  Tensors carry the network's own names, in canonical form.
"""

from __future__ import annotations

import json
import re

from ...networks import CompactSpec, Spec, UNetSpec
from ...networks.plain import is_number, short
from ...networks.preconditioning import preconditioning
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import plain_tensors
from ..weights import pixel_affine

NAME = "SDEdit score model"
VERSION = 1
MAX_METADATA = 1 << 20  # letters; the largest network that can be described has a tenth of that
_APPLIED = {
    "sigma_min": "sigma_min", "sigma_max": "sigma_max", "data_range": "data_range", "noise_schedule": "beta_schedule",
    "prediction": "prediction",
}  # fmt: skip
_SAME = ("vp-discrete", "vp")
# what files that were converted advised their readers to say: it is part of the network here
_FIXED = "sde|fir|skip_rescale|num_heads|num_head_channels|use_new_attention_order|levels|rescale_timesteps"
_ADVICE = re.compile(rf";[^;]*\b({_FIXED})\b[^;]*$")
_NEEDED = ("network", "preconditioning", "architecture", "weights", "gain", "offset", "size")


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    if "sdedit" not in raw.metadata:
        return "no sdedit metadata"
    return None if plain_tensors(raw.content) else "no tensors"


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Read the description; ValueError for one that does not fit."""
    text = raw.metadata["sdedit"]
    if len(text) > MAX_METADATA:
        raise ValueError(f"its metadata has {len(text):,} letters; at most {MAX_METADATA:,} are read.")
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("it is no table")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its metadata cannot be read ({error}).") from None
    if data.get("version") != VERSION:
        raise ValueError(f"it has version {short(data.get('version'))} and this program reads {VERSION}; update it.")
    missing = [key for key in _NEEDED if key not in data]
    if missing:
        raise ValueError(f"its metadata lacks {', '.join(missing)}.")
    spec, precond = _spec(data["network"]), preconditioning(data["preconditioning"])
    gain, offset = (_number(data, key) for key in ("gain", "offset"))
    if not gain:
        raise ValueError("its metadata has gain = 0, which is no sensible number.")
    found = Found(
        NAME, _text(data, "architecture"), spec, dict(raw.content), precond, which=_text(data, "weights"),
        gain=gain, offset=offset, size=_size(data["size"]), name=_text(data, "name"),
    )  # fmt: skip
    centred = data.get("centred", _follows(found))
    if not isinstance(centred, bool):
        raise ValueError(f"its metadata has centred = {short(centred)}, which is neither true nor false.")
    found.centred = centred
    for key in ("detected", "assumed", "said", "notes"):
        lines = data.get(key, [])
        if not isinstance(lines, list):
            raise ValueError(f"its metadata has {key} = {short(lines)}, which is no list of sentences.")
        getattr(found, key).extend(_ADVICE.sub("", str(line)[:500]) for line in lines[:50])
    source = data.get("source")
    if isinstance(source, dict):
        found.source = {str(k)[:40]: v[:200] for k, v in list(source.items())[:8] if isinstance(v, str)}
    if weights == "raw" and found.which == "EMA":
        raise ValueError('it holds averaged (EMA) weights only; convert the original file again with weights="raw".')
    _apply(options, found)
    return found


def _apply(options: Overrides, found: Found) -> None:
    """What can be said about such a file is what its noise process has a field for; the network is fixed."""
    precond = found.preconditioning
    asked = {name: field for name, field in _APPLIED.items() if hasattr(precond, field)}
    changed = {field: value for name, field in asked.items() if (value := getattr(options, name)) is not None}
    if changed:
        try:
            found.preconditioning = preconditioning({**precond.to_dict(), **changed})
        except ValueError as error:
            raise ValueError(f"with the options given it does not work: {error}") from None
    if "data_range" in changed and found.centred:
        affine = pixel_affine(changed["data_range"])
        found.gain, found.offset = affine["gain"], affine["offset"]
    said = options.sde
    if said is not None and said not in (precond.kind, precond.kind.split("-")[0]) and (said, precond.kind) != _SAME:
        raise ValueError(
            f'it says itself that its noise process is "{precond.kind}"; sde="{said}" does not fit. '
            "To change that, convert the original file again with this option."
        )


def _follows(found: Found) -> bool:
    affine = pixel_affine(found.preconditioning.data_range)
    return (found.gain, found.offset) == (affine["gain"], affine["offset"])


def _number(data: dict, key: str) -> float:
    if not is_number(data[key], -1e6, 1e6):
        raise ValueError(f"its metadata has {key} = {short(data[key])}, which is no sensible number.")
    return float(data[key])


def _size(value: object) -> int | tuple[int, int] | None:
    sides = value if isinstance(value, list) else [value]
    if value is None or (value == 0 and type(value) is int):
        return None
    if len(sides) > 2 or not sides or not all(type(v) is int and 1 <= v <= 16384 for v in sides):
        raise ValueError(f"its metadata has size = {short(value)}, which is neither one nor two sides in pixels.")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def _text(data: dict, key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"its metadata has {key} = {short(value)}, which is no text.")
    return value[:200]


def _spec(data: dict) -> Spec:
    """Inverse of ``to_dict`` of both kinds; ValueError for anything that is not a sane description."""
    if not isinstance(data, dict):
        raise ValueError(f"A network is described by a table, got {type(data).__name__}.")
    kind = data.get("kind", "unet")
    if kind not in ("unet", "compact"):
        raise ValueError(f'A network is of the kind "unet" or "compact", got {short(kind)}.')
    return (CompactSpec if kind == "compact" else UNetSpec).from_dict(data)


def describe(found: Found, source: dict) -> dict[str, str]:
    """The metadata for a file with ``found``'s weights."""
    data = {
        "version": VERSION, "name": found.name, "architecture": found.architecture, "weights": found.which,
        "network": found.spec.to_dict(), "preconditioning": found.preconditioning.to_dict(), "gain": found.gain,
        "offset": found.offset, "centred": found.centred and _follows(found), "size": found.size,
        "detected": found.detected, "assumed": found.assumed, "said": found.said, "notes": found.notes,
        "source": source,
    }  # fmt: skip
    return {"format": "pt", "sdedit": json.dumps(data)}
