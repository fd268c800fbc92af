"""Noise-level grids: ends, monotony, and the paper's identities."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdedit_core.sampling.grids import GRIDS, auto_levels, auto_rho, check_steps, karras, log_uniform, sigma_grid
from sdedit_core.sde import VESDE, VPSDE, ContinuousVPSDE

SCHEDULES = (VESDE(0.01, 348.0), VPSDE(), ContinuousVPSDE())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SCHEDULES), st.sampled_from(GRIDS), st.integers(1, 60), st.floats(0.0, 1.0, allow_subnormal=False)
)
def test_every_grid_falls_strictly_from_sigma_t0_to_zero(schedule, grid, steps, t0):
    levels = sigma_grid(schedule, schedule.sigma(t0), steps, grid=grid)
    assert levels[0] == schedule.sigma(t0) and levels[-1] == 0.0
    assert all(a > b for a, b in pairwise(levels))
    assert all(math.isfinite(s) for s in levels)
    assert len(levels) <= steps + 1
    if schedule.sigma(t0) > 1.001 * schedule.sigma_min and grid in ("karras", "auto", "log"):
        assert len(levels) == steps + 1
        assert steps == 1 or levels[-2] == schedule.sigma_min


def test_step_variances_sum_to_the_start_variance():
    for grid in GRIDS:
        levels = sigma_grid(SCHEDULES[0], SCHEDULES[0].sigma(0.5), 500, grid=grid)
        total = math.fsum(a * a - b * b for a, b in pairwise(levels))
        assert total == pytest.approx(levels[0] ** 2, rel=1e-13)


def test_uniform_t_of_the_paper_is_uniform_in_log_sigma():
    levels = sigma_grid(SCHEDULES[0], SCHEDULES[0].sigma(0.5), 50, grid="uniform-t")
    ratios = [a / b for a, b in pairwise(levels[:-1])]
    assert max(ratios) / min(ratios) == pytest.approx(1.0, abs=1e-9)
    assert ratios[0] == pytest.approx(34800.0**0.01, rel=1e-9)


def test_karras_formula():
    g = karras(2.0, 0.01, 5, rho=7.0)
    roots = [s ** (1 / 7) for s in g]
    step = (0.01 ** (1 / 7) - 2.0 ** (1 / 7)) / 4
    assert all(b - a == pytest.approx(step) for a, b in pairwise(roots))
    assert log_uniform(1.0, 0.01, 3)[1] == pytest.approx(0.1)
    for grid in (karras, log_uniform):
        assert grid(1.0, 0.01, 1) == [1.0] and grid(1.0, 0.01, 2) == [1.0, 0.01]


def test_t0_zero_has_no_step_and_tiny_t0_has_one():
    assert sigma_grid(SCHEDULES[0], SCHEDULES[0].sigma(0.0), 20) == [0.0]
    assert sigma_grid(VPSDE(), VPSDE().sigma(0.0005), 20) == [VPSDE().sigma(0.0005), 0.0]
    assert len(sigma_grid(SCHEDULES[0], 0.011, 20)) == 21  # a little above sigma_min all are made


@pytest.mark.parametrize("steps", [0, -1, 2.5, 10001, "20", True, None, float("nan"), float("inf")])
def test_bad_steps(steps):
    with pytest.raises(ValueError, match="steps"):
        check_steps(steps)


def test_unknown_grid_lists_the_names():
    with pytest.raises(ValueError, match="uniform-t"):
        sigma_grid(SCHEDULES[0], SCHEDULES[0].sigma(0.5), 20, grid="cosine")


def test_auto_grid_moves_from_rho_3_at_the_data_spread_towards_even_steps_in_log_sigma():
    assert [auto_rho(0.25 * math.exp(k), data_std=0.25) for k in (-2, 0, 1, 5)] == pytest.approx([3, 3, 4.5, 10.5])
    ve = SCHEDULES[0]
    for t0, rho in ((0.3, 3.0), (0.5, 3.0 + 1.5 * math.log(ve.sigma(0.5) / 0.25))):
        top = ve.sigma(t0)
        a, b = top ** (1 / rho), 0.01 ** (1 / rho)
        want = [(a + (k / 8) ** 1.2 * (b - a)) ** rho for k in range(9)]
        got = sigma_grid(ve, top, 9, grid="auto", data_std=0.25)
        assert got[0] == top and got[-2:] == [0.01, 0.0] and got[:-1] == pytest.approx(want, rel=1e-12)


def test_the_first_step_of_the_auto_grid_is_short():
    """(n - 1)^-0.2 of Karras' first one, as a share of sigma^(1/rho); hence the smallest of all in log sigma."""
    for n in (3, 10, 500):
        levels = auto_levels(2.0, 0.01, n, data_std=0.25)
        steps = [math.log(a / b) for a, b in pairwise(levels)]
        assert steps == sorted(steps)
        plain, rho = karras(2.0, 0.01, n, rho=auto_rho(2.0, data_std=0.25)), auto_rho(2.0, data_std=0.25)
        first = [2.0 ** (1 / rho) - v[1] ** (1 / rho) for v in (levels, plain)]
        assert first[0] / first[1] == pytest.approx((n - 1) ** -0.2, rel=1e-9)
