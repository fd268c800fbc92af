"""What travels beside noised samples, and whether the samples are still the very ones it belongs to.

Nodes in between copy the carried state whatever they do to the samples, so it holds a fingerprint of every item: the
samples belong to it exactly, or not at all.  Everything that asks "is this the noised latent?" asks here.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch

from ..sdedit_core.sde import whole_number
from .schema import is_plain

KEY, VERSION = "sdedit", 1
FORMS = (torch.float32, torch.float16, torch.bfloat16)  # what a host may keep a latent in between two nodes


@dataclass
class Carried:
    """What travels beside noised samples; ``guide`` is a clean LATENT tensor, ``prints`` those of the samples.

    ``parts``: shapes of several latents in one, which ``guide`` and ``prints`` have in a row.
    ``mask_t0``: the t0 that a mask value of 1 stands for, in a run that stopped above 0 (the t0 it began with).
    """

    guide: torch.Tensor
    sigma: float
    t0: float
    seed: int
    batch_index: list[int]
    space: str
    prints: list[list[str]]
    note: str = ""
    mask_t0: float | None = None
    parts: list | None = None

    def rows_of(self, samples: torch.Tensor) -> list[int | None]:
        """The row of the guide that every item of ``samples`` was noised from; None for items that are others.

        By content, so items may have been taken out, repeated or put in another order.
        """
        if samples.shape[1:] != self.guide.shape[1:]:
            return [None] * samples.shape[0]
        known = [{str(prints[k]): row for row, prints in enumerate(self.prints)} for k in range(len(FORMS))]
        return [_row_of(item, known) for item in samples]


def fingerprints(samples: torch.Tensor) -> list[list[str]]:
    """Of every item one fingerprint a precision of ``FORMS``: an item that was rounded on its way is known again."""
    return [[_fingerprint(item, form) for form in FORMS] for item in samples.detach().to("cpu", torch.float32)]


def _fingerprint(item: torch.Tensor, form: torch.dtype) -> str:
    values = (item.to(form) + 0.0).contiguous()  # + 0: two signs of zero are one number
    return hashlib.sha256(values.view(torch.uint8).numpy()).hexdigest()


def _row_of(item: torch.Tensor, known: list[dict[str, int]]) -> int | None:
    for form, rows in zip(FORMS, known, strict=True):
        rounded = form is torch.float32 or torch.equal(item.to(form).float(), item)
        row = rows.get(_fingerprint(item, form)) if rounded else None
        if row is not None:
            return row
    return None


def pack(carried: Carried) -> dict:
    """As a plain dict, which every node that copies the LATENT keeps."""
    return {"version": VERSION, **vars(carried)}


def unpack(latent: dict) -> Carried | None:
    """The carried state of a LATENT, or None; ValueError when it is broken or of another version."""
    entry = latent.get(KEY)
    if not isinstance(entry, dict):
        return None
    version = entry.get("version")
    if whole_number(version) != VERSION:
        raise ValueError(
            f"This latent was noised by another version of the SDEdit nodes (state {str(version)[:20]}, "
            f"this pack reads {VERSION}). Noise the clean latent again with Add VE Noise at t0."
        )
    found = {name: entry.get(name, default) for name, default in _DEFAULTS.items()}
    broken = next((name for name, is_sound in _SOUND.items() if not is_sound(found[name])), None)
    if broken is None and len(found["guide"]) != len(found["batch_index"]):
        broken = "batch_index"
    if broken is None and len(found["guide"]) != len(found["prints"]):
        broken = "prints"
    if broken is not None:
        raise ValueError(
            f"What this latent carries from Add VE Noise at t0 is broken (its {broken}): a node in between or another "
            "version of the SDEdit nodes changed it. Noise the clean latent again with Add VE Noise at t0."
        )
    return Carried(**found)


def _is_level(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value) and value >= 0.0


def _is_t0(value: object) -> bool:
    return _is_level(value) and value <= 1.0


def _is_guide(value: object) -> bool:
    if not is_plain(value) or not value.is_floating_point():
        return False
    return value.ndim >= 3 and 0 not in value.shape and bool(torch.isfinite(value).all())


def _are_prints(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(p, list | tuple) and len(p) == len(FORMS) for p in value)


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and all(whole_number(item) is not None for item in value)


_DEFAULTS = {"note": "", "mask_t0": None, "parts": None} | dict.fromkeys(
    ("guide", "sigma", "t0", "seed", "batch_index", "space", "prints")
)
_SOUND = {
    "guide": _is_guide,
    "sigma": _is_level,
    "t0": _is_t0,
    "seed": lambda v: whole_number(v) is not None,
    "batch_index": _are_numbers,
    "space": lambda v: isinstance(v, str),
    "prints": _are_prints,
    "note": lambda v: isinstance(v, str),
    "mask_t0": lambda v: v is None or _is_t0(v),
    "parts": lambda v: v is None or (isinstance(v, list) and all(_are_numbers(shape) for shape in v)),
}


def check_clean(latent: dict, samples: torch.Tensor, where: str) -> list[str]:
    """Notes on a latent that should be clean; ValueError when its samples still are the noised ones.

    A finished latent keeps the carried state when a stock sampler finished it, so that alone says nothing.
    """
    carried = unpack(latent)
    if carried is None or carried.sigma == 0.0:
        return []
    noisy = [i for i, row in enumerate(carried.rows_of(samples)) if row is not None]
    if noisy:
        which = "" if len(noisy) == samples.shape[0] else f", {numbered(noisy)} of it"
        raise ValueError(
            f"{where} adds the noise itself, and this latent holds noise already (t0 {carried.t0:.4g}{which}). Connect "
            "the clean latent that goes into the first Add VE Noise at t0, or finish this one with Reverse SDE Sampler "
            "before."
        )
    return [
        f"This latent was noised before (t0 {carried.t0:.4g}) and another node changed it since: it is taken as a "
        "finished picture. If that was a plain KSampler, it noised a second time: KSampler (Advanced) can go without "
        "(add_noise disable), Reverse SDE Sampler does."
    ]


def numbered(items: list[int]) -> str:
    """ "picture 2", "pictures 2 and 3", "pictures 1, 2, 5 and 8 more", counted from 1."""
    names = [str(i + 1) for i in items]
    if len(names) == 1:
        return f"picture {names[0]}"
    if len(names) > 6:
        return f"pictures {', '.join(names[:4])} and {len(names) - 4} more"
    return f"pictures {', '.join(names[:-1])} and {names[-1]}"
