"""Landscapes far more varied than the six moods: what a painter might mean, not only what a mood prescribes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from torch import Tensor

from sdedit_core.pictures.io import save_image
from sdedit_core.sampling.noise import mix64

from .moods import MOODS, check_mood, mood_scene
from .parameters import Colour, Conifer, Peak, Scene
from .render import SUPERSAMPLE, render
from .varied_things import varied_things

SMALL = 96  # pictures with a shorter side are rendered twice as fine, so that they are not jagged

_SKY = (
    "zenith haze sun ambient light sky_power disc disc_colour glow glow_at stars cloud_cover cloud_soft cloud_streak "
    "cloud_opacity cloud_light cloud_dark glitter"
).split()
_TINTED = (
    "zenith haze sun ambient grass forest rock sand conifer water_colour cloud_light cloud_dark patch_colour".split()
)


class _Dice:
    """The numbers a mood asks for, from a Python generator (quicker than tensors of one element)."""

    def __init__(self, random: Random) -> None:
        self.uniform = random.uniform


def render_folder(
    folder: Path,
    *,
    count: int,
    first: int = 0,
    size: int = 128,
    seed: int = 0,
    moods: Sequence[str] = MOODS,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write ``count`` square pictures of ``size`` px as PNG files; number n depends on (seed, n) and the moods alone.

    Args:
        folder: where; made when it is not there.  A file of the same seed and number is replaced.
        first: number of the first picture, to go on with a folder or to share the work.
        progress: called with the number of pictures done.

    Raises:
        ValueError: no pictures, a number below 0, a size below 8 px, an unknown mood, a file that cannot be written.
    """
    if count < 1 or first < 0:
        raise ValueError(f"Expected a count of at least 1 and a first number of at least 0, got {count} and {first}.")
    for mood in moods:
        check_mood(mood)
    for number in range(first, first + count):
        picture = varied_picture(seed, number, size=size, moods=moods)
        folder.mkdir(parents=True, exist_ok=True)
        save_image(picture, folder / f"{seed}-{number:06d}.png")
        if progress is not None:
            progress(number - first + 1)


def varied_picture(seed: int, number: int, *, size: int, moods: Sequence[str] = MOODS) -> Tensor:
    """Picture ``number`` of a seed, (1, 3, size, size) in [0, 1]."""
    supersample = SUPERSAMPLE if size >= SMALL else 2 * SUPERSAMPLE
    scene = varied_scene(Random(mix64(seed, number)), moods)
    return render(scene, height=size, width=size, supersample=supersample)


def varied_scene(random: Random, moods: Sequence[str] = MOODS) -> Scene:
    """A scene of a random mood, now and then with another mood's sky, with all places, sizes and colours shaken."""
    scene = _mood(random, moods)
    if random.random() < 0.22:
        sky = _mood(random, moods)
        scene = replace(scene, **{name: getattr(sky, name) for name in _SKY})
    changes: dict = {name: _tint(getattr(scene, name), random) for name in _TINTED}
    changes["horizon"] = min(0.8, max(0.34, scene.horizon + random.gauss(0, 0.055)))
    changes["peaks"] = _peaks(scene, random)
    changes["conifers"] = _conifers(scene, random)
    changes["haze_distance"] = scene.haze_distance * math.exp(random.gauss(0, 0.35))
    changes["cloud_cover"] = min(0.95, max(0.0, scene.cloud_cover + random.gauss(0, 0.13)))
    changes["exposure"] = math.exp(random.gauss(0, 0.09))
    changes["saturation"] = random.uniform(0.85, 1.18)
    changes["forest_cover"] = min(0.9, max(0.0, scene.forest_cover + random.gauss(0, 0.12)))
    if scene.disc is not None and random.random() < 0.3:
        u, v, radius = scene.disc
        u, v = random.uniform(-0.55, 0.55), max(0.0, v + random.gauss(0, 0.08))
        changes |= {"disc": (u, v, radius * random.uniform(0.8, 1.3)), "glow_at": (u, v)}
    if scene.snow_line < 9:
        changes["snow_line"] = 9.0 if random.random() < 0.12 else scene.snow_line * random.uniform(0.78, 1.15)
    elif random.random() < 0.1:
        changes["snow_line"] = random.uniform(0.8, 1.3)
    changes |= _water(scene, random)
    return varied_things(replace(scene, **changes), random)


def _mood(random: Random, moods: Sequence[str]) -> Scene:
    return mood_scene(moods[random.randrange(len(moods))], random.getrandbits(40), source=_Dice(random))


def _tint(colour: Colour | None, random: Random) -> Colour | None:
    if colour is None:
        return None
    level = random.gauss(0, 0.09)
    red, green, blue = (c * math.exp(level + random.gauss(0, 0.05)) for c in colour)
    return red, green, blue


def _peaks(scene: Scene, random: Random) -> tuple[Peak, ...]:
    out = []
    for peak in scene.peaks:
        u = random.uniform(-0.75, 0.75) if random.random() < 0.4 else peak.u + random.gauss(0, 0.06)
        height = peak.height * random.uniform(0.7, 1.3)
        out.append(replace(peak, u=u, height=height, width=peak.width * random.uniform(0.75, 1.3)))
    if random.random() < 0.25:
        flat = scene.peaks[0].flat if scene.peaks else 0.0
        out.append(Peak(random.uniform(-0.75, 0.75), random.uniform(0.1, 0.5), random.uniform(0.25, 0.6), 3.0, flat))
    elif out and random.random() < 0.12:
        out.pop()
    return tuple(out)


def _conifers(scene: Scene, random: Random) -> tuple[Conifer, ...]:
    if random.random() < 0.8 or (scene.water is not None and scene.water_near < -1):
        return scene.conifers
    trees = []
    for _ in range(random.randrange(0, 6)):
        z = random.uniform(1.2, 2.8)
        trees.append(Conifer(random.uniform(-0.62, 0.62), z, random.uniform(0.22, 0.6) * 1.8 / z))
    return tuple(trees)


def _water(scene: Scene, random: Random) -> dict:
    if scene.water is not None:
        if random.random() < 0.08:
            return {"water": None}
        far = scene.water_far + random.gauss(0, 0.15)
        return {"water_far": far, "ripples": scene.ripples * math.exp(random.gauss(0, 0.3))}
    if random.random() < 0.1:
        sky = tuple(0.5 * z for z in scene.zenith)
        near = -0.1 if random.random() < 0.5 else -9.0
        return {"water": 0.18, "water_near": near, "water_far": random.uniform(2.0, 2.7), "water_colour": sky}
    return {}
