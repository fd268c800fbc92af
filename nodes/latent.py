"""A LATENT at the door of a node, and where a run from it starts, with the clean guide that belongs to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from ..sdedit_core.edit import NoisedState, run_levels
from ..sdedit_core.sde import Schedule, whole_number
from .carried import Carried, fingerprints, numbered, pack, unpack
from .frames import FLOW_MAX, Frame, frame_of, is_distilled
from .hints import lost_strokes
from .parts import Layout, describe_parts, layout_of, packed, tensors_of
from .schema import is_plain

OTHERS = "Continued another sampler's latent; what a mask keeps comes from the guide of Add VE Noise at t0."


class Misfit(ValueError):
    """The samples are not those that the carried guide belongs to; they can still be sampled without it."""


def check_latent(latent: dict, where: str) -> tuple[torch.Tensor, Layout | None]:
    """The samples of a LATENT as float32 on the CPU, several in one in a row (then with their layout).

    Raises ValueError for anything a sampler cannot start from.
    """
    samples = latent.get("samples") if isinstance(latent, dict) else None
    parts = tensors_of(samples)
    if parts is None:
        return _check_tensor(samples, where), None
    parts, layout = [_check_tensor(part, where) for part in parts], layout_of(samples)
    if len({part.shape[0] for part in parts}) != 1:
        counts = ", ".join(str(part.shape[0]) for part in parts)
        raise ValueError(
            f"{where} got several latents in one with batches of {counts}: every part needs as many items. Repeat the "
            "shorter one with Repeat Latent Batch before they are joined."
        )
    return packed(parts), layout


def _check_tensor(samples: object, where: str) -> torch.Tensor:
    if not is_plain(samples):
        raise ValueError(f"{where} needs a LATENT with one tensor, got {type(samples).__name__}. Connect a VAE Encode.")
    if samples.ndim < 3 or samples.shape[0] < 1 or 0 in samples.shape:
        raise ValueError(f"{where} got an empty latent of shape {tuple(samples.shape)}. Connect a VAE Encode.")
    samples = samples.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(samples).all()):
        raise ValueError(
            f"{where} got a latent with NaN or infinite values. Look at the node before it: the image may be "
            "broken, or a VAE overflowed in fp16."
        )
    return samples


def batch_indices(latent: dict) -> list[int]:
    """Index of every sample: ``batch_index`` when a node took items out of a larger batch, else 0 .. B-1."""
    count, given = latent["samples"].shape[0], latent.get("batch_index")
    if given is None:
        return list(range(count))
    if hasattr(given, "tolist"):  # a tensor, or an array of numpy
        given = given.tolist()
    indices = [whole_number(i) for i in given] if isinstance(given, list | tuple | range) else [None]
    if None in indices:
        raise ValueError(
            "The latent's batch_index, which numbers the pictures of a batch, must be a list of whole numbers, got "
            f"{str(given)[:60]}: the node before this one is at fault. Take it out, or put Rebatch Latents behind it."
        )
    return indices if len(indices) == count else list(range(count))


def rows_by_index(carried: Carried, samples: torch.Tensor, indices: list[int]) -> list[int]:
    """Which row of the clean guide belongs to every row of ``samples``, after a sampler has changed the samples.

    By index is all that is left then.  Raises Misfit that says what changed when the guide no longer fits.
    """
    guide, have, count = carried.guide, carried.batch_index, samples.shape[0]
    if indices == have:
        return list(range(count))
    own, now = Counter(have), Counter(indices)
    for index in (index for index in now if now[index] > max(1, own[index])):
        same = [row for row in range(count) if indices[row] == index]
        if any(not torch.equal(samples[same[0]], samples[row]) for row in same):
            raise Misfit(
                f"{numbered(same)} are numbered alike and differ: Batch Latents joined them and keeps only what the "
                "first one carries. Join the clean guides, with their masks, before Add VE Noise at t0"
            )
    if guide.shape[0] == 1:
        return [0] * count
    if all(i in have for i in indices):
        return [have.index(i) for i in indices]
    if count % guide.shape[0] == 0:
        return list(range(guide.shape[0])) * (count // guide.shape[0])
    raise Misfit(
        f"the batch now has {count} items, it was noised with {guide.shape[0]}: a node in between changed the batch. "
        "Do that before Add VE Noise at t0"
    )


@dataclass
class Start:
    """Where a run starts: state in the model's space and its levels; clean guide and mask beside a LATENT; notes.

    ``mask_t0``: the t0 that a mask value of 1 stands for, None without a clean guide.
    ``layout``: of several latents in one, which all tensors here have in a row.
    """

    schedule: Schedule
    state: NoisedState
    levels: list[float]
    guide: torch.Tensor
    mask: torch.Tensor | None
    notes: list[str]
    mask_t0: float | None
    layout: Layout | None = None

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
        return pack(
            Carried(
                guide=self.guide,
                sigma=sigma,
                t0=self.schedule.t(sigma),
                seed=state.seed,
                batch_index=state.sample_indices,
                space=host.latent_space(model),
                prints=fingerprints(samples),
                mask_t0=self.mask_t0,
                parts=_shapes(self.layout),
            )
        )


def find_start(model: object, latent: dict, options: dict, sigmas: torch.Tensor | None) -> Start:
    """Read a LATENT: the carried state when it fits, the given sigmas otherwise; ValueError that says what to do.

    ``options`` are those of the edit; steps, solver and eta decide about the levels where no sigmas are given.
    """
    from . import host

    where = "Reverse SDE Sampler"
    samples, layout = check_latent(latent, where)
    schedule, indices = host.model_schedule(model), batch_indices(latent)
    carried, notes = unpack(latent), []
    if carried is not None and carried.sigma == 0.0 and is_plain(sigmas) and sigmas.numel() == 0:
        sigmas = None  # Sigmas from t0 at t0 = 0
    given = None if sigmas is None else given_levels(model, sigmas)
    guide, mask_t0, mask, misfit = None, None, latent.get("noise_mask"), None
    if carried is not None:
        try:
            carried, guide = _carried_guide(model, carried, samples, layout, indices, given)
        except Misfit as problem:
            misfit = f"{problem}."
            if given is None:
                as_it_is = mask is None and "sigmas" not in misfit
                way_out = " (Or connect sigmas, to sample it as it is.)" if as_it_is else ""
                raise ValueError(f"{where}: {misfit}{way_out}") from None
            notes.append(f"The carried guide was not used: {misfit}")
    if guide is None and given is None:
        raise ValueError(
            f"{where}: this latent does not say how much noise it holds. Connect the one of Add VE Noise at t0 "
            "directly: Rebatch Latents and Load Latent lose what it carries and belong before it. To continue a noisy "
            "latent of another sampler, connect the rest of its sigmas."
        )
    if guide is not None:
        sigma, t0, noise_seed, note = carried.sigma, carried.t0, carried.seed, carried.note
        mask_t0 = t0 if carried.mask_t0 is None else carried.mask_t0
        _check_first_level(given, sigma)
        at = {name: options[name] for name in ("steps", "solver", "eta")}
        at |= {"data_std": host.data_std(model), "distilled": is_distilled(host.score_model_of(model))}
        levels = given or run_levels(schedule, sigma, **at)
        sigma = levels[0]
    else:
        samples = host.fit_latent(model, samples, layout, clean=False)
        sigma, t0, noise_seed, note, guide, levels = given[0], schedule.t(given[0]), 0, "", samples, given
        notes.append("Continued a noised latent without a clean guide: the change above is measured from that.")
    under_way = mask_t0 is not None and mask_t0 > t0
    if mask is not None or (layout is not None and guide is not samples):
        mask = host.fit_masks(mask, None, samples, layout)
        if guide is not samples:
            notes += lost_strokes(guide, mask, pixels=host.score_model_of(model) is not None)
        if under_way:
            mask = (mask * (mask_t0 / t0)).clamp(max=1.0)  # pixels that the first half has not reached yet
        if guide is samples and not bool((mask >= 1.0).all()):
            why = misfit or "Noise it with Add VE Noise at t0, or remove the noise mask."
            raise ValueError(
                f"{where}: a mask needs the clean guide, and this latent only has a noisy one. {_upper(why)}"
            )
        notes.append(describe_parts(mask, layout))
        mask = None if bool((mask >= 1.0).all()) else mask
    state = NoisedState(
        samples=host.to_model(model, samples, layout),
        guide=host.to_model(model, guide, layout),
        sigma=sigma,
        t0=t0,
        seed=noise_seed,
        mask=mask,
        sample_indices=indices,
        note=note,
        under_way=under_way,
        parts=() if layout is None else layout.shapes,
    )
    return Start(schedule, state, levels, guide, mask, notes, mask_t0, layout)


def _shapes(layout: Layout | None) -> list | None:
    return None if layout is None else [list(shape) for shape in layout.shapes]


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _check_first_level(given: list[float] | None, sigma: float) -> None:
    if given is not None and abs(given[0] - sigma) > 1e-3 * sigma:
        raise ValueError(
            f"Reverse SDE Sampler: the sigmas start at {given[0]:.4g}, the latent was noised to {sigma:.4g}. Take them "
            "from a node that knows the same t0, or take Add VE Noise at t0 away."
        )


def _carried_guide(
    model: object,
    carried: Carried,
    samples: torch.Tensor,
    layout: Layout | None,
    indices: list[int],
    given: list[float] | None,
) -> tuple[Carried, torch.Tensor]:
    """The state as it is now and the clean guide as LATENT; Misfit when they belong to other samples or models.

    A stock sampler that went down to the first given level keeps the carried state as it was.
    """
    from . import host

    space = host.latent_space(model)
    if space != carried.space:
        raise Misfit(
            f"the latent was noised for another model ({carried.space}, here {space}): connect the same MODEL to "
            "both nodes"
        )
    if carried.parts != _shapes(layout):
        raise Misfit(
            "the latent was taken apart or joined since it was noised, or one part was resized: do that before Add VE "
            "Noise at t0 or after Reverse SDE Sampler"
        )
    if carried.guide.shape[1:] != samples.shape[1:]:
        raise Misfit(
            f"the samples now have shape {tuple(samples.shape[1:])}, they were noised as "
            f"{tuple(carried.guide.shape[1:])}: a node in between resized, cropped or rotated them. Do that before "
            "Add VE Noise at t0"
        )
    rows = carried.rows_of(samples)
    others = [i for i, row in enumerate(rows) if row is None]
    if not others:
        return carried, carried.guide[rows].to(samples)
    if len(others) < len(rows):
        _check_first_level(given, carried.sigma)  # no sampler has been at it: some still are as they were noised
        raise Misfit(
            f"{numbered(others)} of the latent did not come out of that Add VE Noise at t0: Batch Latents joined "
            "several and keeps only what the first one carries, or a node changed some. Join the clean guides, with "
            "their masks, before Add VE Noise at t0"
        )
    if given is not None and given[0] < carried.sigma * (1.0 - 1e-3):
        rows = rows_by_index(carried, samples, indices)
        top = carried.t0 if carried.mask_t0 is None else carried.mask_t0
        t0, note = host.model_schedule(model).t(given[0]), OTHERS
        return replace(carried, sigma=given[0], t0=t0, mask_t0=top, note=note), carried.guide[rows].to(samples)
    left = _noise_left(model, carried, samples, layout)
    raise Misfit(
        f"the samples are not the ones that were noised{left}: a node in between, such "
        "as a KSampler, sampled, replaced, blended, flipped or scaled them. Connect the LATENT of Add VE Noise at t0 "
        "directly and do such things before it; to go on where another sampler stopped, connect the rest of its sigmas"
    )


def _noise_left(model: object, carried: Carried, samples: torch.Tensor, layout: Layout | None) -> str:
    """How much noise there is by now, in words, where that is a number: for a fresh state that has all its items."""
    from . import host

    if carried.sigma == 0.0 or carried.mask_t0 is not None or samples.shape != carried.guide.shape:
        return ""
    away = host.to_model(model, samples, layout) - host.to_model(model, carried.guide.to(samples), layout)
    times = (away.flatten(1).double() / carried.sigma).square().mean(1).sqrt()
    worst = float(times[(times - 1.0).abs().argmax()])
    return f" and hold {worst:.2f} times the noise they were given"


def given_levels(model: object, sigmas: torch.Tensor) -> list[float]:
    """SIGMAS of the host as VE levels; ValueError unless they fall."""
    from . import host

    model_sampling = model.get_model_object("model_sampling")
    return ve_levels(sigmas, frame_of(model_sampling), host.model_schedule(model).sigma_max)


def ve_levels(sigmas: torch.Tensor, frame: Frame, top: float) -> list[float]:
    """SIGMAS as VE levels, infinite ones cut to ``top``; ValueError unless they fall, to 0 or above."""
    if not is_plain(sigmas):
        raise ValueError(
            f"sigmas must be SIGMAS, got {type(sigmas).__name__}. Connect a scheduler node or Sigmas from t0."
        )
    values = [float(s) for s in sigmas.flatten()]
    if len(values) < 2:
        raise ValueError("sigmas is empty: the scheduler made no steps. Raise its steps or its denoise.")
    if any(not a > b for a, b in pairwise(values)) or not values[-1] >= 0.0 or values[0] == float("inf"):
        raise ValueError(
            f"sigmas must fall from the start level to 0 or to where another sampler goes on, got {values[0]:.4g} ... "
            f"{values[-1]:.4g}. Take them from a scheduler node, Sigmas from t0 or SplitSigmas, not flipped."
        )
    return [top if frame.flow and s >= FLOW_MAX else frame.to_ve(s) for s in values]
