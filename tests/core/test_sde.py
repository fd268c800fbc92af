"""Forward processes against their definitions (SDEdit sec. 2 and app. C; Ho et al. 2020; Song et al. 2021)."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdedit_core import VESDE, VPSDE, ContinuousVPSDE

SCHEDULES = [
    VESDE(),
    VESDE(0.01, 50.0),
    VPSDE(),
    ContinuousVPSDE(),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_sigma_is_exactly_zero_at_zero_and_grows(schedule):
    assert schedule.sigma(0.0) == 0.0
    values = [schedule.sigma(t) for t in torch.linspace(0, 0.99, 200).tolist()]
    assert all(b > a for a, b in pairwise(values))
    assert math.isfinite(schedule.sigma(1.0)) and schedule.sigma(1.0) == pytest.approx(schedule.sigma_max)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@given(t=st.floats(0.002, 0.99))
def test_t_inverts_sigma(schedule, t):
    assert schedule.t(schedule.sigma(t)) == pytest.approx(t, abs=1e-9)


@pytest.mark.parametrize("bad", [-0.1, 1.01, math.nan, math.inf, "half", None])
def test_t0_outside_the_range_is_refused(bad):
    with pytest.raises(ValueError, match="t0"):
        VESDE().sigma(bad)


def test_ve_is_the_papers_geometric_schedule():
    sde = VESDE(0.01, 348.0)
    # Values of the noise table for sigma_max 348.
    for t, sigma in ((0.1, 0.0285), (0.3, 0.230), (0.45, 1.106), (0.5, 1.866), (1.0, 348.0)):
        assert sde.sigma(t) == pytest.approx(sigma, rel=3e-3)
    assert sde.sigma(0.5) == pytest.approx(math.sqrt(0.01 * 348.0))


def test_vp_levels_are_those_of_the_official_code():
    sde = VPSDE()
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    abar = torch.cumprod(1 - betas, 0)
    # The official code's --t 500 works at alpha_bar[499]; t0 = 0.5 is the same level.
    assert sde.sigma(0.5) == pytest.approx(float(((1 - abar[499]) / abar[499]).sqrt()), rel=1e-9)
    assert float(abar[499]) == pytest.approx(0.0786, abs=1e-4)
    assert sde.timestep(sde.sigma(0.5)) == pytest.approx(499.0, abs=1e-6)
    assert sde.timestep(1e-6) == 0.0 and sde.timestep(1e6) == 999.0


def test_vp_timestep_takes_tensors_and_keeps_their_order():
    sde = VPSDE()
    sigmas = torch.tensor([sde.sigma(t) for t in (0.9, 0.1, 0.5)])
    assert torch.allclose(sde.timestep(sigmas), torch.tensor([899.0, 99.0, 499.0], dtype=torch.float64), atol=1e-2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: VESDE(0.0, 1.0),
        lambda: VESDE(2.0, 1.0),
        lambda: VESDE(0.01, math.inf),
        lambda: VPSDE([0.1]),
        lambda: VPSDE([0.1, 1.5]),
        lambda: ContinuousVPSDE(5.0, 1.0),
    ],
)
def test_impossible_schedules_are_refused(make):
    with pytest.raises(ValueError):
        make()
