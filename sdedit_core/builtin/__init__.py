"""What ships with the package: reference pictures of six landscape moods and further ones, a small network that draws
outlines, and guides to start from.

The pictures are renders of our own landscape generator (``tools/landscapes``, not part of the package), so nothing is
downloaded and nobody's photographs are inside.  The guides are drawings that the Stroke Canvas can open.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoints.load import load_checkpoint
from ..priors.patch import PatchPrior
from ..priors.picked import PickedPatchPrior
from ..priors.sized import SizedPatchPrior
from ..priors.small_network import SmallNetwork
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
from .groups import pictures_of, small_pictures

__all__ = [
    "ALL",
    "EXAMPLE_COMPOSITES",
    "EXAMPLE_EDITS",
    "EXAMPLE_GUIDES",
    "GROUPS",
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
    "recommended_t0",
    "references",
    "references_like",
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

ALL = "landscape"  # the model of all moods
GROUPS = (*MOODS, "winter")  # which it picks from; snow fields are in it only
_OF_ALL = (
    "every mood, picked by the painting's colours; suns anywhere, houses, towers, paths, rivers, trees, snow fields"
)

# the start time that looks best for each mood, with sigma_max = 348
RECOMMENDED_T0: dict[str, float] = {
    "alpine": 0.25,
    "lake": 0.25,
    "sunset": 0.3,
    "autumn": 0.25,
    "desert": 0.3,
    "night": 0.3,
    ALL: 0.27,
}

_NETWORK = Path(__file__).parent / "landscape-local.safetensors"


def list_priors() -> dict[str, str]:
    """Built-in priors, name -> description."""
    return {PREFIX + mood: text for mood, text in _DESCRIPTIONS.items()} | {ALL: _OF_ALL}


def recommended_t0(name: str) -> float | None:
    """The t0 to start with on the built-in model of that name (see :func:`list_priors`); None for any other name."""
    return RECOMMENDED_T0[name.removeprefix(PREFIX)] if name in list_priors() else None


def references(mood: str, size: int = 256) -> torch.Tensor:
    """Reference pictures of a mood, or of all for "landscape", (N, 3, size, size) in [0, 1].

    Raises:
        ValueError: an unknown mood, or a size below 16 px.
        FileNotFoundError: the pictures are not where they were installed.
    """
    if mood == ALL:
        return torch.cat([pictures_of(one, size, further=True) for one in GROUPS])
    return pictures_of(_mood(mood), size)


def references_like(name: str, prior: object, pictures: torch.Tensor, size: int = 256) -> torch.Tensor:
    """The references that a model works with on these pictures: of "landscape" those of the groups that it picks.

    Args:
        name: of the built-in model, as in :func:`list_priors`.
        prior: the one behind the model.
        pictures: (B, 3, H, W) in [0, 1].
        size: as in :func:`references`, which also says what is returned and raised.
    """
    if not isinstance(prior, PickedPatchPrior):
        return references(name, size)
    picked = sorted({prior.pick(picture, 0.0) for picture in pictures})
    return torch.cat([pictures_of(GROUPS[number], size, further=True) for number in picked])


def load_prior(
    name: str, *, size: int | None = None, palette_freedom: float = PALETTE_FREEDOM
) -> PatchPrior | PickedPatchPrior:
    """The built-in prior ``name`` (see :func:`list_priors`) for pictures of about ``size`` pixels.

    Args:
        size: None = 256 for a mood; the model of all moods follows the picture then.
        palette_freedom: 0 = only the colours of the references, and no network; more keeps those of the painting.

    Raises:
        ValueError: an unknown name, a size below 16 px, a negative ``palette_freedom``.
    """

    def prior(mood: str, side: int, further: bool, network: SmallNetwork | None = None) -> PatchPrior:
        return PatchPrior.from_images(
            pictures_of(mood, side, further=further),
            palette_freedom=palette_freedom,
            position_aware=True,
            row_window=ROW_WINDOW,
            along=ALONG,
            detail=True,
            flat=True,
            network=network,
        )

    if name != ALL:
        return prior(_mood(name), size or 256, False)

    network = _network() if palette_freedom > 0 else None

    def follows(mood: str) -> SizedPatchPrior:
        return SizedPatchPrior(
            lambda side: prior(mood, size or side, True, network), keep=1, cover=COVER, network=network
        )

    return PickedPatchPrior([follows(group) for group in GROUPS], small_pictures(GROUPS))


def _network() -> SmallNetwork:
    model = load_checkpoint(_NETWORK)
    return SmallNetwork(model.module, multiple=model.size_multiple)


def _mood(name: str) -> str:
    mood = name.removeprefix(PREFIX)
    if mood not in MOODS:
        raise ValueError(f"Unknown built-in prior {name!r}; expected one of {', '.join(list_priors())}.")
    return mood
