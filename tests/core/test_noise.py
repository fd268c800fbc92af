"""Noise: what each number depends on, its law, and the Brownian path behind it."""

import math
from itertools import pairwise

import pytest
import torch

from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.grids import karras
from sdedit_core.sampling.noise import STREAMS, NoiseStream, mix64

RANGE = {"sigma_min": 0.01, "sigma_max": 348.0}


def path(shape=(3, 8, 8), *, seed=5, samples=(0,), depth=10, repeat=0):
    return BrownianPath(
        NoiseStream(shape, seed=seed, stream="path", samples=samples, repeat=repeat), depth=depth, **RANGE
    )


def edge(cell, depth):
    """The level at the upper edge of a cell."""
    return 348.0 * (0.01 / 348.0) ** (cell / (1 << depth))


def walk(p, levels):
    return [p(a, b) for a, b in pairwise(levels)]


def test_mix64_is_fixed_and_order_matters():
    """Frozen: another hash would change every picture ever made with a seed."""
    assert mix64(0) == 0x6E789E6AA1B965F4  # the second number of SplitMix64 from seed 0, as published
    assert mix64(1, 2, 3) == 0x48CF5028B6DF10DB != mix64(3, 2, 1)
    assert mix64(0) != mix64(0, 0)
    assert mix64(-1) == mix64((1 << 64) - 1)
    assert len({mix64(7, i) for i in range(10000)}) == 10000


def test_streams_and_path_are_frozen():
    """A picture of today comes out again tomorrow: what each stream and the path draw, to the last digit but one."""
    frozen = {
        "initial": [-0.296852678, -0.582625568, -0.315509707],
        "path": [-0.105067395, 1.395055056, -1.502645373],
        "corrector": [-0.152413383, -0.421104997, -0.781821907],
        "probe": [0.638298810, -2.369902372, 1.743523717],
    }
    for stream, numbers in frozen.items():
        assert NoiseStream((3,), seed=1, stream=stream)()[0].tolist() == pytest.approx(numbers, abs=1e-6), stream
    later = NoiseStream((3,), seed=1, stream="path", samples=[2], repeat=1)(5)[0]
    assert later.tolist() == pytest.approx([0.701535046, -0.623867214, -1.038665771], abs=1e-6)
    walked = path((3,), seed=1)  # the second step lies inside one cell
    assert walked(1.9, 0.5)[0].tolist() == pytest.approx([-0.662657320, -0.143436179, 0.144786507], abs=1e-6)
    assert walked(0.5, 0.4999)[0].tolist() == pytest.approx([0.793064356, 0.120776519, -0.052591119], abs=1e-6)
    assert walked.corrector(0.5)[0].tolist() == pytest.approx([0.518167436, -0.643184423, -1.053240418], abs=1e-6)


def test_streams_samples_seeds_and_repeats_are_independent():
    shape, n = (40000,), 40000
    kinds = [NoiseStream(shape, seed=1, stream=s)()[0] for s in STREAMS]
    kinds += [NoiseStream(shape, seed=2, stream="path")()[0], NoiseStream(shape, seed=1, stream="path", repeat=1)()[0]]
    kinds += [
        NoiseStream(shape, seed=1, stream="path", samples=[1])()[0],
        NoiseStream(shape, seed=1, stream="path")(1)[0],
    ]
    c = torch.corrcoef(torch.stack(kinds))
    off = (c - torch.eye(len(kinds))).abs().max()
    assert off < 5.0 / math.sqrt(n)


def test_normal_law():
    z = NoiseStream((200000,), seed=3, stream="initial")()[0].double()
    n = z.numel()
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)


def test_item_alone_equals_item_in_batch():
    levels = [*karras(1.9, 0.01, 9), 0.0]
    batch, alone = path(samples=(0, 1, 2)), path(samples=(1,))
    for a, b in zip(walk(batch, levels), walk(alone, levels), strict=True):
        assert torch.equal(a[1:2], b)


def test_path_does_not_depend_on_the_order_of_questions():
    levels = karras(1.9, 0.01, 9)
    down = walk(path(), levels)
    up = [path()(a, b) for a, b in pairwise(levels)]
    p = path()
    back = [p(a, b) for a, b in reversed(list(pairwise(levels)))]
    assert all(torch.equal(a, b) for a, b in zip(down, up, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(down, reversed(back), strict=True))


def test_coarse_step_is_the_sum_of_fine_ones():
    cells = [300, 301, 305, 350, 511, 512, 700]
    edges = [edge(c, 10) for c in cells]
    fine = path((1000,))
    total = sum(fine(edges[k], edges[k + 1]) * math.sqrt(cells[k + 1] - cells[k]) for k in range(len(cells) - 1))
    coarse = path((1000,))(edges[0], edges[-1]) * math.sqrt(cells[-1] - cells[0])
    torch.testing.assert_close(total, coarse, rtol=0, atol=2e-4)


def test_depth_changes_resolution_not_the_path():
    a, b = edge(40, 7), edge(77, 7)
    torch.testing.assert_close(path(depth=7)(a, b), path(depth=13)(a, b), rtol=0, atol=2e-5)


def test_steps_are_unit_normal_and_uncorrelated():
    n = 60000
    levels = [*karras(1.9, 0.01, 8), 0.0]
    z = torch.stack([q[0] for q in walk(path((n,)), levels)]).double()
    assert (z.var(1) - 1).abs().max() < 5 * math.sqrt(2 / n)
    assert (torch.corrcoef(z) - torch.eye(len(z))).abs().max() < 5 / math.sqrt(n)


def test_corrector_noise_is_independent_of_the_path():
    n = 60000
    p = path((n,))
    z = torch.stack([p(1.9, 0.5)[0], p.corrector(1.9)[0], p.corrector(0.5)[0], p(0.5, 0.01)[0]])
    assert (torch.corrcoef(z) - torch.eye(4)).abs().max() < 5 / math.sqrt(n)
    assert torch.equal(p.corrector(0.5), path((n,)).corrector(0.5))


def test_steps_inside_one_cell_and_outside_the_range_are_independent_normals():
    n = 60000
    p = path((n,), depth=6)
    z = torch.stack(
        [p(a, b)[0] for a, b in ((1.9, 1.899), (1.899, 1.898), (900.0, 800.0), (800.0, 700.0), (0.01, 0.0))]
    )
    assert (z.var(1) - 1).abs().max() < 5 * math.sqrt(2 / n)
    assert (torch.corrcoef(z) - torch.eye(5)).abs().max() < 5 / math.sqrt(n)


def test_returned_noise_may_be_overwritten():
    p, q = path(), path()
    p(348.0, 0.01).zero_()
    p(348.0, 1.0).zero_()
    assert torch.equal(p(1.0, 0.01), q(1.0, 0.01))


def test_path_depth_resolves_the_shortest_step():
    for steps in (2, 10, 20, 2048):
        levels = [*karras(1.9, 0.01, steps), 0.0]
        depth = path_depth(levels, **RANGE)
        shortest = min(math.log(a / b) for a, b in pairwise(levels[:-1]))
        cell = math.log(34800) / (1 << depth)
        assert shortest >= 8 * cell or depth == 24
        assert depth == 6 or shortest < 16 * cell
    assert path_depth([0.01, 0.0], **RANGE) == 6
    assert path_depth([1.0 + 1e-9, 1.0, 0.1], **RANGE) == path_depth([1.0, 0.1], **RANGE)  # rounding is no step


def test_cost_stays_small():
    drawn = []
    p = path((1,), depth=path_depth([*karras(1.9, 0.01, 20), 0.0], **RANGE))
    normals = p.stream.normals
    p.stream.normals = lambda nodes, stds, spare=(): drawn.extend(nodes) or normals(nodes, stds, spare=spare)
    alive = 0
    levels = karras(1.9, 0.01, 20)
    for a, b in pairwise(levels):
        p(a, b)
        alive = max(alive, p.alive)
    assert len(drawn) / 19 <= 4.4  # the cost that the documentation states
    assert alive <= p.depth + 2


def test_bad_arguments():
    with pytest.raises(ValueError, match="stream"):
        NoiseStream((1,), seed=0, stream="weather")
    with pytest.raises(ValueError, match="sigma_min"):
        BrownianPath(NoiseStream((1,), seed=0, stream="path"), sigma_min=1.0, sigma_max=0.5)


PARTS = [(4, 3, 5, 5), (2, 7, 3)]
ROW = (1, 4 * 3 * 5 * 5 + 2 * 7 * 3)


def parts_of(x):
    return x[..., : 4 * 3 * 5 * 5], x[..., 4 * 3 * 5 * 5 :]


def test_parts_in_a_row_have_numbers_of_their_own_and_the_first_those_it_has_alone():
    stream = NoiseStream(ROW, seed=3, stream="path", samples=[4, 1], parts=PARTS)
    first, second = parts_of(stream(9))
    assert torch.equal(first.reshape(2, *PARTS[0]), NoiseStream(PARTS[0], seed=3, stream="path", samples=[4, 1])(9))
    other = NoiseStream((1, 342), seed=3, stream="path", samples=[4, 1], parts=[(1, 300), PARTS[1]])(9)
    assert torch.equal(other[..., 300:], second), "whatever lies before it"
    assert not torch.equal(first[..., :42], second)
    alone = NoiseStream(ROW, seed=3, stream="path", samples=[1], parts=PARTS)(9)
    assert torch.equal(alone[0], stream(9)[1])
    assert torch.equal(stream.sibling("corrector")(2), NoiseStream(ROW, **{**KEYS, "stream": "corrector"})(2))


KEYS = {"seed": 3, "stream": "path", "samples": [4, 1], "parts": PARTS}


def test_parts_must_fill_a_sample():
    with pytest.raises(ValueError, match="do not fill"):
        NoiseStream(ROW, seed=3, stream="path", parts=PARTS[:1])
