"""What people put into a landscape and no terrain has by itself: paths, rivers, ponds, houses, towers, single trees."""

from __future__ import annotations

import torch

from .noise import NoiseSource, smoothstep
from .parameters import House, Scene, Tree
from .terrain import View


def lay_ways(scene: Scene, view: View, image: torch.Tensor, sky: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """``image`` (3, H, W) with the paths, rivers and ponds of the scene on the ground.

    Args:
        sky: (3, H, W), what water mirrors.
        u: (1, W), horizontal screen coordinate.
    """
    ground = (view.land > 0.5) & (view.rocky < 0.6)
    depth = view.distance.clamp_min(0.3)
    across, along = u * depth, depth.log()
    light = 0.45 + 0.55 * view.light
    for way in scene.ways:
        wobble = 0.10 * view.coarse * way.half
        if way.length > 0:  # a pond: an ellipse on the ground
            reach = (
                ((across - way.u * depth.new_tensor(way.start)) / way.half) ** 2
                + ((along - float(torch.tensor(way.start).log())) / way.length) ** 2
            ).sqrt()
            inside = smoothstep(reach + 0.06 * view.coarse, 1.05, 0.97)
        else:
            middle = way.u * way.start + way.bend * torch.sin(2.2 * along + 9.0 * way.u) * depth
            inside = smoothstep((across - middle).abs() + wobble, way.half * 1.12, way.half * 0.88)
            inside = inside * smoothstep(
                along, float(torch.tensor(way.end).log()), float(torch.tensor(way.end * 0.8).log())
            )
        inside = inside * ground
        if way.water:
            rows = image.shape[1]
            mirrored = sky.flip(1).roll(-int(rows * 0.35), 1)
            face = 0.55 * mirrored + 0.45 * scene.water_colour
            face = face * (1 + 0.09 * view.ripple + 0.03 * view.fine)
        else:
            face = (
                torch.tensor(way.colour).view(3, 1, 1)
                * (1 + 0.20 * view.fine + 0.08 * view.coarse)
                * light
                * (scene.sun * 0.8 + scene.ambient * 0.4)
            )
        edge = 1 - 0.35 * (inside * (1 - inside) * 4)
        image = image + (face - image) * inside
        image = image * edge
    return image


def build(scene: Scene, noise: NoiseSource, image: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """``image`` with the houses, towers and single trees of the scene, back to front."""
    rows, cols = len(v), u.shape[-1]
    grain = noise.field(rows, cols, 0.6, length_y=1.3, length_x=1.3, low=8.0)
    leaves = noise.field(rows, cols, 0.8, length_y=1.3, length_x=1.3, low=5.0)
    for thing in sorted([*scene.houses, *scene.trees], key=lambda thing: -thing.z):
        paint = _house if isinstance(thing, House) else _tree
        image = paint(thing, scene, image, u, v, grain, leaves)
    return image


def _lit(scene: Scene, colour: tuple, amount: torch.Tensor | float) -> torch.Tensor:
    return torch.tensor(colour).view(3, 1, 1) * (scene.ambient * 0.75 + scene.sun * amount)


def _house(house: House, scene: Scene, image: torch.Tensor, u, v, grain, leaves) -> torch.Tensor:
    """A box with a pitched roof, one side in the light; a tower when it is tall."""
    base = -float(scene.camera) / house.z
    x, y = (u - house.u) / house.width, (v - base) / house.width
    wall_top, roof = house.tall, 0.55 if house.tall < 1.2 else 0.8
    side = 1.0 if float(scene.light[0]) > 0 else -1.0
    split = 0.22 * side
    inside = (x.abs() < 0.5) & (y > -0.03) & (y < wall_top)
    bright = torch.where((x - split) * side > 0, 0.62, 0.30)
    courses = 1 + 0.05 * torch.sin(y * 60) + 0.07 * grain
    image = torch.where(inside, _lit(scene, house.wall, bright) * courses, image)
    slope = (1 - (y - wall_top) / roof).clamp(0, 1)
    above = (x.abs() < 0.60 * slope) & (y >= wall_top) & (y < wall_top + roof)
    tiles = 1 + 0.10 * torch.sin(y * 75) + 0.08 * grain
    image = torch.where(above, _lit(scene, house.roof, torch.where(x * side > 0.0, 0.60, 0.34)) * tiles, image)
    shade = (x.abs() < 0.5) & (y < wall_top) & (y > wall_top - 0.06)
    image = torch.where(shade, image * 0.7, image)
    for at, high in (
        ((-0.22, 0.45), (0.2, 0.45)) if house.tall < 1.2 else ((0.0, house.tall - 0.55), (0.0, 0.4 * house.tall))
    ):
        window = (
            ((x - at).abs() < 0.085) & ((y - high * min(1.0, wall_top)).abs() < 0.11)
            if house.tall < 1.2
            else ((x - at).abs() < 0.10) & ((y - high).abs() < 0.16)
        )
        glass = torch.tensor(house.window).view(3, 1, 1).expand_as(image)
        image = torch.where(window, glass, image)
    foot = torch.exp(-((x / 0.62) ** 4)) * smoothstep(y.expand_as(x * y), -0.12, 0.0) * (y < 0)
    return image * (1 - 0.35 * foot)


def _tree(tree: Tree, scene: Scene, image: torch.Tensor, u, v, grain, leaves) -> torch.Tensor:
    """A trunk and a crown of several round clumps."""
    base = -float(scene.camera) / tree.z
    x, y = (u - tree.u) / tree.height, (v - base) / tree.height
    lean = 0.02 * torch.sin(5 * y)
    trunk = ((x - lean).abs() < 0.028 * (1.3 - y)) & (y > -0.01) & (y < 0.75)
    image = torch.where(trunk, _lit(scene, tree.bark, 0.35) * (1 + 0.2 * grain), image)
    side = 1.0 if float(scene.light[0]) > 0 else -1.0
    clumps = ((0.0, 0.78, 0.20), (-0.17, 0.64, 0.17), (0.17, 0.66, 0.17), (-0.05, 0.58, 0.16), (0.10, 0.80, 0.14))
    for cx, cy, radius in clumps:
        dx, dy = (x - cx * tree.wide), y - cy
        reach = ((dx / tree.wide) ** 2 + dy * dy).sqrt() + 0.022 * leaves
        inside = smoothstep(reach, radius, radius * 0.92)
        light = (0.42 + 0.9 * (side * dx + dy) / radius * 0.32 + 0.10 * leaves).clamp(0.05, 0.95)
        image = image + (_lit(scene, tree.leaf, light) * (1 + 0.16 * grain) - image) * inside
    return image
