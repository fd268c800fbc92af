"""What ships with the package: reference pictures of six landscape moods, and guides to start from.

The pictures are renders of our own landscape generator (``tools/landscapes``, not part of the package), so nothing is
downloaded and nobody's photographs are inside.  The guides are drawings that the Stroke Canvas can open.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..pictures.fit import fit
from ..pictures.io import load_image
from ..priors.patch import PatchPrior
from .examples import (
    EXAMPLE_COMPOSITES,
    EXAMPLE_EDITS,
    EXAMPLE_GUIDES,
    PREFIX,
    example_composite,
    example_drawing,
    example_edit,
    example_edit_photo,
    example_guide,
    example_photo,
)

__all__ = [
    "EXAMPLE_COMPOSITES",
    "EXAMPLE_EDITS",
    "EXAMPLE_GUIDES",
    "MOODS",
    "RECOMMENDED_T0",
    "example_composite",
    "example_drawing",
    "example_edit",
    "example_edit_photo",
    "example_guide",
    "example_photo",
    "list_priors",
    "load_prior",
    "references",
]

PALETTE_FREEDOM = 0.02
ROW_WINDOW = 0.16
ALONG = 0.08
COVER = 1.6

_DESCRIPTIONS = {
    "alpine": "grey snow peaks, green meadows, white clouds",
    "lake": "mountains and woods over flat blue water",
    "sunset": "low sun, red clouds, glitter on the sea",
    "autumn": "orange forest, conifers, grey mountains in haze",
    "desert": "red mesas, ochre sand, blue sky",
    "night": "moon and stars, dark ridges, moonlit water",
}
MOODS: tuple[str, ...] = tuple(_DESCRIPTIONS)

# the start time that looks best for each mood, with sigma_max = 348
RECOMMENDED_T0: dict[str, float] = {
    "alpine": 0.25,
    "lake": 0.25,
    "sunset": 0.36,
    "autumn": 0.25,
    "desert": 0.36,
    "night": 0.36,
}

_FOLDER = Path(__file__).parent / "references"


def list_priors() -> dict[str, str]:
    """Built-in priors, name -> description."""
    return {PREFIX + mood: text for mood, text in _DESCRIPTIONS.items()}


def references(mood: str, size: int = 256) -> torch.Tensor:
    """Reference pictures of a mood, (N, 3, size, size) in [0, 1].

    Raises:
        ValueError: an unknown mood, or a size below 16 px.
        FileNotFoundError: the pictures are not where they were installed.
    """
    mood = _mood(mood)
    if size < 16:
        raise ValueError(f"References need a size of at least 16 px, got {size}.")
    files = sorted(_FOLDER.glob(f"{mood}-*.webp"))
    if not files:
        raise FileNotFoundError(f"There are no reference pictures of {mood!r} in {_FOLDER}. Install the package again.")
    return fit(torch.cat([load_image(file) for file in files]), width=size, height=size)


def load_prior(name: str, *, size: int | None = None, palette_freedom: float = PALETTE_FREEDOM) -> PatchPrior:
    """The built-in prior ``name`` (see :func:`list_priors`) for pictures of about ``size`` pixels (default 256).

    Args:
        palette_freedom: 0 = only the colours of the mood; more keeps those of the painting.

    Raises:
        ValueError: an unknown name, a size below 16 px, a negative ``palette_freedom``.
    """
    return PatchPrior.from_images(
        references(name, size or 256),
        palette_freedom=palette_freedom,
        position_aware=True,
        row_window=ROW_WINDOW,
        along=ALONG,
        detail=True,
    )


def _mood(name: str) -> str:
    mood = name.removeprefix(PREFIX)
    if mood not in MOODS:
        raise ValueError(f"Unknown built-in prior {name!r}; expected one of {', '.join(list_priors())}.")
    return mood
