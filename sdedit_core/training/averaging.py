"""Weight averages and the half-precision twin of a network."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


def power_gamma(width: float) -> float:
    """Exponent of the power-function average with relative width ``width`` (Karras et al., EDM2, 2024, eq. 126).

    The average gives step t of T the weight (t/T)^gamma; its standard deviation is ``width`` * T.
    width^2 = (g + 1) / ((g + 2)^2 (g + 3)), solved for g by bisection.
    """
    low, high = 0.0, 1e6
    if not 0 < width < math.sqrt(1 / 12):
        raise ValueError(f"The relative width of the average must be between 0 and 0.288, got {width!r}.")
    for _ in range(200):
        g = (low + high) / 2
        if (g + 1) / ((g + 2) ** 2 * (g + 3)) > width**2:
            low = g
        else:
            high = g
    return (low + high) / 2


class Average:
    """Power-function average of a network's weights: needs no horizon, forgets the first steps by itself."""

    def __init__(self, network: nn.Module, width: float):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.gamma = power_gamma(width)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` steps (1, 2, ...)."""
        keep = (1.0 - 1.0 / step) ** (self.gamma + 1.0)
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1.0 - keep)


class Twin:
    """The network that runs: the float32 network itself, or a half-precision copy that follows it.

    Gradients of the copy are added to the float32 weights' gradients in float32.
    """

    def __init__(self, network: nn.Module, copy: nn.Module | None = None):
        self.network, self.running = network, network if copy is None else copy
        self._masters = [p for p in network.parameters() if p.requires_grad]
        if copy is not None:
            for master, twin in zip(network.parameters(), copy.parameters(), strict=True):
                twin.requires_grad_(master.requires_grad)
                twin.data.copy_(master.data)
        self._copies = [p for p in self.running.parameters() if p.requires_grad]

    @torch.no_grad()
    def pull(self) -> None:
        """Copy the float32 weights into the running network."""
        if self.running is not self.network:
            torch._foreach_copy_(self._copies, self._masters)

    @torch.no_grad()
    def push(self) -> None:
        """Add the running network's gradients to the float32 ones."""
        if self.running is self.network:
            return
        for master, twin in zip(self._masters, self._copies, strict=True):
            if twin.grad is not None:
                master.grad = twin.grad.float() if master.grad is None else master.grad.add_(twin.grad)
                twin.grad = None
