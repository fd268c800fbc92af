"""Render the reference pictures again: `python -m sdedit_core.builtin.make_references [mood ...]`.

For maintainers. The seeds below were chosen by eye among the first hundred of each mood.
"""

from __future__ import annotations

import sys

import torch
from PIL import Image

from . import _FOLDER
from .scenes import MOODS, mood_scene, render

SIZE = 512
QUALITY = 80

SEEDS: dict[str, tuple[int, ...]] = {
    "alpine": (3, 5, 10, 14, 55, 67, 89, 90),
    "lake": (11, 14, 31, 34, 50, 52, 82, 93),
    "sunset": (7, 22, 26, 44, 53, 55, 94, 97),
    "autumn": (2, 21, 31, 33, 40, 46, 49, 77),
    "desert": (0, 12, 14, 24, 35, 39, 53, 98),
    "night": (9, 10, 23, 26, 41, 63, 73, 81),
}


def main(moods: list[str]) -> None:
    """Write builtin/references/<mood>-<seed>.webp for the given moods (all by default)."""
    _FOLDER.mkdir(exist_ok=True)
    for mood in moods or MOODS:
        for old in _FOLDER.glob(f"{mood}-*.webp"):
            old.unlink()
        for seed in SEEDS[mood]:
            picture = render(mood_scene(mood, seed), height=SIZE, width=SIZE)[0]
            array = (picture * 255 + 0.5).to(torch.uint8).permute(1, 2, 0).numpy()
            Image.fromarray(array).save(_FOLDER / f"{mood}-{seed:03d}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(sys.argv[1:])
