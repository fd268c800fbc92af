"""few_step on exact distilled models, whose D is the end of the probability-flow ODE."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from sdedit_core import SOLVERS, ScoreModel, perturb, sdedit
from sdedit_core.edit import choose_solver, reverse, run_levels
from sdedit_core.measure.deviation import predict_deviation
from sdedit_core.measure.probe import probe
from sdedit_core.measure.sweep import SweepPlan
from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.masks import level_map
from sdedit_core.sampling.solvers.few_step import OwnStarts, few_step
from sdedit_core.sde import VESDE, VPSDE

MEAN = 0.4


def distilled(std=0.05, schedule=None, calls=None):
    """Gaussian data N(0.4, std^2): D = m + (x - m) s / sqrt(s^2 + sigma^2)."""

    def denoise(x, sigma):
        if calls is not None:
            calls.append(float(sigma[0]))
        sigma = sigma.reshape(-1, 1, 1, 1)
        return MEAN + (x - MEAN) * std / (std * std + sigma * sigma).sqrt()

    return ScoreModel.from_denoiser(denoise, schedule=schedule, distilled=True)


def expected(std, levels, guide):
    """Mean and std of the result for a flat guide: x <- k_i x along the levels, noise of sigma_i added before each."""
    kept, variance = 1.0, 0.0
    for sigma in (s for s in levels if s > 0.0):
        k = std / math.hypot(std, sigma)
        kept, variance = kept * k, k * k * (variance + sigma * sigma)
    return MEAN + kept * (guide - MEAN), math.sqrt(variance)


@pytest.mark.parametrize("t0", [0.5, 0.7])
@pytest.mark.parametrize("std", [0.25, 0.02])
@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_spread_is_the_datas(std, t0, steps):
    run = sdedit(distilled(std), torch.full((16, 3, 32, 32), 0.6), t0=t0, steps=steps, seed=1)
    mean, spread = expected(std, run.levels, 0.6)
    assert run.nfe == steps
    assert float(run.samples.std()) == pytest.approx(std, rel=0.02)
    assert float(run.samples.std()) == pytest.approx(spread, rel=0.012)
    assert float(run.samples.mean()) == pytest.approx(mean, abs=5 * spread / math.sqrt(run.samples.numel()) + 1e-6)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_guides_of_the_data_give_the_datas_law_at_a_small_t0_too(steps):
    guide = MEAN + 0.1 * torch.randn(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    out = sdedit(distilled(0.1), guide, t0=0.25, steps=steps, seed=1).samples
    assert float(out.std()) == pytest.approx(0.1, rel=0.02)
    auto = ScoreModel.from_denoiser(distilled(0.1).denoise)  # does not say that it is distilled
    if steps > 2:  # what the solver is for
        assert float(sdedit(auto, guide, t0=0.25, steps=steps, seed=1).samples.std()) > 0.12


def test_the_step():
    generator = torch.Generator().manual_seed(0)
    x, z = (torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=generator) for _ in range(2))

    def states(eta):
        seen = []
        few_step(
            lambda x, s: seen.append(x.clone()) or 0.3 * x, x, [2.0, 0.5, 0.0], noise=lambda a, b: z.clone(), eta=eta
        )
        return seen

    for eta in (0.0, 0.4, 1.0):
        d = 0.3 * x
        want = d + 0.5 * (math.sqrt(1 - eta * eta) * (x - d) / 2.0 + eta * z)
        torch.testing.assert_close(states(eta)[1], want, rtol=1e-12, atol=1e-12)
    for bad in (-0.1, 1.1, float("nan"), "x"):
        with pytest.raises(ValueError, match="eta"):
            states(bad)


def test_a_step_says_where_it_is():
    seen, x = [], torch.ones(1, 1, 2, 2)
    few_step(lambda x, s: 0.5 * x, x, [2.0, 0.5, 0.0], noise=lambda a, b: torch.zeros_like(x), callback=seen.append)
    assert [(step.index, step.total, step.sigma, step.sigma_next) for step in seen] == [
        (0, 2, 2.0, 0.5),
        (1, 2, 0.5, 0.0),
    ]
    assert torch.equal(seen[0].x, seen[0].denoised) and torch.equal(seen[1].denoised, 0.25 * x)


def test_levels_of_a_run_follow_the_solver_that_runs_and_the_data():
    schedule = VESDE()

    def levels(grid, **more):
        return sigma_grid(schedule, 5.0, 6, grid=grid, **more)

    for data_std in (0.25, 0.5):
        assert run_levels(schedule, 5.0, steps=6, data_std=data_std) == levels("auto", data_std=data_std)
    assert run_levels(schedule, 5.0, steps=6) == levels("auto") != levels("auto", data_std=0.25)
    assert run_levels(schedule, 5.0, steps=6, eta=0.5) == levels(SOLVERS["sde_2m"].grid) != levels("auto")
    assert run_levels(schedule, 5.0, steps=6, distilled=True) == levels("few") != levels("auto")
    assert run_levels(schedule, 5.0, steps=6, grid="log", distilled=True) == levels("log")


def test_no_noise_is_asked_for_where_none_is_used():
    x = torch.ones(1, 1, 2, 2)

    def refuse(a, b):
        raise AssertionError

    few_step(lambda x, s: 0.5 * x, x, [1.0, 0.5, 0.0], noise=refuse, eta=0.0)
    few_step(lambda x, s: 0.5 * x, x, [1.0, 0.0], noise=refuse)


def test_auto_is_few_step_on_distilled_models_and_the_rest_is_refused():
    model, guide = distilled(), torch.full((1, 3, 8, 8), 0.6)
    auto, own = (sdedit(model, guide, t0=0.5, steps=4, solver=name) for name in ("auto", "few_step"))
    assert torch.equal(auto.samples, own.samples) and auto.report.solver == "few_step" and not auto.report.notes
    assert torch.equal(
        *(sdedit(model, guide, t0=0.5, steps=4, solver=s, eta=0.5).samples for s in ("auto", "few_step"))
    )
    for name in set(SOLVERS) - {"auto", "few_step"}:
        with pytest.raises(ValueError, match=rf"{name}.*few_step"):
            sdedit(model, guide, t0=0.5, steps=4, solver=name)
        with pytest.raises(ValueError, match="few_step"):
            SweepPlan(model, guide, solver=name)
    still = sdedit(model, guide, t0=0.0)
    assert torch.equal(still.samples, guide) and still.report.solver == "few_step"
    with pytest.raises(ValueError, match="no score"):
        model.score(guide, 1.0)
    with pytest.raises(ValueError, match="distilled"):
        predict_deviation(model, guide, 0.5)
    assert probe(model, guide, [0.5], predict=True)[0].predicted is None
    assert SweepPlan(model, guide, predict=True, steps=2).cell(0.5).bounds is None


def test_eta_below_1_keeps_few_step():
    assert choose_solver("few_step", 0.5).name == "few_step"
    assert choose_solver("auto", 0.5).name == "sde_2m" and choose_solver("auto").name == "auto"
    assert choose_solver("auto", 0.5, distilled=True).name == "few_step"
    assert list(SOLVERS)[-1] == "few_step"


def test_levels_are_the_models_own():
    vp, ve = VPSDE(), VESDE(0.002, 80.0)
    assert sigma_grid(vp, vp.sigma(1.0), 4, grid="few")[:-1] == pytest.approx(
        [vp.sigma(t) for t in (1.0, 0.75, 0.5, 0.25)], rel=1e-9
    )
    assert sigma_grid(vp, vp.sigma(0.5), 2, grid="few") == pytest.approx([vp.sigma(0.5), vp.sigma(0.25), 0.0], rel=1e-9)
    two = sigma_grid(ve, 80.0, 2, grid="few")
    # between the second levels that Song et al. found by search: 1.38 (ImageNet 64) and 4.36 (LSUN bedroom)
    assert two[0] == 80.0 and two[2] == 0.0 and 1.38 < two[1] < 4.36
    for schedule in (vp, ve):
        for n in (1, 3, 8):
            levels = sigma_grid(schedule, schedule.sigma(0.37), n, grid="few")
            assert levels[0] == schedule.sigma(0.37) and len(levels) == n + 1 and levels[-1] == 0.0
            assert all(a > b for a, b in pairwise(levels))


@pytest.mark.parametrize("eta", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("mode", ["bridge", "tilt"])
def test_a_kept_region_holds_the_noise_of_its_level_and_comes_back_bit_for_bit(eta, mode):
    guide = torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 48, 48)
    mask[..., :24] = 1.0
    kept, free = (mask == 0.0).expand_as(guide), (mask == 1.0).expand_as(guide)
    seen = []

    def watch(step):
        noise = (step.x - guide)[kept] / max(step.sigma_next, 1e-9)
        answer = (step.x - step.denoised)[free] / max(step.sigma_next, 1e-9)
        seen.append((step.sigma_next, float(noise.std()), float(noise.mean()), float(answer.std())))

    out = sdedit(
        distilled(), guide, t0=0.5, steps=4, seed=2, mask=mask, eta=eta, mask_mode=mode, callback=watch
    ).samples
    assert torch.equal(out[kept], guide[kept]) and not bool((out[free] == guide[free]).any())
    for sigma, std, mean, answer in seen[:-1]:
        assert sigma > 0.0 and std == pytest.approx(1.0, abs=0.02) and abs(mean) < 0.04
        if eta == 1.0:
            assert answer == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("eta", [1.0, 0.3])
def test_a_soft_mask_gives_every_pixel_a_start_of_its_own(eta):
    """On a model without neighbours a pixel is the run that starts at the level nearest to its own."""
    model, guide = distilled(), torch.full((8, 3, 32, 32), 0.6)
    mask = torch.linspace(0.0, 1.0, 32).expand(1, 1, 32, 32).contiguous()
    run = sdedit(model, guide, t0=0.6, steps=4, seed=1, mask=mask, eta=eta)
    levels = run.levels
    own = level_map(model.schedule, mask, top=0.6)[0, 0, 0].tolist()
    assert torch.equal(run.samples[..., 0], guide[..., 0])
    assert run.report.solver == "few_step, t0 per pixel" and run.nfe == 4
    for column, level in enumerate(own):
        if level < levels[-2]:
            continue
        start = min(range(4), key=lambda i: abs(math.log(levels[i] / level)))
        if eta == 1.0:
            mean, std = expected(0.05, levels[start:], 0.6)
            got = run.samples[..., column]
            assert float(got.std()) == pytest.approx(std, rel=0.12)
            assert float(got.mean()) == pytest.approx(mean, abs=5 * std / math.sqrt(got.numel()))
    low = [float((run.samples - guide)[..., c].square().mean()) for c, v in enumerate(own) if 0 < v < levels[-2]]
    assert all(a < b for a, b in pairwise(low))  # fades in, without a jump from 0
    assert low[0] < 1e-4


def test_pixels_that_have_not_started_cost_nothing_and_carry_the_noise_they_are_told():
    calls, seen = [], []
    model, guide = distilled(calls=calls), torch.full((2, 3, 32, 32), 0.6)
    mask = torch.full((1, 1, 32, 32), 0.5)
    levels = sdedit(model, guide, t0=0.6, steps=8).levels
    calls.clear()
    run = sdedit(model, guide, t0=0.6, steps=8, mask=mask, callback=lambda s: seen.append(float((s.x - guide).std())))
    own = model.schedule.sigma(0.3)
    first = min(range(8), key=lambda i: abs(math.log(levels[i] / own)))
    assert calls == pytest.approx(levels[first:-1]) and run.nfe == len(calls) < 8
    assert seen[:first] == pytest.approx(levels[1 : first + 1], rel=0.05)


def test_own_starts_take_the_nearest_level():
    asked = []
    clean = torch.zeros(1, 1, 1, 5)
    own = torch.tensor([4.0, 1.9, 2.1, 0.5, 0.0], dtype=torch.float64).reshape(1, 1, 1, 5)
    d = OwnStarts(lambda x, s: asked.append(s) or torch.ones_like(x), clean, own, [4.0, 1.0, 0.0])
    assert d(clean, 4.0).flatten().tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert d(clean, 1.0).flatten().tolist() == [1.0, 1.0, 1.0, 0.25, 0.0]
    stopped = OwnStarts(lambda x, s: torch.ones_like(x), clean, own, [4.0, 1.0])  # ends above 0: nothing fades yet
    assert stopped(clean, 4.0).flatten().tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


def test_a_kept_pixel_starts_at_no_level_of_a_run_that_stops_above_0():
    clean, levels = torch.rand(1, 3, 2, 2), torch.tensor([[[[0.0, 1.0], [2.0, 0.0]]]], dtype=torch.float64)
    own = OwnStarts(lambda x, sigma: x + 5.0, clean, levels, [2.0, 1.0])
    d = own(clean.clone(), 1.0)
    assert torch.equal(d[..., 0, 0], clean[..., 0, 0]) and torch.equal(d[..., 1, 1], clean[..., 1, 1])
    assert torch.equal(d[..., 0, 1], clean[..., 0, 1] + 5.0) and torch.equal(d[..., 1, 0], clean[..., 1, 0] + 5.0)


def test_an_item_alone_is_the_item_in_the_batch_and_repeats_have_noise_of_their_own():
    guide = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for mask in (None, torch.linspace(0.0, 1.0, 16).expand(1, 1, 16, 16)):
        common = {"t0": 0.5, "steps": 3, "seed": 6, "mask": mask, "repeats": 2}
        batch = sdedit(distilled(), guide, **common).samples
        alone = sdedit(distilled(), guide[1:2], **common, sample_indices=[1]).samples
        assert torch.equal(batch[1:2], alone)
        assert not torch.allclose(batch, sdedit(distilled(), guide, **(common | {"repeats": 1})).samples, atol=1e-3)
    flat = sdedit(distilled(), torch.full((4, 3, 32, 32), 0.6), t0=0.5, steps=2, repeats=3).samples
    assert float(flat.std()) == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("soft", [False, True])
def test_a_run_stopped_between_goes_on(soft):
    model, guide = distilled(), torch.full((8, 3, 32, 32), 0.6)
    ramp = torch.linspace(0.0, 1.0, 32) if soft else (torch.arange(32) >= 16).float()
    mask = ramp.expand(1, 1, 32, 32).contiguous()
    start = perturb(model, guide, 0.6, seed=1, mask=mask)
    whole = reverse(model, start, steps=4)
    for cut in (1, 2, 3):
        half = reverse(model, start, steps=4, sigmas=whole.levels[: cut + 1])
        sigma = whole.levels[cut]
        t = model.schedule.t(sigma)
        rest = replace(
            start, samples=half.samples, sigma=sigma, t0=t, mask=(mask * (0.6 / t)).clamp(max=1.0), under_way=True
        )
        out = reverse(model, rest, steps=4, sigmas=whole.levels[cut:]).samples
        assert torch.equal(out[..., 0], guide[..., 0])
        for column in range(4, 32, 4):
            a, b = out[..., column], whole.samples[..., column]
            assert float(a.std()) == pytest.approx(float(b.std()), rel=0.1, abs=1e-6)
            assert float(a.mean()) == pytest.approx(float(b.mean()), abs=0.01)


def test_on_a_mean_it_blurs():
    """Why it is for distilled models alone."""
    std = 0.02
    model = ScoreModel.from_denoiser(
        lambda x, s: MEAN + (x - MEAN) * std**2 / (std**2 + s.reshape(-1, 1, 1, 1).square())
    )
    out = sdedit(model, torch.full((4, 3, 32, 32), 0.6), t0=0.5, steps=4, solver="few_step").samples
    assert float(out.std()) < 0.5 * std
