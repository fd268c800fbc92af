"""Numbers that an edit takes, on both sides of their limits, and what is meant when nothing is said."""

import math

import numpy as np
import pytest

from sdedit_core.sampling.grids import auto_rho, check_steps, karras, sigma_grid
from sdedit_core.sampling.noise import path_depth
from sdedit_core.sampling.options import check_options, check_repeats
from sdedit_core.sde import VESDE, check_t0, is_bool


def test_steps_and_repeats():
    assert [check_steps(n) for n in (1, 10000, 20.0, np.int64(7))] == [1, 10000, 20, 7]
    assert [check_repeats(n) for n in (1, 100)] == [1, 100]
    for bad in (0, 101, 2.5, True, None, "2"):
        with pytest.raises(ValueError, match="from 1 to 100"):
            check_repeats(bad)


def test_yes_and_no_are_no_times():
    assert is_bool(np.bool_(True)) and not is_bool(np.int8(1))
    assert [check_t0(t) for t in (0, 1, 0.5, np.float32(0.25))] == [0.0, 1.0, 0.5, 0.25]
    for bad in (True, False, np.bool_(False)):
        with pytest.raises(ValueError, match="t0 must be a number"):
            check_t0(bad)


def test_a_grid_without_more_words_is_karras_with_rho_7_and_data_of_spread_one_half():
    sde = VESDE()
    top = sde.sigma(0.5)
    assert sigma_grid(sde, top, 9) == [*karras(top, 0.01, 9, rho=7.0), 0.0] == [*karras(top, 0.01, 9), 0.0]
    assert sigma_grid(sde, top, 9, grid="auto") == [*karras(top, 0.01, 9, rho=auto_rho(top, data_std=0.5)), 0.0]


def test_the_depth_of_a_path_is_the_least_with_8_cells_in_the_shortest_step_or_stage():
    """A range of e^8: 2^7 cells are 8.02 in a step of e^0.501 and 7.98 in one of e^0.499."""
    whole = {"sigma_min": 1.0, "sigma_max": math.exp(8.0)}
    for step, stages, depth in ((0.501, 1, 7), (0.499, 1, 8), (0.501, 2, 8), (0.501, 3, 9), (7.9, 1, 6), (1e-6, 1, 24)):
        assert path_depth([math.exp(step), 1.0, 0.0], stages=stages, **whole) == depth


def test_an_unknown_option_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"no option 'sede'; did you mean 'seed'\?$"):
        check_options({"sede": 1})
    with pytest.raises(ValueError, match="no option 'xyzzy'; it takes steps, solver, seed"):
        check_options({"xyzzy": 1})
    assert check_options({"steps": 7})["steps"] == 7 and check_options({})["steps"] == 20
