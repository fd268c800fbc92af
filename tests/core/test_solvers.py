"""Solvers: golden affine gains, and what every solver promises."""

import functools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from sdedit_core.sampling.grids import auto_levels, karras, log_uniform
from sdedit_core.sampling.solvers import SOLVERS, get_solver
from sdedit_core.sampling.solvers.ancestral import ancestral
from sdedit_core.sampling.solvers.law import affine_law, exact_law
from sdedit_core.sampling.solvers.lift import lift
from sdedit_core.sampling.solvers.mca import drawn_share, mca, step_slope, variance_gain
from sdedit_core.sampling.solvers.paper import paper
from sdedit_core.sampling.solvers.predictor_corrector import predictor_corrector
from sdedit_core.sampling.solvers.reverse_diffusion import reverse_diffusion
from sdedit_core.sampling.solvers.sa_solver import sa_solver
from sdedit_core.sampling.solvers.sde_2m import sde_2m
from sdedit_core.sampling.solvers.seeds3 import seeds3

START = 0.01 * 34800.0**0.5
LEVELS = [*karras(START, 0.01, 10), 0.0]
STDS = [0.02, 0.1, 0.5, 2.0]
GAINS = [0.000115, 0.002865, 0.067024, 0.534759]

# Output std given the start, for data of std c in each direction, at ten levels (rho 7) and D.
GOLDEN = {
    "reverse_diffusion": (reverse_diffusion, {}, GAINS, [0.028091, 0.135796, 0.609916, 1.510061]),
    "ancestral": (ancestral, {}, GAINS, [0.013542, 0.074501, 0.372952, 0.964413]),
    "mca, slope 0.7": (mca, {"finish": "full", "slope": 0.7}, GAINS, [0.019436, 0.101404, 0.490169, 1.338727]),
    "sde_2m": (sde_2m, {}, GAINS, [0.016475, 0.104863, 0.520941, 1.409564]),
    "seeds3": (seeds3, {}, GAINS, [0.017913, 0.099504, 0.483641, 1.368056]),
    "sa_solver": (sa_solver, {}, GAINS, [0.014654, 0.106448, 0.550129, 1.498461]),
    "paper": (paper, {}, GAINS, [0.029818, 0.136164, 0.609998, 1.510094]),
    "pf_ode": (SOLVERS["pf_ode"].solve, {}, [0.009331, 0.055058, 0.266024, 0.733037], [0.0, 0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_affine_law(name):
    solve, options, gains, stds = GOLDEN[name]
    gain, std = affine_law(solve, stds=STDS, sigmas=LEVELS, **options)
    torch.testing.assert_close(gain, torch.tensor(gains, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(std, torch.tensor(stds, dtype=torch.float64), rtol=0, atol=1e-5)


@pytest.mark.parametrize("finish", ["posterior", "balanced", "none"])
def test_mca_by_its_recursion(finish):
    """State and last D of one direction as vectors over (start, noises): written out once more, independently."""
    for c in STDS:
        x = np.zeros(11)
        x[0] = 1.0
        last = None
        for k, (t, s) in enumerate(pairwise(LEVELS)):
            d = c * c / (c * c + t * t) * x
            if last is not None:
                b = 1 - (t / LEVELS[k - 1]) ** 2
                slope = 0.65 + (t / START) ** 2
                kappa = (1 / math.sqrt(1 - slope * b) - 1) / slope
                if s == 0.0:
                    q = 0.7 * b
                    g = {"posterior": 1 / math.sqrt(q - q * q), "balanced": math.sqrt(2 / (2 - b)), "none": 1.0}
                    kappa = g[finish] - 1.0
                x, d = x + kappa * (d - last), d + kappa * (d - last)
            x, last = (s / t) ** 2 * x + (1 - (s / t) ** 2) * d, d
            if s > 0.0:
                x[k + 1] += s * math.sqrt(1 - (s / t) ** 2)
        gain, std = affine_law(mca, stds=[c], sigmas=LEVELS, finish=finish)
        assert float(gain) == pytest.approx(x[0], rel=1e-12)
        assert float(std) == pytest.approx(float(np.sqrt((x[1:] ** 2).sum())), rel=1e-12)
    with pytest.raises(ValueError, match="finish"):
        affine_law(mca, stds=[1.0], sigmas=LEVELS, finish="half")


def test_no_step_size_takes_the_correction_beyond_its_bound():
    """sigma / sigma_start <= sigma / sigma_last = sqrt(1 - b): so b J <= b (1.65 - b) <= 0.825^2, and kappa < 1.06."""
    worst = [0.0, 0.0]
    for b in np.linspace(1e-6, 1 - 1e-9, 4001).tolist():
        slope = step_slope(math.sqrt(1.0 - b))
        worst = [max(worst[0], b * slope), max(worst[1], variance_gain(b, slope))]
    assert worst[0] == pytest.approx(0.825**2, rel=1e-5)
    assert worst[1] == pytest.approx((0.35**-0.5 - 1) / 0.65, rel=1e-5) and worst[1] < 1.0621


def test_slope_of_a_step_counts_from_the_start_of_the_run():
    """A run that goes on from a level starts anew there: what it draws is the law given that state."""
    later = affine_law(mca, stds=STDS, sigmas=LEVELS[4:])[1]
    scaled = affine_law(mca, stds=[3.0 * c for c in STDS], sigmas=[3.0 * s for s in LEVELS[4:]])[1]
    torch.testing.assert_close(scaled, 3.0 * later, rtol=1e-12, atol=0.0)  # no length of its own
    assert [step_slope(r) for r in (1.0, 0.5, 1e-9)] == pytest.approx([1.65, 0.9, 0.65], rel=1e-12)


def spectrum_error(levels, **options):
    """W2 in 1/255 to the posterior, over directions of a spectrum without a scale: number falling as c^-1.5."""
    c = torch.logspace(-2, 1.5, 60, dtype=torch.float64)
    share = c**-1.5 / (c**-1.5).sum()
    std, exact = affine_law(mca, stds=c, sigmas=levels, **options)[1], exact_law(stds=c, sigma=levels[0])[1]
    return 255 * math.sqrt(float(((std - exact).square() * share).sum()))


@pytest.mark.parametrize("sigma", [0.23, 1.87, 15.1])
def test_ten_evaluations_are_far_better_than_with_one_slope_on_karras_levels(sigma):
    plain = spectrum_error([*karras(sigma, 0.01, 10, rho=3.0 + 0.6 * max(0.0, math.log(sigma / 0.25))), 0.0], slope=0.7)
    slope = spectrum_error([*auto_levels(sigma, 0.01, 10, data_std=0.25), 0.0], slope=0.7)
    both = spectrum_error([*auto_levels(sigma, 0.01, 10, data_std=0.25), 0.0])
    assert both < 0.85 * plain and both < slope


def test_balanced_finish_is_exact_for_a_half_resolved_direction():
    """c = the last level: the last D's spread given the state before is the exact one."""
    levels = [0.05, 0.01, 0.0]
    std = affine_law(mca, stds=[0.01], sigmas=levels, finish="balanced")[1]
    # Exact: Var[D(x_s) | x_t] = J^2 Var[x_s | x_t], J = 1/2, Var[x_s | x_t] = s^2 b + b^2 Var[x0 | x_t].
    b = 1 - 0.04
    exact = 0.5 * math.sqrt(1e-4 * b + b * b * (0.01 * 0.05) ** 2 / (0.01**2 + 0.05**2))
    assert float(std) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("slope", [0.3, 0.7, 0.95])
def test_posterior_finish_draws_x0_and_not_its_mean(slope):
    """In the direction of that slope the picture has all of the posterior's spread, with what D leaves out."""
    c = 0.01 * math.sqrt(slope / (1 - slope))
    levels = [0.02, 0.01, 0.0]
    gain, std = affine_law(mca, stds=[c], sigmas=levels, slope=slope)
    true_gain, true_std = exact_law(stds=[c], sigma=0.02)
    assert float(gain) == pytest.approx(float(true_gain), rel=1e-9)
    assert float(std) == pytest.approx(float(true_std), rel=1e-9)
    assert float(affine_law(mca, stds=[c], sigmas=levels, slope=slope, finish="balanced")[1]) < 0.9 * float(true_std)


def test_posterior_finish_is_bounded_when_the_last_step_is_tiny():
    """D_last + g (D - D_last), g <= 3: a network's rounding is not blown up."""
    a, b = (affine_law(mca, stds=[0.1], sigmas=[0.0100001, 0.01, 0.0], finish=f)[1] for f in ("posterior", "none"))
    assert float(a) == pytest.approx(3.0 * float(b), rel=1e-9)


def test_drawn_share_is_whole_unless_the_finish_is_bounded():
    assert drawn_share([0.02, 0.01, 0.0], "posterior") == pytest.approx(1.0)
    q = 0.7 * (1 - (0.01 / 0.0101) ** 2)  # so short a step would want g = 8.6; it is 3
    assert drawn_share([0.0101, 0.01, 0.0], "posterior") == pytest.approx(q * (9 - 1 / (1 - q)), rel=1e-12)
    for levels, finish in (
        ([0.02, 0.01, 0.0], "balanced"),
        ([0.02, 0.0], "posterior"),
        ([0.03, 0.02, 0.01], "posterior"),
    ):
        assert drawn_share(levels, finish) == 0.0


def test_exact_law():
    gain, std = exact_law(stds=STDS, sigma=START)
    torch.testing.assert_close(gain, torch.tensor(GAINS, dtype=torch.float64), rtol=0, atol=1e-6)
    want = torch.tensor([0.019999, 0.099857, 0.482953, 1.364171], dtype=torch.float64)
    torch.testing.assert_close(std, want, rtol=0, atol=1e-6)


# Order of weak convergence: the error of the spread falls by 2^order, or more, when the steps double.
ORDERS = {ancestral: 1, reverse_diffusion: 1, mca: 2, sde_2m: 2, sa_solver: 2, seeds3: 2}


@pytest.mark.parametrize("solve", ORDERS)
def test_spread_converges_with_the_right_order(solve):
    def error(n):
        levels = [*log_uniform(START, 0.01, n), 0.0]
        options = {"finish": "balanced"} if solve is mca else {}  # "posterior" has x0's own law as its limit
        std = affine_law(solve, stds=[0.5], sigmas=levels, **options)[1]
        # The limit is the law of D(x at sigma_min), which is the posterior less what lies below sigma_min.
        exact = (exact_law(stds=[0.5], sigma=START)[1] ** 2 - exact_law(stds=[0.5], sigma=0.01)[1] ** 2).sqrt()
        return abs(float(std - exact))

    rate = math.log2(error(161) / error(321))
    assert rate > ORDERS[solve] - 0.15
    assert ORDERS[solve] > 1 or rate < 1.15


@pytest.mark.parametrize("solve", ORDERS)
def test_mean_is_exact_at_any_step_size(solve):
    """D is a martingale along the reverse SDE: every solver that keeps its law has the exact gain."""
    # Linear D: the gain telescopes to E[D(x_end) | x_start] = E[x0 | x_start] = c^2 / (c^2 + sigma^2) x_start.
    exact = torch.tensor([c * c / (c * c + START * START) for c in STDS], dtype=torch.float64)
    for levels in ([START, 0.3, 0.29, 0.05, 0.01, 0.0], [START, 0.01, 0.0]):
        gain = affine_law(solve, stds=STDS, sigmas=levels)[0]
        torch.testing.assert_close(gain, exact, rtol=1e-9, atol=1e-12)


def test_first_step_of_mca_on_manifold_data_is_exact():
    """Where D = x in a direction (J = 1), slope 1 gives the exact spread at any step size."""
    levels = [2.0, 0.5, 0.01, 0.0]
    gain, std = affine_law(functools.partial(mca, slope=1.0, finish="full"), stds=[1e6], sigmas=levels)
    assert float(gain) == pytest.approx(1.0, abs=1e-9)
    assert float(std) == pytest.approx(math.sqrt(4.0 - 1e-4), rel=1e-9)


@pytest.mark.parametrize("solve", [ancestral, sde_2m])
def test_eta_runs_from_the_ode_to_the_sde(solve):
    fine = [*log_uniform(START, 0.01, 1500), 0.0]
    stds = [affine_law(solve, stds=STDS, sigmas=fine, eta=e)[1] for e in (0.0, 0.5, 1.0)]
    assert float(stds[0].max()) == 0.0 and bool((stds[0] < stds[1]).all() and (stds[1] < stds[2]).all())
    for eta in (0.0, 0.5, 1.0):
        gain, std = affine_law(solve, stds=[0.5], sigmas=fine, eta=eta)
        # Every eta keeps the marginal: gain^2 (c^2 + S^2) + std^2 = c^2.
        assert float(gain**2 * (0.25 + START**2) + std**2) == pytest.approx(0.25, rel=0.01)
    assert float(affine_law(solve, stds=[0.5], sigmas=fine, eta=0.5)[1]) < 0.95 * float(
        affine_law(solve, stds=[0.5], sigmas=fine, eta=1.0)[1]
    )
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="eta"):
            affine_law(solve, stds=[0.5], sigmas=LEVELS, eta=bad)


def test_seeds3_asks_for_the_stages_of_one_path():
    asked = []

    def noise(a, b):
        asked.append((a, b))
        return torch.zeros(1, 1)

    seeds3(lambda x, s: 0.5 * x, torch.ones(1, 1), [1.0, 0.1, 0.0], noise=noise)
    assert [a for a, _ in asked] == pytest.approx([1.0, 0.1 ** (1 / 3), 0.1 ** (2 / 3)])
    assert [b for _, b in asked] == pytest.approx([0.1 ** (1 / 3), 0.1 ** (2 / 3), 0.1])


class Cloned:
    """A noise source with a corrector stream; float32, as the real one."""

    def __init__(self, shape):
        self.shape, self.g = shape, torch.Generator().manual_seed(0)

    def __call__(self, a, b):
        return torch.randn(self.shape, generator=self.g)

    def corrector(self, sigma):
        return torch.randn(self.shape, generator=self.g)


def test_langevin_step_is_each_samples_own():
    """Song's batch-averaged norms would make a picture depend on its neighbours."""
    x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    x[1] *= 40.0
    z = {k: torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(k)) for k in range(9)}

    class Fixed:
        def __init__(self, rows):
            self.rows, self.n = rows, 0

        def __call__(self, a, b):
            self.n += 1
            return z[self.n][self.rows].clone()

        def corrector(self, sigma):
            return z[5 + [1.0, 0.3, 0.1].index(sigma)][self.rows].clone()

    both = predictor_corrector(lambda x, s: x / (1 + s * s), x, [1.0, 0.3, 0.1, 0.0], noise=Fixed(slice(0, 3)))
    one = predictor_corrector(lambda x, s: x / (1 + s * s), x[:1], [1.0, 0.3, 0.1, 0.0], noise=Fixed(slice(0, 1)))
    assert torch.equal(both[:1], one)
    with pytest.raises(ValueError, match="corrector"):
        predictor_corrector(lambda x, s: x, x, [1.0, 0.0], noise=lambda a, b: x)
    with pytest.raises(ValueError, match="snr"):
        predictor_corrector(lambda x, s: x, x, [1.0, 0.0], noise=Fixed(slice(0, 3)), snr=0.0)


def test_langevin_step_by_its_formula():
    """e = 2 (0.16 |z| / |score|)^2, x + e score + sqrt(2 e) z (Song et al., algorithm 4), then the paper's step."""
    x, z, later, (t, s) = [3.0, -1.0], [0.6, 0.8], [1.0, -2.0], (2.0, 0.5)
    score = [(0.5 * v - v) / t**2 for v in x]
    e = 2 * (0.16 * math.hypot(*z) / math.hypot(*score)) ** 2
    moved = [v + e * g + math.sqrt(2 * e) * n for v, g, n in zip(x, score, z, strict=True)]
    share = 1 - (s / t) ** 2
    want = [v + share * (0.5 * v - v) + math.sqrt(t * t - s * s) * n for v, n in zip(moved, later, strict=True)]

    class Fixed:
        corrector = staticmethod(lambda sigma: torch.tensor([z], dtype=torch.float64))

        def __call__(self, a, b):
            return torch.tensor([later], dtype=torch.float64)

    out = predictor_corrector(lambda x, s: 0.5 * x, torch.tensor([x], dtype=torch.float64), [t, s], noise=Fixed())
    assert out[0].tolist() == pytest.approx(want, rel=1e-12)
    flat = predictor_corrector(lambda x, s: x.clone(), torch.zeros(1, 2), [t, s], noise=Fixed())
    assert bool(torch.isfinite(flat).all()), "a score of 0 is no division by 0"


WITH_MAPS = {
    "lift": lambda denoise, x, sigmas, **options: lift(
        denoise, x, sigmas, anchor=x, levels=torch.full_like(x, sigmas[0]), **options
    ),
    "paper, masked": lambda denoise, x, sigmas, **options: paper(
        denoise, x, sigmas, guide=x, change=x > -9.0, **options
    ),
}


@pytest.mark.parametrize("name", [*SOLVERS, *WITH_MAPS])
def test_every_step_is_told_to_the_callback_and_draws_noise_only_above_zero(name):
    """Progress, previews and cancelling live on these calls; noise for the last step would be thrown away."""
    solve = WITH_MAPS[name] if name in WITH_MAPS else SOLVERS[name].solve
    levels, x = [2.0, 0.7, 0.1, 0.0], torch.ones(1, 1, 3, 3)
    told, asked, source = [], [], Cloned(x.shape)

    class Asked(Cloned):
        def __call__(self, a, b):
            asked.append((a, b))
            return source(a, b)

    def callback(step):
        assert step.x.shape == step.denoised.shape == x.shape and bool(torch.isfinite(step.denoised).all())
        told.append((step.index, step.total, step.sigma, step.sigma_next, float(step.x.sum())))

    out = solve(lambda x, s: 0.5 * x, x, levels, noise=Asked(x.shape), callback=callback)
    assert [t[:4] for t in told] == [(i, 3, a, b) for i, (a, b) in enumerate(pairwise(levels))]
    assert told[-1][4] == pytest.approx(float(out.sum()), rel=1e-6)
    if not name.startswith("paper"):  # which keeps the noise of its last step, as the paper's code does
        assert all(b > 0.0 for _, b in asked) and bool(asked) == (name != "pf_ode")


@pytest.mark.parametrize("solve", [ancestral, sde_2m])
def test_without_noise_none_is_drawn(solve):
    def noise(a, b):
        raise AssertionError("eta is 0")

    solve(lambda x, s: 0.5 * x, torch.ones(1, 1, 2, 2), LEVELS, noise=noise, eta=0.0)


@pytest.mark.parametrize("name", SOLVERS)
def test_dtype_follows_the_state_and_nothing_of_the_callers_is_written(name):
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(2, 1, 3, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
        fixed, seen = torch.full_like(x, 0.25), []

        def denoise(x, s, fixed=fixed, seen=seen):
            seen.append((s, x.dtype))
            return fixed

        before = x.clone()
        out = SOLVERS[name].solve(denoise, x, [2.0, 0.5, 0.1, 0.0], noise=Cloned(x.shape))
        assert out.dtype == dtype and {d for _, d in seen} == {dtype}
        assert all(isinstance(s, float) for s, _ in seen)
        assert torch.equal(x, before) and bool((fixed == 0.25).all())
        assert out.data_ptr() != fixed.data_ptr()
        if name != "paper":  # which keeps the noise of its last step
            torch.testing.assert_close(out, fixed)


@pytest.mark.parametrize("name", SOLVERS)
def test_denoiser_that_returns_its_input_is_safe(name):
    """D = x, returned without a copy, must act as the copied one."""
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a, b = (
        SOLVERS[name].solve(d, x, [2.0, 0.5, 0.1, 0.0], noise=Cloned(x.shape))
        for d in (lambda x, s: x, lambda x, s: x.clone())
    )
    assert torch.equal(a, b)


@pytest.mark.parametrize("name", SOLVERS)
def test_evaluations_are_as_announced(name):
    calls = []
    x = torch.zeros(1, 1, 2, 2)
    levels = [*karras(1.0, 0.01, 7), 0.0]
    SOLVERS[name].solve(lambda x, s: calls.append(s) or 0.5 * x, x, levels, noise=Cloned(x.shape))
    assert len(calls) == SOLVERS[name].evaluations(7)


def test_menu_texts():
    assert next(iter(SOLVERS)) == "auto"
    for solver in SOLVERS.values():
        assert solver.label and solver.summary.endswith(".") and solver.law in ("sde", "other")
        assert ("another law" in solver.label) == (solver.law == "other")


def test_mca_slope_is_checked():
    for bad in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="slope"):
            affine_law(mca, stds=[1.0], sigmas=LEVELS, slope=bad)
        with pytest.raises(ValueError, match="slope"):
            lift(lambda x, s: x, torch.zeros(1), LEVELS, noise=None, anchor=None, levels=torch.ones(1), slope=bad)


def test_lift_counts_the_slope_from_the_level_of_the_pixel():
    """Pixels that start lower, on a level of the run, are the plain solver's from there."""
    g = torch.Generator().manual_seed(1)
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=g)
    noises = {s: torch.randn(1, 1, 4, 4, dtype=torch.float64, generator=g) for s in LEVELS[1:]}

    def denoise(x, s):
        return x * (0.25 / (0.25 + s * s))  # pixel by pixel

    def noise(t, s):
        return noises[s].clone()

    low = torch.full((1, 1, 4, 4), LEVELS[3], dtype=torch.float64)
    low[..., :2] = START
    whole = lift(denoise, x, LEVELS, noise=noise, anchor=x, levels=low)
    for levels, part in ((LEVELS, (..., slice(0, 2))), (LEVELS[3:], (..., slice(2, 4)))):
        alone = mca(denoise, x, levels, noise=noise)
        torch.testing.assert_close(whole[part], alone[part], rtol=1e-12, atol=1e-12)


def test_lift_with_one_level_is_the_plain_solver():
    x = torch.randn(1, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    top = torch.full((1, 1, 5, 5), START, dtype=torch.float64)

    def denoise(x, s):
        return x * (0.25 / (0.25 + s * s))

    for finish in ("posterior", "balanced", "full", "none"):
        options = {"finish": finish, "slope": 0.6}
        a = mca(denoise, x, LEVELS, noise=Cloned(x.shape), **options)
        b = lift(denoise, x, LEVELS, noise=Cloned(x.shape), anchor=x, levels=top, **options)
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    a = mca(denoise, x, LEVELS, noise=Cloned(x.shape))  # their defaults are the same
    b = lift(denoise, x, LEVELS, noise=Cloned(x.shape), anchor=x, levels=top)
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    a = ancestral(denoise, x, LEVELS, noise=Cloned(x.shape))
    b = lift(denoise, x, LEVELS, noise=Cloned(x.shape), anchor=x, levels=top, correct=False)
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match="finish"):
        lift(denoise, x, LEVELS, noise=Cloned(x.shape), anchor=x, levels=top, finish="half")


def test_lift_keeps_the_labelled_noise_above_a_pixels_level_and_skips_idle_steps():
    """Above its own level a pixel carries anchor noise sigma_p^2 plus exactly sigma^2 - sigma_p^2 of the bridge."""
    own = [0.0, 0.05, 0.4]
    levels = torch.tensor(own, dtype=torch.float64)
    seen, calls = {}, []

    def solve(denoise, x, sigmas, *, noise, stop):
        start = x * torch.sqrt(sigmas[0] ** 2 - levels**2)

        def peek(step):
            if step.index == stop:
                seen["x"] = step.x.clone()

        lift(
            lambda x, s: calls.append(s) or 0.0 * x,
            start,
            sigmas,
            noise=noise,
            anchor=torch.zeros_like(x),
            levels=levels,
            callback=peek,
        )
        return seen["x"]

    for stop in (0, 2, 5):
        calls.clear()
        gain, std = affine_law(solve, stds=[1.0, 1.0, 1.0], sigmas=LEVELS, stop=stop)
        variance = gain**2 + std**2
        for k, own_level in enumerate(own):
            s = LEVELS[stop + 1]
            if s >= own_level:
                assert float(variance[k]) == pytest.approx(s * s - own_level**2, rel=1e-9, abs=1e-12)
    assert max(calls) <= min(s for s in LEVELS if s > 0.4)


def test_paper_masks_one_level_late():
    guide = torch.zeros(4096, 2, dtype=torch.float64)
    change = torch.tensor([[True, False]]).expand_as(guide)
    x = 1.0 * guide + 1.0
    spread = []
    paper(
        lambda x, s: 0.0 * x,
        x,
        [1.0, 0.4, 0.1, 0.0],
        noise=Cloned(x.shape),
        guide=guide,
        change=change,
        callback=lambda step: spread.append([float(v) for v in step.x.std(0)]),
    )
    kept = [s[1] for s in spread]
    assert kept == pytest.approx([1.0, 0.4, 0.1], rel=0.05)
    assert spread[-1][0] == pytest.approx(0.1, rel=0.05)  # the last noise stays in the edited region too


def test_unknown_solver_lists_the_names():
    with pytest.raises(ValueError, match="reverse_diffusion"):
        get_solver("euler")


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("levels", [[1.0], [0.5, 1.0, 0.0], [1.0, -0.5], [1.0, 1.0, 0.0], [float("nan"), 0.0]])
def test_levels_must_fall(name, levels):
    with pytest.raises(ValueError, match="fall strictly"):
        SOLVERS[name].solve(lambda x, s: x, torch.zeros(1, 1, 1, 1), levels, noise=lambda a, b: torch.zeros(1, 1, 1, 1))


def test_sum_of_step_variances_is_the_start_variance():
    """With D = x the paper's step only adds noise, eps^2 = sigma^2 - sigma_next^2, and the sum telescopes."""
    seen = []

    def noise(a, b):
        z = torch.zeros(64, 1, dtype=torch.float64)
        z[len(seen)] = 1.0
        seen.append((a, b))
        return z

    levels = [0.01 * 34800.0 ** (0.5 * i / 64) for i in range(64, 0, -1)] + [0.0]
    x = torch.zeros(64, 1, dtype=torch.float64)
    out = paper(lambda x, s: x, x, levels, noise=noise)
    assert len(seen) == 64
    assert float(out.square().sum()) == pytest.approx(START**2, rel=1e-12)
    assert math.sqrt(float(out[0].square())) == pytest.approx(math.sqrt(levels[0] ** 2 - levels[1] ** 2), rel=1e-12)
