"""Single steps of the solvers by their published formulas, where the law over a whole run would not tell."""

import math

import pytest
import torch

from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.solvers.ancestral import ancestral
from sdedit_core.sampling.solvers.base import TiltedRegion
from sdedit_core.sampling.solvers.law import Impulses
from sdedit_core.sampling.solvers.sde_2m import sde_2m


def number(value):
    return torch.tensor([[value]], dtype=torch.float64)


@pytest.mark.parametrize("solve", [ancestral, sde_2m])
@pytest.mark.parametrize("eta", [0.0, 0.3, 0.5, 1.0])
def test_one_step_with_less_noise(solve, eta):
    """Data in 0: the exact solution of dx = (1 + eta^2) / 2 x d(ln sigma^2) + noise from t to s.

    The share of x is (s / t)^(1 + eta^2), and with the noise the variance is s^2 where it was t^2.
    """
    t, s = 1.3, 0.4
    x, z = ([float(v) for v in (1.0, 0.0)], [float(v) for v in (0.0, 1.0)])
    gains = [
        float(solve(lambda x, s: 0.0 * x, number(a), [t, s], noise=lambda a, b, z=b: number(z), eta=eta))
        for a, b in zip(x, z, strict=True)
    ]
    assert gains[0] == pytest.approx((s / t) ** (1 + eta**2), rel=1e-12)
    assert (gains[0] * t) ** 2 + gains[1] ** 2 == pytest.approx(s * s, rel=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_heun_is_exact_for_a_denoiser_that_is_linear_in_log_sigma(eta):
    """x(s) = e^(-k h) x(t) + int_0^h k e^(-k (h - u)) D(u) du, k = 1 + eta^2, h = ln(t / s), after the first."""
    start, t, s, constant, slope = 2.0, 0.9, 0.25, 0.3, 0.7
    seen = []

    def denoise(x, sigma):
        return torch.full_like(x, constant - slope * math.log(sigma))

    solve_to = {"noise": lambda a, b: number(0.0), "eta": eta, "variant": "heun"}
    sde_2m(denoise, number(1.5), [start, t, s], callback=lambda step: seen.append(float(step.x)), **solve_to)
    k, h = 1 + eta**2, math.log(t / s)
    n = 20000  # the integral by the midpoint rule
    drift = sum(
        k * math.exp(-k * (h - u)) * (constant + slope * (u - math.log(t))) * h / n
        for u in ((i + 0.5) * h / n for i in range(n))
    )
    assert seen[1] == pytest.approx(math.exp(-k * h) * seen[0] + drift, abs=1e-7)


def test_the_midpoint_variant_is_the_default_and_others_are_refused():
    """Lu et al. (2022): the last difference of D over the last h, times half of b times h."""
    start, t, s = 2.0, 0.9, 0.25

    def denoise(x, sigma):
        return torch.full_like(x, sigma)

    quiet = {"noise": lambda a, b: number(0.0)}
    first = float(sde_2m(denoise, number(1.5), [start, t], **quiet))
    b = 1 - (s / t) ** 2
    want = (1 - b) * first + b * t + 0.5 * b * math.log(t / s) / math.log(start / t) * (t - start)
    assert float(sde_2m(denoise, number(1.5), [start, t, s], **quiet)) == pytest.approx(want, rel=1e-12)
    with pytest.raises(ValueError, match="euler"):
        sde_2m(denoise, number(1.5), [1.0, 0.0], variant="euler", **quiet)


def test_the_tilt_is_clipped_to_two_sigma_on_both_sides():
    seen = []
    guide = torch.tensor([[100.0, -100.0]])
    tilt = TiltedRegion(lambda x, s: seen.append(x[0].tolist()) or 0.0 * x, guide, torch.tensor([[False, False]]))
    for sigma in (1.0, 0.5):
        tilt(torch.zeros(1, 2), sigma)
    assert seen == [[0.0, 0.0], [1.0, -1.0]]


def test_impulses_come_one_after_another_and_then_stop():
    noise = Impulses(3, 2)
    rows = [noise(2.0, 1.0) for _ in range(4)]
    assert [z.sum(1).tolist() for z in rows] == [[0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [0.0] * 3, [0.0] * 3]
    assert noise.calls == 4 and rows[0].dtype == torch.float64


def test_a_sibling_stream_differs_by_its_name_only():
    one = NoiseStream((4,), seed=9, stream="path", samples=[3, 5], repeat=2).sibling("corrector")
    other = NoiseStream((4,), seed=9, stream="corrector", samples=[3, 5], repeat=2)
    assert torch.equal(one(7), other(7)) and one().shape == (2, 4)
    assert NoiseStream((4,), seed=9, stream="path", device="meta").sibling("probe").device.type == "meta"
