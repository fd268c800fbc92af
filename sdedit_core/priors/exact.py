"""Score models with a closed form: for tests, for teaching, and as an oracle for solvers.

For data N(mu, diag(v)) and x = x0 + sigma z:  E[x0|x] = mu + v / (v + sigma^2) (x - mu), and the reverse SDE's
output law given x is the posterior N(E[x0|x], v sigma^2 / (v + sigma^2)).  A Gaussian mixture's posterior is the
mixture of its components' posteriors, weighted by their evidence.
"""

from __future__ import annotations

import math

import torch

from ..model import ModelInfo, ScoreModel
from ..sde import VESDE, Schedule


class GaussianPrior:
    """Data N(mean, std^2) per pixel; ``mean`` and ``std`` broadcast to (C, H, W)."""

    def __init__(self, *, mean: torch.Tensor | float, std: torch.Tensor | float):
        self.mean = torch.as_tensor(mean, dtype=torch.float64)
        self.var = torch.as_tensor(std, dtype=torch.float64) ** 2
        if not bool((self.var > 0).all()):
            raise ValueError(f"A Gaussian prior needs a positive std, got {std}.")

    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x] for ``x`` (B,C,H,W) and ``sigma`` (B,)."""
        return self.posterior(x, sigma)[0].to(x.dtype)

    def posterior(self, x: torch.Tensor, sigma: torch.Tensor | float) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and std of x0 given ``x``, both like ``x`` in float64."""
        s2 = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1, 1, 1) ** 2
        mean, var = self.mean.to(x.device), self.var.to(x.device)
        w = var / (var + s2)
        return mean + w * (x.double() - mean), (w * s2).sqrt().expand_as(x)

    def score_model(self, *, schedule: Schedule | None = None, channels: int = 3) -> ScoreModel:
        """As a ScoreModel without a fixed data range."""
        return _score_model(self, "exact Gaussian", schedule, channels)


class GaussianMixturePrior:
    """Data sum_k w_k N(mean_k, std_k^2 I).

    Args:
        means: (K,C,H,W).
        stds: (K,) or one for all.
        weights: (K,), of any sum; None = all alike.
    """

    def __init__(
        self,
        *,
        means: torch.Tensor,
        stds: torch.Tensor | float,
        weights: torch.Tensor | None = None,
    ):
        self.means = torch.as_tensor(means, dtype=torch.float64)
        if self.means.dim() != 4:
            raise ValueError(f"The means of a mixture must be (K, C, H, W), got {tuple(self.means.shape)}.")
        k = self.means.shape[0]
        self.var = torch.as_tensor(stds, dtype=torch.float64).expand(k) ** 2
        w = torch.ones(k, dtype=torch.float64) if weights is None else torch.as_tensor(weights, dtype=torch.float64)
        if w.shape != (k,) or not bool((w > 0).all()) or not bool((self.var > 0).all()):
            raise ValueError(
                f"A mixture of {k} needs {k} positive weights and positive stds, got {w.tolist()} and "
                f"{self.var.sqrt().tolist()}."
            )
        self.log_weights = (w / w.sum()).log()

    def responsibilities(self, x: torch.Tensor, sigma: torch.Tensor | float) -> torch.Tensor:
        """P(component k | x), (B, K), float64."""
        s2 = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1) ** 2
        total = self.var.to(x.device)[None] + s2
        flat, means = x.double().flatten(1), self.means.to(x.device).flatten(1)
        d2 = torch.cdist(flat, means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        logits = self.log_weights.to(x.device) - 0.5 * d2 / total - 0.5 * flat.shape[1] * total.log()
        return torch.softmax(logits, dim=1)

    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x] = sum_k r_k (mean_k + v_k / (v_k + sigma^2) (x - mean_k))."""
        r = self.responsibilities(x, sigma)
        s2 = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1) ** 2
        gain = self.var.to(x.device)[None] / (self.var.to(x.device)[None] + s2)
        base = torch.einsum("bk,kchw->bchw", r * (1.0 - gain), self.means.to(x.device))
        pull = (r * gain).sum(1).reshape(-1, 1, 1, 1)
        return (base + pull * x.double()).to(x.dtype)

    def posterior_samples(self, x: torch.Tensor, sigma: float, n: int, *, generator: torch.Generator) -> torch.Tensor:
        """``n`` exact draws of x0 given one state ``x`` (1,C,H,W), float64."""
        r = self.responsibilities(x, sigma)[0]
        k = torch.multinomial(r, n, replacement=True, generator=generator)
        gain = (self.var / (self.var + sigma**2))[k].reshape(-1, 1, 1, 1)
        mean = self.means[k] + gain * (x.double() - self.means[k])
        z = torch.randn((n, *x.shape[1:]), dtype=torch.float64, generator=generator)
        return mean + gain.sqrt() * sigma * z

    def samples(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        """``n`` draws of the data, float64."""
        k = torch.multinomial(self.log_weights.exp(), n, replacement=True, generator=generator)
        z = torch.randn((n, *self.means.shape[1:]), dtype=torch.float64, generator=generator)
        return self.means[k] + self.var[k].sqrt().reshape(-1, 1, 1, 1) * z

    def log_density(self, x: torch.Tensor, sigma: float = 0.0) -> torch.Tensor:
        """log p(x) of the data noised to ``sigma``, (B,), float64."""
        total = self.var + sigma**2
        flat = x.double().flatten(1)
        d2 = torch.cdist(flat, self.means.flatten(1), compute_mode="donot_use_mm_for_euclid_dist") ** 2
        dim = flat.shape[1]
        return torch.logsumexp(self.log_weights - 0.5 * d2 / total - 0.5 * dim * (2 * math.pi * total).log(), dim=1)

    def score_model(self, *, schedule: Schedule | None = None) -> ScoreModel:
        """As a ScoreModel without a fixed data range."""
        return _score_model(self, "exact Gaussian mixture", schedule, self.means.shape[1])


def _score_model(
    prior: GaussianPrior | GaussianMixturePrior, name: str, schedule: Schedule | None, channels: int
) -> ScoreModel:
    return ScoreModel(
        prior.denoise,
        schedule=VESDE(0.01, 348.0) if schedule is None else schedule,
        data_range=None,
        channels=channels,
        info=ModelInfo(name=name, architecture="closed form", source="Python"),
    )
