"""The two-evaluation deviation predictor against exact laws."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest
import torch

from sdedit_core import VESDE, ScoreModel, perturb
from sdedit_core.measure.deviation import predict_deviation, t0_for_deviation
from sdedit_core.measure.sweep import SweepPlan
from sdedit_core.priors.exact import GaussianPrior
from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.solvers.mca import mca

PROBLEMS = Path(__file__).resolve().parents[2] / "benchmarks" / "law" / "problems.py"


def mixtures():
    spec = importlib.util.spec_from_file_location("law_problems", PROBLEMS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.PROBLEMS


def model_of(problem):
    def denoise(x, sigma):
        return problem.denoise(x.flatten(1).double(), float(sigma[0])).reshape(x.shape).to(x.dtype)

    return ScoreModel.from_denoiser(denoise, schedule=VESDE(0.01, 348.0), data_range=None, channels=1)


@pytest.mark.parametrize("kind", ["data", "stroke"])
@pytest.mark.parametrize("name", ["gm2", "gm16", "gm256"])
def test_the_prediction_is_within_5_percent_on_the_mixtures_at_every_t0(name, kind):
    problem = mixtures()[name]()
    model, g = model_of(problem), torch.Generator().manual_seed(21)
    n = {"gm2": 2000, "gm16": 400, "gm256": 100}[name]
    guide = problem.sample(n, g)
    if kind == "stroke":
        guide = 0.4 * (guide + problem.sample(n, g))
    guide = guide.float().reshape(n, 1, 1, -1)
    for t0 in (0.02, 0.05, 0.1, 0.3, 0.5, 0.7):
        predicted = predict_deviation(model, guide, t0).rms
        x, levels = perturb(model, guide, t0, seed=0).samples, sigma_grid(model.schedule, model.schedule.sigma(t0), 20)
        out = mca(model.denoise, x, levels, noise=lambda a, b: torch.randn(guide.shape, generator=g))
        measured = float((out - guide).square().mean().sqrt())
        assert predicted == pytest.approx(measured, rel=0.05), (t0, predicted, measured)


def test_it_is_exact_for_a_gaussian_where_the_trace_is_known():
    model = GaussianPrior(mean=0.2, std=0.3).score_model()
    guide = torch.full((1, 3, 16, 16), 0.6)
    for t0 in (0.2, 0.5, 0.9):
        found = predict_deviation(model, guide, t0, seed=4)
        sigma = found.sigma
        w = 0.09 / (0.09 + sigma**2)
        assert found.spread[0] == pytest.approx(768 * w * sigma**2, rel=2e-3)  # the default solver draws x0
        assert found.nfe == 2 and found.d == 768


@pytest.mark.parametrize("solver", ["auto", "sde_2m"])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("t0", [0.03, 0.1, 0.3])
def test_the_prediction_knows_whether_the_run_ends_in_a_draw(t0, smooth, solver):
    model = GaussianPrior(mean=0.2, std=0.02).score_model(schedule=VESDE(0.01, 348.0))
    model.smooth = smooth
    guide = torch.full((1, 3, 64, 64), 0.25)
    cell = SweepPlan(model, guide, solver=solver, predict=True).cell(t0)
    measured = float((cell.samples - guide).double().square().sum())
    assert cell.predicted.squared[0] == pytest.approx(measured, rel=0.03)
    if solver == "auto":
        assert cell.predicted.squared[0] == pytest.approx(predict_deviation(model, guide, t0).squared[0], rel=1e-6)


def test_below_sigma_min_a_run_is_one_evaluation_and_the_prediction_knows():
    model = GaussianPrior(mean=0.2, std=0.3).score_model(schedule=VESDE(0.05, 348.0))
    guide = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    t0 = 1e-9  # sigma(t0) is sigma_min but for rounding
    cell = SweepPlan(model, guide, predict=True).cell(t0)
    measured = float((cell.samples - guide).double().square().sum())
    assert cell.predicted.squared[0] == pytest.approx(measured, rel=1e-3)


def test_it_is_about_the_run_with_the_same_seed():
    model = GaussianPrior(mean=0.0, std=0.3).score_model()
    guide = torch.zeros(1, 3, 8, 8)
    a, b = (predict_deviation(model, guide, 0.5, seed=s).shift[0] for s in (1, 2))
    assert a != b and a == predict_deviation(model, guide, 0.5, seed=1).shift[0]
    cell = SweepPlan(model, guide, seed=1, steps=5, predict=True).cell(0.5)
    assert cell.predicted.shift[0] == a
    assert cell.nfe == 6  # the run's first evaluation is one of the two


def test_units_are_pixels_for_a_model_in_minus_one_to_one():
    small = GaussianPrior(mean=0.5, std=0.25).score_model(schedule=VESDE(0.01, 300.0))
    small.data_range = (0.0, 1.0)
    large = GaussianPrior(mean=0.0, std=0.5).score_model(schedule=VESDE(0.02, 600.0))
    large.data_range = (-1.0, 1.0)
    guide = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    a = predict_deviation(small, guide, 0.4)
    b = predict_deviation(large, 2 * guide - 1, 0.4)
    assert a.rms == pytest.approx(b.rms, rel=1e-4) and a.l2 == pytest.approx(b.l2, rel=1e-4)


def test_only_what_may_change_counts():
    model = GaussianPrior(mean=0.0, std=0.3).score_model()
    guide, mask = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., :2] = 1.0
    found = predict_deviation(model, guide, 0.4, mask=mask)
    assert found.d == 48
    measured = SweepPlan(model, guide, mask=mask, steps=30).cell(0.4).samples[..., :2].square().mean().sqrt()
    assert found.rms == pytest.approx(float(measured), rel=0.25)  # one start of 48 values
    assert predict_deviation(model, guide, 0.4, mask=torch.zeros(1, 1, 8, 8)).rms == 0.0
    with pytest.raises(ValueError, match="mask of 0 and 1"):
        predict_deviation(model, guide, 0.4, mask=torch.full((1, 1, 8, 8), 0.5))


def test_more_starts_average():
    model = GaussianPrior(mean=0.0, std=0.3).score_model()
    guide = torch.zeros(1, 3, 2, 2)
    found = predict_deviation(model, guide, 0.5, starts=200)
    w = 0.09 / (0.09 + found.sigma**2)
    assert found.nfe == 400
    assert found.shift[0] == pytest.approx(12 * w * w * found.sigma**2, rel=0.1)


def test_bisection_finds_the_t0_of_a_wanted_change():
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    guide = torch.full((1, 3, 16, 16), 0.5)
    seen = []
    found = t0_for_deviation(model, guide, 0.15, seed=2, callback=seen.append)
    assert found.rms == pytest.approx(0.15, rel=0.03)
    assert 8 <= len(seen) <= 11
    # E dev^2 = w^2 s^2 + w s^2 for a guide at the mean
    s2 = found.sigma**2
    w = 0.0625 / (0.0625 + s2)
    assert math.sqrt(w * w * s2 + w * s2) == pytest.approx(0.15, rel=0.06)


def test_bisection_says_what_is_out_of_reach_and_can_be_stopped():
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    guide = torch.full((1, 3, 8, 8), 0.5)
    with pytest.raises(ValueError, match="out of reach"):
        t0_for_deviation(model, guide, 5.0)
    with pytest.raises(ValueError, match="number >= 0"):
        t0_for_deviation(model, guide, float("nan"))

    class Cancelled(Exception):
        pass

    def stop(found):
        raise Cancelled

    with pytest.raises(Cancelled):
        t0_for_deviation(model, guide, 0.1, callback=stop)
