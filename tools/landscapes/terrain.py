"""Terrain: a height field in view-polar coordinates (u, log z), where fractal relief is scale invariant.

The projected height of a point is p(u, z) = (h - camera) / z with h = z * q(u, log z).  What is visible in a
column is found with a running maximum over distance and a search for every screen row: no ray marching.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .noise import NoiseSource, smoothstep
from .parameters import Scene

NEAR, FAR = math.log(0.36), math.log(60.0)
DRY = -9.0  # water level of a scene without water


@dataclass
class View:
    """What is seen at every pixel, all (H, W) float maps."""

    land: torch.Tensor
    distance: torch.Tensor
    altitude: torch.Tensor
    above_water: torch.Tensor
    flatness: torch.Tensor
    light: torch.Tensor
    fine: torch.Tensor
    coarse: torch.Tensor
    forest: torch.Tensor
    crowns: torch.Tensor
    rocky: torch.Tensor
    water: torch.Tensor
    bands: torch.Tensor
    ripple: torch.Tensor


def look(scene: Scene, noise: NoiseSource, u: torch.Tensor, v: torch.Tensor, length_u: float) -> View:
    """Build the height field and project it to the screen (u (1, W) of ``length_u``, elevation v (H, 1))."""
    width = u.shape[-1]
    depth = max(192, int(len(v) * 1.6))
    length_z = FAR - NEAR

    def field(beta: float, low: float, stretch: float = 1.0) -> torch.Tensor:
        return noise.field(depth, width, beta, length_y=length_z * stretch, length_x=length_u, low=low)

    lz = torch.linspace(NEAR, FAR, depth)[:, None]
    z = lz.exp()
    base, second = field(2.0, 0.25), field(2.1, 0.6)
    ridges, small_ridges = 1.1 - 1.5 * second.abs(), 0.8 - field(1.9, 1.8).abs()
    fine, coarse = field(0.9, 2.5), field(1.35, 1.0)
    crowns = (0.5 * field(0.45, 4.0) + 0.5).clamp(0, 1.6)
    ripple = field(0.75, 1.5, 5.0)

    far = smoothstep(lz, scene.far_start, scene.far_start + 0.9)
    envelope = scene.near_relief + (scene.far_relief - scene.near_relief) * far
    envelope = envelope * (1 - 0.45 * smoothstep(lz, 3.3, 4.1))
    q = envelope * (0.7 * base + 0.45 * ridges + scene.far_offset)
    if scene.dunes:
        crest = 1 - field(2.6, 0.5, 2.2).abs() * 1.3
        q = q + scene.dunes * crest * smoothstep(lz, -0.4, 0.8) * smoothstep(lz, 3.0, 1.2)
    mountain = torch.zeros_like(q)
    for peak in scene.peaks:
        reach = (((u - peak.u) / peak.width) ** 2 + ((lz - peak.depth) / 0.62) ** 2 + 1e-4).sqrt()
        reach = reach + scene.peak_rough * (0.20 * base + 0.16 * second)
        profile = (1 - reach).clamp_min(0)
        mesa = smoothstep(profile, 0.08, 0.34) * 0.92 + 0.06 * profile
        profile = profile + (mesa - profile) * peak.flat
        carved = 1 + scene.peak_rough * (0.30 * (ridges - 0.4) + 0.28 * small_ridges) * (1 - 0.7 * peak.flat)
        mountain = torch.maximum(mountain, peak.height * profile * carved)
    q = q + mountain
    height = q * z
    level = torch.tensor(DRY) if scene.water is None else scene.water * scene.camera
    if scene.water is not None:
        basin = smoothstep(lz + 0.10 * base, scene.water_far + 0.15, scene.water_far - 0.25)
        basin = basin * smoothstep(lz + 0.35 * base, scene.water_near - 0.2, scene.water_near + 0.2)
        height = height - basin * (height - level + 0.25).clamp_min(0)
    q = height / z
    altitude = q / torch.maximum(scene.far_relief, 0.45 * q[depth // 2 :].amax())
    grown = smoothstep(coarse, 1.2 - 2.6 * scene.forest_cover, 1.55 - 2.6 * scene.forest_cover)
    grown = grown * (1 - smoothstep(altitude + 0.1 * fine, scene.forest_top - 0.25, scene.forest_top + 0.25))
    grown = grown * smoothstep(height - level, 0.0, 0.05) * smoothstep(lz, scene.tree_line, scene.tree_line + 0.6)
    trees = grown * scene.tree_height * (0.55 + 0.6 * crowns) * torch.minimum(6 / z, torch.ones_like(z)) * 0.55
    water = (height < level).float()
    surface = torch.where(water > 0, level, height)
    projected = (surface - scene.camera) / z + trees * (1 - water)

    du, dl = length_u / width, length_z / (depth - 1)
    slope_u = F.pad(q[:, 2:] - q[:, :-2], (1, 1)) / (2 * du)
    slope_z = q + F.pad(q[2:] - q[:-2], (0, 0, 1, 1)) / (2 * dl)
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
    return _seen(torch.stack([kind.expand_as(q) for kind in kinds]), projected, v)


def _seen(maps: torch.Tensor, projected: torch.Tensor, v: torch.Tensor) -> View:
    """Maps (K, depth, W) at the points that the screen rows v (H, 1) show; ``projected`` (depth, W) is their height."""
    depth, width = projected.shape
    top = torch.cummax(projected, 0).values
    rows = v.expand(-1, width)
    index = torch.searchsorted(top.mT.contiguous(), rows.mT.contiguous()).mT
    land = index < depth
    index = index.clamp(1, depth - 1)
    before, after = projected.gather(0, index - 1), projected.gather(0, index)
    fraction = ((rows - before) / (after - before).clamp_min(1e-6)).clamp(0, 1)
    many = index.expand(len(maps), -1, -1)
    seen = maps.gather(1, many - 1) * (1 - fraction) + maps.gather(1, many) * fraction
    return View(land.float(), *seen)
