"""Reproducible noise: one stream of random numbers per sample.

Every random number is a function of (seed, stream, sample index, node).  It is drawn on the CPU, one generator
call per sample, so that CPU and GPU agree and item i of a batch is the same alone or in the batch.  The initial
noise, the path noise and the corrector noise never share a stream: sharing one changes the law of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

STREAMS = {"initial": 1, "path": 2, "corrector": 3, "probe": 4}
_MASK = (1 << 64) - 1
_WORTH_THREADS = 1 << 17  # values of one sample, from which drawing takes longer than handing it to a thread


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
        self._threads: ThreadPoolExecutor | None = None

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
        return self.normals([node], [1.0])[0]

    def normals(
        self, nodes: Sequence[int], stds: Sequence[float], *, spare: Sequence[torch.Tensor] = ()
    ) -> list[torch.Tensor]:
        """Normal tensors (B, *shape) of several nodes, each with its own standard deviation.

        Every part of every row of every node has a generator of its own, so that threads can share the work without
        changing a number.  ``spare``: earlier results that nobody needs any more, to write into; that is faster than
        fresh memory.
        """
        shape = (len(self.samples), *self.shape)
        out = [*spare[: len(nodes)]]
        out += [torch.empty(shape, dtype=torch.float32) for _ in range(len(nodes) - len(out))]
        draws = [
            (part, mix64(key, node, *[number] * (number > 0)) >> 1, std)
            for node, std, tensor in zip(nodes, stds, out, strict=True)
            for row, key in zip(tensor, self._keys, strict=True)
            for number, part in enumerate(row.view(-1).split(self._sizes))
        ]
        if min(len(draws), torch.get_num_threads()) > 1 and max(self._sizes) >= _WORTH_THREADS:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="sdedit-noise")
            list(self._threads.map(_draw, draws))
        else:
            for draw in draws:
                _draw(draw)
        return out

    def __call__(self, node: int = 0) -> torch.Tensor:
        """As :meth:`normal`, on the stream's device."""
        return self.normal(node).to(self.device)


def _draw(row: tuple[torch.Tensor, int, float]) -> None:
    out, seed, std = row
    generator = torch.Generator(device="cpu")
    generator.manual_seed(seed)
    # a thread begins without the mode that the tensor was made in
    with torch.inference_mode(out.is_inference()):
        out.normal_(0.0, std, generator=generator)
