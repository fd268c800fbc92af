"""Exact distilled models: D(x, sigma) is the end of the probability-flow ODE from x, a sample and not a mean.

On Gaussian data (mean m, std s per direction) that is ``D = m + (x - m) s / sqrt(s^2 + sigma^2)``.  On mixtures the
ODE ``dx / d log sigma = x - E[x0 | x]`` is integrated.

The law of few_step for a fixed guide g, on Gaussian data, with ``k_i = s / sqrt(s^2 + sigma_i^2)``: of the guide's
distance from the mean the share ``prod k_i`` is kept, and the variance is that of ``v <- k_i^2 (v + sigma_i^2)``.
SDEdit's posterior keeps ``k_1^2``, with variance ``s^2 (1 - k_1^4)``.  Over guides drawn from the data both have the
data's law exactly.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence

import torch

from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.solvers import SOLVERS
from sdedit_core.sde import VESDE

from .gaussian import image_spectrum
from .metrics import Law, Reference
from .mixture import FreshNoise, problem
from .problems import F64, Mixture

SCHEDULE = VESDE(0.01, 348.0)
EVALUATIONS = (1, 2, 4, 8)
END = 1e-4  # the ODE is followed to here; what D changes below is less than the tolerance


def levels(t0: float, n: int, solver: str = "few_step") -> list[float]:
    """The levels of a run on the distilled model."""
    return sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), n, grid=SOLVERS[solver].grid, data_std=0.25)


def distilled_gaussian(std: torch.Tensor | float, mean: float = 0.0) -> Callable:
    """D of Gaussian data, in closed form."""

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        s2 = torch.as_tensor(std, dtype=x.dtype) ** 2
        return mean + (x - mean) * (s2 / (s2 + sigma**2)).sqrt()

    return denoise


def distilled(mixture: Mixture, *, steps: int = 400) -> Callable:
    """D of a mixture: Runge-Kutta of order 4 in log sigma, ``steps`` for the whole range: within 1e-6 of 1500."""
    top = math.log(SCHEDULE.sigma_max / END)

    def slope(x: torch.Tensor, log: float) -> torch.Tensor:
        return x - mixture.denoise(x, math.exp(log))

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        n = max(4, math.ceil(steps * math.log(sigma / END) / top))
        h, log = math.log(END / sigma) / n, math.log(sigma)
        for _ in range(n):
            a = slope(x, log)
            b = slope(x + 0.5 * h * a, log + 0.5 * h)
            c = slope(x + 0.5 * h * b, log + 0.5 * h)
            d = slope(x + h * c, log + h)
            x, log = x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d), log + h
        return mixture.denoise(x, END)

    return denoise


def few_step_law(std: torch.Tensor, sigmas: Sequence[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """(share of the guide's distance from the mean that is kept, std of the result) for a fixed guide."""
    kept, variance = torch.ones_like(std), torch.zeros_like(std)
    for sigma in (s for s in sigmas if s > 0.0):
        k = std / (std**2 + sigma**2).sqrt()
        kept, variance = kept * k, k**2 * (variance + sigma**2)
    return kept, variance.sqrt()


def sdedit_law(std: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The same two of SDEdit's exact posterior."""
    kept = std**2 / (std**2 + sigma**2)
    return kept, std * (1.0 - kept**2).sqrt()


def image_distance(t0: float, n: int) -> tuple[float, float, float]:
    """(W2 per pixel in 1/255 between few_step and SDEdit for one guide of the image model, kept by either).

    Kept: rms of the guide's distance from the mean that is left, as a share.
    """
    c, share = image_spectrum()
    own, exact = few_step_law(c, levels(t0, n)), sdedit_law(c, SCHEDULE.sigma(t0))
    apart = ((own[0] - exact[0]) * c).square() + (own[1] - exact[1]).square()
    total = float((c**2 * share).sum())
    kept = [math.sqrt(float(((k * c) ** 2 * share).sum()) / total) for k in (own[0], exact[0])]
    return 255.0 * math.sqrt(float((apart * share).sum())), kept[0], kept[1]


def run(name: str, t0: float, n: int, *, rows: int, solver: str = "few_step", guide: torch.Tensor | None = None):
    """(results (rows, d), exact draws of SDEdit from the same guides) on a distilled mixture; guides of the data."""
    mixture, g = problem(name), torch.Generator().manual_seed(17 + n)
    guides = mixture.sample(rows, g) if guide is None else guide.expand(rows, -1)
    sigmas = levels(t0, n, solver)
    x = guides + sigmas[0] * torch.randn(rows, mixture.dim, dtype=F64, generator=g)
    noise = FreshNoise(tuple(x.shape), 1000 + n)
    return SOLVERS[solver].solve(distilled(mixture), x, sigmas, noise=noise), _posterior(mixture, x, sigmas[0], g)


def _posterior(mixture: Mixture, x: torch.Tensor, sigma: float, g: torch.Generator) -> torch.Tensor:
    """One exact draw of p(x0 | x) for every row."""
    k = torch.multinomial(torch.softmax(mixture.responsibilities(x, sigma), 1), 1, generator=g)[:, 0]
    axes = torch.eye(mixture.dim, dtype=F64).expand(len(mixture.mean), -1, -1) if mixture.axes is None else mixture.axes
    gain = mixture.eig[k] / (mixture.eig[k] + sigma**2)
    y = torch.einsum("nd,nde->ne", x - mixture.mean[k], axes[k]) * gain
    y = y + torch.randn(x.shape, dtype=F64, generator=g) * (gain * sigma**2).sqrt()
    return mixture.mean[k] + torch.einsum("ne,nde->nd", y, axes[k])


def law(name: str, t0: float, n: int, *, rows: int = 4000, solver: str = "few_step") -> Law:
    """How far the results are from the data's law, over guides drawn from the data."""
    ref = Reference(problem(name), rows, torch.Generator().manual_seed(5))
    return ref.compare(run(name, t0, n, rows=rows, solver=solver)[0])


def floor(name: str, *, rows: int = 4000) -> float:
    """The noise floor of :func:`law`: the largest of four exact samples."""
    g = torch.Generator().manual_seed(6)
    ref = Reference(problem(name), rows, torch.Generator().manual_seed(5))
    return max(abs(ref.compare(problem(name).sample(rows, g)).energy) for _ in range(4))


def gaussian_spread(std: float, t0: float, n: int, solver: str = "few_step", *, rows: int = 20000) -> float:
    """Std of the results over that of the data, on the distilled Gaussian, over guides drawn from the data."""
    g = torch.Generator().manual_seed(3)
    guide, sigmas = std * torch.randn(rows, 1, dtype=F64, generator=g), levels(t0, n, solver)
    x = guide + sigmas[0] * torch.randn(guide.shape, dtype=F64, generator=g)
    noise = FreshNoise(tuple(x.shape), n)
    return float(SOLVERS[solver].solve(distilled_gaussian(std), x, sigmas, noise=noise).std()) / std


def show(args: argparse.Namespace) -> None:
    """The tables of docs/solvers.md on distilled models; about five minutes."""
    print("Gaussian data: std of the result / std of the data, guides of the data (1 = right)")
    for s in (0.25, 0.02):
        for t0 in args.t0:
            row = [gaussian_spread(s, t0, n, v) for v in ("few_step", "auto", "sde_2m") for n in EVALUATIONS]
            cells = [" / ".join(f"{v:.2f}" for v in row[i : i + 4]) for i in (0, 4, 8)]
            print(
                f"  s {s:<5g} t0 {t0:g}  evaluations {EVALUATIONS}: few_step {cells[0]}  auto {cells[1]}  2M {cells[2]}"
            )
    print("fixed guide on the image model: W2 per pixel in 1/255 to SDEdit's law / share of the guide kept")
    for t0 in args.t0:
        cells = [image_distance(t0, n) for n in EVALUATIONS]
        print(f"  t0 {t0:g}: ", *(f"{w:.1f}/{k:.2f}" for w, k, _ in cells), f" SDEdit keeps {cells[0][2]:.2f}")
    for name in ("gm2", "far"):
        print(f"{name}: energy distance in %, guides of the data; noise floor {floor(name):.3f}")
        for t0 in args.t0:
            for solver in ("few_step", "auto"):
                got = [law(name, t0, n, solver=solver) for n in EVALUATIONS]
                print(f"  t0 {t0:g} {solver:9s}", *(f"{q.energy:7.3f}/{q.std:.3f}" for q in got), flush=True)
