"""Where training pictures come from: a folder, a tensor, a function that draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from ..images import fit, load_image

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


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

    def prepare(self, step: int) -> None:
        """Get ready for a step; must depend on ``step`` alone, so that a resumed run sees the same pictures."""

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

    def prepare(self, step: int) -> None:
        pass

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

    def prepare(self, step: int) -> None:
        pass

    def draw(self, count: int, size: Size, generator: torch.Generator) -> Tensor:
        return self._draw(count, generator).float().to(generator.device)


def bytes_to_data(pictures: Tensor) -> Tensor:
    """uint8 pixels to float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1.0


def image_files(folder: str | Path) -> list[Path]:
    """All pictures under a folder, sorted by path; ValueError when there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder of images.")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))
    if not files:
        raise ValueError(f"No images ({', '.join(sorted(IMAGE_SUFFIXES))}) in {folder}.")
    return files


def load_folder(
    folder: str | Path, *, size: int, crops: int = 1, progress: Callable[[int, int], None] | None = None
) -> Tensor:
    """Every picture of a folder as (N, 3, size, size) uint8: scaled to cover, then ``crops`` squares along the
    longer side (1 = the middle).  ValueError names the file that cannot be read."""
    files = image_files(folder)
    out = []
    for i, file in enumerate(files):
        picture = load_image(file)
        height, width = picture.shape[-2:]
        scale = size / min(height, width)
        fitted = fit(picture, width=max(size, round(width * scale)), height=max(size, round(height * scale)))
        room_y, room_x = fitted.shape[-2] - size, fitted.shape[-1] - size
        count = crops if room_y or room_x else 1
        for k in range(count):
            at = 0.5 if count == 1 else k / (count - 1)
            top, left = round(at * room_y), round(at * room_x)
            crop = fitted[0, :, top : top + size, left : left + size]
            out.append((crop * 255 + 0.5).to(torch.uint8))
        if progress is not None:
            progress(i + 1, len(files))
    return torch.stack(out)
