"""Every preconditioning turns the prediction it is made for into the exact denoiser of a Gaussian."""

from __future__ import annotations

import math

import pytest
import torch

from sdedit_core.networks.preconditioning import (
    EDM,
    IDDPM,
    VE,
    VP,
    Consistency,
    ContinuousVP,
    Denoiser,
    DiscreteVE,
    SubVP,
    preconditioning,
)

MEAN, STD = 0.2, 0.5


class Ideal(torch.nn.Module):
    """The network whose raw output makes D exact for data N(MEAN, STD^2), at a known sigma."""

    def __init__(self, p, sigma):
        super().__init__()
        c_skip, c_out, c_in, _ = p.scalings(sigma.double())
        self.parts, self.sigma = [v.reshape(-1, 1, 1, 1) for v in (c_skip, c_out, c_in)], sigma

    def forward(self, x, label, y=None):
        c_skip, c_out, c_in = self.parts
        x = x.double() / c_in
        return ((exact(x, self.sigma) - c_skip * x) / c_out).float()


def exact(x, sigma):
    s2 = sigma.double().reshape(-1, 1, 1, 1) ** 2
    return MEAN + STD**2 / (STD**2 + s2) * (x - MEAN)


KINDS = [VE(), DiscreteVE(), VP(), VP(prediction="v"), VP(prediction="x0"), VP(beta_schedule="cosine"),
         ContinuousVP(), SubVP(), EDM(), EDM(label_gain=250.0), Consistency(), IDDPM()]  # fmt: skip


@pytest.mark.parametrize("p", KINDS, ids=lambda p: f"{p.kind}-{getattr(p, 'prediction', '')}")
def test_denoiser_is_exact(p):
    sigma = torch.tensor([0.05, 0.5, 5.0, 40.0])
    denoiser = Denoiser(Ideal(p, sigma), p, channels=2, gain=1.0, offset=0.0)
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0)) * sigma[:, None, None, None]
    assert torch.allclose(denoiser(x, sigma).double(), exact(x.double(), sigma), atol=2e-4)


@pytest.mark.parametrize("p", KINDS, ids=lambda p: p.kind)
def test_round_trip_through_plain_data(p):
    assert preconditioning(p.to_dict()) == p


def test_labels_at_known_points():
    s = torch.tensor([0.5], dtype=torch.float64)
    assert float(VE().scalings(s)[3]) == pytest.approx(math.log(0.5))
    assert float(EDM().scalings(s)[3]) == pytest.approx(math.log(0.5) / 4)
    # DDPM: level n has alpha_bar = prod(1 - beta)
    abar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    sigma = ((1 - abar) / abar).sqrt()[[0, 123, 999]]
    assert torch.allclose(VP().scalings(sigma)[3], torch.tensor([0.0, 123.0, 999.0], dtype=torch.float64), atol=1e-6)
    # score-SDE: label 0 of a discrete VE network is the largest sigma
    d = DiscreteVE(sigma_max=50.0)
    assert d.scalings(torch.tensor([50.0, 0.01], dtype=torch.float64))[3].tolist() == [0.0, 999.0]
    for p in (ContinuousVP(), SubVP()):
        sigma = torch.tensor([p.schedule().sigma(0.37)], dtype=torch.float64)
        assert float(p.scalings(sigma)[3]) == pytest.approx(0.37 * 999, rel=1e-9)


def test_a_consistency_model_leaves_clean_pictures_alone():
    """At sigma_min D is x itself, whatever the network says; below it too.  Song et al. 2023, section 3."""
    denoiser = Denoiser(Loud(), Consistency(), channels=2, gain=1.0, offset=0.0)
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.002, 0.0015, 0.003])
    got = denoiser(x, sigma)
    assert torch.allclose(got[:2], x[:2], rtol=0.0, atol=1e-6) and not torch.allclose(got[2], x[2], atol=1e-2)
    plain = Denoiser(Loud(), EDM(label_gain=250.0), channels=2, gain=1.0, offset=0.0)
    assert not torch.allclose(plain(x, sigma)[0], x[0], atol=1e-2)
    assert not torch.allclose(plain(x, sigma)[1], x[1], atol=1e-2)


def test_far_above_sigma_min_a_consistency_model_is_scaled_as_edm_networks_are():
    sigma = torch.tensor([1.0, 80.0], dtype=torch.float64)
    for ours, edm in zip(Consistency().scalings(sigma), EDM(label_gain=250.0).scalings(sigma), strict=True):
        assert torch.allclose(ours, edm, rtol=5e-3)
    assert Consistency.distilled and not EDM.distilled and not VE.distilled


class Loud(torch.nn.Module):
    """A network that shouts at whatever it is shown."""

    def forward(self, x, label, y=None):
        return torch.full_like(x, 100.0)


def test_sub_vp_marginals():
    """x = alpha x0 + (1 - alpha^2) z, so the VE frame's sigma is (1 - alpha^2) / alpha."""
    schedule = SubVP().schedule()
    for t in (0.1, 0.5, 0.9):
        alpha = math.exp(-(t**2) * 19.9 / 4 - t * 0.1 / 2)
        assert schedule.sigma(t) == pytest.approx((1 - alpha**2) / alpha)
        assert schedule.t(schedule.sigma(t)) == pytest.approx(t)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "flow"},
        {"kind": "ve", "sigma": 3},
        {"kind": "vp", "levels": 10**9},
        {"kind": "ve", "sigma_max": -1},
    ],
)
def test_nonsense_is_refused(data):
    with pytest.raises(ValueError):
        preconditioning(data)
