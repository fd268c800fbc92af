"""Ready-made material: stroke paintings, photos, photos with strokes on them, and rough composites.

Paintings, strokes and cut-outs are drawings in the Stroke Canvas's own format, photos are WebP files of 512 px.
All raise ValueError for an unknown name and for sides below 16 px.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F

from ..pictures.canvas import paint_drawing, parse_drawing
from ..pictures.fit import fit
from ..pictures.io import from_pil, load_image, to_pil

EXAMPLE_GUIDES: dict[str, str] = {
    "alpine": "grey peak with a snow cap, two clouds, a meadow with a dark wood",
    "lake": "mountains and a wooded shore over flat blue water",
    "sunset": "low sun between dark hills, glitter path on the sea",
    "autumn": "orange meadow, dark conifers, grey mountains in haze",
    "desert": "two red mesas under a blue sky, ochre sand",
    "night": "moon over dark ridges, moonlit water",
}

# the names of edits and composites begin with the mood whose built-in prior fits
EXAMPLE_EDITS: dict[str, str] = {
    "autumn-conifers": "autumn meadow; three dark trees are painted into it",
    "lake-peak": "lake with low hills; a snow peak is painted behind them",
    "sunset-sun": "evening sea without a sun; sun and glitter path are painted in",
    "night-moon": "dark starry sky; a moon is painted in",
}

EXAMPLE_COMPOSITES: dict[str, str] = {
    "autumn-conifers": "a group of trees cut from one autumn scene, pasted into another",
    "alpine-peak": "a snow peak cut from one mountain scene, pasted above another meadow",
    "desert-mesa": "a table mountain pasted into an empty desert",
}

PREFIX = "landscape-"
LEAST = 16  # shortest side of an example in px

_HERE = Path(__file__).parent


def example_drawing(name: str = "alpine") -> str:
    """The stroke painting ``name`` as JSON text, for the Stroke Canvas."""
    return _text("guides", _known(name, EXAMPLE_GUIDES, "example guide"))


def example_guide(name: str, *, width: int, height: int) -> torch.Tensor:
    """The stroke painting ``name`` as (1, 3, height, width) in [0, 1]; other shapes than the square stretch it."""
    drawing = parse_drawing(example_drawing(name))
    _check_size(width, height)
    return _in_8_bit(paint_drawing(drawing, width=width, height=height)[0])


def example_photo(mood: str, size: int = 256) -> torch.Tensor:
    """A landscape of the mood, no reference of its model, as (1, 3, size, size) in [0, 1]; enlarged above
    512 px.
    """
    return _photo(f"photo-{_known(mood, EXAMPLE_GUIDES, 'mood')}", size)


def example_edit_photo(name: str, size: int = 256) -> torch.Tensor:
    """What the strokes of an editing example are painted on, (1, 3, size, size) in [0, 1]."""
    return _photo(f"edit-{_known(name, EXAMPLE_EDITS, 'editing example')}", size)


def example_edit(name: str, size: int = 256) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Material for stroke editing: (photo, guide, mask).

    Returns:
        photo, guide: (1, 3, size, size) in [0, 1]; the guide is the photo with strokes on it.
        mask: (1, 1, size, size), 1 where the picture may change: what the strokes touch, and a rim around it.
    """
    stem = f"edit-{_known(name, EXAMPLE_EDITS, 'editing example')}"
    below, drawing = example_edit_photo(name, size), parse_drawing(_text("examples", stem))
    guide, painted = paint_drawing(drawing, width=size, height=size, background=below)
    return below, _in_8_bit(guide), _grow((painted > 0).float(), max(1, size // 24))


def example_composite(name: str, size: int = 256) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Material for compositing: (background, foreground, mask, guide).

    Returns:
        background, foreground, guide: (1, 3, size, size) in [0, 1]; the guide is the foreground inside the mask, the
            background outside.
        mask: (1, 1, size, size), a rough cut with a hard edge.
    """
    stem = f"composite-{_known(name, EXAMPLE_COMPOSITES, 'compositing example')}"
    background, foreground = (_photo(f"{stem}-{layer}", size) for layer in ("background", "foreground"))
    _, cut = paint_drawing(parse_drawing(_text("examples", stem)), width=size, height=size)
    mask = (cut >= 0.5).float()
    return background, foreground, mask, torch.where(mask > 0, foreground, background)


def _known(name: str, names: dict[str, str], kind: str) -> str:
    """The name, without what the names of the built-in models begin with; ValueError when it is none of these."""
    name = name.removeprefix(PREFIX)
    if name not in names:
        raise ValueError(f"Unknown {kind} {name!r}; expected one of {', '.join(names)}.")
    return name


def _check_size(width: int, height: int) -> None:
    if min(width, height) < LEAST:
        raise ValueError(f"An example needs at least {LEAST} x {LEAST} pixels, got {width} x {height}.")


@cache
def _text(folder: str, name: str) -> str:
    return (_HERE / folder / f"{name}.json").read_text(encoding="utf-8").strip()


def _photo(name: str, size: int) -> torch.Tensor:
    _check_size(size, size)
    return _in_8_bit(fit(load_image(_HERE / "examples" / f"{name}.webp"), width=size, height=size))


def _in_8_bit(picture: torch.Tensor) -> torch.Tensor:
    """Values as a picture file holds them, so that what an edit keeps is the same in the file that is saved."""
    return from_pil(to_pil(picture))


def _grow(mask: torch.Tensor, radius: int) -> torch.Tensor:
    """Widen a hard mask by a square of some radius."""
    return F.max_pool2d(mask, 2 * radius + 1, stride=1, padding=radius)
