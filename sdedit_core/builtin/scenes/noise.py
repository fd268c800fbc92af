"""Power-law noise drawn in a fixed spectrum, so that a seed means the same scene at every resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

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

    def spectrum(self, ny: int, nx: int) -> Tensor:
        """Coefficients of one field, wave numbers -ny..ny-1 by 0..nx-1, as (2, 2 ny, nx): real and imaginary."""
        k = _HALF_BAND
        draws = torch.randn(2, 2 * k, k + 1, generator=self.generator)
        return draws[:, k - ny : k + ny, :nx]

    def field(self, height: int, width: int, beta: float, **options) -> Tensor:
        """One field (height, width), see :func:`power_law`."""
        return power_law(SceneNoise([self]), height, width, beta, **options)[0, 0]


class SceneNoise:
    """One :class:`NoiseSource` per scene of a batch: the same numbers as for each scene alone."""

    def __init__(self, sources: Sequence[NoiseSource], device: str | torch.device = "cpu") -> None:
        self.sources, self.device = list(sources), torch.device(device)

    def rand(self, count: Sequence[int], width: int) -> Tensor:
        """(B, max count, width) uniform numbers; scene i draws count[i] rows, the rest is 0."""
        out = torch.zeros(len(count), max(count), width)
        for row, source, n in zip(out, self.sources, count, strict=True):
            if n:
                row[:n] = source.rand(n, width)
        return out.to(self.device)

    def spectrum(self, ny: int, nx: int, where: Sequence[bool] | None) -> Tensor:
        """(B, 2, 2 ny, nx) coefficients; scenes where ``where`` is False draw nothing and get 0."""
        out = torch.zeros(len(self.sources), 2, 2 * ny, nx)
        for i, source in enumerate(self.sources):
            if where is None or where[i]:
                out[i] = source.spectrum(ny, nx)
        return out.to(self.device)

    def field(self, height: int, width: int, beta: float, **options) -> Tensor:
        """See :func:`power_law`."""
        return power_law(self, height, width, beta, **options)


class StreamNoise:
    """Numbers for a whole batch from one generator on any device: quick, but a scene depends on its batch."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator, self.device = count, generator, generator.device

    def rand(self, count: Sequence[int], width: int) -> Tensor:
        """(B, max count, width) uniform numbers."""
        return torch.rand(len(count), max(count), width, generator=self.generator, device=self.device)

    def spectrum(self, ny: int, nx: int, where: Sequence[bool] | None) -> Tensor:
        """(B, 2, 2 ny, nx) coefficients."""
        return torch.randn(self.count, 2, 2 * ny, nx, generator=self.generator, device=self.device)

    def field(self, height: int, width: int, beta: float, **options) -> Tensor:
        """See :func:`power_law`."""
        return power_law(self, height, width, beta, **options)


def power_law(
    noise: SceneNoise | StreamNoise,
    height: int,
    width: int,
    beta: float,
    *,
    length_y: float | Tensor = 1.0,
    length_x: float = 1.0,
    low: float = 0.0,
    where: Sequence[bool] | None = None,
) -> Tensor:
    """Fields with amplitude spectrum f^-beta, zero mean, unit deviation, shape (B, 1, height, width).

    length_y, length_x: physical size of the window; f counts cycles per unit of that length; length_y may be
    one number per scene (B, 1, 1, 1). low: frequencies below it are left out. where: scenes that need the field.
    """
    k, device = _HALF_BAND, noise.device
    rows, cols = 2 * math.ceil(height * _PAD / 2), 2 * math.ceil(width * _PAD / 2)
    ny, nx = min(rows // 2, k), min(cols // 2, k)
    fy = torch.arange(-ny, ny, dtype=torch.float32, device=device)[:, None] / (_PAD * length_y)
    fx = torch.arange(nx, dtype=torch.float32, device=device)[None] / (_PAD * length_x)
    frequency = (fx * fx + fy * fy).sqrt()
    amplitude = torch.where(frequency > max(low, 1e-6), frequency.clamp_min(1e-3) ** (-beta), 0.0)
    draws = noise.spectrum(ny, nx, where) * amplitude
    spectrum = torch.zeros(draws.shape[0], 1, rows, cols // 2 + 1, dtype=torch.complex64, device=device)
    part = torch.complex(draws[:, :1], draws[:, 1:])
    spectrum[..., :ny, :nx] = part[..., ny:, :]
    spectrum[..., -ny:, :nx] = part[..., :ny, :]
    out = torch.fft.irfft2(spectrum, s=(rows, cols))[..., :height, :width]
    out = out - out.mean((-2, -1), keepdim=True)
    return out / (out.std((-2, -1), keepdim=True) + 1e-12)


def smoothstep(x: Tensor, start: Tensor | float, stop: Tensor | float) -> Tensor:
    """Cubic step from 0 at start to 1 at stop (start may exceed stop)."""
    t = ((x - start) / (stop - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def sample_rows(field: Tensor, row: Tensor) -> Tensor:
    """field (B, C, N, W) read at fractional rows (B, 1, H, W or 1) -> (B, C, H, W), linear interpolation."""
    count, width = field.shape[-2:]
    row = row.clamp(0, count - 1.001)
    fraction = row - row.floor()
    index = row.floor().long().expand(field.shape[0], field.shape[1], -1, width)
    return field.gather(-2, index) * (1 - fraction) + field.gather(-2, index + 1) * fraction
