"""Where the Reverse SDE Sampler starts: what the LATENT carries, checked, and the noise levels of the run."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch

from ..sdedit_core.edit import NoisedState
from ..sdedit_core.sampling.grids import sigma_grid
from ..sdedit_core.sampling.solvers import get_solver
from .frames import FLOW_MAX, Frame, frame_of
from .options import check_latent
from .state import Carried, batch_indices, check_noise_level, describe_mask, pack, rows_for, spread_of, unpack


class Start:
    """Where a run starts: state in the model's space, levels, clean guide and mask as LATENT, notes."""

    def __init__(self, schedule, state, levels, guide, mask, notes, mask_t0=None):
        self.schedule, self.state, self.levels = schedule, state, levels
        self.guide, self.mask, self.notes, self.mask_t0 = guide, mask, notes, mask_t0

    @property
    def stops_at(self) -> float:
        """Last level of the run; above 0 when another sampler shall go on from there."""
        return self.levels[-1]

    @property
    def nothing_to_do(self) -> bool:
        if self.state.sigma == 0.0:
            return True
        return self.mask is not None and self.stops_at == 0.0 and not bool((self.mask > 0.0).any())

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


def find_start(model: object, latent: dict, steps: int, solver: str, sigmas: torch.Tensor | None) -> Start:
    """Read a LATENT: the carried state when it fits, the given sigmas otherwise; ValueError that says what to do."""
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
        grid = get_solver(solver).grid
        own = sigma_grid(schedule, schedule.t(sigma), steps, grid=grid, data_std=host.data_std(model))
        levels = given or [sigma, *own[1:]]
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
