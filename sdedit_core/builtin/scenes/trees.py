"""Foreground conifers, drawn back to front."""

from __future__ import annotations

import torch
from torch import Tensor

from .batch import SceneBatch
from .noise import SceneNoise, StreamNoise


def plant_conifers(scene: SceneBatch, noise: SceneNoise | StreamNoise, image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Return image (B, 3, H, W) with scene.conifers standing on the ground."""
    rows, cols = v.shape[-2], u.shape[-1]
    needles = noise.field(rows, cols, 0.7, length_y=1.3, length_x=1.3, low=6.0, where=scene.wooded)
    boughs = noise.field(rows, cols, 0.9, length_y=1.3, length_x=1.3, low=9.0, where=scene.wooded)
    light = scene.ambient * 0.8 + 0.45 * scene.sun
    bark = (scene.conifer * light).clamp(0, 1)
    air = 0.8 * scene.haze + 0.2 * scene.zenith
    side = torch.where(scene.light[0] > 0, 1.0, -1.0)
    for at, z, height, present in scene.conifers:
        base = -scene.camera / z
        up = (v - base) / height
        across = u - at
        tiers = 7.0 + 3.0 * ((at * 7.13) % 1.0)
        saw = (up * tiers + 0.35 * boughs + 3.7 * at) % 1.0
        half = height * 0.17 * (1.02 - up).clamp(0, 1) ** 0.9 * (0.55 + 0.45 * (1 - saw))
        half = half * (1 + 0.30 * needles)
        inside = (up > 0.04) & (up < 1) & (across.abs() < half)
        trunk = (up > -0.01) & (up <= 0.08) & (across.abs() < 0.012 * height)
        shading = 1 + 0.30 * needles + 0.50 * side * (across / (half + 1e-3)).clamp(-1, 1) - 0.35 * (saw - 0.4)
        body = bark * shading.clamp(0.25, 2.2)
        body = body * (1 - 0.03 * z) + air * 0.03 * z
        image = torch.where((inside | trunk) & (present > 0), body, image)
    return image
