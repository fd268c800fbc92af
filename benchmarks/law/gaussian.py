"""Exact Gaussian image model: no Monte-Carlo noise anywhere.

A 256 x 256 x 3 Gaussian with the spectrum of natural images (amplitude ~ frequency^-1.3, std 0.25 per pixel).
Solvers are affine on it, so gain and spread per eigen-direction are read off exactly, and with them the
Wasserstein-2 distance per pixel between solver output and p(x0 | x(t0)).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch

from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.solvers import SOLVERS, Solver
from sdedit_core.sampling.solvers.law import affine_law, exact_law
from sdedit_core.sde import VESDE

SCHEDULE = VESDE(0.01, 348.0)


@functools.cache
def image_spectrum(
    size: int = 256, total_std: float = 0.25, power: float = 1.3, grain: float = 0.004
) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigen-stds of the image model in 160 logarithmic bins, and the share of directions in each bin.

    ``power`` is the fall of amplitude with frequency, ``grain`` the std of white noise in the pictures.
    """
    f = torch.arange(size, dtype=torch.float64)
    amplitude = torch.hypot(f[:, None], f[None]).flatten().clamp(min=0.7) ** -power
    stds = []
    for share in (0.9, 0.06, 0.04):  # luminance and two chrominance planes
        scale = math.sqrt(3 * share * total_std**2 * size**2 / float((amplitude**2).sum()))
        stds.append(((scale * amplitude) ** 2 + grain**2).sqrt())
    c = torch.cat(stds)
    index = torch.bucketize(c, torch.logspace(-3, 2.3, 161, dtype=torch.float64))
    bins = index.unique()
    binned = torch.stack([c[index == i].square().mean().sqrt() for i in bins])
    share = torch.stack([(index == i).sum() for i in bins]).double() / len(c)
    return binned, share


def w2(
    solve: Callable[..., torch.Tensor],
    sigmas: list[float],
    *,
    strict: bool = False,
    spectrum: tuple[torch.Tensor, torch.Tensor] | None = None,
    **options,
) -> tuple[float, float, float]:
    """W2 per pixel to the exact posterior, in 1/255, and its parts in mean and in spread.

    ``strict``: against the exact law of D(x at sigmas[-2]) instead, which removes the floor that every solver
    that ends with a denoising step shares.
    """
    c, share = spectrum or image_spectrum()
    gain, std = affine_law(solve, stds=c, sigmas=sigmas, **options)
    true_gain, true_std = exact_law(stds=c, sigma=sigmas[0])
    if strict:
        end = exact_law(stds=c, sigma=sigmas[-2])[1]
        true_std = (true_std**2 - end**2).clamp(min=0.0).sqrt()
    mean = ((gain - true_gain).square() * (c**2 + sigmas[0] ** 2) * share).sum()
    spread = ((std - true_std).square() * share).sum()
    return 255 * math.sqrt(mean + spread), 255 * math.sqrt(mean), 255 * math.sqrt(spread)


def budget_steps(solver: Solver, evaluations: int) -> int:
    """The most steps that cost at most ``evaluations``."""
    return (evaluations - 1) // solver.stages + 1


def run(
    name: str,
    evaluations: int,
    t0: float,
    *,
    grid: str | None = None,
    strict: bool = False,
    schedule: VESDE = SCHEDULE,
    **options,
) -> float:
    """W2 in 1/255 of a named solver at a budget.  ``strict`` compares with the law of D, so "auto" ends with that."""
    solver = SOLVERS[name]
    if strict and "finish" in solver.options:
        options.setdefault("finish", "balanced")
    steps = budget_steps(solver, evaluations)
    levels = sigma_grid(schedule, schedule.sigma(t0), steps, grid=grid or solver.grid, data_std=0.25)
    return w2(solver.solve, levels, strict=strict, **options)[0]


def paper_500(t0: float, *, strict: bool = False, ending: str = "D", schedule: VESDE = SCHEDULE, **options) -> float:
    """The paper's solver at 500 steps.

    ``ending``: "D" takes x0 = D in the last step (score SDE's noise removal), "noise" keeps the last noise as
    algorithm 1 is printed, with sigma(0) = 0, and "stop" ends at sigma_min with its noise in the picture.
    """
    levels = sigma_grid(schedule, schedule.sigma(t0), 500, grid="uniform-t")
    if ending == "stop":
        levels = sigma_grid(schedule, schedule.sigma(t0), 500, grid="log")
        return w2(_stopped, levels, **options)[0]
    solve = SOLVERS["paper" if ending == "noise" else "reverse_diffusion"].solve
    return w2(solve, levels, strict=strict, **options)[0]


def _stopped(denoise, x, sigmas, *, noise):
    """The paper's steps down to the last positive level, and no further."""
    kept = []
    peek = lambda step: kept.append(step.x.clone()) if step.sigma_next == sigmas[-2] else None  # noqa: E731
    SOLVERS["reverse_diffusion"].solve(denoise, x, sigmas, noise=noise, callback=peek)
    return kept[0]
