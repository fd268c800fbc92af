"""Paths of light on water: short light bars, several of them one below the other."""

import pytest
import torch

from sdedit_core.priors.glints import glints_of

SIDE = 128
SEA, LIGHT = (0.30, 0.36, 0.50), (0.85, 0.80, 0.60)


def ladder(count=6, *, step=8, thick=3, left=56, right=68, light=LIGHT, top=50):
    picture = torch.tensor(SEA).view(3, 1, 1).repeat(1, SIDE, SIDE)
    for number in range(count):
        begin = top + step * number
        picture[:, begin : begin + thick, left:right] = torch.tensor(light).view(3, 1, 1)
    return picture


def found(picture, land=None):
    land = torch.ones_like(picture[:1]) if land is None else land
    return glints_of(picture, land)


@pytest.mark.parametrize(("step", "thick", "right"), [(6, 3, 65), (8, 3, 68), (10, 4, 80)])
def test_a_path_is_its_bars_and_what_lies_between_them(step, thick, right):
    bars, path = found(ladder(step=step, thick=thick, right=right))
    last = 50 + 5 * step + thick
    assert float(path[0, 52 : last - 2, 58 : right - 2].min()) > 0.9
    rows = torch.arange(50, last)
    there = (rows - 50) % step < thick
    assert torch.equal(bars[0, 50:last, 60] > 0, there)
    assert float(path[0, :40].max()) == 0 and float(path[0, :, : 56 - 14].max()) == 0


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (ladder(3), "three of them: windows"),
        (ladder(4, step=24, top=20), "too far from each other"),
        (ladder(6, left=60, right=64, thick=4), "as long as they are thick: windows as well"),
        (ladder(5, step=14, thick=8), "too thick: a striped wall"),
        (ladder(6, light=(0.31, 0.37, 0.51)), "hardly any contrast"),
        (ladder(6, light=(0.10, 0.12, 0.16)), "dark: rungs of a ladder"),
    ],
)
def test_what_is_no_path_of_light(picture, why):
    bars, path = found(picture)
    assert float(bars.max()) == 0 and float(path.max()) == 0, why


def test_in_the_sky_they_are_clouds():
    land = torch.zeros(1, SIDE, SIDE)
    assert float(found(ladder(), land).path.max()) == 0


def test_crooked_bars_are_bars():
    """As a hand paints them: every one goes up and down by a cell or two."""
    picture = torch.tensor(SEA).view(3, 1, 1).repeat(1, SIDE, SIDE)
    for number in range(6):
        for column in range(54, 72):
            begin = 50 + 8 * number + (column // 4 + number) % 3 - 1
            picture[:, begin : begin + 3, column] = torch.tensor(LIGHT)
    path = found(picture).path
    assert float(path[0, 54:90, 58:68].min()) > 0.5


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (200, 64)])
def test_any_size_will_do(size):
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    for part in found(picture):
        assert part.shape == (1, *size) and bool(torch.isfinite(part).all())
