"""Reproducible noise: per-sample streams, and a Brownian path that does not depend on the step count.

Every random number is a function of (seed, stream, sample index, node).  It is drawn on the CPU, one generator
call per sample, so that CPU and GPU agree and item i of a batch is the same alone or in the batch.  The initial
noise, the path noise and the corrector noise never share a stream: sharing one changes the law of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

STREAMS = {"initial": 1, "path": 2, "corrector": 3, "probe": 4}
_MASK = (1 << 64) - 1


def mix64(*values: int) -> int:
    """Hash integers to one of 64 bits (SplitMix64 finaliser, Steele et al. 2014, chained over the values)."""
    h = 0x9E3779B97F4A7C15
    for v in values:
        h = (h ^ (v & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        h = (h ^ (h >> 27)) * 0x94D049BB133111EB & _MASK
        h ^= h >> 31
    return h


class NoiseStream:
    """Standard normal tensors of shape (B, *shape), a function of (seed, stream, sample index, node) only.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        seed: any integer.
        stream: "initial", "path", "corrector" or "probe".
        samples: index of each batch item; default 0 .. batch-1.
        batch: number of samples when ``samples`` is not given.
        repeat: pass number of the paper's K repeats; every pass has its own numbers.
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        seed: int,
        stream: str,
        batch: int = 1,
        samples: Sequence[int] | None = None,
        repeat: int = 0,
        device: str | torch.device = "cpu",
    ):
        if stream not in STREAMS:
            raise ValueError(f"Unknown noise stream {stream!r}; expected one of {', '.join(STREAMS)}.")
        self.shape = tuple(shape)
        self.samples = list(range(batch)) if samples is None else [int(i) for i in samples]
        self.device = torch.device(device)
        self._keys = [mix64(int(seed), STREAMS[stream], i, int(repeat)) for i in self.samples]
        self._generator = torch.Generator(device="cpu")

    def normal(self, node: int) -> torch.Tensor:
        """The standard normal tensor (B, *shape) of one node, on the CPU, float32."""
        out = torch.empty((len(self.samples), *self.shape), dtype=torch.float32)
        for row, key in zip(out, self._keys, strict=True):
            self._generator.manual_seed(mix64(key, node) >> 1)
            row.normal_(generator=self._generator)
        return out

    def __call__(self, node: int = 0) -> torch.Tensor:
        """As :meth:`normal`, on the stream's device."""
        return self.normal(node).to(self.device)


class BrownianPath:
    """Unit normals for the steps of one fixed Brownian path, in the clock log sigma (the VE time t).

    ``path(sigma, sigma_next)`` is the path's increment over that interval divided by its standard deviation.
    A dyadic tree over [sigma_max, sigma_min] defines the path: the increment of a left child is half its parent's
    plus an independent normal, the right child is the rest.  So coarse steps are sums of fine ones, and the same
    seed converges to one picture as the number of steps grows.  Levels outside the range share the edge cells.
    """

    def __init__(self, stream: NoiseStream, *, sigma_min: float, sigma_max: float, depth: int = 10):
        self.stream, self.depth, self.cells = stream, depth, 1 << depth
        self._top, self._bottom = math.log(sigma_max), math.log(sigma_min)
        self._root: torch.Tensor | None = None
        self._left: dict[int, torch.Tensor] = {}

    def _cell(self, sigma: float) -> int:
        u = (math.log(sigma) - self._top) / (self._bottom - self._top)
        return min(self.cells, max(0, round(u * self.cells)))

    def _left_increment(self, node: int, length: int, increment: torch.Tensor) -> torch.Tensor:
        if node not in self._left:
            bridge = self.stream.normal(node).mul_(0.5 * math.sqrt(length))
            self._left[node] = bridge.add_(increment, alpha=0.5)
        return self._left[node]

    def _collect(
        self, node: int, start: int, length: int, increment: torch.Tensor, i: int, j: int, out: torch.Tensor
    ) -> None:
        """Add the increment over cells [i, j) of the subtree ``node`` = cells [start, start + length) to out."""
        if i <= start and start + length <= j:
            out.add_(increment)
            return
        half = length // 2
        left = self._left_increment(node, length, increment)
        if i < start + half:
            self._collect(2 * node, start, half, left, i, j, out)
        if j > start + half:
            self._collect(2 * node + 1, start + half, half, increment - left, i, j, out)

    def _end(self, node: int) -> int:
        level = node.bit_length() - 1
        return (node - (1 << level) + 1) * (self.cells >> level)

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        """Unit normal (B, *shape) for the step sigma -> sigma_next < sigma (sigma_next 0 counts as the bottom)."""
        bottom = math.exp(self._bottom)
        i, j = self._cell(max(sigma, bottom)), self._cell(max(sigma_next, bottom))
        if i >= j:
            # Shorter than one cell: an independent normal of its own, keyed by both ends.
            key = mix64(i, round(1e9 * math.log(max(sigma, 1e-12))), round(1e9 * math.log(max(sigma_next, 1e-12))))
            return self.stream.normal(key | 1 << 63).to(self.stream.device)
        if self._root is None:
            self._root = self.stream.normal(0).mul_(math.sqrt(self.cells))
        out = torch.zeros_like(self._root)
        self._collect(1, 0, self.cells, self._root, i, j, out)
        # Sampling only moves down: nodes that end at or before j are never asked for again.
        for node in [n for n in self._left if self._end(n) <= j]:
            del self._left[node]
        return out.div_(math.sqrt(j - i)).to(self.stream.device)
