"""Power-law noise drawn in a fixed spectrum, so that a seed means the same scene at every resolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_HALF_BAND = 384
"""Wave numbers -384..383 by 0..384 are drawn for every field, whatever the resolution."""

_PAD = 1.35
"""The periodic domain is larger than the visible window, so that opposite edges do not match."""


class NoiseSource:
    """A seeded stream of random fields and of random numbers.

    Fields are drawn as Fourier coefficients in a fixed order: a finer grid adds detail to the same field
    instead of replacing it.
    """

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(int(seed))

    def uniform(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def rand(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(*shape, generator=self.generator)

    def field(
        self,
        height: int,
        width: int,
        beta: float,
        *,
        length_y: float = 1.0,
        length_x: float = 1.0,
        low: float = 0.0,
    ) -> Tensor:
        """Noise with amplitude spectrum f^-beta, zero mean, unit deviation, shape (height, width).

        length_y, length_x: physical size of the window; f counts cycles per unit of that length.
        low: frequencies below it are left out.
        """
        k = _HALF_BAND
        draws = torch.randn(2, 2 * k, k + 1, generator=self.generator)
        rows, cols = 2 * math.ceil(height * _PAD / 2), 2 * math.ceil(width * _PAD / 2)
        ny, nx = min(rows // 2, k), min(cols // 2, k)
        fy = torch.arange(-ny, ny, dtype=torch.float32)[:, None] / (_PAD * length_y)
        fx = torch.arange(nx, dtype=torch.float32)[None] / (_PAD * length_x)
        frequency = (fx * fx + fy * fy).sqrt()
        amplitude = torch.where(frequency > max(low, 1e-6), frequency.clamp_min(1e-3) ** (-beta), 0.0)
        part = torch.complex(draws[0, k - ny : k + ny, :nx], draws[1, k - ny : k + ny, :nx]) * amplitude
        spectrum = torch.zeros(rows, cols // 2 + 1, dtype=torch.complex64)
        spectrum[:ny, :nx] = part[ny:]
        spectrum[-ny:, :nx] = part[:ny]
        out = torch.fft.irfft2(spectrum, s=(rows, cols))[:height, :width]
        out = out - out.mean()
        return out / (out.std() + 1e-12)


def smoothstep(x: Tensor, start: Tensor | float, stop: Tensor | float) -> Tensor:
    """Cubic step from 0 at start to 1 at stop (start may exceed stop)."""
    t = ((x - start) / (stop - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def sample_rows(field: Tensor, row: Tensor) -> Tensor:
    """field (..., N, W) read at fractional rows (H, W) or (H, 1) -> (..., H, W), linear interpolation."""
    count, width = field.shape[-2:]
    row = row.clamp(0, count - 1.001)
    index = row.floor().long().expand(-1, width)
    fraction = row - row.floor()
    index = index.expand(*field.shape[:-2], *index.shape)
    return field.gather(-2, index) * (1 - fraction) + field.gather(-2, index + 1) * fraction
