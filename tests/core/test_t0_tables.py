"""The tables of docs/choosing-t0.md say what the schedules say."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from sdedit_core.sde import VESDE

LINES = (Path(__file__).parents[2] / "docs" / "choosing-t0.md").read_text(encoding="utf-8").splitlines()


def table(head):
    """Rows of cells of the table whose head begins so."""
    first = next(i for i, line in enumerate(LINES) if line.startswith(head)) + 2
    rows = []
    for line in LINES[first:]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def discrete(betas):
    abar = np.cumprod(1.0 - betas)
    return np.log(np.sqrt((1.0 - abar) / abar))


DDPM = discrete(np.linspace(1e-4, 0.02, 1000))
SD = discrete(np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)


def ve(top):
    return VESDE(0.01, top).sigma


def vp(t0):
    """DDPM nets: level t0 * 1000 counted from 1, log sigma between levels; sigma in the model's units, [-1, 1]."""
    return math.exp(np.interp(t0 * 1000.0 - 1.0, np.arange(1000), DDPM))


def sd(t0):
    return math.exp(np.interp(t0 * 999.0, np.arange(1000), SD))


def flow(shift):
    def sigma(t0):
        s = shift * t0 / (1.0 + (shift - 1.0) * t0)
        return s / (1.0 - s)

    return sigma


FAMILIES = [(ve(348.0), 0.25), (ve(1348.0), 0.25), (vp, 0.5), (sd, 1.0), (flow(3.0), 1.0), (flow(math.e**1.15), 1.0)]


@pytest.mark.parametrize("column", range(6))
def test_sigma_and_ratio_of_every_model_family(column):
    sigma, spread = FAMILIES[column]
    rows = table("| t0 | VE, sigma_max 348")
    assert len(rows) == 9
    for row in rows:
        found = re.fullmatch(r"([\d.]+) \(([+-]\d+) dB\)", row[1 + column])
        if found is None:
            assert row[1 + column] == "clamped at 999" and row[0] == "1"
            continue
        expected = sigma(float(row[0]))
        assert float(found[1]) == pytest.approx(expected, rel=0.006)
        assert int(found[2]) == pytest.approx(20.0 * math.log10(spread / expected), abs=0.51)


@pytest.mark.parametrize("column", range(4))
def test_t0_of_the_same_ratio(column):
    sigma, spread = FAMILIES[2 + column]
    for row in table("| VE t0 | sigma | SNR"):
        wanted = ve(348.0)(float(row[0])) / 0.25 * spread
        if row[3 + column] == "beyond its range":
            assert wanted > 0.99 * sigma(0.9)
            continue
        low, high = (sigma(max(float(row[3 + column]) + d, 1e-6)) for d in (-0.006, 0.006))
        assert low <= wanted <= high, row


def test_denoise_of_the_karras_scheduler():
    """KSampler takes the last denoise * steps of a grid from sigma_max to sigma_min, even in sigma^(1/7)."""
    top, bottom = (math.exp(SD[i]) ** (1 / 7) for i in (-1, 0))
    for row in table("| VE t0 | sigma | SNR"):
        if row[7] != "beyond its range":
            wanted = 4.0 * ve(348.0)(float(row[0]))
            start = (top + (1.0 - float(row[7])) * (bottom - top)) ** 7
            assert start == pytest.approx(wanted, rel=0.12), row
