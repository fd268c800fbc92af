"""Sky: gradient, sun or moon, glow, stars and clouds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .batch import SceneBatch
from .noise import SceneNoise, StreamNoise, sample_rows, smoothstep


def paint_sky(scene: SceneBatch, noise: SceneNoise | StreamNoise, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Sky radiance (B, 3, H, W), with and without the disc of sun or moon.

    u (1, 1, 1, W): horizontal screen coordinate; v (B, 1, H, 1): elevation above the horizon.
    """
    height, width = v.shape[-2], u.shape[-1]
    up = v.clamp_min(0)
    zenith, horizon, sun = scene.zenith, scene.haze, scene.sun
    t = (up / 0.75).clamp(0, 1) ** scene.sky_power
    sky = (horizon + (zenith - horizon) * t).expand(-1, -1, height, width)
    distance2 = (u - scene.glow_at[0]) ** 2 + 1.6 * (v - scene.glow_at[1]) ** 2
    glow = 0.55 * torch.exp(-distance2 / 0.10) + 0.5 * torch.exp(-distance2.sqrt() / 0.11)
    sky = sky + scene.glow * glow * sun
    streak = scene.cloud_streak
    rows = int(height * 1.3)
    clouds = noise.field(rows, width, 1.75, length_y=1.6 + 3.2 * streak, length_x=1.3, low=0.45)
    detail = noise.field(rows, width, 1.2, length_y=1.6 + 2.0 * streak, length_x=1.3, low=3.0)
    clouds = clouds + 0.10 * detail
    stars = _stars(scene, noise, u, v)
    disc, body = _disc(scene, noise, u, v)
    # clouds live in (u, log elevation): flat and small near the horizon, large overhead
    base = 0.07
    low, high = math.log(base), math.log(1.0 + base)
    row = (torch.log(up + base) - low) / (high - low) * (rows - 3)
    here = sample_rows(clouds, row)
    threshold = 1.5 - 2.6 * scene.cloud_cover
    density = smoothstep(here, threshold, threshold + scene.cloud_soft)
    step = max(1, width // 40)
    toward_sun = torch.where(scene.light[0] < 0, torch.roll(here, step, -1), torch.roll(here, -step, -1))
    above = sample_rows(clouds, row + rows * 0.04)
    relief = here - 0.35 * toward_sun - 0.65 * above
    thick = smoothstep(here, threshold + 0.3 * scene.cloud_soft, threshold + 2.0 * scene.cloud_soft)
    lit = torch.sigmoid(3.0 * relief + 0.7 - 0.9 * thick)
    bright, dark = scene.cloud_light, scene.cloud_dark
    cloud_colour = dark + (bright - dark) * lit + 0.35 * scene.glow * glow * sun
    alpha = density * smoothstep(up, 0.0, 0.09) * scene.cloud_opacity
    sky = sky + stars * (1 - density)
    full = sky * (1 - disc) + body * disc
    return full * (1 - alpha) + cloud_colour * alpha, sky * (1 - alpha) + cloud_colour * alpha


def _disc(scene: SceneBatch, noise: SceneNoise | StreamNoise, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage (B, 1, H, W) and colour (B, 3, H, W) of the sun or the moon; the moon carries darker plains."""
    if not any(scene.discs):
        return torch.zeros(1, 1, 1, 1, device=u.device), torch.zeros(1, 3, 1, 1, device=u.device)
    du, dv, radius = u - scene.disc[0], v - scene.disc[1], scene.disc[2]
    disc = smoothstep((du * du + dv * dv).sqrt(), radius * 1.12, radius * 0.88)
    body = scene.disc_colour
    moon = [stars and disc for stars, disc in zip(scene.starry, scene.discs, strict=True)]
    if any(moon):
        plains = noise.field(v.shape[-2], u.shape[-1], 1.4, length_y=1.3, length_x=1.3, low=6.0, where=moon)
        starry = torch.tensor(moon, device=u.device).view(-1, 1, 1, 1)
        body = torch.where(starry, body * (1 - 0.10 * smoothstep(plains, 0.0, 1.0)), body)
    return disc, body


def _stars(scene: SceneBatch, noise: SceneNoise | StreamNoise, u: Tensor, v: Tensor) -> Tensor:
    """Point stars, splatted with a size that follows the resolution, (B, 1, H, W)."""
    height, width = v.shape[-2], u.shape[-1]
    out = torch.zeros(scene.count, height * width, device=u.device)
    if not any(scene.stars):
        return out.view(-1, 1, height, width)
    places = noise.rand(scene.stars, 3)
    number = torch.arange(places.shape[1], device=u.device)[None]
    there = number < torch.tensor(scene.stars, device=u.device)[:, None]
    x, y, brightness = places.unbind(-1)
    row = (y * height * scene.horizon.view(-1, 1)).long()
    col = (x * width).long()
    level = torch.where(there, 0.12 + 0.85 * brightness**5, 0.0)
    spread = max(1, round(height / 340))
    for dy in range(spread + 1):
        for dx in range(spread + 1):
            large = (brightness > 0.85) if max(dy, dx) == spread else torch.ones_like(there)
            r, c = row + dy, col + dx
            inside = large & (r < height) & (c < width)
            place = (r * width + c).clamp(0, height * width - 1)
            out.scatter_reduce_(1, place, torch.where(inside, level, 0.0), "amax")
    return out.view(-1, 1, height, width) * smoothstep(v, 0.03, 0.22)
