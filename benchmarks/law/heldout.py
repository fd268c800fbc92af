"""The same questions on problems that no constant of the solvers was chosen on."""

from __future__ import annotations

import argparse

from sdedit_core.sde import VESDE

from . import gaussian, mixture

# name: (arguments of image_spectrum, sigma_max)
IMAGES = {
    "sharper pictures (f^-1.0)": ({"power": 1.0}, 348.0),
    "softer pictures (f^-1.7)": ({"power": 1.7}, 348.0),
    "low contrast (std 0.12)": ({"total_std": 0.12}, 348.0),
    "high contrast (std 0.4)": ({"total_std": 0.4}, 348.0),
    "grainy pictures (white noise 0.02)": ({"grain": 0.02}, 348.0),
    "sigma_max 50": ({}, 50.0),
    "64 px, f^-1.6, std 0.18, sigma_max 100": ({"size": 64, "power": 1.6, "total_std": 0.18}, 100.0),
}
WAYS = {
    "auto": ("auto", {}),
    "auto, finish full": ("auto", {"finish": "full"}),
    "auto, finish balanced": ("auto", {"finish": "balanced"}),
    "sde_2m": ("sde_2m", {}),
}


def show(args: argparse.Namespace) -> None:
    """Gaussian image models, exact; then mixtures."""
    print("W2 per pixel in 1/255 to p(x0 | x(t0)), t0 =", *args.t0)
    for title, (shape, sigma_max) in IMAGES.items():
        schedule, spectrum = VESDE(0.01, sigma_max), gaussian.image_spectrum(**shape)
        for n in args.budget:
            for way, (solver, options) in WAYS.items():
                common = {"schedule": schedule, "spectrum": spectrum, **options}
                row = [gaussian.run(solver, n, t, **common) for t in args.t0]
                print(f"{title:40s} {n:3d} {way:24s}", *(f"{v:.3f}" for v in row), flush=True)
    print("energy distance in % / std ratio / mean error / rms log std ratio over directions")
    for name in ("gm16-7", "gm16-8", "gm256-7"):
        for t0 in args.t0:
            print(f"{name} t0={t0:g}   exact sample: {mixture.line(mixture.references(name, t0, args.scale)[2])}")
            for n in args.budget:
                for way, (solver, options) in WAYS.items():
                    law = mixture.run(name, t0, solver, n, scale=args.scale, **options)
                    print(f"  {way:24s} {n:3d} evaluations: {mixture.line(law)}", flush=True)
