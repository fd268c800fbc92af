"""The noised guide: SDEdit's first line, x(t0) = guide + sigma(t0) z, and what travels with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from ..model import ScoreModel
from ..sde import whole_number
from .masks import check_mask
from .noise import NoiseStream
from .share import MODEL_TIME, NOISE_SHARE, Dial


@dataclass
class NoisedState:
    """A guide noised up to sigma(t0), with everything a sampler needs to go on from here.

    ``samples`` = guide + sigma * z in the VE frame, never clamped; ``mask`` is 1 where the picture may change and
    soft where it may change less; ``t0_map`` gives every pixel a start time of its own, at most ``t0``.
    ``parts``: shapes of several things that lie in a row in one item, such as video and audio (see NoiseStream).
    ``under_way``: no fresh start but what a run left that was stopped at ``sigma``; noise is then drawn anew that
    the first half has used.
    """

    samples: torch.Tensor
    guide: torch.Tensor
    sigma: float
    t0: float
    seed: int
    mask: torch.Tensor | None = None
    sample_indices: list[int] = field(default_factory=list)
    note: str = ""
    t0_map: torch.Tensor | None = None
    under_way: bool = False
    parts: Sequence[Sequence[int]] = ()

    def fractions(self) -> torch.Tensor | None:
        """t0 of every pixel as a share of ``t0``, (B|1,1,H,W), from mask, map or both; None when it is 1 all over."""
        share = self.mask
        if self.t0_map is not None and self.t0 > 0.0:
            share = self.t0_map / self.t0 if share is None else share * (self.t0_map / self.t0)
        return None if share is None or bool((share >= 1.0).all()) else share

    def change(self) -> torch.Tensor | None:
        """Where the picture may change at all, boolean (B|1,1,H,W); None when it may all over."""
        fractions = self.fractions()
        return None if fractions is None else fractions > 0.0

    def to(self, device: torch.device | str) -> NoisedState:
        """The state with its tensors on a device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        return replace(self, **moved)


def check_seed(seed: int) -> int:
    """Return the seed as an int; ValueError for anything that is not a whole number."""
    given = whole_number(seed)
    if given is None:
        raise ValueError(f"seed must be a whole number, got {seed!r}.")
    return given


def noised(
    guide: torch.Tensor,
    sigma: float,
    *,
    seed: int,
    samples: Sequence[int],
    repeat: int = 0,
    parts: Sequence[Sequence[int]] = (),
) -> torch.Tensor:
    """guide + sigma * z with z from the "initial" stream; the guide itself, bit for bit, for sigma 0."""
    if sigma == 0.0:
        return guide.clone()
    rows = {"samples": samples, "repeat": repeat, "device": guide.device, "parts": parts}
    stream = NoiseStream(guide.shape[1:], seed=seed, stream="initial", **rows)
    return guide.add(stream(), alpha=sigma)


def perturb(
    model: ScoreModel,
    guide: torch.Tensor,
    t0: float | None = None,
    *,
    seed: int,
    noise_share: float | None = None,
    mask: torch.Tensor | None = None,
    t0_map: torch.Tensor | None = None,
    sample_indices: Sequence[int] | None = None,
) -> NoisedState:
    """Noise a guide up to SDE time t0: x(t0) = guide + sigma(t0) z (algorithm 1, first line).

    Args:
        guide: (B,C,H,W) in the model's data range.
        t0: 0 (the guide, bit for bit) to 1.
        seed: any whole number; item i draws from (seed, sample_indices[i]).
        noise_share: in place of t0, see :mod:`.share`; what the model has no level for is clamped, with a note.
        mask: (B|1,1,H,W), 1 = change; carried along for the sampler, the noise is added everywhere.
        t0_map: (B|1,1,H,W) of start times between 0 and t0; carried along likewise.
    """
    guide = model.check_guide(guide)
    if (t0 is None) == (noise_share is None):
        raise ValueError("Say how much noise by t0 or by noise_share, one of them.")
    value, unit = (t0, MODEL_TIME) if noise_share is None else (noise_share, NOISE_SHARE)
    dial = Dial(model.schedule, model.data_std, unit)
    t0, seed = dial.t0(value), check_seed(seed)
    mask = None if mask is None else check_mask(mask, guide)
    if t0_map is not None:
        t0_map = check_mask(t0_map, guide, name="t0_map")
        if float(t0_map.max()) > t0 * (1.0 + 1e-6):
            raise ValueError(f"t0 is the top of t0_map: it is {t0:g}, the map goes up to {float(t0_map.max()):g}.")
    indices = list(range(guide.shape[0])) if sample_indices is None else [int(i) for i in sample_indices]
    if len(indices) != guide.shape[0]:
        raise ValueError(f"sample_indices has {len(indices)} entries for a batch of {guide.shape[0]}.")
    sigma = model.schedule.sigma(t0)
    return NoisedState(
        samples=noised(guide, sigma, seed=seed, samples=indices, parts=model.parts),
        guide=guide,
        sigma=sigma,
        t0=t0,
        seed=seed,
        mask=mask,
        sample_indices=indices,
        note=dial.note(value),
        t0_map=t0_map,
        parts=model.parts,
    )
