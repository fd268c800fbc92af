"""The references of the built-in models.  The seeds were chosen by eye among the first 134 of each mood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file

from sdedit_core.builtin import GROUPS, groups
from sdedit_core.pictures.io import to_pil

from .further import further_scenes
from .moods import check_mood, mood_scene
from .parameters import Peak, Scene
from .render import render

FOLDER = Path(__file__).parents[2] / "sdedit_core" / "builtin" / "references"
FURTHER = FOLDER.parent / "further"
SIZE = 512
QUALITY = 80

# free layouts
SEEDS: dict[str, tuple[int, ...]] = {
    "alpine": (5, 10, 14, 67, 90, 111, 112, 114, 120, 122, 124, 127, 132),
    "lake": (11, 14, 52, 87, 107, 110, 112, 114, 117, 120, 127, 128, 132),
    "sunset": (22, 26, 53, 55, 97, 110, 112, 114, 116, 119, 123, 128, 131),
    "autumn": (2, 21, 40, 46, 49, 111, 114, 118, 120, 123, 126, 128, 131),
    "desert": (0, 24, 35, 39, 53, 110, 113, 115, 116, 118, 121, 124, 126),
    "night": (9, 10, 41, 63, 101, 110, 112, 114, 119, 122, 124, 127, 132),
}

# seeds, horizon and mountains laid out like the example guide of the mood
LAYOUTS: dict[str, tuple[tuple[int, ...], float, tuple[Peak, ...]]] = {
    "alpine": (
        (3, 89, 55),
        0.615,
        (Peak(0.03, 0.56, 0.56, 2.9), Peak(-0.54, 0.24, 0.4, 3.2), Peak(0.6, 0.26, 0.42, 3.2)),
    ),
    "lake": ((31, 50, 82), 0.54, (Peak(0.21, 0.50, 0.52, 3.0), Peak(-0.43, 0.28, 0.46, 3.2))),
    "sunset": ((7, 44, 94), 0.56, (Peak(-0.48, 0.22, 0.50, 3.1), Peak(0.62, 0.17, 0.44, 3.2))),
    "autumn": ((31, 33, 77), 0.50, (Peak(-0.35, 0.32, 0.46, 3.0), Peak(0.30, 0.25, 0.46, 3.2))),
    "desert": ((12, 14, 98), 0.585, (Peak(-0.32, 0.33, 0.38, 2.8, 1.0), Peak(0.37, 0.20, 0.22, 3.0, 1.0))),
    "night": ((26, 81, 103), 0.62, (Peak(0.29, 0.42, 0.52, 3.0), Peak(-0.46, 0.26, 0.46, 3.2))),
}


def reference_scenes(mood: str) -> dict[str, Scene]:
    """Name -> scene of every reference of a mood."""
    out = {f"{mood}-{seed:03d}": mood_scene(mood, seed) for seed in SEEDS[check_mood(mood)]}
    seeds, horizon, peaks = LAYOUTS[mood]
    for number, seed in enumerate(seeds):
        scale = 1 + 0.07 * (number - 1)
        moved = tuple(replace(p, height=p.height * scale, u=p.u + 0.02 * (number - 1)) for p in peaks)
        scene = replace(mood_scene(mood, seed), horizon=horizon, peaks=moved, seed=seed)
        out[f"{mood}-{seed:03d}-layout"] = scene
    return out


def write_references(moods: Sequence[str], folder: Path = FOLDER) -> None:
    """Write ``<mood>-<seed>.webp`` for the given moods; older pictures of these moods are removed."""
    scenes = {mood: reference_scenes(mood) for mood in moods}
    for mood, named in scenes.items():
        for old in folder.glob(f"{mood}-*.webp"):
            old.unlink()
        for name, scene in named.items():
            write_picture(scene, folder / f"{name}.webp", quality=QUALITY)


def write_further(folder: Path = FURTHER) -> None:
    """Write the further references; older ones are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    for name, scene in further_scenes().items():
        write_picture(scene, folder / f"{name}.webp", quality=QUALITY)


def write_groups(file: Path = groups.FILE) -> None:
    """Write the small pictures that the model of all moods picks by, from the references that there are now."""
    save_file({group: groups.shrunk(group) for group in GROUPS}, file)


def write_picture(scene: Scene, file: Path, *, quality: int) -> None:
    """Render a scene to a WebP file of ``SIZE`` x ``SIZE``."""
    to_pil(render(scene, height=SIZE, width=SIZE)).save(file, quality=quality, method=6)
