"""Noise-level grids: ends, monotony, and the paper's identities."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdedit_core.sampling.grids import GRIDS, auto_rho, check_steps, karras, log_uniform, sigma_grid
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


def test_auto_grid_moves_from_rho_3_at_the_data_spread_to_rho_7():
    assert [auto_rho(0.25 * math.exp(k), data_std=0.25) for k in (-2, 0, 1, 5, 9)] == pytest.approx([3, 3, 3.6, 6, 7])
    ve = SCHEDULES[0]
    assert sigma_grid(ve, ve.sigma(0.3), 9, grid="auto", data_std=0.25) == [
        *karras(ve.sigma(0.3), 0.01, 9, rho=3.0),
        0.0,
    ]
    rho = 3.0 + 0.6 * math.log(ve.sigma(0.5) / 0.25)
    assert sigma_grid(ve, ve.sigma(0.5), 9, grid="auto", data_std=0.25) == [
        *karras(ve.sigma(0.5), 0.01, 9, rho=rho),
        0.0,
    ]
