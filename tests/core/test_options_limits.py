"""Numbers that an edit takes, on both sides of their limits, and what is meant when nothing is said."""

import math

import numpy as np
import pytest
import torch

from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.grids import auto_levels, check_steps, karras, sigma_grid
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.options import check_options, check_repeats
from sdedit_core.sampling.solvers.base import evaluate, step_pairs
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
    assert auto_levels(top, 0.01, 9) == auto_levels(top, 0.01, 9, data_std=0.5)
    assert sigma_grid(sde, top, 9, grid="auto") == [*auto_levels(top, 0.01, 9, data_std=0.5), 0.0]


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


def test_a_level_at_the_bottom_needs_no_path_down():
    sde = VESDE()
    for sigma in (0.005, 0.01, 0.01 * (1.0 + 1e-9)):
        assert sigma_grid(sde, sigma, 20) == [sigma, 0.0]
    assert len(sigma_grid(sde, 0.01 * (1.0 + 2e-9), 2)) == 3


def test_levels_may_not_end_below_zero_however_many_there_are():
    for levels in ([1.0, -0.5], [2.0, 1.0, -0.5], [3.0, 2.0, 1.0, -1e-9]):
        with pytest.raises(ValueError, match="end in 0 or above"):
            step_pairs(levels)
    assert step_pairs([2.0, 1.0, 0.5]) == [(0, 2.0, 1.0), (1, 1.0, 0.5)]


def test_a_network_of_another_precision_answers_in_that_of_the_state():
    x = torch.ones(2, dtype=torch.float64)
    assert evaluate(lambda x, sigma: x.half(), x, 1.0).dtype == torch.float64


def test_a_path_starts_at_its_top_and_has_2_to_the_10_cells_if_nothing_is_said():
    def stream():
        return NoiseStream((400,), seed=5, stream="path")

    whole = {"sigma_min": 0.01, "sigma_max": 348.0}
    assert BrownianPath(stream(), **whole).depth == 10
    cells = (0, 1, 2, 500)
    edges = [348.0 * (0.01 / 348.0) ** (k / 1024) for k in cells]
    fine, coarse = BrownianPath(stream(), **whole), BrownianPath(stream(), **whole)
    steps = [fine(edges[k], edges[k + 1]) * math.sqrt(cells[k + 1] - cells[k]) for k in range(3)]
    torch.testing.assert_close(sum(steps), coarse(edges[0], edges[3]) * math.sqrt(500), rtol=0, atol=2e-4)
    for bad in ((0.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match="0 < sigma_min < sigma_max"):
            BrownianPath(stream(), sigma_min=bad[0], sigma_max=bad[1])


def test_noise_is_of_single_precision_whatever_the_host_prefers():
    usual, before = torch.get_default_dtype(), NoiseStream((5,), seed=1, stream="path")(3)
    torch.set_default_dtype(torch.float64)
    try:
        z = NoiseStream((5,), seed=1, stream="path")(3)
    finally:
        torch.set_default_dtype(usual)
    assert z.dtype == torch.float32 and torch.equal(z, before)
