"""How well the solvers keep SDEdit's law, measured against laws that are known exactly.

python benchmarks/solver_law.py goals      # every figure of docs/solvers.md against its threshold (10 minutes)
python benchmarks/solver_law.py gaussian   # exact W2 table, seconds, no Monte-Carlo noise
python benchmarks/solver_law.py mixture --problems gm16 --t0 0.3
python benchmarks/solver_law.py weak       # well separated modes near sigma(t0)
python benchmarks/solver_law.py heldout    # problems that nothing was chosen on
python benchmarks/solver_law.py strong     # same seed, different step counts
python benchmarks/solver_law.py mask       # hard and soft masks, ours beside the paper's and ComfyUI's
python benchmarks/solver_law.py distilled  # models of 1 to 8 steps: few_step beside auto
python benchmarks/solver_law.py overhead   # milliseconds, tensors, noise
python benchmarks/solver_law.py plot --out docs/images
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import torch
from law import distilled, gaussian, goals, heldout, masked, mixture, overhead, plots, strong

SDE = ("reverse_diffusion", "ancestral", "auto", "sde_2m", "sa_solver", "seeds3")
BUDGETS = (5, 10, 13, 16, 19, 20, 40)
TIMES = (0.3, 0.5, 0.7)


def show_gaussian(args: argparse.Namespace) -> None:
    cells = [(t, n) for t in args.t0 for n in BUDGETS]
    for strict, title in ((False, "to p(x0 | x(t0))"), (True, "to the law of D(x at sigma_min): discretisation only")):
        print(f"\nW2 per pixel in 1/255 {title}\n{'':20s}", *(f"{f't0={t:g} n={n}':>11s}" for t, n in cells))
        for name in SDE + (("pf_ode",) if not strict else ()):
            print(f"{name:20s}", *(f"{gaussian.run(name, n, t, strict=strict):11.3f}" for t, n in cells))
        paper = [gaussian.paper_500(t, strict=strict) for t in args.t0]
        print("the paper, 500 steps, final D:", *(f"t0={t:g}: {v:.3f}" for t, v in zip(args.t0, paper, strict=True)))


def show_mixture(args: argparse.Namespace) -> None:
    print("energy distance of whitened samples in % / std ratio / mean error / rms log std ratio over directions")
    for name in args.problems:
        for t0 in args.t0:
            floor = mixture.references(name, t0, args.scale)[2]
            print(f"\n{name} t0={t0:g}   exact sample: {mixture.line(floor)}")
            for solver in args.solvers or (*SDE, "pf_ode", "predictor_corrector"):
                for n in args.budget:
                    law = mixture.run(name, t0, solver, n, scale=args.scale)
                    print(f"  {solver:20s} {n:4d} evaluations: {mixture.line(law)}", flush=True)
            if args.paper:
                law = mixture.run(name, t0, "reverse_diffusion", 500, scale=args.scale)
                print(f"  {'the paper':20s}  500 evaluations: {mixture.line(law)}", flush=True)


def show_weak(args: argparse.Namespace) -> None:
    args.problems, args.t0, args.budget = ["gm16", "far"], [0.3, 0.35, 0.4], [10, 20, 40]
    args.solvers = ("auto", "sde_2m", "reverse_diffusion", "seeds3")
    show_mixture(args)


def show_strong(args: argparse.Namespace) -> None:
    steps = [8, 16, 32, 64, 128]
    print("rms difference to 2048 steps of the same seed, in posterior stds; steps", steps)
    for problem in ("gm256", "gm16"):
        for solver in ("auto", "sde_2m", "seeds3", "reverse_diffusion"):
            values = strong.settle(problem, 0.5, solver, steps, rows=args.rows)
            print(f"{problem} {solver:20s}", *(f"{v:.3f}" for v in values), flush=True)


def show_mask(args: argparse.Namespace) -> None:
    n = args.budget[-1]

    def table(title: str, names: Iterable[str], cell: Callable[[str, float], str]) -> None:
        print(title, *(f"t0={t:g}" for t in args.t0))
        for name in names:
            print(f"  {name:42s}", *(f"{cell(name, t):>12s}" for t in args.t0), flush=True)

    def hard(name: str, t0: float) -> str:
        r = masked.hard_gaussian(t0, n, name)
        return f"{r.w2:.3f}/{r.seam:.2f}"

    def soft(name: str, t0: float) -> str:
        r = masked.soft_gaussian(t0, n, name)
        return f"{r.w2:.3f}/{r.std:.2f}"

    runs = {"tilt, clipped at 2 sigma": masked.tilt(masked.mca)} | masked.HARD

    def mixed(name: str, t0: float) -> str:
        return "{:.2f}/{:.2f}".format(*masked.hard_mixture(t0, n, runs[name]))

    table(f"hard mask, Gaussian line, {n} evaluations: relative W2 / seam ratio", masked.HARD, hard)
    table("soft mask: relative W2 / std ratio in the grey zone", masked.SOFT, soft)
    table("hard mask, mixture line: energy distance % / seam ratio", runs, mixed)


def show_overhead(args: argparse.Namespace) -> None:
    print("3 x 256 x 256 float32, one thread, per evaluation: ms solver, ms noise, tensors at network / at noise")
    for name in ("auto", "sde_2m", "ancestral", "reverse_diffusion", "sa_solver", "seeds3", "predictor_corrector"):
        c = overhead.cost(name)
        print(f"  {name:20s} {c.solver:6.2f} {c.noise:6.1f}   {c.at_network}/{c.at_noise}", flush=True)
    for mask in ("bridge", "tilt", "soft"):
        c = overhead.cost("auto", mask=mask)
        print(f"  auto, mask {mask:9s} {c.solver:6.2f} {c.noise:6.1f}   {c.at_network}/{c.at_noise}", flush=True)
    for n in (10, 20, 50, 500):
        drawn, ms, peak = overhead.noise_cost(n)
        print(f"  Brownian path, {n:3d} steps: {drawn:.1f} normals a step, {ms:.1f} ms a step, {peak} tensors cached")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {
        "gaussian": show_gaussian,
        "mixture": show_mixture,
        "weak": show_weak,
        "strong": show_strong,
        "mask": show_mask,
        "overhead": show_overhead,
        "distilled": distilled.show,
        "goals": goals.show,
        "heldout": heldout.show,
        "plot": plots.draw,
    }
    parser.add_argument("what", choices=tables)
    parser.add_argument("--t0", type=float, nargs="+", default=list(TIMES))
    parser.add_argument("--problems", nargs="+", default=["gm2", "gm16", "gm256"])
    parser.add_argument("--solvers", nargs="+", default=None)
    parser.add_argument("--budget", type=int, nargs="+", default=[10, 20], help="network evaluations")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the Monte-Carlo samples")
    parser.add_argument("--rows", type=int, default=200, help="samples for 'strong'")
    parser.add_argument("--paper", action="store_true", help="also the paper's solver at 500 evaluations")
    parser.add_argument("--out", default="docs/images", help="folder for 'plot'")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tables[args.what](args)


if __name__ == "__main__":
    main()
