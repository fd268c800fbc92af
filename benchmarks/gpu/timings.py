"""What a network costs, beside diffusers, and what the loop costs beside the network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import networks
import noise
import torch

from sdedit_core.networks.ncsnpp import ncsnpp
from sdedit_core.networks.preconditioning import VE
from sdedit_core.sampling.solvers import SOLVERS

from .checks import _apart, _drawn
from .machine import Machine
from .record import Record

NO_DIFFUSERS = "diffusers is not there to compare with: pip install diffusers"


@torch.no_grad()
def forward(machine: Machine, record: Record, *, quick: bool) -> None:
    """One forward of NCSN++-256, ours and diffusers' with the same weights, interleaved in precision."""
    size, rounds = (64, 2) if quick else (256, 10)
    x = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1)).to(machine.device)
    sigma = torch.full((1,), 0.5, device=machine.device)
    try:
        reference = networks.theirs()
    except ImportError:
        reference = None
        record.notes.append(NO_DIFFUSERS)
    for half, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16}.items():
        nets: dict[str, Callable] = {}
        if reference is None:
            mine = _drawn(ncsnpp(), VE(), dtype=dtype).network.to(machine.device)
        else:
            mine = networks.ours(reference, dtype).to(machine.device)
            peer = reference.to(machine.device)
            kind = machine.device.type

            def theirs(peer=peer, dtype=dtype, kind=kind) -> torch.Tensor:
                with torch.autocast(kind, dtype, enabled=dtype != torch.float32):
                    return peer(x, sigma).sample.float() * sigma

            nets["diffusers"] = theirs
        nets["ours"] = lambda mine=mine: mine(2 * x - 1, sigma.log())
        if machine.is_cuda and not quick:
            built = torch.compile(mine)
            nets["ours, compiled"] = lambda built=built: built(2 * x - 1, sigma.log())
        _compare(machine, record, f"NCSN++ {size} px, {half}", nets, rounds)
        if reference is not None:
            reference = reference.to("cpu")


def _compare(machine: Machine, record: Record, title: str, nets: dict[str, Callable], rounds: int) -> None:
    first, unit = None, None
    for name, run in nets.items():
        out = run().cpu()
        least, median = machine.milliseconds(run, rounds=rounds)
        figures = {"least_ms": least, "median_ms": median, "peak_MB": machine.peak(run)}
        if first is None:
            first, unit = out, median
        else:
            figures["times_faster"] = unit / median
            figures["apart"] = _apart(out, first) / float(first.abs().max())
        record.time(f"{title}, {name}", **figures)


def loop(machine: Machine, record: Record, *, quick: bool) -> None:
    """A step without its network: the solver's arithmetic, and its noise, at the latents that people sample."""
    rounds, steps = (1, noise.levels()[:6]) if quick else (5, noise.levels())
    for latent, shape in noise.SHAPES.items():
        large = torch.Size(shape).numel() > 1 << 20
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(machine.device)
        answer, ready = torch.rand_like(x), _Ready(x)
        for name, solver in SOLVERS.items():
            if quick and large and name not in ("auto", "few_step"):
                continue

            def run(solver=solver, x=x, answer=answer, ready=ready) -> None:
                solver.solve(lambda q, s: answer, x, [*steps, 0.0], noise=ready)

            least, median = machine.milliseconds(run, rounds=rounds, warm=1)
            count = solver.evaluations(len(steps))
            figures = {"least_ms_an_evaluation": least / count, "median_ms_an_evaluation": median / count}
            figures["ms_of_the_CPU"] = machine.issued(run, rounds=rounds) / count
            figures["peak_MB"] = machine.peak(run)
            record.time(f"{latent}, {name}", **figures)
        _noise(machine, record, latent, shape, steps, rounds)


def _noise(machine: Machine, record: Record, latent: str, shape: tuple, steps: list[float], rounds: int) -> None:
    """A step's noise: drawn on the CPU while the device computes, then copied; the copy alone."""

    def run() -> None:
        path = noise.ours(shape, machine.device)
        for a, b in pairwise(steps):
            path(a, b)

    least, median = machine.milliseconds(run, rounds=rounds, warm=1)
    drawn = torch.randn(shape)
    copied, _ = machine.milliseconds(lambda: drawn.to(machine.device, copy=True), rounds=3 * rounds)
    each = len(steps) - 1
    record.time(f"{latent}, noise", least_ms_a_step=least / each, median_ms_a_step=median / each, copy_ms=copied)


class _Ready:
    """Noise that is there already.  Zeros: a solver may scale in place what it is given, again and again."""

    def __init__(self, x: torch.Tensor):
        self._z = torch.zeros_like(x)

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        return self._z

    def corrector(self, sigma: float) -> torch.Tensor:
        return self._z
