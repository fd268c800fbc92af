"""A LATENT on its way: what travels beside noised samples, whether it still fits them, and where a run starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from ..sdedit_core.edit import NoisedState, run_levels
from ..sdedit_core.sde import Schedule
from .frames import FLOW_MAX, Frame, frame_of

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


def check_latent(latent: dict, where: str) -> torch.Tensor:
    """The samples of a LATENT as float32 on the CPU; ValueError for anything a sampler cannot start from."""
    samples = latent.get("samples") if isinstance(latent, dict) else None
    if not isinstance(samples, torch.Tensor) or getattr(samples, "is_nested", False):
        raise ValueError(
            f"{where} needs a LATENT with one tensor, got {type(samples).__name__}. "
            "Combined audio and video latents are not supported: separate them first."
        )
    if samples.ndim < 3 or samples.shape[0] < 1 or 0 in samples.shape:
        raise ValueError(f"{where} got an empty latent of shape {tuple(samples.shape)}. Connect a VAE Encode.")
    samples = samples.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(samples).all()):
        raise ValueError(
            f"{where} got a latent with NaN or infinite values. Look at the node before it: the image may be "
            "broken, or a VAE overflowed in fp16."
        )
    return samples


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


@dataclass
class Start:
    """Where a run starts: state in the model's space and its levels; clean guide and mask beside a LATENT; notes.

    ``mask_t0``: the t0 that a mask value of 1 stands for, None without a clean guide.
    """

    schedule: Schedule
    state: NoisedState
    levels: list[float]
    guide: torch.Tensor
    mask: torch.Tensor | None
    notes: list[str]
    mask_t0: float | None

    @property
    def stops_at(self) -> float:
        """Last level of the run; above 0 when another sampler shall go on from there."""
        return self.levels[-1]

    def keep(self, samples: torch.Tensor) -> torch.Tensor:
        """Samples with the kept region bit-equal to the guide, whatever the conversions in between rounded."""
        return samples if self.mask is None else torch.where(self.mask > 0.0, samples, self.guide)

    def carry_on(self, model: object, samples: torch.Tensor) -> dict | None:
        """What goes beside LATENT samples of a run that stopped above 0; None without a clean guide."""
        from . import host

        if self.mask_t0 is None:
            return None
        state, sigma = self.state, self.stops_at
        spread = spread_of(host.to_model(model, samples), host.to_model(model, self.guide), sigma)
        return pack(
            Carried(
                guide=self.guide,
                sigma=sigma,
                t0=self.schedule.t(sigma),
                seed=state.seed,
                batch_index=state.sample_indices,
                space=host.latent_space(model),
                spread=spread.tolist(),
                mask_t0=self.mask_t0,
            )
        )


def find_start(model: object, latent: dict, options: dict, sigmas: torch.Tensor | None) -> Start:
    """Read a LATENT: the carried state when it fits, the given sigmas otherwise; ValueError that says what to do.

    ``options`` are those of the edit; steps, solver and eta decide about the levels where no sigmas are given.
    """
    from . import host

    where = "Reverse SDE Sampler"
    samples = check_latent(latent, where)
    schedule, indices = host.model_schedule(model), batch_indices(latent)
    carried, notes = unpack(latent), []
    if carried is not None and carried.sigma == 0.0 and sigmas is not None and sigmas.numel() == 0:
        sigmas = None  # Sigmas from t0 at t0 = 0
    given = None if sigmas is None else given_levels(model, sigmas)
    guide, mask_t0 = None, None
    if carried is not None:
        try:
            carried, guide = _carried_guide(model, carried, samples, indices, given)
        except ValueError as problem:
            if given is None:
                raise ValueError(f"{where}: {problem}. (Or connect sigmas, to sample it as it is.)") from None
            notes.append(f"The carried guide was not used: {problem}.")
    if guide is None and given is None:
        raise ValueError(
            f"{where}: this latent does not say how much noise it holds. Put Add VE Noise at t0 before it; to "
            "continue a noisy latent of another sampler, connect the rest of its sigmas."
        )
    if guide is not None:
        sigma, t0, noise_seed, note = carried.sigma, carried.t0, carried.seed, carried.note
        mask_t0 = t0 if carried.mask_t0 is None else carried.mask_t0
        if given is not None and abs(given[0] - sigma) > 1e-3 * sigma:
            raise ValueError(
                f"{where}: the sigmas start at {given[0]:.4g}, the latent was noised to {sigma:.4g}. Take them from "
                "a node that knows the same t0, or take Add VE Noise at t0 away."
            )
        at = {name: options[name] for name in ("steps", "solver", "eta")}
        levels = given or run_levels(schedule, sigma, **at, data_std=host.data_std(model))
        sigma = levels[0]
    else:
        samples = host.fit_latent(model, samples, clean=False)
        sigma, t0, noise_seed, note, guide, levels = given[0], schedule.t(given[0]), 0, "", samples, given
        notes.append("Continued a noised latent without a clean guide: the change above is measured from that.")
    under_way = mask_t0 is not None and mask_t0 > t0
    mask = latent.get("noise_mask")
    if mask is not None:
        mask = host.fit_mask(mask, samples)
        if under_way:
            mask = (mask * (mask_t0 / t0)).clamp(max=1.0)  # pixels that the first half has not reached yet
        if guide is samples and not bool((mask >= 1.0).all()):
            raise ValueError(
                f"{where}: a mask needs the clean guide, and this latent only has a noisy one. Noise it with "
                "Add VE Noise at t0, or remove the noise mask."
            )
        notes.append(describe_mask(mask))
        mask = None if bool((mask >= 1.0).all()) else mask
    state = NoisedState(
        samples=host.to_model(model, samples),
        guide=host.to_model(model, guide),
        sigma=sigma,
        t0=t0,
        seed=noise_seed,
        mask=mask,
        sample_indices=indices,
        note=note,
        under_way=under_way,
    )
    return Start(schedule, state, levels, guide, mask, notes, mask_t0)


def _carried_guide(
    model: object, carried: Carried, samples: torch.Tensor, indices: list[int], given: list[float] | None
) -> tuple[Carried, torch.Tensor]:
    """The state as it is now and the clean guide as LATENT; ValueError when they belong to other samples or models.

    A stock sampler that went down to the first given level keeps the carried state as it was.
    """
    from . import host

    space = host.latent_space(model)
    if space != carried.space:
        raise ValueError(
            f"the latent was noised for another model ({carried.space}, here {space}): connect the same MODEL to "
            "both nodes"
        )
    rows = rows_for(carried, samples, indices)
    guide = carried.guide[rows].to(samples)
    spread = None if carried.spread is None else [carried.spread[row] for row in rows]
    below = given is not None and given[0] < carried.sigma * (1.0 - 1e-3)
    if below and not _as_noised(model, carried, samples, guide, rows):
        top = carried.t0 if carried.mask_t0 is None else carried.mask_t0
        t0 = host.model_schedule(model).t(given[0])
        return replace(carried, sigma=given[0], t0=t0, mask_t0=top, note="Continued another sampler's latent."), guide
    check_noise_level(host.to_model(model, samples), host.to_model(model, guide), carried.sigma, spread)
    return carried, guide


def _as_noised(model: object, carried: Carried, samples: torch.Tensor, guide: torch.Tensor, rows: list[int]) -> bool:
    """Whether no sampler has touched the samples since: the noise is known from its seed, or else the spread."""
    from . import host

    if carried.spread is not None:
        spread = spread_of(host.to_model(model, samples), host.to_model(model, guide), carried.sigma)
        known = torch.tensor([carried.spread[row] for row in rows], dtype=spread.dtype)
        return torch.allclose(spread, known, rtol=1e-3)
    places = [carried.batch_index[row] for row in rows]
    again = host.add_noise(model, guide, carried.sigma, seed=carried.seed, samples=places)
    return torch.allclose(samples, again, rtol=1e-3, atol=1e-3 * float(again.abs().max()))


def given_levels(model: object, sigmas: torch.Tensor) -> list[float]:
    """SIGMAS of the host as VE levels; ValueError unless they fall."""
    from . import host

    model_sampling = model.get_model_object("model_sampling")
    return ve_levels(sigmas, frame_of(model_sampling), host.model_schedule(model).sigma_max)


def ve_levels(sigmas: torch.Tensor, frame: Frame, top: float) -> list[float]:
    """SIGMAS as VE levels, infinite ones cut to ``top``; ValueError unless they fall, to 0 or above."""
    values = [float(s) for s in sigmas.flatten()]
    if len(values) < 2:
        raise ValueError("sigmas is empty: the scheduler made no steps. Raise its steps or its denoise.")
    if any(not a > b for a, b in pairwise(values)) or not values[-1] >= 0.0 or values[0] == float("inf"):
        raise ValueError(
            f"sigmas must fall from the start level to 0 or to where another sampler goes on, got {values[0]:.4g} ... "
            f"{values[-1]:.4g}. Take them from a scheduler node, Sigmas from t0 or SplitSigmas, not flipped."
        )
    return [top if frame.flow and s >= FLOW_MAX else frame.to_ve(s) for s in values]
