"""Sky: gradient, sun or moon, glow, stars and clouds."""

from __future__ import annotations

import math

import torch

from .noise import NoiseSource, sample_rows, smoothstep
from .parameters import Scene

CLOUD_BASE = 0.07  # clouds live in (u, log(elevation + base)): flat and small near the horizon, large overhead


def paint_sky(scene: Scene, noise: NoiseSource, u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sky radiance (3, H, W), with and without the disc of sun or moon.

    Args:
        u: (1, W), horizontal screen coordinate.
        v: (H, 1), elevation above the horizon.
    """
    up, glow = v.clamp_min(0), _glow(scene, u, v)
    t = (up / 0.75).clamp(0, 1) ** scene.sky_power
    sky = scene.haze + (scene.zenith - scene.haze) * t
    sky = sky + scene.glow * glow * scene.sun
    density, alpha, colour = _clouds(scene, noise, up, u.shape[-1])
    colour = colour + 0.35 * scene.glow * glow * scene.sun
    sky = sky + _stars(scene, noise, u, v) * (1 - density)
    disc, body = _disc(scene, noise, u, v)
    full = sky * (1 - disc) + body * disc
    return full * (1 - alpha) + colour * alpha, sky * (1 - alpha) + colour * alpha


def _glow(scene: Scene, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Light around the sun, (H, W)."""
    distance2 = (u - scene.glow_at[0]) ** 2 + 1.6 * (v - scene.glow_at[1]) ** 2
    return 0.55 * torch.exp(-distance2 / 0.10) + 0.5 * torch.exp(-distance2.sqrt() / 0.11)


def _clouds(
    scene: Scene, noise: NoiseSource, up: torch.Tensor, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Density and opacity (H, W), colour (3, H, W)."""
    streak = scene.cloud_streak
    rows = int(len(up) * 1.3)
    field = noise.field(rows, width, 1.75, length_y=1.6 + 3.2 * streak, length_x=1.3, low=0.45)
    field = field + 0.10 * noise.field(rows, width, 1.2, length_y=1.6 + 2.0 * streak, length_x=1.3, low=3.0)
    low, high = math.log(CLOUD_BASE), math.log(1.0 + CLOUD_BASE)
    row = (torch.log(up + CLOUD_BASE) - low) / (high - low) * (rows - 3)
    here = sample_rows(field, row)
    threshold = 1.5 - 2.6 * scene.cloud_cover
    density = smoothstep(here, threshold, threshold + scene.cloud_soft)
    step = max(1, width // 40)
    column = torch.arange(width) - (step if scene.light[0] < 0 else -step)
    toward_sun = here[:, column.clamp(0, width - 1)]
    relief = here - 0.35 * toward_sun - 0.65 * sample_rows(field, row + rows * 0.04)
    thick = smoothstep(here, threshold + 0.3 * scene.cloud_soft, threshold + 2.0 * scene.cloud_soft)
    lit = torch.sigmoid(3.0 * relief + 0.7 - 0.9 * thick)
    bright, dark = _cloud_colours(scene)
    return density, density * smoothstep(up, 0.0, 0.09) * scene.cloud_opacity, dark + (bright - dark) * lit


def _cloud_colours(scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """In the light and in the shade."""
    bright = 0.55 * scene.sun + 0.25 * scene.ambient + 0.30 * scene.haze
    dark = 0.55 * scene.ambient + 0.22 * scene.zenith + 0.20 * scene.haze
    return (
        bright if scene.cloud_light is None else scene.cloud_light,
        dark if scene.cloud_dark is None else scene.cloud_dark,
    )


def _disc(
    scene: Scene, noise: NoiseSource, u: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor | float, torch.Tensor]:
    """Coverage (H, W) and colour (3, H, W) of the sun or the moon; the moon carries darker plains."""
    body = scene.disc_colour
    if scene.disc is None:
        return 0.0, body
    du, dv, radius = u - scene.disc[0], v - scene.disc[1], scene.disc[2]
    disc = smoothstep((du * du + dv * dv).sqrt(), radius * 1.12, radius * 0.88)
    if scene.stars:
        plains = noise.field(len(v), u.shape[-1], 1.4, length_y=1.3, length_x=1.3, low=6.0)
        body = body * (1 - 0.10 * smoothstep(plains, 0.0, 1.0))
    return disc, body


def _stars(scene: Scene, noise: NoiseSource, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Point stars, splatted with a size that follows the resolution, (H, W)."""
    height, width = len(v), u.shape[-1]
    out = torch.zeros(height * width)
    if scene.stars:
        x, y, brightness = noise.rand(scene.stars, 3).unbind(-1)
        row, col = (y * height * scene.horizon).long(), (x * width).long()
        level = 0.12 + 0.85 * brightness**5
        spread = max(1, round(height / 340))
        for dy in range(spread + 1):
            for dx in range(spread + 1):
                r, c = row + dy, col + dx
                inside = (r < height) & (c < width)
                if max(dy, dx) == spread:
                    inside &= brightness > 0.85
                place = (r * width + c).clamp(0, height * width - 1)
                out.scatter_reduce_(0, place, torch.where(inside, level, 0.0), "amax")
    return out.view(height, width) * smoothstep(v, 0.03, 0.22)
