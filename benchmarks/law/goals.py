"""Every claim of docs/solvers.md as a measured figure beside its threshold."""

from __future__ import annotations

import argparse

from sdedit_core.sampling.brownian import BrownianPath
from sdedit_core.sampling.noise import NoiseStream
from sdedit_core.sde import VESDE

from . import distilled, gaussian, heldout, masked, mixture, overhead, strong

TIMES = (0.3, 0.5, 0.7)


class Table:
    """Prints rows and counts misses."""

    def __init__(self):
        self.rows = self.missed = 0

    def row(self, what: str, values: list[float], limits: list[float], digits: int = 3) -> None:
        ok = all(v <= limit for v, limit in zip(values, limits, strict=True))
        self.rows, self.missed = self.rows + 1, self.missed + (not ok)
        show = [" / ".join(f"{v:.{digits}f}" for v in row) for row in (values, limits)]
        print(f"{'met   ' if ok else 'MISSED'} {what:74s} {show[0]:30s} <= {show[1]}", flush=True)


def show(args: argparse.Namespace) -> None:
    """Run everything; takes about ten minutes on one core."""
    table = Table()
    _gaussian(table)
    _mixtures(table, args.scale)
    _strong(table, args.rows)
    _masks(table)
    _distilled(table)
    _overhead(table)
    print(f"{table.rows - table.missed} of {table.rows} met")


def _gaussian(table: Table) -> None:
    print(f"W2 per pixel in 1/255 on the Gaussian image model, t0 = {TIMES}")
    paper = {}
    for ending, title in (
        ("stop", "stopped at sigma_min"),
        ("noise", "algorithm 1 to sigma 0"),
        ("D", "with a final D"),
    ):
        paper[ending] = [gaussian.paper_500(t, ending=ending) for t in TIMES]
        print(f"       {'the paper at 500 steps, ' + title:74s} {' / '.join(f'{v:.3f}' for v in paper[ending])}")
    for n, limits in ((10, (0.50, 0.70, 1.75)), (20, (0.60, 0.60, 0.65)), (40, (0.60, 0.60, 0.60))):
        table.row(f"auto, {n} evaluations", [gaussian.run("auto", n, t) for t in TIMES], list(limits))
    few = {n: [gaussian.run("auto", n, t) for t in TIMES] for n in (5, 8, 10)}
    table.row("auto, 5 evaluations", few[5], [0.25, 1.30, 5.50])
    table.row("auto, 8 evaluations, against the paper at 500, stopped", few[8], paper["stop"])
    table.row("auto, 10 evaluations, against the paper at 500 with a final D", few[10], paper["D"])
    fine = {n: [gaussian.run("auto", n, t) for t in TIMES] for n in (20, 40, 100)}
    table.row("auto, 20 evaluations, near its limit", fine[20], [0.20, 0.20, 0.28])
    table.row("auto, 40 evaluations, near its limit", fine[40], [0.20, 0.20, 0.21])
    table.row("auto, 100 evaluations, near its limit", fine[100], [0.30, 0.20, 0.20])
    for title, (shape, sigma_max) in heldout.IMAGES.items():
        common = {"schedule": VESDE(0.01, sigma_max), "spectrum": gaussian.image_spectrum(**shape)}
        limits = [gaussian.paper_500(t, ending="stop", **common) for t in TIMES]
        values = [gaussian.run("auto", 10, t, **common) for t in TIMES]
        table.row(f"held out, {title}: auto, 10, against the paper at 500, stopped", values, limits)
    table.row("sde_2m, 20 evaluations", [gaussian.run("sde_2m", 20, t) for t in TIMES], [0.60, 0.70, 1.30])
    own = [gaussian.run("seeds3", n, t, strict=True) for n, t in zip((13, 16, 19), TIMES, strict=True)]
    strict = [gaussian.paper_500(t, strict=True) for t in TIMES]
    table.row("discretisation alone: SEEDS-3 at 13/16/19 against the paper at 500", own, strict)


def _mixtures(table: Table, scale: float) -> None:
    print("mixtures: whitened energy distance in %, |std ratio - 1|; 'auto' against SDE-DPM-Solver++(2M)")
    for name in ("gm2", "gm16", "gm256"):
        floors = [mixture.references(name, t, scale)[2] for t in TIMES]
        print(f"       {name + ': noise floor':74s} {' / '.join(f'{f.energy:.3f}' for f in floors)}")
        ends = [mixture.perfect(name, t, scale) for t in TIMES]
        print(f"       {name + ': no error but the final D':74s} {' / '.join(f'{e.energy:.3f}' for e in ends)}")
        auto = {n: [mixture.run(name, t, "auto", n, scale=scale) for t in TIMES] for n in (10, 20)}
        two = {n: [mixture.run(name, t, "sde_2m", n, scale=scale) for t in TIMES] for n in (10, 20)}
        table.row(f"{name}: energy distance, 20 evaluations", [q.energy for q in auto[20]], [0.03, 0.02, 0.02])
        table.row(f"{name}: |std ratio - 1|, 20 evaluations", [abs(q.std - 1) for q in auto[20]], [0.03, 0.02, 0.02])
        table.row(f"{name}: energy distance, 10 evaluations", [q.energy for q in auto[10]], [0.04, 0.02, 0.02])
        for n in (10, 20):
            # No difference: what exact samples scatter by, and what 2M gains on a solver without error.
            rows = zip(two[n], floors, ends, strict=True)
            limits = [max(q.energy, e.energy) + 2.0 * f.energy for q, f, e in rows]
            table.row(f"{name}: energy distance, {n} evaluations, against 2M", [q.energy for q in auto[n]], limits)
            limits = [q.mean + f.mean for q, f in zip(two[n], floors, strict=True)]
            table.row(f"{name}: mean error, {n} evaluations, against 2M", [q.mean for q in auto[n]], limits)


def _strong(table: Table, rows: int) -> None:
    values = strong.settle("gm256", 0.5, "auto", [16, 32], rows=rows)
    table.row("same seed, 16 and 32 against 2048 steps, gm256, in posterior stds", values, [0.30, 0.20])
    both = NoiseStream((3, 16, 16), seed=1, stream="path", samples=(0, 1))
    one = NoiseStream((3, 16, 16), seed=1, stream="path", samples=(1,))
    paths = [BrownianPath(s, sigma_min=0.01, sigma_max=348.0) for s in (both, one)]
    gap = (paths[0](1.9, 0.5)[1:] - paths[1](1.9, 0.5)).abs().max()
    table.row("batch split: largest difference", [float(gap)], [0.0])


def _masks(table: Table) -> None:
    print(f"masks, 20 evaluations, relative W2 and seam ratio, t0 = {TIMES}")
    got = {name: [masked.hard_gaussian(t, 20, name) for t in TIMES] for name in masked.HARD}
    for name, rows in got.items():
        if not name.startswith(("tilt", "bridge + auto")):
            show = " / ".join(f"{r.w2:.3f}" for r in rows), " / ".join(f"{r.seam:.2f}" for r in rows)
            print(f"       {name:74s} {show[0]}   seam {show[1]}")
    table.row("bridge: relative W2", [r.w2 for r in got["bridge + auto"]], [0.145, 0.29, 0.29])
    table.row("tilt: relative W2", [r.w2 for r in got["tilt + auto"]], [0.05, 0.18, 0.22])
    table.row("tilt: seam ratio", [r.seam for r in got["tilt + auto"]], [1.04, 1.12, 1.18], 2)
    mixed = [masked.hard_mixture(t, 20, masked.tilt(masked.mca))[0] for t in TIMES]
    table.row("tilt (clipped) on the mixture line: energy distance in %", mixed, [1.5, 3.0, 3.5], 2)
    soft = [masked.soft_gaussian(t, 20, "t0 per pixel (auto)") for t in TIMES]
    table.row("soft mask: relative W2", [r.w2 for r in soft], [0.045, 0.08, 0.125])
    table.row("soft mask: |std ratio - 1| in the grey zone", [abs(r.std - 1) for r in soft], [0.05, 0.05, 0.05])


def _distilled(table: Table) -> None:
    print(f"distilled models, few_step at {distilled.EVALUATIONS} evaluations, guides of the data")
    for std in (0.25, 0.02):
        for t0 in (0.5, 0.7):
            off = [abs(distilled.gaussian_spread(std, t0, n) - 1.0) for n in distilled.EVALUATIONS]
            table.row(f"Gaussian of std {std:g}, t0 {t0:g}: |std ratio - 1|", off, [0.02] * len(off))
    for name in ("gm2", "far"):
        floor = distilled.floor(name)
        for t0 in TIMES:
            got = [distilled.law(name, t0, n).energy for n in distilled.EVALUATIONS]
            table.row(f"{name}, t0 {t0:g}: energy distance, against the noise floor", got, [floor] * len(got))


def _overhead(table: Table) -> None:
    print("cost beside the network, 3 x 256 x 256 float32, one thread")
    own = overhead.cost("auto")
    forward = overhead.ncsnpp_forward()
    per_step = own.solver + own.noise
    print(f"       auto: {own.solver:.2f} ms solver + {own.noise:.1f} ms noise a step; NCSN++-256 {forward:.1f} s")
    table.row("auto: overhead in % of an NCSN++-256 forward", [0.1 * per_step / forward], [2.0])
    table.row("auto: state tensors alive while the network runs", [own.at_network], [3], 0)
