"""perturb() and sdedit(): the promises a user can check bit for bit."""

import pytest
import torch

from sdedit_core import SOLVERS, perturb, sdedit
from sdedit_core.edit import NoisedState, reverse
from sdedit_core.priors.exact import GaussianPrior

MODEL = GaussianPrior(mean=0.5, std=0.25).score_model()


def guide(b=2, h=12, w=10):
    return torch.rand(b, 3, h, w, generator=torch.Generator().manual_seed(b))


def half_mask(h=12, w=10):
    mask = torch.zeros(1, 1, h, w)
    mask[..., : w // 2] = 1.0
    return mask


def run(g=None, **options):
    options = {"t0": 0.4, "steps": 6, "seed": 7} | options
    return sdedit(MODEL, guide() if g is None else g, **options)


@pytest.mark.parametrize("solver", SOLVERS)
def test_t0_zero_returns_the_guide_bit_for_bit(solver):
    g = guide()
    out = run(g, t0=0.0, solver=solver, repeats=3)
    assert torch.equal(out.samples, g) and out.nfe == 0 and out.sigma == 0.0
    assert out.samples is not g


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("repeats", [1, 2])
def test_kept_region_is_bit_equal_and_the_rest_changes(solver, repeats):
    g, mask = guide(), half_mask()
    out = run(g, mask=mask, solver=solver, repeats=repeats).samples
    keep = (mask == 0).expand_as(g)
    assert torch.equal(out[keep], g[keep])
    assert (out[~keep] - g[~keep]).abs().min() > 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_one_mask_is_no_mask(solver):
    a, b = run(solver=solver), run(solver=solver, mask=torch.ones(1, 1, 12, 10))
    assert torch.equal(a.samples, b.samples)


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_zero_mask_returns_the_guide(solver):
    g = guide()
    out = run(g, solver=solver, mask=torch.zeros(2, 1, 12, 10))
    assert torch.equal(out.samples, g) and out.nfe == 0
    assert any("empty" in n for n in out.report.notes)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mask", [None, half_mask()])
def test_item_alone_equals_item_in_batch(solver, mask):
    g = guide(3)
    both = run(g, solver=solver, mask=mask, repeats=2).samples
    for i in range(3):
        state = perturb(MODEL, g[i : i + 1], 0.4, seed=7, mask=mask, sample_indices=[i])
        alone = reverse(MODEL.denoise, state, schedule=MODEL.schedule, steps=6, solver=solver, repeats=2)
        assert torch.equal(alone.samples, both[i : i + 1])


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_seed_same_bits_and_inputs_untouched(solver):
    g, mask = guide(), half_mask()
    copies = g.clone(), mask.clone()
    a, b, c = (
        run(g, mask=mask, solver=solver),
        run(g, mask=mask, solver=solver),
        run(g, mask=mask, solver=solver, seed=8),
    )
    assert torch.equal(a.samples, b.samples) and not torch.equal(a.samples, c.samples)
    assert torch.equal(g, copies[0]) and torch.equal(mask, copies[1])


def test_perturb_is_guide_plus_sigma_z():
    g = guide(1, 64, 64)
    state = perturb(MODEL, g, 0.5, seed=3, mask=torch.ones(1, 1, 64, 64))
    assert isinstance(state, NoisedState)
    z = (state.samples - g) / state.sigma
    assert state.sigma == MODEL.schedule.sigma(0.5)
    assert abs(float(z.mean())) < 0.05 and abs(float(z.std()) - 1) < 0.05
    assert float(state.samples.abs().max()) > 2.0  # never clamped
    assert torch.equal(perturb(MODEL, g, 0.0, seed=3).samples, g)
    assert torch.equal(perturb(MODEL, g, 0.5, seed=3).samples, state.samples)


def test_repeats_use_fresh_noise_and_count_evaluations():
    one, two = run(repeats=1), run(repeats=2)
    assert (one.nfe, two.nfe) == (6, 12)
    assert not torch.equal(one.samples, two.samples)
    assert two.report.repeats == 2


@pytest.mark.parametrize("solver", SOLVERS)
def test_callback_comes_once_a_step_and_may_stop_the_run(solver):
    steps = []
    out = run(solver=solver, callback=lambda s: steps.append((s.index, s.total, s.sigma, s.sigma_next)))
    assert [s[0] for s in steps] == list(range(len(steps)))
    assert {s[1] for s in steps} == {len(steps)} and len(steps) == out.report.steps
    assert steps[-1][3] == 0.0

    def stop(step):
        if step.index == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(solver=solver, callback=stop)


def test_own_sigmas():
    g = guide()
    state = perturb(MODEL, g, 0.4, seed=7)
    out = reverse(MODEL.denoise, state, schedule=MODEL.schedule, steps=6, sigmas=[state.sigma, 0.1, 0.01, 0.0])
    assert out.nfe == 3 and out.report.steps == 3


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"t0": 1.5}, "t0"),
        ({"t0": float("nan")}, "t0"),
        ({"steps": 0}, "steps"),
        ({"repeats": 0}, "repeats"),
        ({"seed": 0.5}, "seed"),
        ({"solver": "euler"}, "Unknown solver"),
        ({"mask": torch.ones(1, 1, 9, 9)}, "same size"),
        ({"mask": torch.ones(3, 1, 12, 10)}, "shape"),
        ({"mask": torch.full((1, 1, 12, 10), 2.0)}, "between 0"),
        ({"mask": torch.full((1, 1, 12, 10), float("nan"))}, "between 0"),
        ({"mask": "mask.png"}, "tensor"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        run(**options)


@pytest.mark.parametrize(
    ("g", "match"),
    [
        (torch.zeros(1, 4, 8, 8), "channels"),
        (torch.zeros(3, 8, 8), "shape"),
        (torch.full((1, 3, 8, 8), float("nan")), "NaN"),
        ([[0.0]], "tensor"),
    ],
)
def test_bad_guide(g, match):
    with pytest.raises(ValueError, match=match):
        run(g)
