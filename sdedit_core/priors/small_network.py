"""A trained network as a denoiser of pictures in [0, 1] of any size and on any device."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn


class SmallNetwork:
    """E[x0 | x] of one picture, by a network that was trained on parts of pictures.

    Args:
        module: ``module(x, sigma)`` for pictures (B, 3, H, W) in [-1, 1] and sigma > 0 in their units.
        multiple: H and W that it takes are multiples of this.
    """

    def __init__(self, module: nn.Module, *, multiple: int):
        self.multiple = multiple
        self._modules = {torch.device("cpu"): module.requires_grad_(False).eval()}

    @torch.no_grad()
    def __call__(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """For x (3, H, W), clean pixels in [0, 1], and sigma > 0."""
        height, width = x.shape[1:]
        wide = F.pad(2.0 * x[None] - 1.0, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        return (0.5 * self._on(x.device)(wide, 2.0 * sigma) + 0.5)[0, :, :height, :width]

    def _on(self, device: torch.device) -> nn.Module:
        if device not in self._modules:
            self._modules[device] = copy.deepcopy(next(iter(self._modules.values()))).to(device)
        return self._modules[device]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return sum(p.numel() for p in next(iter(self._modules.values())).parameters())

    @property
    def nbytes(self) -> int:
        """Bytes held now, on all devices."""
        every = (p for module in self._modules.values() for p in module.parameters())
        return sum(p.numel() * p.element_size() for p in every)
