"""What is to be made: every choice in one place, checked before any work."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace

import torch
from builtin_models import RULE_T0

from landscapes.moods import MOODS, check_mood
from sdedit_core.networks import build_network
from sdedit_core.training.architectures import network_spec
from sdedit_core.training.settings import Settings
from sdedit_core.training.sources import Size

LARGEST_FILE = 20_000_000  # bytes of the finished model


@dataclass(frozen=True)
class Plan:
    """Choices of the whole.

    Attributes:
        minutes: wall clock of one run, all included.
        runs: such runs; the learning rate falls to 0 at the end of the last one.
        sizes: sides in pixels that are trained, the largest is rendered.
        shares: share of the training steps for every size.
        network, batch, accumulate, rate, warmup, seed: as of ``training.Settings``; ``batch`` at the first size.
        count: pictures to render at most.
        moods: moods of the pictures, and those that are compared.
        guides: held-out renders of a mood that are edited.
        references: held-out renders of a mood that realism is measured against.
        t0: where the models are compared.
        edit_steps: steps of those edits.
    """

    minutes: float = 9.0
    runs: int = 3
    sizes: tuple[int, ...] = (128, 256)
    shares: tuple[float, ...] = (0.75, 0.25)
    network: str = "base"
    batch: int = 256
    accumulate: int = 1
    rate: float = 1.5e-3
    warmup: int = 200
    seed: int = 0
    count: int = 40_000
    moods: tuple[str, ...] = MOODS
    guides: int = 4
    references: int = 16
    t0: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6)
    edit_steps: int = 16

    def __post_init__(self) -> None:
        if not 0.01 <= self.minutes <= 10_000 or self.runs < 1:
            raise ValueError(f"Expected --minutes above 0 and --runs of at least 1, got {self.minutes}, {self.runs}.")
        for name in ("count", "guides", "references", "edit_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}.")
        for mood in self.moods:
            check_mood(mood)
        low, high = RULE_T0
        if not any(low <= t0 <= high for t0 in self.t0) or not all(0 < t0 <= 1 for t0 in self.t0):
            raise ValueError(
                f"--t0 needs values from 0 to 1, one of them from {low:g} to {high:g} for the rule; got {self.t0}."
            )
        self._check_sizes()
        parameters = sum(p.numel() for p in build_network(self._spec(), device="meta").parameters())
        if 2 * parameters > LARGEST_FILE:
            raise ValueError(
                f"The network {self.network!r} has {parameters:,} parameters, a file of {2 * parameters / 1e6:.0f} MB; "
                f"a built-in model may have {LARGEST_FILE / 1e6:.0f} MB. Choose a smaller --network."
            )
        self.settings("fp32")  # says what is wrong with batch, rate, ...

    def _spec(self):
        return network_spec(self.network, channels=3)

    def _check_sizes(self) -> None:
        multiple = self._spec().size_multiple
        largest = max(self.sizes)
        for size in self.sizes:
            if size < 16 or size % multiple or largest % size:
                raise ValueError(
                    f"--sizes must be multiples of {multiple} (the network {self.network!r}), at least 16, and divide "
                    f"the largest one; got {', '.join(map(str, self.sizes))}."
                )
        if len(self.shares) != len(self.sizes) or min(self.shares) <= 0:
            raise ValueError(f"--shares needs one number above 0 for each of the {len(self.sizes)} sizes.")

    @property
    def largest(self) -> int:
        """The size that is rendered."""
        return max(self.sizes)

    def training_sizes(self) -> tuple[Size, ...]:
        """The sizes as the trainer takes them."""
        return tuple(Size(size, size, share) for size, share in zip(self.sizes, self.shares, strict=True))

    def settings(self, precision: str) -> Settings:
        """Settings of the trainer; their number of steps follows the clock, see ``clock.py``."""
        return Settings(
            batch=self.batch,
            accumulate=self.accumulate,
            rate=self.rate,
            warmup=self.warmup,
            seed=self.seed,
            network=self.network,
            precision=precision,
        )

    def fixed(self) -> dict:
        """What may not change from run to run, as plain data."""
        data = asdict(self)
        for name in ("minutes", "runs", "count"):
            del data[name]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


TOY = replace(
    Plan(),
    minutes=1.0,
    runs=2,
    sizes=(16, 32),
    network="tiny",
    batch=32,
    accumulate=1,
    warmup=10,
    count=192,
    moods=("alpine", "night"),
    guides=2,
    references=4,
    edit_steps=8,
)
"""The whole path in two runs of a minute, on one CPU core.  What it trains is good for nothing."""


def default_workers() -> int:
    """Processes beside the one that trains."""
    return max(1, (os.cpu_count() or 2) - 2)


def precision_on(device: torch.device) -> str:
    """bfloat16 on a GPU, float32 elsewhere."""
    return "bf16" if device.type == "cuda" else "fp32"
