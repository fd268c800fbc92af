"""The whole of sdedit() against closed forms: the output law of the reverse SDE, with its own noise and grid."""

import math

import pytest
import torch

from sdedit_core import sdedit
from sdedit_core.priors.exact import GaussianMixturePrior, GaussianPrior


@pytest.mark.parametrize(("solver", "steps"), [("auto", 20), ("reverse_diffusion", 400)])
@pytest.mark.parametrize("t0", [0.3, 0.5])
def test_gaussian_oracle(solver, steps, t0):
    """Data N(mu, c^2 I): output ~ N(mu + w (g - mu), [c^2 S^2 / (c^2 + S^2) + w^2 S^2] I), w = c^2 / (c^2 + S^2)."""
    mu, c, g = 0.5, 0.25, 0.9
    model = GaussianPrior(mean=mu, std=c).score_model()
    guide = torch.full((2, 3, 96, 96), g)
    out = sdedit(model, guide, t0=t0, steps=steps, solver=solver, seed=4)
    s = model.schedule.sigma(t0)
    w = c * c / (c * c + s * s)
    mean, std = mu + w * (g - mu), math.sqrt((c * s) ** 2 / (c * c + s * s) + (w * s) ** 2)
    x = out.samples.double()
    n = x.numel()
    assert out.sigma == s and out.nfe == steps
    assert abs(x.mean() - mean) < 5 * std / math.sqrt(n)
    # Five standard errors, and the known discretisation errors at this budget (below 0.6 % of the std).
    assert abs(x.std() / std - 1) < 5 / math.sqrt(2 * n) + 0.006


@pytest.mark.parametrize("t0", [0.4, 0.6])
def test_mixture_posterior(t0):
    """Given one start state, the output law is the mixture's posterior: mode weights and spread within modes."""
    means = torch.tensor([0.2, 0.45, 0.8], dtype=torch.float64).reshape(3, 1, 1, 1).expand(3, 1, 1, 2)
    prior = GaussianMixturePrior(means=means, stds=0.05, weights=torch.tensor([0.2, 0.5, 0.3]))
    model = prior.score_model()
    sigma = model.schedule.sigma(t0)
    n = 6000
    start = torch.tensor([[[[0.75, 0.2]]]])
    from sdedit_core.edit import NoisedState, reverse

    state = NoisedState(
        samples=start.expand(n, 1, 1, 2).clone(),
        guide=torch.zeros(n, 1, 1, 2),
        sigma=sigma,
        t0=t0,
        seed=1,
        sample_indices=list(range(n)),
    )
    out = reverse(model, state, steps=30).samples.double()
    exact = prior.posterior_samples(start.double(), sigma, 200000, generator=torch.Generator().manual_seed(2))
    centre = means[:, 0, 0, 0]

    def weights(x):
        k = (x.mean(-1).flatten()[:, None] - centre).abs().argmin(1)
        return torch.bincount(k, minlength=3).double() / len(x)

    # 0.02 = three standard errors of a proportion at n = 6000, plus 0.5 % for the discretisation.
    assert (weights(out) - weights(exact)).abs().max() < 0.025
    spread = (exact.std(0) ** 2).mean().sqrt()
    assert ((out.mean(0) - exact.mean(0)).norm() / spread) < 5 / math.sqrt(n) + 0.02
    assert abs((out.std(0) ** 2).mean().sqrt() / spread - 1) < 0.02


def test_initial_and_path_noise_are_independent():
    """Sharing one stream for both would inflate the spread (0.645 in place of 0.530 on this problem)."""
    c, t0 = 0.5, 0.393
    model = GaussianPrior(mean=0.0, std=c).score_model()
    out = sdedit(model, torch.zeros(2, 3, 96, 96), t0=t0, steps=20, seed=0).samples.double()
    s = model.schedule.sigma(t0)
    w = c * c / (c * c + s * s)
    want = math.sqrt((c * s) ** 2 / (c * c + s * s) + (w * s) ** 2)
    assert float(out.std()) == pytest.approx(want, rel=0.012)
