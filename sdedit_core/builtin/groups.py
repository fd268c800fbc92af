"""The groups of references that the model of all moods picks from, so small that they show colours and where they are.

They are shipped, since to read a hundred pictures for it takes as long as to make one.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from ..pictures.fit import fit
from ..pictures.io import load_image

SIZE = 16  # of the small ones
_BETWEEN = 64  # they are as seen at this size
_FOLDER = Path(__file__).parent
FILE = _FOLDER / "landscape-groups.safetensors"


def pictures_of(group: str, size: int, *, further: bool = False) -> torch.Tensor:
    """The references of a mood or of "winter", (N, 3, size, size) in [0, 1].

    Args:
        group: its name.
        size: in pixels.
        further: with those that are of the model of all moods only.

    Raises:
        ValueError: a size below 16 px.
        FileNotFoundError: there are none.
    """
    if size < 16:
        raise ValueError(f"References need a size of at least 16 px, got {size}.")
    files = sorted((_FOLDER / "references").glob(f"{group}-*.webp"))
    files += sorted((_FOLDER / "further").glob(f"{group}-*.webp")) if further else []
    if not files:
        raise FileNotFoundError(f"There are no references of {group!r} in {_FOLDER}. Install the package again.")
    return fit(torch.cat([load_image(file) for file in files]), width=size, height=size)


def small_pictures(groups: tuple[str, ...]) -> list[torch.Tensor]:
    """Of every group, all its pictures, (N, 3, SIZE, SIZE) in [0, 1].

    Raises:
        FileNotFoundError: the file is not where it was installed.
    """
    if not FILE.is_file():
        raise FileNotFoundError(f"{FILE.name} is missing in {_FOLDER}. Install the package again.")
    small = load_file(FILE)
    return [small[group].float() / 255 for group in groups]


def shrunk(group: str) -> torch.Tensor:
    """What the file should have of a group, uint8 (N, 3, SIZE, SIZE)."""
    pictures = F.avg_pool2d(pictures_of(group, _BETWEEN, further=True), _BETWEEN // SIZE)
    return (255 * pictures).round().clamp(0, 255).to(torch.uint8)
