"""The landscapes to train on: rendered in chunks by whoever has time, read by the trainer as they come."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from landscapes.variety import varied_picture
from sdedit_core.pictures.files import replace_file
from sdedit_core.training.sources import Size, bytes_to_data

CHUNK = 16  # pictures in a file


@dataclass(frozen=True)
class Chunk:
    """A job: pictures ``first`` to ``first + count - 1`` as a file (count, 3, size, size) uint8.

    They are those of ``landscapes folder``: number n depends on (seed, n), the moods and the size alone.
    """

    folder: Path
    first: int
    count: int
    size: int
    seed: int
    moods: tuple[str, ...]

    @property
    def file(self) -> Path:
        return self.folder / f"{self.first:06d}.npy"

    def __call__(self) -> None:
        """Render and write them."""
        numbers = range(self.first, self.first + self.count)
        pictures = [varied_picture(self.seed, number, size=self.size, moods=self.moods) for number in numbers]
        data = (torch.cat(pictures) * 255 + 0.5).to(torch.uint8).numpy()

        def write(part: Path) -> None:
            with part.open("wb") as file:
                np.save(file, data)

        replace_file(self.file, write)

    def read(self) -> torch.Tensor:
        """The pictures; ValueError when the file is damaged."""
        try:
            data = np.load(self.file)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{self.file} cannot be read: {error}. Delete it, it is rendered again.") from None
        expected = (self.count, 3, self.size, self.size)
        if data.shape != expected or data.dtype != np.uint8:
            raise ValueError(f"{self.file} holds {data.shape} {data.dtype}, not {expected} uint8. Delete it.")
        return torch.from_numpy(data)


def chunks(folder: Path, *, count: int, size: int, seed: int, moods: Sequence[str]) -> list[Chunk]:
    """``count`` pictures as jobs, in order."""
    starts = range(0, count, CHUNK)
    return [Chunk(folder, first, min(CHUNK, count - first), size, seed, tuple(moods)) for first in starts]


def check_space(count: int, size: int, folder: Path) -> None:
    """ValueError when so many pictures, less those that are there, do not fit onto the disk."""
    missing = count * 3 * size**2 - sum(file.stat().st_size for file in folder.glob("*.npy"))
    free = shutil.disk_usage(folder).free
    if missing > 0.9 * free:
        raise ValueError(
            f"{missing / 1e9:.1f} GB of pictures do not fit into the {free / 1e9:.1f} GB that are free in {folder}. "
            "Give a smaller --count."
        )


class Landscapes:
    """A source for the trainer that takes in what has been rendered since; pictures lie on the device as bytes.

    Args:
        jobs: all chunks; the first ``at_once`` of them must be there.  The trainer measures the deviation of the data
            on these alone, so that it finds the same in every run.
        sizes: sizes to draw; the largest is that of the chunks, the others are means of its pixels.
    """

    channels, data_range = 3, (-1.0, 1.0)

    def __init__(self, jobs: Sequence[Chunk], sizes: Sequence[Size], *, at_once: int, device: torch.device):
        self.sizes, self.count = tuple(sizes), 0
        self._waiting = list(jobs)
        total, side = sum(job.count for job in jobs), jobs[0].size
        self._held = torch.empty(total, 3, side, side, dtype=torch.uint8, device=device)
        for job in self._waiting[:at_once]:
            self._take(job)
        del self._waiting[:at_once]

    def _take(self, job: Chunk) -> None:
        pictures = job.read()
        self._held[self.count : self.count + len(pictures)] = pictures.to(self._held.device)
        self.count += len(pictures)

    def grow(self) -> int:
        """Take in every chunk that has been written since; the number of pictures."""
        there = {path.name for path in self._waiting[0].folder.glob("*.npy")} if self._waiting else set()
        still = []
        for job in self._waiting:
            if job.file.name in there:
                self._take(job)
            else:
                still.append(job)
        self._waiting = still
        return self.count

    def draw(self, count: int, size: Size, generator: torch.Generator) -> torch.Tensor:
        """``count`` of the pictures so far, in [-1, 1]."""
        index = torch.randint(self.count, (count,), generator=generator, device=generator.device)
        pictures = bytes_to_data(self._held[index.to(self._held.device)]).to(generator.device)
        factor = pictures.shape[-1] // size.width
        return F.avg_pool2d(pictures, factor) if factor > 1 else pictures
