"""Reproducible noise: per-sample streams, and a Brownian path that does not depend on the step count.

Every random number is a function of (seed, stream, sample index, node).  It is drawn on the CPU, one generator
call per sample, so that CPU and GPU agree and item i of a batch is the same alone or in the batch.  The initial
noise, the path noise and the corrector noise never share a stream: sharing one changes the law of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

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


def level_node(*sigmas: float) -> int:
    """A node of a stream that belongs to these noise levels, apart from the small numbers of counted nodes."""
    return mix64(*(round(1e12 * math.log(max(s, 1e-12))) for s in sigmas)) | 1 << 63


class NoiseStream:
    """Standard normal tensors of shape (B, *shape), a function of (seed, stream, sample index, node) only.

    Args:
        shape: shape of one sample, e.g. (C, H, W).
        seed: any integer.
        stream: "initial", "path", "corrector" or "probe".
        samples: index of each batch item; default 0 .. batch-1.
        batch: number of samples when ``samples`` is not given.
        repeat: pass number of the paper's K repeats; every pass has its own numbers.
        parts: shapes of several things that lie in a row in one sample (video and audio); each has numbers of its own,
            the first those that it has alone.
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
        parts: Sequence[Sequence[int]] = (),
    ):
        if stream not in STREAMS:
            raise ValueError(f"Unknown noise stream {stream!r}; expected one of {', '.join(STREAMS)}.")
        self.shape = tuple(shape)
        self.seed, self.stream, self.repeat = int(seed), stream, int(repeat)
        self.samples = list(range(batch)) if samples is None else [int(i) for i in samples]
        self.device = torch.device(device)
        self.parts = [tuple(part) for part in parts] or [self.shape]
        self._sizes = [math.prod(part) for part in self.parts]
        if sum(self._sizes) != math.prod(self.shape):
            raise ValueError(f"Parts of the shapes {self.parts} do not fill a sample of shape {self.shape}.")
        self._keys = [mix64(self.seed, STREAMS[stream], i, self.repeat) for i in self.samples]
        self._generator = torch.Generator(device="cpu")

    def sibling(self, stream: str) -> NoiseStream:
        """The stream of another name for the same seed, samples and repeat."""
        return NoiseStream(
            self.shape,
            seed=self.seed,
            stream=stream,
            samples=self.samples,
            repeat=self.repeat,
            device=self.device,
            parts=self.parts,
        )

    def normal(self, node: int) -> torch.Tensor:
        """The standard normal tensor (B, *shape) of one node, on the CPU, float32."""
        out = torch.empty((len(self.samples), *self.shape), dtype=torch.float32)
        for row, key in zip(out, self._keys, strict=True):
            for number, part in enumerate(row.view(-1).split(self._sizes)):
                self._generator.manual_seed(mix64(key, node, *[number] * (number > 0)) >> 1)
                part.normal_(generator=self._generator)
        return out

    def __call__(self, node: int = 0) -> torch.Tensor:
        """As :meth:`normal`, on the stream's device."""
        return self.normal(node).to(self.device)


class BrownianPath:
    """Unit normals for the steps of one fixed Brownian path, in the clock log sigma (the VE time t).

    ``path(sigma, sigma_next)`` is the path's increment over that interval divided by its standard deviation.
    A dyadic tree over [sigma_max, sigma_min] defines the path: the increment of a left child is half its parent's
    plus an independent normal, the right child is the rest.  So coarse steps are sums of fine ones, and the same
    seed converges to one picture as the number of steps grows.  Solvers with inner stages ask for the stages'
    sub-intervals.  Levels are rounded to the tree's 2^depth cells; paths of different depth are the same path,
    read at another resolution, so ``depth`` (see :func:`path_depth`) changes cost and precision, not the law.
    Levels outside the range, and steps inside one cell, get independent normals of their own.

    Cost: about depth - log2(steps) + 2 normals a step; alive are the cached nodes, at most depth + 2 tensors.
    """

    def __init__(self, stream: NoiseStream, *, sigma_min: float, sigma_max: float, depth: int = 10):
        if not 0.0 < sigma_min < sigma_max:
            raise ValueError(f"A path needs 0 < sigma_min < sigma_max, got {sigma_min!r} and {sigma_max!r}.")
        self.stream, self.depth, self.cells = stream, depth, 1 << depth
        self._top, self._bottom = math.log(sigma_max), math.log(sigma_min)
        self._floor = sigma_min
        self._corrector: NoiseStream | None = None
        self._root: torch.Tensor | None = None
        self._left: dict[int, torch.Tensor] = {}

    def _cell(self, sigma: float) -> int:
        u = (math.log(max(sigma, self._floor)) - self._top) / (self._bottom - self._top)
        return min(self.cells, max(0, round(u * self.cells)))

    def _left_increment(self, node: int, length: float, increment: torch.Tensor) -> torch.Tensor:
        if node not in self._left:
            bridge = self.stream.normal(node).mul_(0.5 * math.sqrt(length))
            self._left[node] = bridge.add_(increment, alpha=0.5)
        return self._left[node]

    def _collect(self, node: int, start: int, cells: int, increment: torch.Tensor, i: int, j: int) -> torch.Tensor:
        """Increment over cells [max(i, start), min(j, start + cells)) of the subtree ``node``."""
        if i <= start and start + cells <= j:
            return increment
        half = cells // 2
        left = self._left_increment(node, cells / self.cells, increment)
        if j <= start + half:
            return self._collect(2 * node, start, half, left, i, j)
        right = self._collect(2 * node + 1, start + half, half, increment - left, i, j)
        if i >= start + half:
            return right
        return right + self._collect(2 * node, start, half, left, i, j)

    def _end(self, node: int) -> int:
        level = node.bit_length() - 1
        return (node - (1 << level) + 1) * (self.cells >> level)

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        """Unit normal (B, *shape), yours to overwrite, for sigma -> sigma_next < sigma (0 counts as the bottom)."""
        i, j = self._cell(sigma), self._cell(sigma_next)
        if i >= j:
            return self.stream.normal(level_node(sigma, sigma_next)).to(self.stream.device)
        if self._root is None:
            self._root = self.stream.normal(0)
        out = self._collect(1, 0, self.cells, self._root, i, j)
        # Sampling only moves down: nodes that end at or before j are never asked for again.
        for node in [n for n in self._left if self._end(n) <= j]:
            del self._left[node]
        return (out * math.sqrt(self.cells / (j - i))).to(self.stream.device)

    def corrector(self, sigma: float) -> torch.Tensor:
        """Unit normal (B, *shape) of the corrector stream for level ``sigma``, independent of the path.

        By level, not by number: the second half of a run that was stopped between must not repeat the first's.
        """
        if self._corrector is None:
            self._corrector = self.stream.sibling("corrector")
        return self._corrector(level_node(sigma))


def path_depth(sigmas: Sequence[float], *, sigma_min: float, sigma_max: float, stages: int = 1) -> int:
    """Depth of a path's tree that gives the shortest step (or stage) at least 8 cells; between 6 and 24."""
    levels = [max(float(s), sigma_min) for s in sigmas]
    steps = [math.log(a / b) for a, b in pairwise(levels) if a > b * (1.0 + 1e-9)]
    if not steps:
        return 6
    cells = 8.0 * stages * math.log(sigma_max / sigma_min) / min(steps)
    return min(24, max(6, math.ceil(math.log2(cells))))
