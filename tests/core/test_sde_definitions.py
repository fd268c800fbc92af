"""Forward processes by their defining formulas, built inside the tests, with bounds on both sides of every limit."""

import math
from itertools import pairwise

import pytest
import torch

from sdedit_core import VESDE, VPSDE, ContinuousVPSDE
from sdedit_core.sde import SubVPSDE, beta_table, is_bool, t0_text, whole_number


def alpha(t, low=0.1, high=20.0):
    """Song et al. (2021), appendix C: the share of the picture at time t."""
    return math.exp(-t * t * (high - low) / 4 - t * low / 2)


@pytest.mark.parametrize("t", [0.001, 0.01, 0.3, 0.5, 1.0])
def test_the_continuous_processes_are_those_of_song(t):
    a = alpha(t)
    assert ContinuousVPSDE().sigma(t) == pytest.approx(math.sqrt(1 - a * a) / a, rel=1e-9)
    assert SubVPSDE().sigma(t) == pytest.approx((1 - a * a) / a, rel=1e-9)
    a = alpha(t, 0.2, 8.0)
    assert ContinuousVPSDE(0.2, 8.0).sigma(t) == pytest.approx(math.sqrt(1 - a * a) / a, rel=1e-9)
    assert SubVPSDE(0.2, 8.0).sigma(t) == pytest.approx((1 - a * a) / a, rel=1e-9)


@pytest.mark.parametrize("kind", [ContinuousVPSDE, SubVPSDE])
def test_the_continuous_processes_run_from_a_thousandth_to_one_and_back(kind):
    sde = kind()
    assert sde.sigma_min == pytest.approx(sde.sigma(1e-3), rel=1e-12)
    assert sde.sigma_max == pytest.approx(sde.sigma(1.0), rel=1e-12)
    assert kind(t_min=0.01).sigma_min == pytest.approx(sde.sigma(0.01), rel=1e-12)
    assert all(sde.sigma(b) > sde.sigma(a) for a, b in pairwise(i / 50 for i in range(51)))
    for t in (1e-3, 0.2, 0.5, 0.9, 1.0):
        assert sde.t(sde.sigma(t)) == pytest.approx(t, rel=1e-9)
        assert kind(0.2, 8.0).t(kind(0.2, 8.0).sigma(t)) == pytest.approx(t, rel=1e-9)
    assert sde.t(2 * sde.sigma_max) == pytest.approx(1.0, rel=1e-12)
    assert repr(ContinuousVPSDE(0.2, 8.0)) == "ContinuousVPSDE(beta_min=0.2, beta_max=8)"


@pytest.mark.parametrize(
    "bad", [(0.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.1, 20.0, 0.0), (0.1, 20.0, 1.0), (0.1, 20.0, 1.5)]
)
def test_a_continuous_process_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="needs 0 < beta_min < beta_max"):
        ContinuousVPSDE(*bad)


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (-0.1, 1.0), (0.01, math.inf), (math.nan, 1.0)])
def test_a_ve_process_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="needs 0 < sigma_min < sigma_max"):
        VESDE(*bad)


def test_the_ve_process_by_its_formula_and_its_inverse():
    sde = VESDE()
    assert (sde.sigma_min, sde.sigma_max) == (0.01, 348.0)
    for t in (0.001, 0.25, 0.4, 1.0):
        assert sde.sigma(t) == pytest.approx(0.01 * 34800.0**t, rel=1e-12)
        assert sde.t(0.01 * 34800.0**t) == pytest.approx(t, rel=1e-9)
    assert sde.t(0.0) == 0.0 and sde.t(0.001) == 0.0 and sde.t(1e9) == 1.0
    assert repr(VESDE(0.02, 50.0)) == "VESDE(sigma_min=0.02, sigma_max=50)"
    for bad in (-1e-9, math.nan):
        with pytest.raises(ValueError, match="sigma must be a number >= 0"):
            sde.t(bad)


def test_two_levels_are_enough_for_a_vp_process():
    sde = VPSDE([0.1, 0.2])
    first, second = math.sqrt(0.1 / 0.9), math.sqrt(0.28 / 0.72)  # alpha_bar 0.9 and 0.72
    assert sde.levels == 2
    assert (sde.sigma_min, sde.sigma_max) == pytest.approx((first, second), rel=1e-12)
    assert sde.sigma(0.5) == pytest.approx(first, rel=1e-12)
    assert sde.sigma(0.75) == pytest.approx(math.sqrt(first * second), rel=1e-12)  # log sigma is interpolated
    assert sde.sigma(0.25) == pytest.approx(first / 2, rel=1e-12)  # and below the first level sigma falls to 0
    assert sde.t(first / 2) == pytest.approx(0.25, rel=1e-12)
    assert sde.t(math.sqrt(first * second)) == pytest.approx(0.75, rel=1e-12)
    assert repr(sde) == "VPSDE(levels=2, sigma 0.3333 to 0.6236)"


def test_betas_are_read_in_double_precision_and_flat():
    betas = [[1e-4, 0.0123], [0.01, 0.02]]
    keep = math.prod(1 - b for b in (1e-4, 0.0123, 0.01, 0.02))
    assert VPSDE(betas).sigma_max == pytest.approx(math.sqrt((1 - keep) / keep), rel=1e-13)
    assert VPSDE(betas).sigma_min == pytest.approx(math.sqrt(1e-4 / 0.9999), rel=1e-12)


def test_the_vp_default_is_ddpms():
    """Ho et al. (2020), section 4: 1000 levels, beta from 1e-4 to 0.02, linearly."""
    sde, keep = VPSDE(), 1.0
    for n in range(1000):
        keep *= 1 - (1e-4 + n / 999 * (0.02 - 1e-4))
        if n in (0, 1, 499, 998, 999):
            assert sde.sigma((n + 1) / 1000) == pytest.approx(math.sqrt((1 - keep) / keep), rel=1e-9)
            assert sde.timestep(math.sqrt((1 - keep) / keep)) == pytest.approx(n, abs=1e-9)


@pytest.mark.parametrize("bad", [[0.1], [], [0.0, 0.1], [0.1, 0.0], [0.1, 1.0], [0.1, -0.1], [0.1, math.nan]])
def test_betas_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match="at least two betas"):
        VPSDE(bad)


def test_timesteps_are_interpolated_in_log_sigma_at_both_ends():
    sde = VPSDE()
    level = [sde.sigma(n / 1000) for n in (1, 2, 3, 999, 1000)]
    assert sde.timestep(math.sqrt(level[0] * level[1])) == pytest.approx(0.5, abs=1e-9)
    assert sde.timestep(level[0] ** 0.25 * level[1] ** 0.75) == pytest.approx(0.75, abs=1e-9)
    assert sde.timestep(math.sqrt(level[1] * level[2])) == pytest.approx(1.5, abs=1e-9)
    assert sde.timestep(math.sqrt(level[3] * level[4])) == pytest.approx(998.5, abs=1e-9)
    assert type(sde.timestep(0.5)) is float
    ends = sde.timestep(torch.tensor([1e-9, 1e9]))
    assert isinstance(ends, torch.Tensor) and ends.tolist() == [0.0, 999.0]


def test_beta_tables():
    linear = beta_table("linear", 5, 0.1, 0.3)
    assert linear.dtype == torch.float64 and linear.tolist() == pytest.approx([0.1, 0.15, 0.2, 0.25, 0.3], rel=1e-12)
    scaled = beta_table("scaled_linear", 3, 0.04, 0.16)  # linear in the square root: 0.2, 0.3, 0.4
    assert scaled.dtype == torch.float64 and scaled.tolist() == pytest.approx([0.04, 0.09, 0.16], rel=1e-12)
    cosine = beta_table("cosine", 50, 0.0, 0.0)
    assert cosine.dtype == torch.float64 and cosine.shape == (50,)

    def f(t):  # Nichol and Dhariwal (2021), equation 17: alpha_bar(t) = f(t) / f(0), s = 0.008
        return math.cos((t / 50 + 0.008) / 1.008 * math.pi / 2) ** 2

    kept = torch.cumprod(1.0 - cosine, 0).tolist()
    assert kept[:-1] == pytest.approx([f(t) / f(0) for t in range(1, 50)], rel=1e-9)
    assert float(cosine[-1]) == 0.999  # "we clip beta_t to be no larger than 0.999"
    with pytest.raises(ValueError, match="quadratic"):
        beta_table("quadratic", 5, 0.1, 0.3)


def test_t0_as_text():
    for t0, text in ((0, "0"), (0.0, "0"), (1, "1"), (0.3, "0.3"), (0.30001, "0.30001"), (1e-05, "1e-05")):
        assert t0_text(t0) == text


def test_what_counts_as_a_whole_number():
    assert [whole_number(v) for v in (3, -2, 1 << 70, torch.tensor(7))] == [3, -2, 1 << 70, 7]
    for other in (True, False, torch.tensor(True), 2.0, 2.5, "3", None):
        assert whole_number(other) is None
    assert is_bool(torch.tensor(False)) and not is_bool(torch.tensor(0)) and not is_bool(0) and not is_bool("bool")
