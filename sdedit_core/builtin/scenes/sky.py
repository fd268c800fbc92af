"""Sky: gradient, sun or moon, glow, stars and clouds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .noise import NoiseSource, sample_rows, smoothstep
from .parameters import Scene


def colour(value: tuple[float, float, float]) -> Tensor:
    """A colour as a (3, 1, 1) tensor."""
    return torch.tensor(value).view(3, 1, 1)


def paint_sky(scene: Scene, noise: NoiseSource, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Sky radiance (3, H, W), with and without the disc of sun or moon.

    u (1, W): horizontal screen coordinate; v (H, 1): elevation above the horizon.
    """
    height, width = v.shape[0], u.shape[1]
    up = v.clamp_min(0)
    zenith, horizon, sun = colour(scene.zenith), colour(scene.haze), colour(scene.sun)
    t = (up / 0.75).clamp(0, 1) ** scene.sky_power
    sky = (horizon + (zenith - horizon) * t).expand(3, height, width)
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
    toward_sun = torch.roll(here, step if scene.light[0] < 0 else -step, 1)
    above = sample_rows(clouds, row + rows * 0.04)
    relief = here - 0.35 * toward_sun - 0.65 * above
    thick = smoothstep(here, threshold + 0.3 * scene.cloud_soft, threshold + 2.0 * scene.cloud_soft)
    lit = torch.sigmoid(3.0 * relief + 0.7 - 0.9 * thick)
    ambient = colour(scene.ambient)
    bright = colour(scene.cloud_light) if scene.cloud_light else 0.55 * sun + 0.25 * ambient + 0.30 * horizon
    dark = colour(scene.cloud_dark) if scene.cloud_dark else 0.55 * ambient + 0.22 * zenith + 0.20 * horizon
    cloud_colour = dark + (bright - dark) * lit + 0.35 * scene.glow * glow * sun
    alpha = density * smoothstep(up, 0.0, 0.09) * scene.cloud_opacity
    sky = sky + stars * (1 - density)
    full = sky * (1 - disc) + body * disc
    return full * (1 - alpha) + cloud_colour * alpha, sky * (1 - alpha) + cloud_colour * alpha


def _disc(scene: Scene, noise: NoiseSource, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Coverage (H, W) and colour (3, H, W) of the sun or the moon; the moon carries darker plains."""
    if scene.disc is None:
        return torch.zeros(v.shape[0], u.shape[1]), torch.zeros(3, 1, 1)
    du, dv, radius = u - scene.disc[0], v - scene.disc[1], scene.disc[2]
    disc = smoothstep((du * du + dv * dv).sqrt(), radius * 1.12, radius * 0.88)
    body = colour(scene.disc_colour)
    if scene.stars:
        plains = noise.field(v.shape[0], u.shape[1], 1.4, length_y=1.3, length_x=1.3, low=6.0)
        body = body * (1 - 0.10 * smoothstep(plains, 0.0, 1.0))
    return disc, body


def _stars(scene: Scene, noise: NoiseSource, u: Tensor, v: Tensor) -> Tensor:
    """Point stars, splatted with a size that follows the resolution, (1, H, W)."""
    height, width = v.shape[0], u.shape[1]
    out = torch.zeros(height, width)
    if not scene.stars:
        return out[None]
    places = noise.rand(scene.stars, 3)
    spread = max(1, round(height / 340))
    for x, y, brightness in places.tolist():
        row, col = int(y * height * scene.horizon), int(x * width)
        level = 0.12 + 0.85 * brightness**5
        size = spread + (1 if brightness > 0.85 else 0)
        out[row : row + size, col : col + size] = level
    return (out * smoothstep(v, 0.03, 0.22))[None]
