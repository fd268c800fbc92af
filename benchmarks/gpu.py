"""Does this package do on your card what it does on the CPU, and how fast?  One command, nothing to download.

    python benchmarks/gpu.py                           # CUDA, all checks and timings: some minutes
    python benchmarks/gpu.py --device cuda:1 --out card.json
    python benchmarks/gpu.py --device cpu --quick      # tries the script itself
    python benchmarks/gpu.py --only solvers waits      # some of it

Checks: noise bit for bit, every solver with every mask, networks in fp32, TF32, bf16, fp16 and compiled, an item alone
and in a batch, built-in models, how often a step waits for the card, the sentence when memory runs out.  What each
limit comes from is said in ``benchmarks/gpu/checks.py``.  Timings: NCSN++ beside diffusers (``pip install diffusers``
for that column), and a step's arithmetic and noise at the latents of SDXL, Flux and Wan.

Writes a JSON file with the machine, every check with its figure and limit, and every timing.  Exit code 1 when a check
fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from gpu import checks, timings
from gpu.machine import Machine
from gpu.record import Record

PARTS = {
    "noise": lambda machine, record, quick: checks.noise(machine, record),
    "solvers": lambda machine, record, quick: checks.solvers(machine, record, quick=quick),
    "batch": lambda machine, record, quick: checks.batch(machine, record),
    "networks": lambda machine, record, quick: checks.networks(machine, record, quick=quick),
    "models": lambda machine, record, quick: checks.models(machine, record, quick=quick),
    "waits": lambda machine, record, quick: checks.waits(machine, record),
    "memory": lambda machine, record, quick: checks.memory(machine, record),
    "forward": lambda machine, record, quick: timings.forward(machine, record, quick=quick),
    "loop": lambda machine, record, quick: timings.loop(machine, record, quick=quick),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cpu, cuda, cuda:1, mps, xla (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="the JSON file (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: for a CPU")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    args = parser.parse_args()
    machine = Machine(args.device)
    record = Record(machine.facts() | {"quick": args.quick})
    print("\n".join(f"{name}: {value}" for name, value in record.machine.items()))
    for name in args.only:
        print(f"\n{name}", flush=True)
        begin = time.perf_counter()
        PARTS[name](machine, record, args.quick)
        print(f"  ({time.perf_counter() - begin:.0f} s)", flush=True)
        if machine.is_cuda:
            torch.cuda.empty_cache()
    args.out.write_text(json.dumps(record.data(), indent=1) + "\n", encoding="utf-8")
    print(f"\n{record.summary()}\n{args.out}")
    return 1 if record.failed else 0


if __name__ == "__main__":
    sys.exit(main())
