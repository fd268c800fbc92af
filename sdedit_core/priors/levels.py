"""Patch sizes of a patch prior, and the noise levels that they serve."""

from __future__ import annotations

import math

from .patch_bank import PatchLevel

# patch at a native size of 128, noise level up to which it is used, features
_SHAPES = (
    (9, 0.025, 48),
    (15, 0.06, 64),
    (24, 0.14, 96),
    (36, 0.32, 96),
    (54, 0.70, 128),
    (80, 1.40, 128),
    (96, math.inf, 128),
)

# the same for many images; the last level sees whole pictures
_SHAPES_MANY = (
    (18, 0.025, 48),
    (24, 0.06, 64),
    (34, 0.14, 96),
    (58, 0.32, 96),
    (108, 0.70, 128),
    (math.inf, math.inf, 128),
)

# sizes of the patches for an edit, over those for a whole picture: a multiple of the edit's side, in these limits
_OF_OPENING, _SMALL, _LARGE = 1.6, 0.42, 0.75


def default_levels(
    native: int, *, dense: bool, many: bool = False, opening: float | None = None
) -> tuple[PatchLevel, ...]:
    """Patch sizes, small to large, for images of short side ``native``.

    With few images patches grow a little faster than the native size: finer pictures need more context to look like a
    photo.

    Args:
        native: in pixels.
        dense: (almost) every position of the small patches enters the bank.
        many: there are many images to choose from.  Patches are larger then and overlap less, and the highest noise
            levels see whole pictures: more context gives more detail and a layout that holds together.
        opening: side of what is edited over that of the images (which are few), where a part of them is edited.  What
            is pasted or painted has other things around it than it has in the images: only patches that are small
            against it find it there, and larger ones tear its outline.
    """
    edit = opening is not None and not many
    shapes, power, largest, size = _SHAPES, 1.15, round(0.75 * native), 1.0
    if many:
        shapes, power, largest = _SHAPES_MANY, 1.0, native
    elif edit:
        power, size = 1.0, size_for(opening)
    out: list[PatchLevel] = []
    for base, below, features in shapes:
        wanted = round(size * (largest if math.isinf(below) else base * (native / 128) ** power))
        patch = min(largest, max(5, wanted))
        cell = max(1, patch // 16)
        patch = min(native, round(patch / cell) * cell)
        finest = edit and not out  # it costs most: every second place will do
        step = native / 128 if dense and not finest else native / 64
        bank = max(1, round(max(step, patch / 14)))
        if many or finest:
            overlap = 0.5
        elif edit:
            overlap = 0.35
        else:
            overlap = 0.26 if patch < 14 else 0.22
        out.append(PatchLevel(patch, bank, max(1, round(overlap * patch)), below, features))
    return tuple(out)


def size_for(opening: float) -> float:
    """Size of patches for an edit of a side ``opening`` over that of the images; 1 = those for a whole picture."""
    return min(_LARGE, max(_SMALL, _OF_OPENING * opening))
