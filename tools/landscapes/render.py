"""Put sky, land, water and trees together, then develop the film."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from .noise import NoiseSource, smoothstep
from .parameters import Scene, in_tensors
from .sky import paint_sky
from .terrain import View, look
from .things import build, lay_ways
from .trees import plant_conifers

FIELD_OF_VIEW = 1.3
SUPERSAMPLE = 2


def render(scene: Scene, *, height: int = 256, width: int = 256, supersample: int = SUPERSAMPLE) -> torch.Tensor:
    """Render a scene to (1, 3, height, width) in [0, 1].  Deterministic; about 0.3 CPU-s at 256 px.

    The same scene at another size is the same picture, finer or coarser.  ``supersample``: rendered pixels per side of
    a pixel; small pictures need more.

    Raises:
        ValueError: a side below 8 px.
    """
    if min(height, width) < 8:
        raise ValueError(
            f"A scene needs at least 8 x 8 pixels, got {width} x {height}. Render it larger and shrink it."
        )
    noise, scene = NoiseSource(scene.seed), in_tensors(scene)
    rows, cols = height * supersample, width * supersample
    y = (torch.arange(rows, dtype=torch.float32) + 0.5) / rows
    x = (torch.arange(cols, dtype=torch.float32) + 0.5) / cols
    v = (scene.horizon - y[:, None]) * FIELD_OF_VIEW
    span = FIELD_OF_VIEW * max(1.0, width / height)
    u = (x[None] - 0.5) * span
    sky, plain_sky = paint_sky(scene, noise, u, v)
    view = look(scene, noise, u, v, span * (cols - 1) / cols)
    air = _air(scene, u)
    land = _paint_land(scene, view, air)
    image = torch.where(view.land > 0.5, land, sky)
    if scene.water is not None:
        mirrored = torch.where(view.land > 0.5, land, plain_sky)
        image = _paint_water(scene, view, image, mirrored, air, u)
    if scene.ways:
        image = lay_ways(scene, view, image, plain_sky, u)
    if scene.houses or scene.trees:
        image = build(scene, noise, image, u, v)
    if scene.conifers:
        image = plant_conifers(scene, noise, image, u, v)
    return F.avg_pool2d(_develop(scene, image)[None], supersample).clamp(0, 1)


def _air(scene: Scene, u: torch.Tensor) -> torch.Tensor:
    """Colour of the haze (3, 1, W), warmer below the sun."""
    toward = torch.exp(-((u - scene.glow_at[0]) ** 2) / 0.12) * scene.glow
    air = 0.74 * scene.haze + 0.18 * scene.zenith + 0.08 * scene.ambient
    return (air + 0.3 * toward * scene.sun).clamp(0, 1.1)


def _paint_land(scene: Scene, view: View, air: torch.Tensor) -> torch.Tensor:
    """Materials by altitude and slope, sun and sky light, haze: (3, H, W)."""
    fine, coarse = view.fine, view.coarse
    grass = scene.grass * (1 + 0.17 * scene.grain * fine + 0.07 * scene.grain * coarse)
    if scene.patch_colour is not None:
        amount = scene.patches * smoothstep(coarse + 0.25 * fine, 0.2, 1.3)
        grass = grass + (scene.patch_colour * (1 + 0.18 * scene.grain * fine) - grass) * amount
    out = grass
    if scene.water is not None:
        shore = smoothstep(view.above_water, 0.05, 0.0) * (1 - view.forest)
        out = out + (scene.sand * (1 + 0.08 * fine) - out) * shore
    rock = scene.rock * (1 + 0.13 * fine + 0.08 * coarse)
    wave = torch.sin(view.bands * 5.0) * 0.6 + torch.sin(view.bands * 13.0 + 1.0) * 0.4
    rock = rock * (1 + scene.strata * wave)
    out = out + (rock - out) * view.rocky
    forest = scene.forest * (1 + 0.45 * (view.crowns - 0.5) + 0.14 * fine)
    out = out + (forest - out) * (view.forest * (1 - 0.7 * view.rocky))
    deep = (view.altitude - scene.snow_line - 0.1).clamp(0, 0.6)
    lying = smoothstep(view.flatness + 0.03 * fine + scene.snow_depth * deep, scene.snow_steep, scene.snow_steep + 0.12)
    snow = smoothstep(view.altitude + 0.15 * coarse + 0.05 * fine, scene.snow_line, scene.snow_line + 0.16) * lying
    out = out + (scene.snow * (1 + 0.02 * fine) - out) * snow
    shade = smoothstep(coarse, 0.5, -0.9) * scene.cloud_shadow
    light = view.light * (1 - shade)
    out = out.clamp(0, 1) * (scene.ambient * 0.95 * (0.6 + 0.4 * view.flatness) + scene.sun * light)
    clear = torch.exp(-view.distance / scene.haze_distance)
    low = smoothstep(view.above_water, 0.6, 0.0) * smoothstep(view.distance, 1.5, 6.0)
    clear = clear * (1 - scene.mist * low)
    return out * clear + air * (1 - clear)


def _paint_water(
    scene: Scene, view: View, image: torch.Tensor, mirrored: torch.Tensor, air: torch.Tensor, u: torch.Tensor
) -> torch.Tensor:
    """Mirror the picture about a smooth shore line, break it with ripples, add the glitter path."""
    rows, cols = view.land.shape
    wet = (view.land > 0.5) & (view.water > 0.5)
    row = torch.arange(rows, dtype=torch.float32)[:, None].expand_as(view.land)
    shore = torch.cummax(torch.where(wet, -1.0, row), 0).values
    pad = cols // 24
    level = F.avg_pool2d(F.pad(shore[None], (pad, pad, 0, 0), mode="replicate"), (1, 2 * pad + 1), 1)[0]
    beyond = (row - shore).clamp_min(0)
    depth = (row - level).clamp_min(0)
    shift = view.ripple * scene.ripples * rows / 128 * (beyond / (0.10 * rows)).clamp(0.05, 1)
    source = torch.minimum(level - depth + shift, shore - 1)
    source = torch.where(source < 0, -source, source).round().long().clamp(0, rows - 1)
    mirror = mirrored.gather(1, source.expand(3, -1, -1))
    share = 0.42 + 0.46 * torch.exp(-beyond / (0.30 * rows))
    water = mirror * share + scene.water_colour * (1 - share)
    water = water * (1 + 0.05 * view.ripple)
    spread = 0.035 + 0.10 * beyond / rows
    path = torch.exp(-(((u - scene.glow_at[0]) / spread) ** 2))
    spark = smoothstep(view.ripple, -0.2, 0.9) * (beyond / (0.01 * rows)).clamp(0, 1)
    water = water + scene.glitter * path * (0.25 + 0.75 * spark) * scene.sun
    clear = torch.exp(-view.distance / (1.4 * scene.haze_distance))
    water = water * clear + air * (1 - clear)
    return torch.where(wet, water, image)


def _develop(scene: Scene, image: torch.Tensor) -> torch.Tensor:
    """A film-like curve, saturation and gamma."""
    image = image.clamp(0, 1.7) * scene.exposure
    image = (1 - torch.exp(-1.55 * image)) / (1 - math.exp(-1.55 * 1.05))
    grey = image.mean(0, keepdim=True)
    image = grey + (image - grey) * scene.saturation
    return image.clamp(0, 1) ** scene.gamma
