"""A line of 32 correlated pixels: the smallest picture with an inside, an outside and a seam between them.

Two data laws: one Gaussian (then masked algorithms are affine and their law is computed exactly) and a mixture of
six full-covariance Gaussians (Monte-Carlo).  Both have exact denoisers and the exact heteroscedastic posterior
p(x0 | x0 + diag(s) z = y), s = 0 being a pixel that is known.
"""

from __future__ import annotations

import torch

F64 = torch.float64
SIZE = 32


def covariance(std: float, *, length: float = 5.0, rough: float = 0.3) -> torch.Tensor:
    """Covariance of a line with smooth and rough parts."""
    i = torch.arange(SIZE, dtype=F64)
    r2 = ((i[:, None] - i[None]) / length) ** 2
    smooth, fine = torch.exp(-0.5 * r2), torch.exp(-2.0 * r2.sqrt())
    return std**2 * ((1.0 - rough) * smooth + rough * fine) + 1e-6 * torch.eye(SIZE, dtype=F64)


class LineMixture:
    """sum_k w_k N(mean_k, cov_k) over lines; mean (K, 32), cov (K, 32, 32)."""

    def __init__(self, mean: torch.Tensor, cov: torch.Tensor):
        self.mean, self.cov = mean, cov
        self._eig, self._axes = torch.linalg.eigh(cov)

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """E[x0 | x] for rows x (n, 32)."""
        v = self._eig + sigma**2
        z = torch.einsum("nd,kde->nke", x, self._axes) - torch.einsum("kd,kde->ke", self.mean, self._axes)
        r = torch.softmax(-0.5 * (z.square() / v + v.log()).sum(-1), dim=1)
        y = torch.einsum("nke,kde->nkd", z * (self._eig / v), self._axes) + self.mean
        return torch.einsum("nk,nkd->nd", r, y)

    def posterior_rows(self, y: torch.Tensor, s: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """One exact draw of p(x0 | x0 + diag(s) z = y) for every row of y (n, 32); s (32,)."""
        logits, means, roots = [], [], []
        for mean, cov in zip(self.mean, self.cov, strict=True):
            total = cov + torch.diag(s**2) + 1e-12 * torch.eye(SIZE, dtype=F64)
            gain = torch.linalg.solve(total, cov).T
            miss = y - mean
            means.append(mean + miss @ gain.T)
            rest = cov - gain @ cov
            eig, axes = torch.linalg.eigh(0.5 * (rest + rest.T))
            roots.append(axes * eig.clamp(min=0.0).sqrt())
            solved = torch.linalg.solve(total, miss.T).T
            logits.append(-0.5 * ((miss * solved).sum(1) + torch.linalg.slogdet(total)[1]))
        k = torch.multinomial(torch.softmax(torch.stack(logits, 1), 1), 1, generator=generator)[:, 0]
        z = torch.randn(y.shape, dtype=F64, generator=generator)
        rows = torch.arange(len(y))
        return torch.stack(means)[k, rows] + torch.einsum("nd,ned->ne", z, torch.stack(roots)[k])


def gaussian_line() -> tuple[LineMixture, torch.Tensor]:
    """The Gaussian line (mean 0) and one clean sample of it."""
    cov = covariance(0.25)
    z = torch.randn(SIZE, dtype=F64, generator=torch.Generator().manual_seed(3))
    return LineMixture(torch.zeros(1, SIZE, dtype=F64), cov[None]), torch.linalg.cholesky(cov) @ z


def mixture_line() -> LineMixture:
    """Six Gaussians of different mean, contrast and smoothness."""
    g = torch.Generator().manual_seed(2)
    mean = torch.linalg.cholesky(covariance(0.22, length=8.0, rough=0.1)) @ torch.randn(SIZE, 6, dtype=F64, generator=g)
    cov = []
    for _ in range(6):
        std = 0.05 + 0.09 * float(torch.rand(1, dtype=F64, generator=g))
        cov.append(covariance(std, length=2.0 + 5.0 * float(torch.rand(1, dtype=F64, generator=g))))
    return LineMixture(mean.T.contiguous(), torch.stack(cov))


def exact_masked_law(cov: torch.Tensor, guide: torch.Tensor, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of x0 ~ p(x0 | y), y = guide + diag(s) z, over z too, for data N(0, cov)."""
    total = cov + torch.diag(s**2) + 1e-12 * torch.eye(SIZE, dtype=F64)
    gain = torch.linalg.solve(total, cov).T
    return gain @ guide, cov - gain @ cov + gain @ torch.diag(s**2) @ gain.T


def bures(m1: torch.Tensor, c1: torch.Tensor, m2: torch.Tensor, c2: torch.Tensor) -> float:
    """W2 distance between N(m1, c1) and N(m2, c2)."""
    eig, axes = torch.linalg.eigh(c2)
    root = (axes * eig.clamp(min=0.0).sqrt()) @ axes.T
    cross = torch.linalg.eigvalsh(root @ c1 @ root).clamp(min=0.0).sqrt().sum()
    return float(((m1 - m2).square().sum() + (c1.trace() + c2.trace() - 2.0 * cross).clamp(min=0.0)).sqrt())
