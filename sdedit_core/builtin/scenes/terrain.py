"""Terrain: a height field in view-polar coordinates (u, log z), where fractal relief is scale invariant.

The projected height of a point is p(u, z) = (h - camera) / z with h = z * q(u, log z). What is visible in a
column is found with a running maximum over distance and a search for every screen row: no ray marching.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .batch import SceneBatch
from .noise import SceneNoise, StreamNoise, smoothstep

_NEAR, _FAR = math.log(0.36), math.log(60.0)


@dataclass
class View:
    """What is seen at every pixel, all (B, 1, H, W) float maps."""

    land: Tensor
    distance: Tensor
    altitude: Tensor
    above_water: Tensor
    flatness: Tensor
    light: Tensor
    fine: Tensor
    coarse: Tensor
    forest: Tensor
    crowns: Tensor
    rocky: Tensor
    water: Tensor
    bands: Tensor
    ripple: Tensor


def look(scene: SceneBatch, noise: SceneNoise | StreamNoise, u: Tensor, v: Tensor, length_u: float) -> View:
    """Build the height field and project it to the screen (u (1, 1, 1, W) of length_u, elevation v (B, 1, H, 1))."""
    width, device = u.shape[-1], u.device
    depth = max(192, int(v.shape[-2] * 1.6))
    length_z = _FAR - _NEAR

    def field(beta: float, low: float, stretch: float = 1.0, where=None) -> Tensor:
        return noise.field(depth, width, beta, length_y=length_z * stretch, length_x=length_u, low=low, where=where)

    lz = torch.linspace(_NEAR, _FAR, depth, device=device)[:, None]
    z = lz.exp()
    base, second = field(2.0, 0.25), field(2.1, 0.6)
    ridges, small_ridges = 1.1 - 1.5 * second.abs(), 0.8 - field(1.9, 1.8).abs()
    fine, coarse = field(0.9, 2.5), field(1.35, 1.0)
    crowns = (0.5 * field(0.45, 4.0) + 0.5).clamp(0, 1.6)
    ripple = field(0.75, 1.5, 5.0)

    camera = scene.camera
    far = smoothstep(lz, scene.far_start, scene.far_start + 0.9)
    envelope = scene.near_relief + (scene.far_relief - scene.near_relief) * far
    envelope = envelope * (1 - 0.45 * smoothstep(lz, 3.3, 4.1))
    q = envelope * (0.7 * base + 0.45 * ridges + scene.far_offset)
    if any(scene.dusty):
        crest = 1 - (field(2.6, 0.5, 2.2, where=scene.dusty)).abs() * 1.3
        q = q + scene.dunes * crest * smoothstep(lz, -0.4, 0.8) * smoothstep(lz, 3.0, 1.2)
    mountain = torch.zeros_like(q)
    for at, tall, broad, away, table in scene.peaks:
        reach = (((u - at) / broad) ** 2 + ((lz - away) / 0.62) ** 2 + 1e-4).sqrt()
        reach = reach + scene.peak_rough * (0.20 * base + 0.16 * second)
        profile = (1 - reach).clamp_min(0)
        mesa = smoothstep(profile, 0.08, 0.34) * 0.92 + 0.06 * profile
        profile = profile + (mesa - profile) * table
        carved = 1 + scene.peak_rough * (0.30 * (ridges - 0.4) + 0.28 * small_ridges) * (1 - 0.7 * table)
        mountain = torch.maximum(mountain, tall * profile * carved)
    q = q + mountain
    height = q * z
    level = scene.water * camera
    if any(scene.wet):
        basin = smoothstep(lz + 0.10 * base, scene.water_far + 0.15, scene.water_far - 0.25)
        basin = basin * smoothstep(lz + 0.35 * base, scene.water_near - 0.2, scene.water_near + 0.2)
        height = height - scene.has_water * basin * (height - level + 0.25).clamp_min(0)
    q = height / z
    reference = torch.maximum(scene.far_relief, 0.45 * q[..., depth // 2 :, :].amax((-2, -1), keepdim=True))
    altitude = q / reference
    grown = smoothstep(coarse, 1.2 - 2.6 * scene.forest_cover, 1.55 - 2.6 * scene.forest_cover)
    grown = grown * (1 - smoothstep(altitude + 0.1 * fine, scene.forest_top - 0.25, scene.forest_top + 0.25))
    grown = grown * smoothstep(height - level, 0.0, 0.05) * smoothstep(lz, scene.tree_line, scene.tree_line + 0.6)
    trees = grown * scene.tree_height * (0.55 + 0.6 * crowns) * torch.minimum(6 / z, torch.ones_like(z)) * 0.55
    water = (height < level).float()
    surface = torch.where(water > 0, level, height)
    projected = (surface - camera) / z + trees * (1 - water)

    du, dl = length_u / width, length_z / (depth - 1)
    slope_u = F.pad(q[..., 2:] - q[..., :-2], (1, 1)) / (2 * du)
    slope_z = q + F.pad(q[..., 2:, :] - q[..., :-2, :], (0, 0, 1, 1)) / (2 * dl)
    norm = (1 + (1.35 * slope_u) ** 2 + (1.35 * slope_z) ** 2).sqrt()
    lx, ly, lzz = scene.light
    size = (lx * lx + ly * ly + lzz * lzz).sqrt()
    light = ((-1.35 * slope_u * lx + ly - 1.35 * slope_z * lzz) / (norm * size)).clamp_min(0)
    flat = 1 / norm
    rocky = smoothstep(flat + 0.06 * fine, scene.rock_from, scene.rock_from - 0.18)
    high = smoothstep(altitude + 0.12 * coarse, scene.rock_altitude - 0.2, scene.rock_altitude + 0.25)
    rocky = torch.maximum(rocky * smoothstep(lz, 0.6, 1.4), 0.95 * high)
    bands = height + 0.012 * z * coarse

    kinds = [z, altitude, height - level, flat, light, fine, coarse, grown, crowns, rocky, water, bands, ripple]
    maps = torch.cat([kind.expand_as(q) for kind in kinds], dim=1)
    top = torch.cummax(projected, -2).values[:, 0]
    rows = v.expand(q.shape[0], -1, -1, width)[:, 0]
    index = torch.searchsorted(top.mT.contiguous(), rows.mT.contiguous()).mT[:, None]
    land = index < depth
    index = index.clamp(1, depth - 1)
    before, after = projected.gather(-2, index - 1), projected.gather(-2, index)
    fraction = ((rows[:, None] - before) / (after - before).clamp_min(1e-6)).clamp(0, 1)
    many = index.expand(-1, maps.shape[1], -1, -1)
    seen = maps.gather(-2, many - 1) * (1 - fraction) + maps.gather(-2, many) * fraction
    return View(land.float(), *seen.split(1, dim=1))
