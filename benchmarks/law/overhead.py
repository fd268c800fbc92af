"""What a solver costs beside the network: milliseconds and tensors, at one 3 x 256 x 256 picture in float32."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from sdedit_core.networks.ncsnpp import ncsnpp
from sdedit_core.networks.unet import UNet
from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sampling.solvers import SOLVERS
from sdedit_core.sampling.solvers.base import TiltedRegion, keep_region
from sdedit_core.sampling.solvers.lift import lift
from sdedit_core.sde import VESDE

SCHEDULE = VESDE(0.01, 348.0)
ENDS = {"sigma_min": SCHEDULE.sigma_min, "sigma_max": SCHEDULE.sigma_max}
SHAPE = (1, 3, 256, 256)


@dataclass
class Cost:
    """Per evaluation: ``solver`` ms of arithmetic and ``noise`` ms of drawing noise.  State-sized tensors alive,
    without those of the noise tree: ``at_network`` while the network runs (without its output), ``at_noise`` when
    the step's noise has come."""

    solver: float
    noise: float
    at_network: int
    at_noise: int


class _Ready:
    """Noise drawn beforehand, so that only the solver is timed."""

    def __init__(self):
        self._z = torch.randn(SHAPE)

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        return self._z

    def corrector(self, sigma: float) -> torch.Tensor:
        return self._z


def _path(levels: list[float], stages: int = 1) -> BrownianPath:
    stream = NoiseStream(SHAPE[1:], seed=0, stream="path")
    return BrownianPath(stream, depth=path_depth(levels, stages=stages, **ENDS), **ENDS)


def _alive() -> int:
    """Distinct state-sized tensors that Python can see."""
    numel = torch.Size(SHAPE).numel()
    found = (o for o in gc.get_objects() if type(o) is torch.Tensor and o.numel() == numel)
    return len({o.data_ptr() for o in found})


def cost(name: str, *, steps: int = 20, mask: str = "") -> Cost:
    """Cost of one solver on its own grid; ``mask``: "", "bridge", "tilt" or "soft" (then ``name`` is not used)."""
    chosen = SOLVERS[name]
    levels = sigma_grid(SCHEDULE, SCHEDULE.sigma(0.5), steps, grid=chosen.grid, data_std=0.25)
    x, guide, answer = torch.randn(SHAPE), torch.rand(SHAPE), torch.rand(SHAPE)
    change = torch.zeros(1, 1, *SHAPE[2:], dtype=torch.bool)
    change[..., 64:192] = True
    own = torch.linspace(0.0, 1.0, 256, dtype=torch.float64).expand(1, 1, 256, 256) * levels[0]

    def run(denoise, noise):
        if mask == "soft":
            return lift(denoise, x, levels, noise=noise, anchor=guide, levels=own)
        if mask:
            denoise = (keep_region if mask == "bridge" else TiltedRegion)(denoise, guide, change)
        return chosen.solve(denoise, x, levels, noise=noise)

    def timed(make_noise, repeat=7):
        best = float("inf")
        for _ in range(repeat):
            noise = make_noise()
            begin = time.perf_counter()
            run(lambda q, s: answer, noise)
            best = min(best, time.perf_counter() - begin)
        return 1e3 * best / chosen.evaluations(steps)

    arithmetic = timed(_Ready)
    whole = timed(lambda: _path(levels, chosen.stages))
    ready = _Ready()
    gc.collect()
    before = _alive() - 1  # the start state counts as alive, the caller's
    at_network, at_noise = [], []

    class Watched(_Ready):
        def __init__(self):
            pass

        def __call__(self, sigma, sigma_next):
            at_noise.append(_alive() - before + 1)
            return ready(sigma, sigma_next)

        def corrector(self, sigma):
            return ready.corrector(sigma)

    run(lambda q, s: at_network.append(_alive() - before) or answer, Watched())
    return Cost(arithmetic, whole - arithmetic, max(at_network), max(at_noise))


def noise_cost(steps: int) -> tuple[float, float, int]:
    """(normals drawn per step, ms per step, most cached tensors) of the Brownian path at ``steps`` steps."""
    levels = sigma_grid(SCHEDULE, SCHEDULE.sigma(0.5), steps, grid="auto", data_std=0.25)[:-1]
    best, drawn, peak = float("inf"), [], 0
    for _ in range(3):
        path = _path(levels)
        drawn.clear()
        path.stream.normals = _counting(path.stream.normals, drawn)
        begin = time.perf_counter()
        for a, b in pairwise(levels):
            path(a, b)
            peak = max(peak, path.alive)
        best = min(best, time.perf_counter() - begin)
    return len(drawn) / (steps - 1), 1e3 * best / (steps - 1), peak


def _counting(normals: Callable, drawn: list[int]) -> Callable:
    def counted(nodes: list[int], stds: list[float], *, spare: list[torch.Tensor] = ()) -> list[torch.Tensor]:
        drawn.extend(nodes)
        return normals(nodes, stds, spare=spare)

    return counted


def ncsnpp_forward() -> float:
    """Seconds of one forward pass of the paper's NCSN++-256 on this machine, one thread, random weights."""
    net = UNet(ncsnpp())
    with torch.no_grad():
        begin = time.perf_counter()
        net(torch.randn(SHAPE), torch.ones(1))
    return time.perf_counter() - begin
