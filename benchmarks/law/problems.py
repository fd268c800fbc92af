"""Gaussian mixtures with exact denoisers and exact posteriors, in float64, states (rows, d)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch

F64 = torch.float64


def softmax_log(logits: torch.Tensor) -> torch.Tensor:
    """Normalised log-weights."""
    return torch.log_softmax(logits, dim=-1)


@dataclass
class Mixture:
    """sum_k w_k N(mean_k, U_k diag(eig_k) U_k^T).

    Attributes:
        mean: (K, d).
        eig: (K, d) variances along each component's axes.
        log_w: (K,) normalised log-weights.
        axes: (K, d, d) columns are the axes, or None when all components share the coordinate axes.
    """

    mean: torch.Tensor
    eig: torch.Tensor
    log_w: torch.Tensor
    axes: torch.Tensor | None = None

    @property
    def dim(self) -> int:
        return self.mean.shape[1]

    def _rotate(self, x: torch.Tensor) -> torch.Tensor:
        """x - mean_k in the axes of component k: (rows, K, d)."""
        z = x[:, None] - self.mean
        return z if self.axes is None else torch.einsum("nkd,kde->nke", z, self.axes)

    def responsibilities(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """log P(component | x) at noise level sigma, unnormalised: (rows, K)."""
        v = self.eig + sigma**2
        if self.axes is None:
            inv = 1.0 / v
            q = x.square() @ inv.T - 2.0 * x @ (self.mean * inv).T + (self.mean.square() * inv + v.log()).sum(1)
        else:
            q = (self._rotate(x).square() / v + v.log()).sum(-1)
        return self.log_w - 0.5 * q

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """E[x0 | x], exact."""
        r = torch.softmax(self.responsibilities(x, sigma), dim=1)
        gain = self.eig / (self.eig + sigma**2)
        if self.axes is None:
            return (r @ gain) * x + r @ (self.mean * (1.0 - gain))
        y = r[..., None] * gain * self._rotate(x)
        return r @ self.mean + torch.einsum("nke,kde->nd", y, self.axes)

    def posterior(self, x: torch.Tensor, sigma: float) -> Mixture:
        """p(x0 | x) for one state x (d,): a mixture again."""
        gain = self.eig / (self.eig + sigma**2)
        y = gain * self._rotate(x[None])[0]
        if self.axes is not None:
            y = torch.einsum("kde,ke->kd", self.axes, y)
        log_w = softmax_log(self.responsibilities(x[None], sigma)[0])
        return Mixture(self.mean + y, gain * sigma**2, log_w, self.axes)

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """n draws, (n, d)."""
        k = torch.multinomial(self.log_w.exp(), n, replacement=True, generator=generator)
        z = torch.randn(n, self.dim, dtype=F64, generator=generator) * self.eig[k].sqrt()
        if self.axes is not None:
            z = torch.einsum("ne,nde->nd", z, self.axes[k])
        return self.mean[k] + z

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (d,) and covariance (d, d)."""
        w = self.log_w.exp()
        m = w @ self.mean
        c = torch.einsum("k,ki,kj->ij", w, self.mean - m, self.mean - m)
        if self.axes is None:
            return m, c + torch.diag(w @ self.eig)
        return m, c + torch.einsum("k,kie,ke,kje->ij", w, self.axes, self.eig, self.axes)


def _randn(*shape: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(*shape, dtype=F64, generator=generator)


def _rotation(d: int, generator: torch.Generator) -> torch.Tensor:
    q, r = torch.linalg.qr(_randn(d, d, generator=generator))
    return q * r.diagonal().sign()


def gm2() -> Mixture:
    """Eight needles on a ring, d = 2."""
    a = torch.arange(8, dtype=F64) * (2.0 * math.pi / 8)
    phi = a + 0.9
    axes = torch.stack([torch.stack([phi.cos(), -phi.sin()], 1), torch.stack([phi.sin(), phi.cos()], 1)], 1)
    eig = torch.tensor([0.09, 0.015], dtype=F64).square().expand(8, 2).clone()
    mean = 0.34 * torch.stack([a.cos(), a.sin()], 1)
    return Mixture(mean, eig, softmax_log(torch.linspace(0, 1.2, 8, dtype=F64)), axes)


def gm16(seed: int = 1000) -> Mixture:
    """Sixteen modes with full covariances, stds 0.2 to 0.012, d = 16."""
    g = torch.Generator().manual_seed(seed)
    mean = 0.2 * _randn(16, 16, generator=g)
    eig = torch.logspace(math.log10(0.2), math.log10(0.012), 16, dtype=F64).square().expand(16, 16).clone()
    log_w = softmax_log(0.7 * _randn(16, generator=g))
    return Mixture(mean, eig, log_w, torch.stack([_rotation(16, g) for _ in range(16)]))


def gm256(seed: int = 1000) -> Mixture:
    """64 modes of 16 x 16 images in cosine coordinates, power-law means and covariances."""
    g = torch.Generator().manual_seed(seed)
    f = torch.arange(16, dtype=F64)
    c = torch.hypot(f[:, None], f[None]).flatten().clamp(min=0.7) ** -1.3
    scale = math.sqrt(256 / float((c**2).sum()))
    mean = _randn(64, 256, generator=g) * (0.19 * scale * c)
    eig = (0.16 * scale * c * torch.exp(0.5 * _randn(64, 256, generator=g))).square() + 0.004**2
    return Mixture(mean, eig, softmax_log(0.5 * _randn(64, generator=g)))


def far_modes(separation: float = 0.6, rare: float = 0.1) -> Mixture:
    """Two tight modes far apart along one axis of d = 4, one of them rare: the weak case of few-step solvers."""
    mean = torch.zeros(2, 4, dtype=F64)
    mean[0, 0], mean[1, 0] = -0.5 * separation, 0.5 * separation
    eig = torch.full((2, 4), 0.03**2, dtype=F64)
    return Mixture(mean, eig, torch.tensor([1.0 - rare, rare], dtype=F64).log())


PROBLEMS = {"gm2": gm2, "gm16": gm16, "gm256": gm256, "far": far_modes}
# Problems that nothing was chosen on.
PROBLEMS |= {f"gm16-{k}": partial(gm16, k) for k in (7, 8)} | {"gm256-7": partial(gm256, 7)}
