"""Power-law noise drawn in a fixed spectrum, so that a seed means the same scene at every resolution."""

from __future__ import annotations

import math

import torch

HALF_BAND = 384  # wave numbers -384..383 by 0..384 are drawn for every field, whatever the resolution
PAD = 1.35  # the periodic domain is larger than the visible window, so that opposite edges do not match


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

    def rand(self, *shape: int) -> torch.Tensor:
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
    ) -> torch.Tensor:
        """A field (height, width) with amplitude spectrum f^-beta, zero mean and unit deviation.

        Args:
            length_y, length_x: physical size of the window; f counts cycles per unit of that length.
            low: frequencies below it are left out.
        """
        rows, cols = 2 * math.ceil(height * PAD / 2), 2 * math.ceil(width * PAD / 2)
        ny, nx = min(rows // 2, HALF_BAND), min(cols // 2, HALF_BAND)
        fy = torch.arange(-ny, ny, dtype=torch.float32)[:, None] / (PAD * length_y)
        fx = torch.arange(nx, dtype=torch.float32)[None] / (PAD * length_x)
        frequency = (fx * fx + fy * fy).sqrt()
        amplitude = torch.where(frequency > max(low, 1e-6), frequency.clamp_min(1e-3) ** (-beta), 0.0)
        real, imaginary = self._coefficients(ny, nx) * amplitude
        spectrum = torch.zeros(rows, cols // 2 + 1, dtype=torch.complex64)
        part = torch.complex(real, imaginary)
        spectrum[:ny, :nx] = part[ny:]
        spectrum[-ny:, :nx] = part[:ny]
        out = torch.fft.irfft2(spectrum, s=(rows, cols))[:height, :width]
        out = out - out.mean()
        return out / (out.std() + 1e-12)

    def _coefficients(self, ny: int, nx: int) -> torch.Tensor:
        """Those of one field, wave numbers -ny..ny-1 by 0..nx-1, as (2, 2 ny, nx): real and imaginary."""
        k = HALF_BAND
        draws = torch.randn(2, 2 * k, k + 1, generator=self.generator)
        return draws[:, k - ny : k + ny, :nx]


def smoothstep(x: torch.Tensor, start: torch.Tensor | float, stop: torch.Tensor | float) -> torch.Tensor:
    """Cubic step from 0 at ``start`` to 1 at ``stop`` (``start`` may exceed ``stop``)."""
    t = ((x - start) / (stop - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def sample_rows(field: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """``field`` (N, W) read at fractional rows (H, 1 or W) -> (H, W), linear interpolation."""
    count, width = field.shape
    row = row.clamp(0, count - 1.001)
    fraction = row - row.floor()
    index = row.floor().long().expand(-1, width)
    return field.gather(0, index) * (1 - fraction) + field.gather(0, index + 1) * fraction
