"""Landscapes that no built-in model has seen, rendered afresh by ``tools/landscapes``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from landscapes.examples import held_out
from landscapes.render import render


def photos(mood: str, numbers: Iterable[int], size: int) -> torch.Tensor:
    """Held-out scenes of a mood by number, (N, 3, size, size) in [0, 1]."""
    return torch.cat([render(held_out(mood, number), height=size, width=size) for number in numbers])
