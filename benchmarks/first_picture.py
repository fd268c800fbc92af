"""Seconds and peak memory of one picture from strokes with a built-in model.

    python benchmarks/first_picture.py --size 128 --size 256

Every size runs in a process of its own, so that its peak memory is its own.  Wall and CPU seconds include
building the model, not importing torch (printed apart).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time


def peak_megabytes() -> float:
    """Peak resident memory of this process; NaN where the platform does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def one(size: int, args: argparse.Namespace) -> dict:
    """Measure one size in this process."""
    started = time.perf_counter()
    import torch

    from sdedit_core import sdedit
    from sdedit_core.builtin import example_guide
    from sdedit_core.load import load_score_model

    imported, base = time.perf_counter() - started, peak_megabytes()
    torch.set_num_threads(args.threads)
    wall, cpu = time.perf_counter(), time.process_time()
    model = load_score_model(args.model or f"landscape-{args.guide}", device=args.device)
    guide = example_guide(args.guide, width=size, height=size)
    built, built_cpu = time.perf_counter() - wall, time.process_time() - cpu
    result = sdedit(model, guide, t0=args.t0, steps=args.steps)
    return {
        "size": size,
        "import s": imported,
        "build s": built,
        "build CPU s": built_cpu,
        "total s": time.perf_counter() - wall,
        "total CPU s": time.process_time() - cpu,
        "evaluations": result.nfe,
        "peak MB": peak_megabytes(),
        "of which torch MB": base,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--t0", type=float, default=0.4)
    parser.add_argument("--guide", default="alpine")
    parser.add_argument("--model", help="built-in model (default: that of the guide's mood)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = args.size or [128, 256]
    if args.child:
        print(json.dumps(one(sizes[0], args)))
        return
    name = args.model or f"landscape-{args.guide}"
    print(f"{name}, t0 {args.t0}, {args.steps} steps, {args.threads} threads, {args.device}")
    for size in sizes:
        command = [sys.executable, __file__, "--child", "--size", str(size)]
        for name in ("steps", "t0", "guide", "threads", "device"):
            command += [f"--{name}", str(getattr(args, name))]
        command += ["--model", args.model] if args.model else []
        row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print("  ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
