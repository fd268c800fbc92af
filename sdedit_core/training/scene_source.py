"""The landscape renderer as a training source: a pool of pictures on the device, rendered anew bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import torch
from torch import Tensor

from ..builtin.scenes import render_batch
from ..builtin.scenes.noise import StreamNoise
from ..sampling.noise import mix64
from .sources import Size, bytes_to_data
from .variety import varied_scene


class SceneSource:
    """Landscapes at several sizes, from :func:`~.variety.varied_scene`.

    Every size has a pool of uint8 pictures in equal slots. After every ``refresh`` steps the next slot of every
    pool is rendered again, so that the stream never ends; what a slot holds depends on (seed, step) alone.

    Args:
        sizes: sizes and their shares of the steps. pool: pictures of the first size; others hold as many pixels.
        slots: parts of a pool. refresh: steps between two renderings, 0 = never.
        seed: decides the scenes. batch: pictures rendered together at 128 x 128.
            Pictures with a side below 96 px are rendered four times finer, not twice, so that they are not jagged.
    """

    channels = 3
    data_range = (-1.0, 1.0)

    def __init__(
        self,
        sizes: Sequence[Size] = (Size(128, 128),),
        *,
        pool: int = 2048,
        slots: int = 16,
        refresh: int = 200,
        seed: int = 0,
        batch: int = 32,
        device: str | torch.device = "cpu",
        progress: Callable[[int, int], None] | None = None,
    ):
        if not sizes:
            raise ValueError("Scenes need at least one size.")
        if not 1 <= slots <= pool:
            raise ValueError(f"A pool of {pool} pictures cannot have {slots} slots.")
        self.sizes, self.slots, self.refresh, self.seed = tuple(sizes), slots, refresh, int(seed)
        self.device, self.batch, self.progress = torch.device(device), batch, progress
        self._per_slot = {s: max(1, s.batch(pool, self.sizes[0]) // slots) for s in self.sizes}
        self._pools = {
            s: torch.empty(n * slots, 3, s.height, s.width, dtype=torch.uint8, device=self.device)
            for s, n in self._per_slot.items()
        }
        self._held: list[int | None] = [None] * slots

    def prepare(self, step: int) -> None:
        """Render the slots that a run at ``step`` has and this pool has not."""
        events = step // self.refresh if self.refresh else 0
        wanted = [(events + self.slots - 1 - slot) // self.slots for slot in range(self.slots)]
        stale = [slot for slot in range(self.slots) if self._held[slot] != wanted[slot]]
        for i, slot in enumerate(stale):
            for index, size in enumerate(self.sizes):
                self._render(size, index, slot, wanted[slot])
            self._held[slot] = wanted[slot]
            if self.progress is not None and len(stale) > 1:
                self.progress(i + 1, len(stale))

    def draw(self, count: int, size: Size, generator: torch.Generator) -> Tensor:
        """``count`` pictures of a size, float32 in [-1, 1]."""
        pool = self._pools[size]
        index = torch.randint(len(pool), (count,), generator=generator, device=generator.device)
        return bytes_to_data(pool[index.to(self.device)])

    @torch.no_grad()
    def _render(self, size: Size, index: int, slot: int, generation: int) -> None:
        key = mix64(self.seed, index, slot, generation)
        random = Random(key)
        generator = torch.Generator(device=self.device).manual_seed(key >> 1)
        target = self._pools[size][slot * self._per_slot[size] :][: self._per_slot[size]]
        fine = 2 if min(size.height, size.width) >= 96 else 4
        step = max(1, round(self.batch * 4 * 128 * 128 / (size.height * size.width * fine**2)))
        for part in target.split(step):
            scenes = [varied_scene(random) for _ in range(len(part))]
            noise = StreamNoise(len(scenes), generator)
            pictures = render_batch(
                scenes, height=size.height, width=size.width, device=self.device, noise=noise, supersample=fine
            )
            part.copy_((pictures * 255 + 0.5).to(torch.uint8))
