"""The photos of the example guides, edits and composites: scenes that are not among the references.

What is painted on them, and what is cut out of them, are drawings: ``sdedit_core/builtin/examples/*.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .moods import MOODS, mood_scene
from .parameters import Conifer, Peak, Scene
from .references import write_picture

FOLDER = Path(__file__).parents[2] / "sdedit_core" / "builtin" / "examples"
QUALITY = 90
HELD_OUT = 10_000  # seeds from here on are never references


def held_out(mood: str, number: int) -> Scene:
    """Scene ``number`` of a mood, no reference and nothing that a built-in model has seen."""
    return mood_scene(mood, HELD_OUT + number)


def example_scenes() -> dict[str, Scene]:
    """File name without suffix -> scene, of every example photo."""
    out = {f"photo-{mood}": held_out(mood, 0) for mood in MOODS}
    out |= {f"edit-{name}": make() for name, make in _EDITS.items()}
    for name, make in _COMPOSITES.items():
        background, foreground = make()
        out |= {f"composite-{name}-background": background, f"composite-{name}-foreground": foreground}
    return out


def write_examples(folder: Path = FOLDER) -> None:
    """Write every example photo."""
    for name, scene in example_scenes().items():
        write_picture(scene, folder / f"{name}.webp", quality=QUALITY)


def _autumn_edit() -> Scene:
    return replace(held_out("autumn", 3), conifers=())


def _lake_edit() -> Scene:
    low = (Peak(-0.35, 0.16, 0.5, 3.2), Peak(0.5, 0.13, 0.4, 3.3))
    return replace(held_out("lake", 6), horizon=0.54, peaks=low, cloud_cover=0.2)


def _sunset_edit() -> Scene:
    return replace(held_out("sunset", 2), disc=None, glitter=0.0, glow=0.25, horizon=0.56)


def _night_edit() -> Scene:
    return replace(held_out("night", 1), disc=None, glitter=0.0, glow=0.05, horizon=0.6)


def _autumn_composite() -> tuple[Scene, Scene]:
    beside = (Peak(0.42, 0.26, 0.42, 3.1), Peak(0.62, 0.20, 0.36, 3.2))  # none behind the trees
    back = replace(held_out("autumn", 5), conifers=(), peaks=beside)
    trees = (Conifer(-0.30, 1.9, 0.52), Conifer(-0.17, 2.2, 0.40), Conifer(-0.24, 1.6, 0.34))
    return back, replace(held_out("autumn", 8), horizon=back.horizon, conifers=trees, peaks=beside)


def _alpine_composite() -> tuple[Scene, Scene]:
    flat = (Peak(-0.5, 0.12, 0.4, 3.3), Peak(0.6, 0.10, 0.4, 3.3))
    back = replace(held_out("alpine", 4), horizon=0.62, peaks=flat, conifers=())
    peak = (Peak(0.08, 0.56, 0.54, 2.9),)
    return back, replace(held_out("alpine", 7), horizon=0.62, peaks=peak, conifers=(), cloud_cover=0.2)


def _desert_composite() -> tuple[Scene, Scene]:
    back = replace(held_out("desert", 3), horizon=0.58, peaks=())
    return back, replace(held_out("desert", 9), horizon=0.58, peaks=(Peak(0.10, 0.34, 0.40, 2.8, 1.0),))


_EDITS: dict[str, Callable[[], Scene]] = {
    "autumn-conifers": _autumn_edit,
    "lake-peak": _lake_edit,
    "sunset-sun": _sunset_edit,
    "night-moon": _night_edit,
}
_COMPOSITES: dict[str, Callable[[], tuple[Scene, Scene]]] = {
    "autumn-conifers": _autumn_composite,
    "alpine-peak": _alpine_composite,
    "desert-mesa": _desert_composite,
}
