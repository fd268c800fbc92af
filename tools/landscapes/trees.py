"""Foreground conifers, drawn back to front."""

from __future__ import annotations

import torch

from .noise import NoiseSource
from .parameters import Scene


def plant_conifers(
    scene: Scene, noise: NoiseSource, image: torch.Tensor, u: torch.Tensor, v: torch.Tensor
) -> torch.Tensor:
    """Return ``image`` (3, H, W) with ``scene.conifers`` standing on the ground."""
    rows, cols = len(v), u.shape[-1]
    needles = noise.field(rows, cols, 0.7, length_y=1.3, length_x=1.3, low=6.0)
    boughs = noise.field(rows, cols, 0.9, length_y=1.3, length_x=1.3, low=9.0)
    light = scene.ambient * 0.8 + 0.45 * scene.sun
    bark = (scene.conifer * light).clamp(0, 1)
    air = 0.8 * scene.haze + 0.2 * scene.zenith
    side = 1.0 if scene.light[0] > 0 else -1.0
    for tree in sorted(scene.conifers, key=lambda tree: -tree.z):
        base = -scene.camera / tree.z
        up = (v - base) / tree.height
        across = u - tree.u
        tiers = 7.0 + 3.0 * ((tree.u * 7.13) % 1.0)
        saw = (up * tiers + 0.35 * boughs + 3.7 * tree.u) % 1.0
        half = tree.height * 0.17 * (1.02 - up).clamp(0, 1) ** 0.9 * (0.55 + 0.45 * (1 - saw))
        half = half * (1 + 0.30 * needles)
        inside = (up > 0.04) & (up < 1) & (across.abs() < half)
        trunk = (up > -0.01) & (up <= 0.08) & (across.abs() < 0.012 * tree.height)
        shading = 1 + 0.30 * needles + 0.50 * side * (across / (half + 1e-3)).clamp(-1, 1) - 0.35 * (saw - 0.4)
        body = bark * shading.clamp(0.25, 2.2)
        body = body * (1 - 0.03 * tree.z) + air * 0.03 * tree.z
        image = torch.where(inside | trunk, body, image)
    return image
