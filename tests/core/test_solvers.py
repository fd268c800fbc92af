"""Solvers: golden affine gains, and what every solver promises."""

import math

import pytest
import torch

from sdedit_core.grids import karras
from sdedit_core.solvers import SOLVERS, get_solver
from sdedit_core.solvers.ancestral import ancestral
from sdedit_core.solvers.law import affine_law, exact_law
from sdedit_core.solvers.mca import mca
from sdedit_core.solvers.reverse_diffusion import reverse_diffusion

START = 0.01 * 34800.0**0.5
LEVELS = [*karras(START, 0.01, 10), 0.0]
STDS = [0.02, 0.1, 0.5, 2.0]
GAINS = [0.000115, 0.002865, 0.067024, 0.534759]

# Output std given the start, for data of std c in each direction, at ten levels (rho 7) and D.
GOLDEN = {
    "reverse_diffusion": (reverse_diffusion, {}, GAINS, [0.028091, 0.135796, 0.609916, 1.510061]),
    "ancestral": (ancestral, {}, GAINS, [0.013542, 0.074501, 0.372952, 0.964413]),
    "mca": (mca, {}, GAINS, [0.019436, 0.101404, 0.490169, 1.338727]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_affine_law(name):
    solve, options, gains, stds = GOLDEN[name]
    gain, std = affine_law(solve, stds=STDS, sigmas=LEVELS, **options)
    torch.testing.assert_close(gain, torch.tensor(gains, dtype=torch.float64), rtol=0, atol=1e-5)
    torch.testing.assert_close(std, torch.tensor(stds, dtype=torch.float64), rtol=0, atol=1e-5)


def test_exact_law():
    gain, std = exact_law(stds=STDS, sigma=START)
    torch.testing.assert_close(gain, torch.tensor(GAINS, dtype=torch.float64), rtol=0, atol=1e-6)
    want = torch.tensor([0.019999, 0.099857, 0.482953, 1.364171], dtype=torch.float64)
    torch.testing.assert_close(std, want, rtol=0, atol=1e-6)


def test_unknown_solver_lists_the_names():
    with pytest.raises(ValueError, match="reverse_diffusion"):
        get_solver("euler")


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("levels", [[1.0], [0.5, 1.0, 0.0], [1.0, 0.5], [1.0, 1.0, 0.0], [float("nan"), 0.0]])
def test_levels_must_fall_to_zero(name, levels):
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
    out = reverse_diffusion(lambda x, s: x, x, levels, noise=noise, keep_last_noise=True)
    assert len(seen) == 64
    assert float(out.square().sum()) == pytest.approx(START**2, rel=1e-12)
    assert math.sqrt(float(out[0].square())) == pytest.approx(math.sqrt(levels[0] ** 2 - levels[1] ** 2), rel=1e-12)
