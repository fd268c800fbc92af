"""The noised guide: its noise item by item and pass by pass, and what travels with it."""

import pytest
import torch

from sdedit_core import NoisedState, perturb
from sdedit_core.priors.exact import GaussianPrior
from sdedit_core.sampling.grids import auto_rho
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.solvers.mca import automatic_finish
from sdedit_core.sampling.state import noised

MODEL = GaussianPrior(mean=0.5, std=0.25).score_model()


def test_every_item_has_noise_of_its_own_and_every_pass_too():
    guide = torch.full((3, 3, 8, 8), 0.5)
    state = perturb(MODEL, guide, 0.4, seed=3)
    assert state.sample_indices == [0, 1, 2]
    for i in range(3):
        z = NoiseStream((3, 8, 8), seed=3, stream="initial", samples=[i])()
        assert torch.equal(state.samples[i : i + 1], guide[:1].add(z, alpha=state.sigma))
    chosen = perturb(MODEL, guide, 0.4, seed=3, sample_indices=[5, 1, 9])
    assert torch.equal(chosen.samples[1], state.samples[1]) and not torch.equal(chosen.samples[0], state.samples[0])
    again = noised(guide, 2.0, seed=3, samples=[4, 1, 2], repeat=1)
    z = NoiseStream((3, 8, 8), seed=3, stream="initial", samples=[4, 1, 2], repeat=1)()
    assert torch.equal(again, guide.add(z, alpha=2.0))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_noise_of_any_strength_is_added(sigma):
    guide = torch.zeros(1, 1, 4, 4)
    z = NoiseStream((1, 4, 4), seed=0, stream="initial")()
    assert torch.equal(noised(guide, sigma, seed=0, samples=[0]), sigma * z)


def test_no_noise_is_the_guide_bit_for_bit_in_memory_of_its_own():
    guide = torch.tensor([[[[-0.0, 1.0]]]])
    out = noised(guide, 0.0, seed=0, samples=[0])
    assert out is not guide and out.data_ptr() != guide.data_ptr()
    assert torch.equal(torch.signbit(out), torch.signbit(guide))


def test_a_map_may_reach_t0_and_not_beyond():
    guide = torch.full((1, 3, 2, 2), 0.5)
    state = perturb(MODEL, guide, 0.4, seed=0, t0_map=torch.full((1, 1, 2, 2), 0.4))
    assert float(state.t0_map.max()) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"it is 0\.4, the map goes up to 0\.41"):
        perturb(MODEL, guide, 0.4, seed=0, t0_map=torch.full((1, 1, 2, 2), 0.41))
    with pytest.raises(ValueError, match="The t0_map must have shape"):
        perturb(MODEL, guide, 0.4, seed=0, t0_map=torch.full((1, 3, 2, 2), 0.4))
    with pytest.raises(ValueError, match="2 entries for a batch of 1"):
        perturb(MODEL, guide, 0.4, seed=0, sample_indices=[0, 1])


def test_the_schedules_note_on_this_t0_travels_along(monkeypatch):
    monkeypatch.setattr(type(MODEL.schedule), "note", lambda self, t0: f"a note on {t0:g}")
    assert perturb(MODEL, torch.full((1, 3, 2, 2), 0.5), 0.25, seed=0).note == "a note on 0.25"


def test_to_moves_every_tensor_and_keeps_the_rest():
    one = torch.ones(1, 1, 2, 2)
    state = NoisedState(one, one, 1.5, 0.4, 7, mask=one, sample_indices=[3], note="n", t0_map=one, under_way=True)
    moved = state.to("meta")
    for name in ("samples", "guide", "mask", "t0_map"):
        assert getattr(moved, name).device.type == "meta" and getattr(state, name).device.type == "cpu"
    assert (moved.sigma, moved.t0, moved.seed, moved.note, moved.under_way) == (1.5, 0.4, 7, "n", True)
    assert moved.sample_indices == [3]
    bare = NoisedState(one, one, 1.5, 0.4, 7).to("meta")
    assert bare.mask is None and bare.t0_map is None


def test_the_finish_of_networks_counts_on_the_last_level():
    """One draw of x0 up to twice the lowest level of the model, of smooth denoisers alone."""
    for last, smooth, finish in (
        (0.01, True, "posterior"),
        (0.02, True, "posterior"),
        (0.0201, True, "balanced"),
        (0.01, False, "balanced"),
    ):
        assert automatic_finish([1.0, 0.5, last, 0.0], 0.01, smooth=smooth) == finish


def test_the_usual_spread_of_data_is_one_half():
    assert auto_rho(0.5) == 3.0 and auto_rho(5.0) == auto_rho(5.0, data_std=0.5) != auto_rho(5.0, data_std=1.0)


def test_time_of_a_level_at_the_ends_of_the_schedule():
    schedule = MODEL.schedule
    assert schedule.t(0.0) == 0.0 and 0.0 < schedule.t(1.0) < 1.0
    assert schedule.t(schedule.sigma_max) == pytest.approx(1.0) and schedule.t(1e9) <= 1.0


def test_the_share_of_t0_comes_from_mask_map_or_both():
    guide, half = torch.zeros(1, 3, 1, 2), torch.tensor([[[[0.5, 1.0]]]])
    quarter = torch.tensor([[[[0.1, 0.4]]]])

    def state(t0=0.4, **extra):
        return NoisedState(guide, guide, 1.0, t0, 0, **extra)

    assert state().fractions() is None and state().change() is None
    assert state(mask=half).fractions().flatten().tolist() == [0.5, 1.0]
    assert state(t0_map=quarter).fractions().flatten().tolist() == pytest.approx([0.25, 1.0])
    assert state(mask=half, t0_map=quarter).fractions().flatten().tolist() == pytest.approx([0.125, 1.0])
    assert state(mask=torch.ones(1, 1, 1, 2)).fractions() is None
    assert state(t0=0.0, t0_map=torch.zeros(1, 1, 1, 2)).fractions() is None
    assert state(mask=torch.tensor([[[[0.0, 0.001]]]])).change().flatten().tolist() == [False, True]
