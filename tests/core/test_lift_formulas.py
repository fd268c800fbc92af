"""Start levels per pixel by their formulas: the bridge, a start inside a step, idle steps, and what a callback sees."""

import math

import pytest
import torch

from sdedit_core.sampling.solvers.lift import lift, lifted_start

LEVELS = [1.0, 0.5, 0.2, 0.05, 0.0]


def row(*values):
    return torch.tensor([values], dtype=torch.float64)


def test_the_anchor_is_a_point_of_the_brownian_bridge():
    """y = clean + a z + b xi for x = clean + top z: Var y = s^2, and Cov(x, y) = s^2, so x - y does not depend on y."""
    top, own = 2.0, (0.3, 1.0, 1.9)
    one, zero, clean = torch.ones(1, 3, dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64), row(5.0, 6.0, 7.0)

    def share(z, xi):
        y = lifted_start(clean + top * z, clean=clean, guide=-clean, levels=row(*own), top=top, xi=xi.clone())
        return (y - clean)[0].tolist()

    for a, b, s in zip(share(one, zero), share(zero, one), own, strict=True):
        assert a * a + b * b == pytest.approx(s * s, rel=1e-12)
        assert a * top == pytest.approx(s * s, rel=1e-12)


def test_a_pixel_of_level_zero_gets_the_guide_and_one_of_the_top_the_state():
    clean, guide, x, xi = row(1.0, 2.0, 3.0), row(10.0, 20.0, 30.0), row(4.0, 5.0, 6.0), row(7.0, 8.0, 9.0)
    levels = row(0.0, 2.0, 2.0 * (1 + 1e-12))  # the last one above the top by rounding
    y = lifted_start(x, clean=clean, guide=guide, levels=levels, top=2.0, xi=xi)
    assert y[0].tolist() == pytest.approx([10.0, 5.0, 6.0], rel=1e-12)


def test_a_pixel_that_starts_inside_a_step_goes_from_its_own_level():
    """x = (1 - b) y + b D + s sqrt(b) z with b = 1 - (s / own level)^2: what the state was before does not count."""
    own, y, z, d = 0.3, 0.7, -1.3, 0.25
    out, seen = [], []
    for before in (9.0, -4.0):
        lift(
            lambda x, s: torch.full_like(x, d),
            row(before),
            [0.5, 0.2, 0.0],
            noise=lambda a, b: row(z),
            anchor=row(y),
            levels=row(own),
            callback=lambda step: seen.append(float(step.x)),
        )
        out.append(seen[-2])
    b = 1 - (0.2 / own) ** 2
    assert out == pytest.approx([(1 - b) * y + b * d + 0.2 * math.sqrt(b) * z] * 2, rel=1e-12)
    assert seen[-1] == pytest.approx(d, rel=1e-12)


def test_above_its_level_a_pixel_follows_the_bridge_to_its_anchor():
    """From t to s, both above the level l: share r = (s^2 - l^2) / (t^2 - l^2), noise of variance r (t^2 - s^2)."""
    own, y, x, z = 0.3, 0.7, 1.9, 0.6
    seen = []
    lift(
        lambda x, s: torch.zeros_like(x),
        row(x, 0.0),
        [1.0, 0.5, 0.0],
        noise=lambda a, b: row(z, 0.0),
        anchor=row(y, 0.0),
        levels=row(own, 0.0),
        callback=lambda step: seen.append(step.x.clone()),
    )
    r = (0.25 - own**2) / (1.0 - own**2)
    assert float(seen[0][0, 0]) == pytest.approx(r * x + (1 - r) * y + math.sqrt(r * 0.75) * z, rel=1e-12)


def test_pixels_that_are_kept_end_on_their_anchor_and_are_never_moved_by_the_network():
    anchor = row(0.25, -0.75, 0.5)
    out = lift(
        lambda x, s: torch.full_like(x, 8.0),
        row(1.0, 2.0, 3.0),
        LEVELS,
        noise=lambda a, b: row(0.3, -0.2, 0.1),
        anchor=anchor,
        levels=row(0.0, 0.0, 0.4),
    )
    assert out[0].tolist() == pytest.approx([0.25, -0.75, 8.0], rel=1e-12)


@pytest.mark.parametrize("own, asked", [(0.5, [0.5, 0.2, 0.05]), (0.49, [0.5, 0.2, 0.05]), (0.2, [0.2, 0.05])])
def test_no_evaluation_is_spent_before_the_first_pixel_starts(own, asked):
    """A pixel whose level is one of the run's starts there, and not a step before."""
    calls = []
    lift(
        lambda x, s: calls.append(s) or 0.5 * x,
        row(1.0, 1.0),
        LEVELS,
        noise=lambda a, b: torch.zeros(1, 2, dtype=torch.float64),
        anchor=row(1.0, 1.0),
        levels=row(own, 0.0),
    )
    assert calls == asked


def test_the_callback_sees_the_anchor_until_there_is_a_guess_of_the_picture():
    seen = []
    lift(
        lambda x, s: torch.full_like(x, 0.25),
        row(1.0),
        LEVELS,
        noise=lambda a, b: row(0.0),
        anchor=row(-3.0),
        levels=row(0.2),
        callback=lambda step: seen.append(float(step.denoised)),
    )
    assert seen == pytest.approx([-3.0, -3.0, 0.25, 0.25])
