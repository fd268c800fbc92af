"""What a step's noise costs, beside one ``torch.randn`` of that size and beside torchsde's Brownian tree.

python benchmarks/noise.py                    # a table; needs torchsde (pip install torchsde) for its column
python benchmarks/noise.py --threads 1        # the noise of one core

Both trees are asked as ComfyUI's SDE samplers ask: one interval a step, from above to below, 20 steps on the grid of
``auto`` from t0 0.5.  torchsde is wrapped as its users wrap it: a clock of sigma, one tree for the batch.  Times are
the least of several runs (torchsde: of one, it is slow), all in one process: the ratio to ``torch.randn`` counts, not
the milliseconds.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch

from sdedit_core.sampling.brownian import BrownianPath, path_depth
from sdedit_core.sampling.grids import sigma_grid
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sde import VESDE

SHAPES = {
    "SDXL, 1024 px": (1, 4, 128, 128),
    "SDXL, 1024 px, batch of 4": (4, 4, 128, 128),
    "Flux, 1024 px": (1, 16, 128, 128),
    "Wan, 81 frames of 1280 x 720": (1, 16, 21, 90, 160),
}
SCHEDULE = VESDE(0.0292, 14.6)  # the levels of SD 1.5 and SDXL
STEPS, RUNS = 20, 5


def levels() -> list[float]:
    return sigma_grid(SCHEDULE, SCHEDULE.sigma(0.5), STEPS, grid="auto", data_std=1.0)[:-1]


def ours(shape: tuple[int, ...], device: torch.device | str = "cpu") -> Callable:
    ends = {"sigma_min": SCHEDULE.sigma_min, "sigma_max": SCHEDULE.sigma_max}
    stream = NoiseStream(shape[1:], seed=1, stream="path", batch=shape[0], device=device)
    return BrownianPath(stream, depth=path_depth(levels(), **ends), **ends)


def torchsde_tree(shape: tuple[int, ...]) -> Callable:
    try:
        import torchsde
    except ImportError as missing:
        raise SystemExit("This column needs torchsde: pip install torchsde, or leave it out with --alone.") from missing
    zero = torch.zeros(shape)
    tree = torchsde.BrownianTree(t0=SCHEDULE.sigma_min, w0=zero, t1=SCHEDULE.sigma_max, entropy=1)
    return lambda a, b: tree(b, a) / math.sqrt(a - b)


def per_step(make: Callable, shape: tuple[int, ...], runs: int = RUNS) -> float:
    """Milliseconds a step, the least of several runs."""
    pairs, best = list(pairwise(levels())), math.inf
    for _ in range(runs):
        noise = make(shape)
        begin = time.perf_counter()
        for a, b in pairs:
            noise(a, b)
        best = min(best, time.perf_counter() - begin)
    return 1e3 * best / len(pairs)


def randn(shape: tuple[int, ...]) -> float:
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        torch.randn(shape)
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--alone", action="store_true", help="without torchsde")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} threads, {STEPS} steps")
    print("| latent | values | torch.randn, ms | ours, times that | torchsde, times that |\n|---|---:|---:|---:|---:|")
    for name, shape in SHAPES.items():
        unit = randn(shape)
        mine, other = per_step(ours, shape) / unit, 0.0
        if not args.alone:
            other = per_step(torchsde_tree, shape, runs=1) / unit
        cells = f"{unit:.2f} | {mine:.1f} | {f'{other:.1f}' if other else ''}"
        print(f"| {name} | {math.prod(shape):,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
