"""What a scene consists of: every number the renderer needs, explicit and named."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Peak:
    """A mountain (or a mesa) at horizontal position u, log-distance depth."""

    u: float
    height: float
    width: float
    depth: float = 3.0
    flat: float = 0.0  # 0 = pointed, 1 = table mountain


@dataclass(frozen=True)
class Conifer:
    """A foreground tree. u: position, z: distance (1 near .. 4 far), height in screen units."""

    u: float
    z: float
    height: float


@dataclass(frozen=True)
class Way:
    """A path or a river on the ground, or with a ``length`` a pond.

    u: where it is at distance ``start`` (log-distance for nothing: 1 near .. 8 far); half: half width on the ground.
    """

    u: float
    start: float = 1.2
    half: float = 0.12
    bend: float = 0.15
    end: float = 8.0
    length: float = 0.0  # of a pond, in log-distance
    water: bool = False
    colour: Colour = (0.62, 0.52, 0.36)


@dataclass(frozen=True)
class House:
    """A house, or with ``tall`` above 1.2 a tower. u: position, z: distance, width in screen units."""

    u: float
    z: float
    width: float
    tall: float = 0.75  # height of the walls over the width
    wall: Colour = (0.70, 0.60, 0.48)
    roof: Colour = (0.48, 0.14, 0.09)
    window: Colour = (0.12, 0.14, 0.18)


@dataclass(frozen=True)
class Tree:
    """A single broad-leaved tree. u: position, z: distance, height in screen units; wide: 1 = as wide as high."""

    u: float
    z: float
    height: float
    wide: float = 1.0
    leaf: Colour = (0.12, 0.22, 0.07)
    bark: Colour = (0.24, 0.16, 0.10)


@dataclass(frozen=True)
class Scene:
    """Parameters of one landscape. Screen: u in +-0.65 (left to right), elevation 0 at the horizon.

    Colours are linear-ish reflectances or radiances in 0..1.2, before the film curve.
    """

    seed: int = 0
    horizon: float = 0.6  # row of the horizon, 0 = top of the picture, 1 = bottom

    # light and sky
    zenith: Colour = (0.16, 0.36, 0.74)
    haze: Colour = (0.64, 0.80, 0.94)
    sun: Colour = (1.05, 1.0, 0.92)
    ambient: Colour = (0.42, 0.52, 0.68)
    light: tuple[float, float, float] = (-0.8, 0.6, -0.1)
    sky_power: float = 0.7
    disc: tuple[float, float, float] | None = None  # sun or moon: (u, elevation, radius)
    disc_colour: Colour = (1.1, 1.05, 0.95)
    glow: float = 0.3
    glow_at: tuple[float, float] = (0.0, 0.3)
    stars: int = 0

    # clouds
    cloud_cover: float = 0.4
    cloud_soft: float = 0.9
    cloud_streak: float = 0.0  # 0 = heaps, 1 = long bands
    cloud_opacity: float = 0.9
    cloud_light: Colour | None = None
    cloud_dark: Colour | None = None

    # land
    grass: Colour = (0.32, 0.42, 0.16)
    forest: Colour = (0.09, 0.17, 0.09)
    rock: Colour = (0.44, 0.43, 0.43)
    sand: Colour = (0.60, 0.55, 0.45)
    snow: Colour = (0.93, 0.95, 1.0)
    camera: float = 0.7
    near_relief: float = 0.02
    far_relief: float = 0.08
    far_start: float = 1.4
    far_offset: float = 0.2
    dunes: float = 0.0
    peaks: tuple[Peak, ...] = ()
    peak_rough: float = 0.45
    strata: float = 0.0  # strength of horizontal rock bands
    rock_from: float = 0.86  # rock shows where the slope factor 1/|n| is below this
    rock_altitude: float = 1.0
    snow_line: float = 9.0
    snow_steep: float = 0.17  # snow does not lie where 1/|n| is below this
    snow_depth: float = 0.8  # how much steeper snow may lie far above the snow line: large values give solid white caps
    forest_cover: float = 0.4
    forest_top: float = 0.9
    tree_height: float = 0.04
    tree_line: float = 0.0  # log-distance in front of which no distant forest grows
    cloud_shadow: float = 0.3
    patches: float = 0.5  # strength of large colour patches in the meadow
    patch_colour: Colour | None = None
    grain: float = 1.0  # strength of the grain of meadows and their patches; snow fields have little
    conifers: tuple[Conifer, ...] = ()
    conifer: Colour = (0.07, 0.11, 0.06)

    ways: tuple[Way, ...] = ()
    houses: tuple[House, ...] = ()
    trees: tuple[Tree, ...] = ()

    # water
    water: float | None = None  # water level relative to the camera height (0 = ground), None = no water
    water_near: float = -9.0  # ground in front of this log-distance is land again
    water_far: float = 2.4  # ground up to this log-distance is sunk below the water level
    water_colour: Colour = (0.10, 0.20, 0.30)
    ripples: float = 1.0
    glitter: float = 0.0

    # air and film
    haze_distance: float = 30.0
    mist: float = 0.0
    exposure: float = 1.0
    saturation: float = 1.0
    gamma: float = 1.0


Record = TypeVar("Record", Scene, Peak, Conifer)


def in_tensors(record: Record) -> Record:
    """The same with float32 arithmetic throughout: numbers as 0-d tensors, colours as (3, 1, 1), counts as they are."""
    out = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value is None:
            continue
        if field.type.startswith("Colour"):
            out[field.name] = torch.tensor(value, dtype=torch.float32).view(3, 1, 1)
        elif field.type.startswith("float"):
            out[field.name] = torch.tensor(value, dtype=torch.float32)
        elif field.type.startswith("tuple[float"):
            out[field.name] = torch.tensor(value, dtype=torch.float32).unbind()
        elif field.type.startswith(("tuple[Peak", "tuple[Conifer")):
            out[field.name] = tuple(in_tensors(item) for item in value)
    return replace(record, **out)
