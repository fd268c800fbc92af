"""Plots for docs/solvers.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import gaussian, masked


def draw(args: argparse.Namespace) -> None:
    """Write solver_error.png and masks.png to ``args.out``."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    names = {
        "auto": "auto",
        "sde_2m": "SDE-DPM-Solver++(2M)",
        "seeds3": "SEEDS-3",
        "sa_solver": "SA-Solver",
        "ancestral": "ancestral",
        "reverse_diffusion": "the paper's step",
    }
    budgets = [4, 5, 6, 7, 8, 10, 13, 16, 19, 22, 25, 31, 40, 55, 70, 100, 160, 250, 400, 500]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True)
    for axis, t0 in zip(axes, (0.3, 0.5, 0.7), strict=True):
        for name, label in names.items():
            fit = [n for n in budgets if n <= 160 or name in ("ancestral", "reverse_diffusion")]
            values = [gaussian.run(name, n, t0) for n in fit]
            axis.loglog(fit, values, label=label, lw=2.5 if name == "auto" else 1.2)
        axis.axhline(gaussian.paper_500(t0), color="0.6", lw=0.8, ls="--")
        axis.set(title=f"t0 = {t0:g}", xlabel="network evaluations", ylim=(0.1, 60))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("W2 per pixel, 1/255")
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out / "solver_error.png", dpi=110)

    times = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7]
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6))
    shown = ("tilt + auto", "bridge + auto", "paper, algorithm 3", "ComfyUI + dpmpp_2m", "no mask in the loop, pasted")
    for name in shown:
        rows = [masked.hard_gaussian(t, 20, name) for t in times]
        axes[0].plot(times, [r.w2 for r in rows], label=name)
        axes[1].plot(times, [r.seam for r in rows], label=name)
    axes[0].set(xlabel="t0", ylabel="relative W2 of the edited region", ylim=(0, None))
    axes[1].set(xlabel="t0", ylabel="jump at the seam (1 = exact)")
    axes[0].legend(fontsize=7)
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out / "masks.png", dpi=110)
