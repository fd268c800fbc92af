"""A network of an original code with random weights, and what its file and its pictures are made with."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

SIDE = 16


@dataclass
class Case:
    """One network: a file as its code writes it, and the denoised pictures of its code for ``x`` at ``sigma``."""

    family: str
    words: str
    content: Any
    x: Tensor
    sigma: Tensor
    wanted: Tensor
    y: Tensor | None = None
    name: str = "net.pt"
    options: dict[str, Any] = field(default_factory=dict)
    config: dict | None = None
    scheduler: dict | None = None


def filled(net: nn.Module, seed: int) -> nn.Module:
    """The network with random weights of a size that keeps activations near one."""
    g = torch.Generator().manual_seed(seed)
    for name, p in net.named_parameters():
        z = torch.randn(p.shape, generator=g)
        if name.endswith(("all_modules.0.W", "time_proj.weight")):
            p.data = 16.0 * z  # Fourier features
        elif p.dim() == 1 or name.endswith(".g"):
            p.data = 0.1 * z + float(name.endswith((".g", "weight")))  # gains of norms are near one
        elif "mem_kv" in name:
            p.data = z
        else:
            rows = p.shape[0] if name.endswith(".W") else p[0].numel()  # score-SDE's NIN is the other way round
            p.data = z * rows**-0.5
    return net.eval().requires_grad_(False)


def noisy(seed: int, sigma: Tensor, low: float = -1.0) -> Tensor:
    """Pictures between ``low`` and 1 with noise, (N, 3, 16, 16)."""
    g = torch.Generator().manual_seed(1000 + seed)
    x0 = torch.rand(len(sigma), 3, SIDE, SIDE, generator=g) * (1.0 - low) + low
    return x0 + sigma.float()[:, None, None, None] * torch.randn(x0.shape, generator=g)


def wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def discrete(net: Callable, betas: Tensor, levels: list[int], seed: int, *, kind: str = "eps", gain: float = 1.0):
    """(x, sigma, D) of a network of discrete levels, the textbook way: from eps, v or x0 to the picture."""
    bar = torch.cumprod(1.0 - betas.double(), 0)[torch.tensor(levels)]
    sigma = ((1.0 - bar) / bar).sqrt()
    x = noisy(seed, sigma)
    scaled = x.double() * wide(bar.sqrt())
    out = net(scaled.float(), torch.tensor(levels).float() * gain)[:, :3].double()
    if kind == "v":
        out = wide(bar.sqrt()) * scaled - wide((1 - bar).sqrt()) * out
    elif kind == "eps":
        out = (scaled - wide((1 - bar).sqrt()) * out) / wide(bar.sqrt())
    return x, sigma, out.float()


class Absent(types.ModuleType):
    """Stands for a package that a code imports for its training, not for its network."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *a, **k: None, "__call__": lambda self, f=None, *a, **k: f})


def stand_in(names: Iterable[str]) -> None:
    """:class:`Absent` for those packages that are not installed."""
    for name in names:
        top = sys.modules.get(name.partition(".")[0])
        if isinstance(top, Absent) or (top is None and importlib.util.find_spec(name.partition(".")[0]) is None):
            sys.modules.setdefault(name, Absent(name))


def linear(levels: int = 1000) -> Tensor:
    return torch.linspace(0.1 / levels, 20.0 / levels, levels, dtype=torch.float64)
