"""A run that looks distilled says so: on every distilled oracle that can be told from a mean, on no mean."""

import math

import pytest
import torch

from sdedit_core import SOLVERS, ScoreModel, load_score_model, perturb, sdedit
from sdedit_core.builtin import example_guide, list_priors
from sdedit_core.edit import reverse
from sdedit_core.sampling.distilled import Redrawn

FLAT = torch.full((2, 3, 48, 48), 0.6)
STEPS = (
    *(("auto", n) for n in (2, 3, 4, 8, 20)),
    *(("sde_2m", 4), ("sa_solver", 8), ("ancestral", 20), ("seeds3", 4), ("reverse_diffusion", 4), ("paper", 30)),
)


def wrap(fn):
    return ScoreModel.from_denoiser(lambda x, s: fn(x, s.reshape(-1, 1, 1, 1)), data_range=None, data_std=0.25)


def gauss(std, distilled):
    def fn(x, s):
        gain = std / (std * std + s * s).sqrt()
        return 0.4 + (x - 0.4) * (gain if distilled else gain**2)

    return wrap(fn)


def spectrum(power, std, distilled, size=48, grain=0.004):
    """Gaussian pictures whose amplitude falls as frequency^-power, as those of photographs do with 1.3."""
    f = torch.fft.fftfreq(size) * size
    amplitude = torch.hypot(f[:, None], f[None]).clamp(min=0.7) ** -power
    v = (std * amplitude / amplitude.square().mean().sqrt()) ** 2 + grain**2

    def fn(x, s):
        gain = (v / (v + s * s)).sqrt()
        return 0.4 + torch.fft.ifft2(torch.fft.fft2(x - 0.4) * (gain if distilled else gain**2)).real

    return wrap(fn)


def mixture(values, width, distilled):
    """Every number one of a few values, +- width; distilled: its probability-flow ODE, Runge-Kutta in log sigma."""
    values = torch.tensor(values)

    def mean(x, s):
        v = width * width + s * s
        log = -0.5 * (x[..., None] - values).square() / v[..., None]
        gain = width * width / v
        return gain * x + (1 - gain) * (torch.softmax(log, -1) * values).sum(-1)

    def end(x, s):
        log, n = s.log(), 40
        h = (math.log(1e-3) - log) / n
        for _ in range(n):
            a = x - mean(x, log.exp())
            b = x + 0.5 * h * a
            b = b - mean(b, (log + 0.5 * h).exp())
            c = x + 0.5 * h * b
            c = c - mean(c, (log + 0.5 * h).exp())
            d = x + h * c
            d = d - mean(d, (log + h).exp())
            x, log = x + h / 6 * (a + 2 * b + 2 * c + d), log + h
        return mean(x, log.exp())

    return wrap(end if distilled else mean)


MEANS = {
    **{f"gauss {s}": gauss(s, False) for s in (0.5, 0.25, 0.1, 0.02, 0.004)},
    **{f"spectrum {p} {s}": spectrum(p, s, False) for p in (0.7, 1.0, 1.3, 1.7) for s in (0.1, 0.25)},
    "grain": spectrum(1.3, 0.25, False, grain=0.02),
    "two values": mixture([0.1, 0.7], 0.02, False),
    "far, coarse": mixture([0.0, 0.2, 0.9], 0.1, False),
    "four values": mixture([0.0, 0.3, 0.6, 1.0], 0.05, False),
    "needles": mixture([0.0, 0.1, 0.5, 0.55, 0.9], 0.015, False),
    "rare": mixture([-0.3, -0.3, -0.3, -0.3, -0.3, -0.3, -0.3, 0.3], 0.03, False),
}
DISTILLED = {
    "gauss 0.02": gauss(0.02, True),
    "spectrum 1.3": spectrum(1.3, 0.25, True),
    "spectrum 1.7": spectrum(1.7, 0.25, True),
    "low contrast": spectrum(1.3, 0.1, True),
}


def says(model, guide, t0, **options):
    notes = sdedit(model, guide, t0=t0, **options).report.notes
    return [note for note in notes if "looks distilled" in note and "few_step" in note]


@pytest.mark.parametrize("t0", [0.3, 0.4, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("name", MEANS)
def test_no_mean_raises_the_alarm(name, t0):
    for solver, steps in STEPS:
        assert not says(MEANS[name], FLAT, t0, solver=solver, steps=steps, seed=3), (solver, steps)


@pytest.mark.parametrize("t0", [0.3, 0.4, 0.5, 0.7])
@pytest.mark.parametrize("name", DISTILLED)
def test_every_distilled_one_does(name, t0):
    for solver in ("auto", "sde_2m", "seeds3"):
        for steps in (20,) if (name, t0) == ("spectrum 1.3", 0.3) else (5, 20):
            found = says(DISTILLED[name], FLAT, t0, solver=solver, steps=steps, seed=3)
            assert len(found) == 1 and solver in found[0], (solver, steps)
    assert not says(DISTILLED[name], FLAT, t0, solver="few_step", steps=4)


@pytest.mark.parametrize(("t0", "steps"), [(0.4, 20), (0.5, 4), (0.5, 20), (0.7, 4), (0.7, 20)])
def test_of_data_about_as_wide_as_the_noise_too(t0, steps):
    """At t0 0.3 (sigma 0.23) white data of std 0.25 cannot be told from a mean; 0.1 can, in small steps."""
    for model in (gauss(0.25, True), gauss(0.1, True), spectrum(1.0, 0.25, True)):
        assert says(model, FLAT, t0, steps=steps)
    assert says(gauss(0.1, True), FLAT, 0.3, steps=20) and says(spectrum(1.0, 0.25, True), FLAT, 0.3, steps=20)


@pytest.mark.parametrize("t0", [0.4, 0.5, 0.7])
def test_of_a_mixture_too(t0):
    model, small = mixture([0.1, 0.7], 0.02, True), torch.full((1, 3, 32, 32), 0.6)
    assert says(model, small, t0, steps=12)


@pytest.mark.parametrize("name", list_priors())
def test_the_built_in_models_are_means(name):
    model = load_score_model(name)
    guide = example_guide("lake" if name == "landscape" else name.split("-")[-1], width=64, height=64)
    for t0 in (0.3, 0.5):
        for solver, steps in (("auto", 4), ("auto", 12), ("sde_2m", 6)):
            assert not says(model, guide, t0, solver=solver, steps=steps)


@pytest.mark.parametrize("mood", ["sunset", "night", "alpine"])
def test_built_in_models_are_not_taken_for_distilled_at_the_t0_recommended(mood):
    """They keep shapes of the painting, so that D is no exact mean: measured, 0.25 and 20 steps raised the alarm."""
    guide = example_guide(mood, width=128, height=128)
    assert not says(load_score_model("landscape"), guide, 0.25, steps=20)


def test_the_correlation_is_the_one_of_the_formula():
    """Detail much finer than sigma, ancestral step: sqrt((1 - r) / 2)."""
    model = gauss(0.001, True)
    state = perturb(model, torch.full((8, 3, 64, 64), 0.6), 0.7, seed=1)
    for r in (0.5, 0.3):
        levels = [state.sigma, state.sigma * r, 0.0]
        seen = Redrawn(state, levels)
        reverse(model, state, steps=2, solver="ancestral", sigmas=levels, observe=seen)
        assert seen.correlation == pytest.approx(math.sqrt((1 - r) / 2), abs=5 * seen.error)
        assert seen.error == pytest.approx(state.guide.numel() ** -0.5)


def test_nothing_is_said_where_nothing_can_be_known():
    model = DISTILLED["gauss 0.02"]
    assert not says(model, FLAT, 0.5, steps=1)
    assert not says(model, FLAT, 0.5, steps=8, eta=0.5)
    for name in (n for n, s in SOLVERS.items() if s.law == "other"):
        assert not says(model, FLAT, 0.5, steps=8, solver=name)
    assert not says(model, FLAT[..., :3, :3], 0.5, steps=8)  # 54 numbers prove nothing
    noisy = perturb(model, FLAT, 0.5, seed=1)
    noisy.guide = noisy.samples  # a latent without a clean guide
    assert not reverse(model, noisy, steps=8).report.notes
    ramp = torch.linspace(0.0, 1.0, 48).expand(1, 1, 48, 48)
    assert not says(model, FLAT, 0.5, steps=8, mask=ramp)


def test_under_a_hard_mask_the_changed_pixels_tell():
    mask = torch.zeros(1, 1, 48, 48)
    mask[..., :24] = 1.0
    assert says(DISTILLED["spectrum 1.3"], FLAT, 0.5, steps=8, mask=mask)
    for name in ("spectrum 1.3 0.25", "spectrum 1.7 0.25"):
        for t0 in (0.3, 0.5, 0.7):
            assert not says(MEANS[name], FLAT, t0, steps=8, mask=mask)


def test_it_costs_no_evaluation_and_lets_go():
    model = DISTILLED["gauss 0.02"]
    run = sdedit(model, FLAT, t0=0.5, steps=8)
    assert run.nfe == 8
    state = perturb(model, FLAT, 0.5, seed=0)
    seen = Redrawn(state, run.levels)
    reverse(model, state, steps=8, observe=seen)
    assert seen._first is None and seen.looks_distilled and seen.correlation > 0.4
