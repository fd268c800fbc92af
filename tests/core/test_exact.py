"""The closed-form priors against independent calculations."""

import math

import pytest
import torch

from sdedit_core.priors.exact import GaussianMixturePrior, GaussianPrior


def mixture():
    g = torch.Generator().manual_seed(0)
    return GaussianMixturePrior(
        means=0.3 * torch.randn(3, 1, 1, 2, generator=g, dtype=torch.float64),
        stds=torch.tensor([0.1, 0.05, 0.2], dtype=torch.float64),
        weights=torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64),
    )


def test_gaussian_posterior_against_quadrature():
    x0 = torch.linspace(-6, 6, 200001, dtype=torch.float64)
    mu, c, sigma, x = 0.4, 0.25, 0.7, 1.3
    p = torch.exp(-0.5 * ((x0 - mu) / c) ** 2 - 0.5 * ((x - x0) / sigma) ** 2)
    mean = float((p * x0).sum() / p.sum())
    std = math.sqrt(float((p * (x0 - mean) ** 2).sum() / p.sum()))
    prior = GaussianPrior(mean=mu, std=c)
    m, s = prior.posterior(torch.full((1, 1, 1, 1), x, dtype=torch.float64), sigma)
    assert float(m) == pytest.approx(mean, abs=1e-9) and float(s) == pytest.approx(std, abs=1e-9)


def test_mixture_denoiser_is_tweedie():
    prior, sigma = mixture(), 0.3
    x = torch.tensor([[[[0.1, -0.2]]]], dtype=torch.float64, requires_grad=True)
    (score,) = torch.autograd.grad(prior.log_density(x, sigma).sum(), x)
    d = prior.denoise(x.detach(), torch.tensor([sigma], dtype=torch.float64))
    torch.testing.assert_close(d, x.detach() + sigma**2 * score, rtol=1e-9, atol=1e-12)


def test_mixture_posterior_samples_have_mean_d():
    prior, sigma = mixture(), 0.3
    x = torch.tensor([[[[0.1, -0.2]]]], dtype=torch.float64)
    draws = prior.posterior_samples(x, sigma, 200000, generator=torch.Generator().manual_seed(1))
    d = prior.denoise(x, torch.tensor([sigma], dtype=torch.float64))
    error = (draws.mean(0, keepdim=True) - d).abs() / (draws.std(0) / math.sqrt(len(draws)))
    assert error.max() < 5


def test_mixture_data_density_integrates_to_one():
    prior = mixture()
    a = torch.linspace(-2, 2, 801, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(a, a, indexing="ij"), -1).reshape(-1, 1, 1, 2)
    total = prior.log_density(grid, 0.1).exp().sum() * (a[1] - a[0]) ** 2
    assert float(total) == pytest.approx(1.0, abs=1e-5)


def test_score_model_wraps_it():
    model = mixture().score_model()
    x = torch.zeros(2, 1, 1, 2)
    assert model.denoise(x, 0.5).shape == x.shape and model.info.name == "exact Gaussian mixture"


def test_bad_arguments():
    with pytest.raises(ValueError, match="std"):
        GaussianPrior(mean=0.0, std=0.0)
    with pytest.raises(ValueError, match="K, C, H, W"):
        GaussianMixturePrior(means=torch.zeros(3, 2), stds=0.1)
    with pytest.raises(ValueError, match="weights"):
        GaussianMixturePrior(means=torch.zeros(3, 1, 1, 2), stds=0.1, weights=torch.ones(2))
