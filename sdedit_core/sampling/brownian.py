"""The Brownian path of a run: it does not depend on the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from .noise import NoiseStream, level_node


class _Piece(NamedTuple):
    """A part of the path that has not been split: its first cell, its number of cells, its increment."""

    start: int
    cells: int
    increment: torch.Tensor


class BrownianPath:
    """Unit normals for the steps of one fixed Brownian path, in the clock log sigma (the VE time t).

    ``path(sigma, sigma_next)`` is the path's increment over that interval divided by its standard deviation.
    A dyadic tree over [sigma_max, sigma_min] defines the path: the increment of a left child is half its parent's
    plus an independent normal, the right child is the rest.  So coarse steps are sums of fine ones, and the same
    seed converges to one picture as the number of steps grows.  Solvers with inner stages ask for the stages'
    sub-intervals.  Levels are rounded to the tree's 2^depth cells; paths of different depth are the same path,
    read at another resolution, so ``depth`` (see :func:`path_depth`) changes cost and precision, not the law.
    Levels outside the range, and steps inside one cell, get independent normals of their own.

    Cost: about depth - log2(steps) + 2 normals a step, each with two additions in place; the pieces that are alive are
    those that the tree was split into from here on, at most depth + 2 tensors.  Going back starts again at the root.
    """

    def __init__(self, stream: NoiseStream, *, sigma_min: float, sigma_max: float, depth: int = 10):
        if not 0.0 < sigma_min < sigma_max:
            raise ValueError(f"A path needs 0 < sigma_min < sigma_max, got {sigma_min!r} and {sigma_max!r}.")
        self.stream, self.depth, self.cells = stream, depth, 1 << depth
        self._top, self._bottom = math.log(sigma_max), math.log(sigma_min)
        self._floor = sigma_min
        self._corrector: NoiseStream | None = None
        self._pieces: dict[int, _Piece] = {}  # by node: 1 is the root, 2 n and 2 n + 1 the halves of n
        self._spare: list[torch.Tensor] = []

    @property
    def alive(self) -> int:
        """Number of tensors that the path holds, at most depth + 3."""
        return len(self._pieces) + len(self._spare)

    def _cell(self, sigma: float) -> int:
        u = (math.log(max(sigma, self._floor)) - self._top) / (self._bottom - self._top)
        return min(self.cells, max(0, round(u * self.cells)))

    def _to_split(self, cut: int) -> dict[int, int]:
        """The nodes, from above, with their numbers of cells, whose splitting makes ``cut`` the edge of a piece."""
        for node, (start, cells, _) in self._pieces.items():
            if start < cut < start + cells:
                found = {}
                while start < cut < start + cells:
                    found[node] = cells
                    cells //= 2
                    right = int(cut >= start + cells)
                    node, start = 2 * node + right, start + right * cells
                return found
        return {}

    def _split(self, nodes: dict[int, int]) -> None:
        stds = [0.5 * math.sqrt(cells / self.cells) for cells in nodes.values()]
        drawn = self.stream.normals([*nodes], stds, spare=self._spare)
        del self._spare[: len(nodes)]
        for node, left in zip(nodes, drawn, strict=True):
            start, cells, increment = self._pieces.pop(node)
            left.add_(increment, alpha=0.5)
            self._pieces[2 * node] = _Piece(start, cells // 2, left)
            self._pieces[2 * node + 1] = _Piece(start + cells // 2, cells // 2, increment.sub_(left))

    def _take(self, i: int, j: int) -> torch.Tensor:
        """The sum of the pieces between two edges; they and those before are given up."""
        total = None
        for node in sorted(self._pieces, key=lambda n: self._pieces[n].start):
            start, _, increment = self._pieces[node]
            if start >= j:
                break
            del self._pieces[node]
            if start >= i and total is None:
                total = increment
            else:
                self._spare.append(increment)
                if start >= i:
                    total.add_(increment)
        return total

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        """Unit normal (B, *shape), yours to overwrite, for sigma -> sigma_next < sigma (0 counts as the bottom)."""
        i, j = self._cell(sigma), self._cell(sigma_next)
        if i >= j:
            return self.stream.normal(level_node(sigma, sigma_next)).to(self.stream.device)
        if not self._pieces or i < min(piece.start for piece in self._pieces.values()):
            self._pieces = {1: _Piece(0, self.cells, self.stream.normal(0))}
        # both in one go, for threads to share: the second's nodes are below the first's, or beside them
        self._split(self._to_split(i) | self._to_split(j))
        out = self._take(i, j).mul_(math.sqrt(self.cells / (j - i)))
        del self._spare[max(0, self.depth + 2 - len(self._pieces)) :]
        if self.stream.device.type == "cpu":
            return out
        self._spare.append(out)
        return out.to(self.stream.device)

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
