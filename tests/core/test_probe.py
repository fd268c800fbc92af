"""t0 Probe: one evaluation, the mean of what a run could draw."""

import pytest
import torch

from sdedit_core import sdedit
from sdedit_core.measure.probe import probe

GUIDE = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_one_evaluation_per_t0_at_its_own_sigma(counted_model):
    model, calls = counted_model()
    found = probe(model, GUIDE, [0.2, 0.5, 0.0])
    assert calls == pytest.approx([model.schedule.sigma(0.2), model.schedule.sigma(0.5)])
    assert [one.nfe for one in found] == [1, 1, 0]
    assert torch.equal(found[2].denoised, GUIDE)


def test_it_shows_the_first_guess_of_the_run_with_the_same_seed(counted_model):
    model, _ = counted_model()
    first = []
    sdedit(model, GUIDE, t0=0.4, seed=7, steps=5, callback=lambda step: first.append(step.denoised.clone()))
    assert torch.equal(probe(model, GUIDE, [0.4], seed=7)[0].denoised, first[0])


def test_it_is_the_mean_of_what_runs_draw(counted_model):
    model, _ = counted_model()
    guide = GUIDE[:1].expand(300, -1, -1, -1)
    state_mean = probe(model, GUIDE[:1], [0.4], seed=3)[0].denoised
    from sdedit_core.edit import reverse
    from sdedit_core.sampling.state import perturb

    state = perturb(model, guide, 0.4, seed=3)
    state.samples = state.samples[:1].expand(300, -1, -1, -1).contiguous()  # one start, many paths
    draws = reverse(model, state, steps=12).samples
    assert float((draws.mean(0) - state_mean[0]).abs().max()) < 5 * 0.2 / 300**0.5


def test_prediction_costs_one_more_evaluation(counted_model):
    model, calls = counted_model()
    found = probe(model, GUIDE, [0.3], predict=True)[0]
    assert len(calls) == 2 and found.nfe == 2
    assert 0.0 < found.predicted.rms < 1.0 and "change" in found.label


def test_kept_pixels_are_the_guides(counted_model):
    model, calls = counted_model()
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1.0
    found = probe(model, GUIDE, [0.5], mask=mask)[0]
    assert torch.equal(found.denoised[..., 4:], GUIDE[..., 4:])
    assert not torch.equal(found.denoised[..., :4], GUIDE[..., :4])
    calls.clear()
    nothing = probe(model, GUIDE, [0.5], mask=torch.zeros(1, 1, 8, 8))[0]
    assert torch.equal(nothing.denoised, GUIDE) and nothing.nfe == 0 and not calls


def test_the_callback_sees_every_value_and_may_stop(counted_model):
    model, _ = counted_model()
    seen = []
    probe(model, GUIDE, [0.2, 0.4], callback=lambda one, i, n: seen.append((one.t0, i, n)))
    assert seen == [(0.2, 0, 2), (0.4, 1, 2)]

    class Cancelled(Exception):
        pass

    def stop(one, index, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        probe(model, GUIDE, [0.2, 0.4], callback=stop)


def test_bad_values(counted_model):
    model, _ = counted_model()
    with pytest.raises(ValueError, match="at least one"):
        probe(model, GUIDE, [])
    with pytest.raises(ValueError, match="t0"):
        probe(model, GUIDE, [1.2])
