"""The noised state as a LATENT: what travels beside ``samples``, and whether it still fits them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

KEY, VERSION = "sdedit", 1


@dataclass
class Carried:
    """What travels beside noised samples; guide is a clean LATENT tensor.

    A run that stopped above 0 fills in two more: ``spread``, the RMS of (samples - guide) / sigma of every item, and
    ``mask_t0``, the t0 that a mask value of 1 stands for (the t0 that the run began with).
    """

    guide: torch.Tensor
    sigma: float
    t0: float
    seed: int
    batch_index: list[int]
    space: str
    note: str = ""
    spread: list[float] | None = None
    mask_t0: float | None = None


def pack(carried: Carried) -> dict:
    """As a plain dict, which every node that copies the LATENT keeps."""
    return {"version": VERSION, **vars(carried)}


def unpack(latent: dict) -> Carried | None:
    """The carried state of a LATENT, or None; ValueError when it was written by a newer version."""
    entry = latent.get(KEY)
    if not isinstance(entry, dict):
        return None
    if entry.get("version") != VERSION:
        raise ValueError(
            f"This latent was noised by another version of the SDEdit nodes (state {entry.get('version')!r}, "
            f"this pack reads {VERSION}). Run Add VE Noise at t0 again."
        )
    return Carried(**{key: value for key, value in entry.items() if key != "version"})


def batch_indices(latent: dict) -> list[int]:
    """Index of every sample: ``batch_index`` when a node took items out of a larger batch, else 0 .. B-1."""
    count = latent["samples"].shape[0]
    indices = [int(i) for i in latent.get("batch_index") or range(count)]
    return indices if len(indices) == count else list(range(count))


def rows_for(carried: Carried, samples: torch.Tensor, indices: list[int]) -> list[int]:
    """Which row of the clean guide belongs to every row of ``samples``, after batch items were taken out or repeated.

    Raises ValueError that says what changed when the guide no longer fits.
    """
    guide = carried.guide
    if guide.shape[1:] != samples.shape[1:]:
        raise ValueError(
            f"the samples now have shape {tuple(samples.shape[1:])}, they were noised as {tuple(guide.shape[1:])}: "
            "a node in between resized, cropped or rotated them. Do that before Add VE Noise at t0"
        )
    have, count = carried.batch_index, samples.shape[0]
    if indices == have:
        return list(range(count))
    if guide.shape[0] == 1:
        return [0] * count
    if all(i in have for i in indices):
        return [have.index(i) for i in indices]
    if count % guide.shape[0] == 0:
        return list(range(guide.shape[0])) * (count // guide.shape[0])
    raise ValueError(
        f"the batch now has {count} items, it was noised with {guide.shape[0]}: a node in between changed the batch. "
        "Do that before Add VE Noise at t0"
    )


def spread_of(samples: torch.Tensor, guide: torch.Tensor, sigma: float) -> torch.Tensor:
    """RMS of (samples - guide) / sigma for every item: 1 for a noised guide (both in the model's space)."""
    return ((samples - guide).flatten(1).double() / sigma).square().mean(1).sqrt()


def check_noise_level(
    samples: torch.Tensor, guide: torch.Tensor, sigma: float, spread: list[float] | None = None
) -> None:
    """ValueError when ``samples - guide`` is not of about the carried sigma times the items' spread (1 when None)."""
    if sigma == 0.0:
        return
    tolerance = max(0.1, 6.0 / (2.0 * samples[0].numel()) ** 0.5)
    rms = spread_of(samples, guide, sigma)
    rms = rms if spread is None else rms / torch.tensor(spread, dtype=rms.dtype)
    worst = float(rms[(rms - 1.0).abs().argmax()])
    if not abs(worst - 1.0) <= tolerance:
        raise ValueError(
            f"the samples hold {worst:.2f} times the noise they were given: a node in between replaced, blended or "
            "scaled them. Connect the LATENT of Add VE Noise at t0 directly"
        )


def describe_mask(mask: torch.Tensor) -> str:
    """One sentence on what a mask lets change."""
    share, soft = float((mask > 0.0).float().mean()), float(((mask > 0.0) & (mask < 1.0)).float().mean())
    if share == 0.0:
        text = "mask: empty (all 0), so nothing may change and the guide will come back"
        if tuple(mask.shape[-2:]) == (64, 64):
            text += "; Load Image gives such a 64 x 64 mask for pictures without transparency"
        return text
    if share == 1.0 and soft == 0.0:
        return "mask: all 1, so everything may change"
    text = f"mask: {100.0 * share:.3g} % of the picture may change (1 = change, 0 = keep)"
    return text + f", {100.0 * soft:.3g} % is soft and starts at its own lower t0" * (soft > 0.0)
