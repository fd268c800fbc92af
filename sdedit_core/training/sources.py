"""Where training pictures come from: a tensor (``folder.py`` reads one from files), or a function that draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Size:
    """A size that is trained; ``share`` of the steps (sizes share a step's pixels: half the side, 4 x the batch)."""

    height: int
    width: int
    share: float = 1.0

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 4 or not self.share > 0:
            raise ValueError(f"A training size needs sides of at least 4 px and a positive share, got {self}.")

    def batch(self, count: int, first: Size) -> int:
        """Pictures of this size that cost what ``count`` of the first size cost."""
        return max(1, round(count * first.height * first.width / (self.height * self.width)))


class Source(Protocol):
    """Pictures for the trainer."""

    sizes: Sequence[Size]
    channels: int
    data_range: tuple[float, float]

    def draw(self, count: int, size: Size, generator: torch.Generator) -> Tensor:
        """``count`` pictures (count, C, height, width) float32 in the data range, on the generator's device."""


class TensorSource:
    """Pictures held in memory, (N, C, H, W): uint8 (0..255 becomes [-1, 1]) or float32 as they are."""

    def __init__(self, pictures: Tensor, *, data_range: tuple[float, float] = (-1.0, 1.0)):
        if pictures.dim() != 4 or not len(pictures):
            raise ValueError(f"Training pictures must be (N, C, H, W) with N >= 1, got {tuple(pictures.shape)}.")
        self.pictures, self.data_range = pictures, data_range
        self.channels = pictures.shape[1]
        self.sizes = (Size(pictures.shape[2], pictures.shape[3]),)

    def draw(self, count: int, size: Size, generator: torch.Generator) -> Tensor:
        device = self.pictures.device
        index = torch.randint(len(self.pictures), (count,), generator=generator, device=generator.device)
        chosen = self.pictures[index.to(device)].to(generator.device)
        return bytes_to_data(chosen) if chosen.dtype == torch.uint8 else chosen


class FunctionSource:
    """Endless pictures from ``draw(count, generator) -> (count, C, H, W)``: for data with a known law."""

    def __init__(
        self,
        draw: Callable[[int, torch.Generator], Tensor],
        *,
        channels: int,
        size: tuple[int, int],
        data_range: tuple[float, float] = (-1.0, 1.0),
    ):
        self._draw, self.channels, self.data_range = draw, channels, data_range
        self.sizes = (Size(*size),)

    def draw(self, count: int, size: Size, generator: torch.Generator) -> Tensor:
        return self._draw(count, generator).float().to(generator.device)


def bytes_to_data(pictures: Tensor) -> Tensor:
    """uint8 pixels to float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1.0
