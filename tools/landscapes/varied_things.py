"""What people paint into a landscape, now and then: houses, towers, paths, rivers, ponds, trees, coloured skies."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from .further import BROWN, LAMP, STONE, WHITE
from .parameters import Colour, House, Scene, Tree, Way

_WALLS = (WHITE, BROWN, STONE, (0.70, 0.30, 0.22), (0.80, 0.68, 0.40))
_ROOFS = ((0.30, 0.15, 0.10), (0.55, 0.16, 0.10), (0.18, 0.18, 0.22), (0.92, 0.94, 1.0))
_LEAVES = ((0.12, 0.22, 0.07), (0.50, 0.22, 0.04), (0.30, 0.34, 0.08))


def varied_things(scene: Scene, random: Random) -> Scene:
    """The scene with things that no mood prescribes; a little more than half of the scenes stay as they are."""
    changes: dict = {}
    dark = sum(scene.ambient) < 0.75
    if scene.water is not None and random.random() < 0.2:
        changes |= {"water": None, "glitter": 0.0}
    if changes.get("water", scene.water) is None:  # there is ground to stand on
        if random.random() < 0.20:
            changes["ways"] = _ways(random)
        if random.random() < 0.28:
            changes["houses"] = tuple(_house(random, dark) for _ in range(1 + (random.random() < 0.2)))
        if random.random() < 0.15:
            changes["trees"] = tuple(_tree(random, dark) for _ in range(1 + (random.random() < 0.3)))
    if random.random() < 0.06:  # a sky of any colour
        changes["zenith"], changes["haze"] = _any_colour(random, 0.5), _any_colour(random, 0.9)
    if random.random() < 0.05:  # rock of any colour, down to the meadows
        changes |= {"rock": _any_colour(random, 0.6), "snow_line": 9.0, "forest_cover": 0.3 * scene.forest_cover}
    if random.random() < 0.04 and not dark:
        changes |= {"grass": (0.86, 0.90, 0.97), "patch_colour": (0.78, 0.84, 0.95)}  # snow on the ground
    if scene.disc is None and not dark and random.random() < 0.12:
        u, v = random.uniform(-0.55, 0.55), random.uniform(0.15, 0.5)
        radius = random.uniform(0.04, 0.07)
        changes |= {"disc": (u, v, radius), "disc_colour": (1.5, 1.4, 1.0), "glow_at": (u, v)}
    return replace(scene, **changes)


def _ways(random: Random) -> tuple[Way, ...]:
    kind = random.random()
    if kind < 0.4:
        return (Way(random.uniform(-0.3, 0.3), half=random.uniform(0.10, 0.20)),)
    if kind < 0.75:
        u, half = random.uniform(-0.3, 0.3), random.uniform(0.18, 0.34)
        return (Way(u, half=half, bend=random.uniform(-0.25, 0.25), water=True, end=9.0),)
    ponds = []
    for _ in range(random.randrange(1, 3)):
        half, length = random.uniform(0.3, 0.6), random.uniform(0.15, 0.3)
        ponds.append(
            Way(random.uniform(-0.5, 0.5), start=random.uniform(1.3, 2.7), half=half, length=length, water=True)
        )
    return tuple(ponds)


def _house(random: Random, dark: bool) -> House:
    z = random.uniform(1.5, 2.6)
    tower = random.random() < 0.3
    size = random.uniform(0.10, 0.16) if tower else random.uniform(0.14, 0.26)
    tall = random.uniform(2.2, 3.6) if tower else random.uniform(0.5, 1.1)
    wall = _shaded(random.choice(_WALLS), random, 0.3 if dark else 1.0)
    roof = _shaded(random.choice(_ROOFS), random, 0.4 if dark else 1.0)
    lit = {"window": LAMP} if dark and random.random() < 0.7 else {}
    return House(random.uniform(-0.5, 0.5), z, size, tall=tall, wall=wall, roof=roof, **lit)


def _tree(random: Random, dark: bool) -> Tree:
    z = random.uniform(1.3, 2.0)
    leaf = _shaded(random.choice(_LEAVES), random, 0.4 if dark else 1.0)
    return Tree(random.uniform(-0.5, 0.5), z, random.uniform(0.45, 0.95), wide=random.uniform(0.8, 1.15), leaf=leaf)


def _shaded(colour: Colour, random: Random, level: float) -> Colour:
    level *= random.uniform(0.8, 1.15)
    red, green, blue = (level * c for c in colour)
    return red, green, blue


def _any_colour(random: Random, level: float) -> Colour:
    return tuple(level * random.uniform(0.15, 1.0) for _ in range(3))
