"""Masked editing: ours, the paper's, the official code's and ComfyUI's, measured against the exact law.

Every algorithm here is ``run(denoise, guide, s, sigmas, noise) -> x``: rows (n, 32), ``s`` (32,) the start level of
every pixel (0 = kept), ``noise(a, b)`` unit normals.  Hard masks have s in {0, sigmas[0]}.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.solvers import SOLVERS
from sdedit_core.sampling.solvers.ancestral import ancestral
from sdedit_core.sampling.solvers.base import TiltedRegion, keep_region
from sdedit_core.sampling.solvers.lift import lift
from sdedit_core.sampling.solvers.mca import mca
from sdedit_core.sampling.solvers.sde_2m import sde_2m
from sdedit_core.sde import VESDE

from .line import F64, SIZE, LineMixture, bures, exact_masked_law, gaussian_line, mixture_line
from .metrics import energy_distance
from .mixture import FreshNoise

Solve = Callable[..., torch.Tensor]
SCHEDULE = VESDE(0.01, 348.0)


# --- ours ------------------------------------------------------------------------------------------------------
def bridge(solve: Solve) -> Solve:
    def run(denoise, guide, s, sigmas, noise):
        x = guide + sigmas[0] * noise(0.0, 0.0)
        return solve(keep_region(denoise, guide, s > 0), x, sigmas, noise=noise)

    return run


def tilt(solve: Solve, *, clip: float = 2.0) -> Solve:
    def run(denoise, guide, s, sigmas, noise):
        x = guide + sigmas[0] * noise(0.0, 0.0)
        return solve(TiltedRegion(denoise, guide, s > 0, clip=clip), x, sigmas, noise=noise)

    return run


def per_pixel(*, correct: bool = True) -> Solve:
    def run(denoise, guide, s, sigmas, noise):
        y = guide + s * noise(0.0, 0.0)
        x = y + (sigmas[0] ** 2 - s**2).clamp(min=0.0).sqrt() * noise(0.0, 0.0)
        return lift(denoise, x, sigmas, noise=noise, anchor=y, levels=s, correct=correct)

    return run


# --- others ----------------------------------------------------------------------------------------------------
def paper(*, fresh: bool = True) -> Solve:
    """SDEdit's algorithm 3 with a final D: the kept region at the old level, fresh noise (or the official code's
    one fixed noise)."""

    def run(denoise, guide, s, sigmas, noise):
        change = s > 0
        z0 = noise(0.0, 0.0)
        x = guide + sigmas[0] * z0
        for a, b in pairwise(sigmas):
            d = denoise(x, a)
            if b == 0.0:
                return torch.where(change, d, guide)
            eps2 = a * a - b * b
            x = torch.lerp(x, d, eps2 / (a * a)) + math.sqrt(eps2) * noise(a, b)
            x = torch.where(change, x, guide + a * (noise(a, b) if fresh else z0))
        raise AssertionError("levels end in 0")

    return run


def comfyui(solve: Solve, *, differential: bool = False, grey: bool = False) -> Solve:
    """ComfyUI's built-in masked sampling (KSamplerX0Inpaint): the network sees guide + sigma z0 with one fixed z0 in
    the kept region, and its D there becomes the guide.  ``differential``: the Differential Diffusion node, a
    threshold per step; ``grey``: a grey mask without that node, blended linearly."""

    def run(denoise, guide, s, sigmas, noise):
        z0 = noise(0.0, 0.0)
        weight = (s > 0).to(F64)
        if grey:
            low = SCHEDULE.sigma_min
            weight = ((s.clamp(min=low) / low).log() / math.log(sigmas[0] / low)).clamp(0, 1)

        def inpaint(x, sigma):
            m = (s >= sigma).to(F64) if differential else weight
            return m * denoise(m * x + (1 - m) * (guide + sigma * z0), sigma) + (1 - m) * guide

        return torch.where(s > 0, solve(inpaint, guide + sigmas[0] * z0, sigmas, noise=noise), guide)

    return run


def ignore(solve: Solve) -> Solve:
    """Edit everything, then paste the kept region."""

    def run(denoise, guide, s, sigmas, noise):
        return torch.where(s > 0, solve(denoise, guide + sigmas[0] * noise(0.0, 0.0), sigmas, noise=noise), guide)

    return run


NO_CLIP = 1e9  # the clip is the one thing in tilt that is not affine
HARD = {
    "tilt + auto": tilt(mca, clip=NO_CLIP),
    "bridge + auto": bridge(mca),
    "bridge + 2M": bridge(sde_2m),
    "paper, algorithm 3": paper(),
    "official code (fixed noise)": paper(fresh=False),
    "ComfyUI + auto": comfyui(mca),
    "ComfyUI + euler_ancestral": comfyui(ancestral),
    "ComfyUI + dpmpp_2m": comfyui(SOLVERS["pf_ode"].solve),
    "no mask in the loop, pasted": ignore(mca),
}
SOFT = {
    "t0 per pixel (auto)": per_pixel(),
    "t0 per pixel (ancestral)": per_pixel(correct=False),
    "ComfyUI Differential Diffusion + auto": comfyui(mca, differential=True),
    "ComfyUI Differential Diffusion + dpmpp_2m": comfyui(SOLVERS["pf_ode"].solve, differential=True),
    "ComfyUI grey mask + auto": comfyui(mca, grey=True),
    "ComfyUI grey mask + dpmpp_2m": comfyui(SOLVERS["pf_ode"].solve, grey=True),
}


# --- measuring -------------------------------------------------------------------------------------------------
class _Units:
    """Noise whose calls are unit impulses in one pixel each; row r carries impulse r."""

    def __init__(self, rows: int):
        self.rows, self.calls = rows, 0

    def __call__(self, a: float, b: float) -> torch.Tensor:
        z = torch.zeros(self.rows, SIZE, dtype=F64)
        first = self.calls * SIZE
        if self.rows > 1:
            z[first : first + SIZE] = torch.eye(SIZE, dtype=F64)
        self.calls += 1
        return z


def affine_moments(run: Solve, denoise: Solve, guide: torch.Tensor, s: torch.Tensor, sigmas: list[float]):
    """Exact mean and covariance of an affine algorithm's output, over all its noises."""
    probe = _Units(1)
    mean = run(denoise, guide[None], s, sigmas, probe)[0]
    rows = probe.calls * SIZE
    out = run(denoise, torch.zeros(rows, SIZE, dtype=F64), s, sigmas, _Units(rows))
    return mean, out.T @ out


def seam(mean: torch.Tensor, cov: torch.Tensor, change: torch.Tensor) -> float:
    """Rms jump across the borders of the mask."""
    edges = [i for i in range(SIZE - 1) if change[i] != change[i + 1]]
    jumps = [(mean[i] - mean[i + 1]) ** 2 + cov[i, i] + cov[i + 1, i + 1] - 2 * cov[i, i + 1] for i in edges]
    return math.sqrt(float(sum(jumps)) / len(edges))


@dataclass
class Masked:
    """``w2``: W2 of the edited pixels over their exact total std; ``seam``, ``std``: ratios, 1 = exact."""

    w2: float
    seam: float
    std: float


@dataclass
class HardLine:
    """One hard-mask problem on the Gaussian line: the middle half edited, a flat stroke as guide; its exact law."""

    data: LineMixture
    change: torch.Tensor
    guide: torch.Tensor
    sigmas: list[float]
    levels: torch.Tensor
    law: tuple[torch.Tensor, torch.Tensor]

    @staticmethod
    def at(t0: float, steps: int, *, grid: str = "auto") -> HardLine:
        data, clean = gaussian_line()
        change = torch.zeros(SIZE, dtype=torch.bool)
        change[SIZE // 4 : 3 * SIZE // 4] = True
        guide = torch.where(change, clean[change].mean() + 0.15, clean)
        sigmas = sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), steps, grid=grid, data_std=0.25)
        s = torch.where(change, sigmas[0], 0.0).to(F64)
        return HardLine(data, change, guide, sigmas, s, exact_masked_law(data.cov[0], guide, s))

    def judge(self, mean: torch.Tensor, cov: torch.Tensor) -> Masked:
        """A result's mean and covariance against the exact ones."""
        (m1, c1), change = self.law, self.change
        inner1, inner2 = c1[change][:, change], cov[change][:, change]
        total = float(inner1.trace())
        w2 = bures(mean[change], inner2, m1[change], inner1) / math.sqrt(total)
        ratio = seam(mean, cov, change) / seam(m1, c1, change)
        return Masked(w2, ratio, math.sqrt(float(inner2.trace()) / total))


def hard_gaussian(t0: float, steps: int, run: str | Solve, *, grid: str = "auto") -> Masked:
    """One hard-mask algorithm, by name or itself, on the Gaussian line; it must be affine."""
    line = HardLine.at(t0, steps, grid=grid)
    solve = HARD[run] if isinstance(run, str) else run
    return line.judge(*affine_moments(solve, line.data.denoise, line.guide, line.levels, line.sigmas))


def soft_gaussian(t0: float, steps: int, name: str, *, grid: str = "auto") -> Masked:
    """One soft-mask algorithm on the Gaussian line with a trapezoid of start times; ``std`` is that of the grey
    pixels (0.15 < m < 0.85), ``seam`` is not used."""
    data, clean = gaussian_line()
    i = torch.arange(SIZE, dtype=F64)
    ramp = (1.0 - (i - (SIZE - 1) / 2).abs() / (SIZE / 2 - 4)).clamp(0.0, 1.0)
    inner = torch.zeros(SIZE, dtype=torch.bool)
    inner[SIZE // 4 : 3 * SIZE // 4] = True
    stroke = torch.where(inner, clean[inner].mean() + 0.15, clean)
    guide = torch.where(ramp > 0.5, stroke, clean)
    sigmas = sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), steps, grid=grid, data_std=0.25)
    share = ramp / ramp.max()
    s = torch.where(share > 0, SCHEDULE.sigma_min * (sigmas[0] / SCHEDULE.sigma_min) ** share, 0.0)
    s = torch.where(share == 1, sigmas[0], s)
    m1, c1 = exact_masked_law(data.cov[0], guide, s)
    m2, c2 = affine_moments(SOFT[name], data.denoise, guide, s, sigmas)
    on = share > 0
    grey = (ramp > 0.15) & (ramp < 0.85)
    inner1, inner2 = c1[on][:, on], c2[on][:, on]
    w2 = bures(m2[on], inner2, m1[on], inner1) / math.sqrt(float(inner1.trace()))
    return Masked(w2, 0.0, math.sqrt(float(c2.diagonal()[grey].sum() / c1.diagonal()[grey].sum())))


def hard_mixture(t0: float, steps: int, run: Solve, *, n: int = 3000, grid: str = "auto") -> tuple[float, float]:
    """Energy distance in percent and seam ratio on the mixture line, averaged over three guides."""
    data: LineMixture = mixture_line()
    g = torch.Generator().manual_seed(1)
    change = torch.zeros(SIZE, dtype=torch.bool)
    change[8:24] = True
    sigmas = sigma_grid(SCHEDULE, SCHEDULE.sigma(t0), steps, grid=grid, data_std=0.25)
    s = torch.where(change, sigmas[0], 0.0).to(F64)
    guides = []
    for k, j in ((0, 1), (2, 3), (4, 0)):  # a flat stroke in a sample of another component
        stroke, clean = (
            data.mean[q] + torch.linalg.cholesky(data.cov[q]) @ torch.randn(SIZE, dtype=F64, generator=g)
            for q in (j, k)
        )
        guides.append(torch.where(change, stroke.mean(), clean))
    out = []
    for k, guide in enumerate(guides):
        rows = guide.expand(n, SIZE)
        y = rows + s * torch.randn(n, SIZE, dtype=F64, generator=g)
        exact = data.posterior_rows(y, s, g)[:, change]
        got = run(data.denoise, rows, s, sigmas, FreshNoise((n, SIZE), 7 + k))[:, change]

        def jump(x, guide=guide):
            return math.sqrt(float(((x[:, 0] - guide[7]) ** 2 + (x[:, -1] - guide[24]) ** 2).mean()))

        out.append((energy_distance(got, exact), jump(got) / jump(exact)))
    return sum(o[0] for o in out) / 3, sum(o[1] for o in out) / 3
