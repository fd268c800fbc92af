"""What ships with the package: reference pictures of six landscape moods, and stroke paintings to start from.

The references are renders of our own landscape generator (`builtin.scenes`), so nothing is downloaded and
nobody's photographs are inside. `make_references.py` makes the files again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..priors.patch import PatchPrior
from .examples import COMPOSITES, EDITS, paint_edit, paste
from .guides import GUIDES, paint_guide
from .scenes import MOODS, mood_scene, render

__all__ = [
    "EXAMPLE_COMPOSITES",
    "EXAMPLE_EDITS",
    "EXAMPLE_GUIDES",
    "MOODS",
    "RECOMMENDED_T0",
    "example_composite",
    "example_edit",
    "example_guide",
    "list_priors",
    "load_prior",
    "references",
    "scene",
]

PREFIX = "landscape-"
PALETTE_FREEDOM = 0.0
ROW_WINDOW = 0.16

EXAMPLE_GUIDES: dict[str, str] = GUIDES
"""Name -> description of every stroke painting."""

EXAMPLE_EDITS: dict[str, str] = EDITS
"""Name -> description of the editing examples; the name starts with its mood."""

EXAMPLE_COMPOSITES: dict[str, str] = COMPOSITES
"""Name -> description of the compositing examples; the name starts with its mood."""

RECOMMENDED_T0: dict[str, float] = {
    "alpine": 0.25,
    "lake": 0.25,
    "sunset": 0.36,
    "autumn": 0.25,
    "desert": 0.36,
    "night": 0.36,
}
"""Start time that looks best for each mood, with sigma_max = 348."""

_DESCRIPTIONS = {
    "alpine": "grey snow peaks, green meadows, white clouds",
    "lake": "mountains and woods over flat blue water",
    "sunset": "low sun, red clouds, glitter on the sea",
    "autumn": "orange forest, conifers, grey mountains in haze",
    "desert": "red mesas, ochre sand, blue sky",
    "night": "moon and stars, dark ridges, moonlit water",
}

_FOLDER = Path(__file__).parent / "references"


def list_priors() -> dict[str, str]:
    """Built-in priors, name -> description."""
    return {PREFIX + mood: text for mood, text in _DESCRIPTIONS.items()}


def references(mood: str, size: int = 256) -> Tensor:
    """Reference pictures of a mood, (N, 3, size, size) in [0, 1]."""
    mood = _mood(mood)
    if size < 16:
        raise ValueError(f"references need a size of at least 16 px, got {size}")
    files = sorted(_FOLDER.glob(f"{mood}-*.webp"))
    if not files:
        raise FileNotFoundError(f"no reference pictures of {mood!r} in {_FOLDER}")
    stack = []
    for file in files:
        with Image.open(file) as picture:
            array = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
        stack.append(torch.from_numpy(array).permute(2, 0, 1))
    out = torch.stack(stack)
    if out.shape[-1] != size:
        out = F.interpolate(out, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return out.clamp(0, 1)


def load_prior(name: str, *, size: int | None = None) -> PatchPrior:
    """The built-in prior `name` (see list_priors) for pictures of about `size` pixels (default 256)."""
    mood = _mood(name)
    return PatchPrior.from_images(
        references(mood, size or 256),
        palette_freedom=PALETTE_FREEDOM,
        position_aware=True,
        row_window=ROW_WINDOW,
    )


def example_guide(name: str, *, width: int, height: int) -> Tensor:
    """A stroke painting (see EXAMPLE_GUIDES), (1, 3, height, width) in [0, 1]."""
    return paint_guide(name.removeprefix(PREFIX), width=width, height=height)


def scene(mood: str, seed: int, size: int) -> Tensor:
    """A freshly rendered landscape that is not among the references, (1, 3, size, size) in [0, 1]."""
    return render(mood_scene(_mood(mood), 10_000 + int(seed)), height=size, width=size)


def example_edit(name: str, size: int = 256) -> tuple[Tensor, Tensor, Tensor]:
    """(photo, guide, mask) of an editing example (see EXAMPLE_EDITS); mask 1 = change. See examples.paint_edit."""
    return paint_edit(name, size)


def example_composite(name: str, size: int = 256) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(background, foreground, mask, pasted guide) of a compositing example. See examples.paste."""
    return paste(name, size)


def _mood(name: str) -> str:
    mood = name.removeprefix(PREFIX)
    if mood not in MOODS:
        raise ValueError(f"unknown built-in prior {name!r}: expected one of {', '.join(list_priors())}")
    return mood
