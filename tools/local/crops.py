"""Small parts of rendered landscapes in colours of all kinds: what a network learns shapes and texture from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from sdedit_core.training.sources import Size, bytes_to_data
from trained.pictures import Chunk, Landscapes

HALVED = 0.25  # share of the parts that come from pictures of half the size
SWAPPED, TURNED, LIGHTER = 0.2, 0.2, 0.1  # shares in foreign colours: channels swapped, hue turned, lighter or darker
_GAMMA = 0.4  # deviation of the logarithm of its exponent


class Crops(Landscapes):
    """Squares of ``side`` px out of the pictures, a part of them in colours that no landscape has.

    A painting has houses and skies of any colour: one that never saw them would take them for noise.
    """

    def __init__(self, jobs: Sequence[Chunk], *, side: int, at_once: int, device: torch.device):
        super().__init__(jobs, (Size(side, side),), at_once=at_once, device=device)

    def draw(self, count: int, size: Size, generator: torch.Generator) -> torch.Tensor:
        """``count`` parts of the pictures so far, (count, 3, side, side) in [-1, 1]."""
        dice = torch.rand(count, 6, generator=generator, device=generator.device).tolist()
        order = torch.stack([torch.randperm(3, generator=generator, device=generator.device) for _ in range(count)])
        return torch.stack([self._part(size.width, *one) for one in zip(dice, order, strict=True)]).to(generator.device)

    def _part(self, side: int, dice: list[float], order: torch.Tensor) -> torch.Tensor:
        which, row, column, halved, kind, much = dice
        whole = self._held[int(which * self.count)]
        fold = 2 if halved < HALVED else 1
        y, x = (int(at * (length - fold * side + 1)) for at, length in zip((row, column), whole.shape[1:], strict=True))
        part = bytes_to_data(whole[:, y : y + fold * side, x : x + fold * side])
        part = F.avg_pool2d(part, fold) if fold > 1 else part
        if kind < SWAPPED:
            return part[order.to(part.device)]
        if kind < SWAPPED + TURNED:
            return torch.einsum("ij, jhw -> ihw", _turn(2 * math.pi * much).to(part), part).clamp(-1.0, 1.0)
        if kind < SWAPPED + TURNED + LIGHTER:
            exponent = math.exp(_GAMMA * math.sqrt(2) * float(torch.erfinv(torch.tensor(1.998 * much - 0.999))))
            return 2.0 * (0.5 * part + 0.5) ** exponent - 1.0
        return part


def _turn(angle: float) -> torch.Tensor:
    """The rotation of colours (3, 3) about grey."""
    cos, sin = math.cos(angle), math.sin(angle) / math.sqrt(3)
    third = (1.0 - cos) / 3.0
    rows = [[cos, -sin, sin], [sin, cos, -sin], [-sin, sin, cos]]
    return torch.tensor([[third + value for value in row] for row in rows])
