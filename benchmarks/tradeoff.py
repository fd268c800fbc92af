"""The realism-faithfulness trade-off of the built-in models on held-out pictures, printed and plotted.

    python benchmarks/tradeoff.py -o tradeoff.png --keep pictures/

Freshly rendered landscapes that no model has seen become stroke paintings as in the paper (median filter, 6 colours)
and are edited at every t0 with the model of their mood and common random numbers.  Faithfulness is the L2 distance to
the strokes over [0, 1] pixels, realism the sliced Wasserstein distance to as many *other* held-out renders of the same
mood; both are means over moods ("each set by its own deviation": the same with the whitening of the paper it is from).
"renders" is the realism distance of the untouched pictures: no edit can be expected
below.  Intervals are 95 %, from a bootstrap over pictures in every mood.  With --keep the edits are kept, a mood a
file, and a second run goes on from there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import torch
from held_out import photos

from sdedit_core import load_score_model
from sdedit_core.builtin import MOODS, references
from sdedit_core.measure.metrics import distances
from sdedit_core.measure.plots import tradeoff_plot
from sdedit_core.measure.realism import SlicedWasserstein
from sdedit_core.measure.resampling import resampled, spot_shares, with_intervals
from sdedit_core.measure.sweep import SweepPlan, parse_t0_values
from sdedit_core.measure.table import Row, more_real, sweep_rows, sweet_spot, table, to_csv
from sdedit_core.pictures.files import write_file
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.pictures.strokes import simulate_strokes

BATCH = 8
BOUNDED = 2  # guides of a mood whose runs are also recorded, for prediction and bounds


def eight_bit(x: torch.Tensor) -> torch.Tensor:
    """Pictures in [0, 1] as they are saved."""
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


def unit(x: torch.Tensor) -> torch.Tensor:
    return x.float() / 255


def kept(name: str, settings: list, make: Callable[[], dict], args: argparse.Namespace) -> dict:
    """What ``make`` returns, or the file in --keep that an earlier run with these settings left."""
    if not args.keep:
        return make()
    file = Path(args.keep) / f"{name}.pt"
    if file.exists():
        found = torch.load(file, weights_only=True)
        if found["settings"] != settings:
            raise SystemExit(f"{file} was made with other settings: {found['settings']}")
        return found
    found = {"settings": settings, **make()}
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(found, file)
    return found


def run_settings(args: argparse.Namespace) -> list:
    return [args.t0, args.size, args.guides, args.steps, args.solver, args.seed]


def pictures(mood: str, args: argparse.Namespace) -> dict:
    """{"photos", "strokes", "cells"} of one mood, 8-bit; one of the cells for every t0."""

    def make() -> dict:
        model = load_score_model(f"landscape-{mood}")
        seen = photos(mood, range(args.guides), args.size)
        strokes = simulate_strokes(seen, kernel=None)
        cells = [[] for _ in args.t0]
        for first in range(0, args.guides, BATCH):
            guide = strokes[first : first + BATCH]
            plan = SweepPlan(model, guide, steps=args.steps, solver=args.solver, seed=args.seed + first)
            for cell, done in zip(cells, plan.run(args.t0).cells, strict=True):
                cell.append(eight_bit(done.samples))
        return {
            "photos": eight_bit(seen),
            "strokes": eight_bit(strokes),
            "cells": [torch.cat(cell) for cell in cells],
        }

    return kept(mood, run_settings(args), make, args)


def predicted(mood: str, args: argparse.Namespace) -> dict:
    """{"rows"}: measured, predicted and bounded distances of a few guides of one mood."""

    def make() -> dict:
        model = load_score_model(f"landscape-{mood}")
        guide = simulate_strokes(photos(mood, range(BOUNDED), args.size), kernel=None)
        plan = SweepPlan(model, guide, steps=args.steps, solver=args.solver, seed=args.seed, predict=True)
        result = plan.run(args.t0)
        found = sweep_rows(result, guide, [cell.samples.clamp(0, 1) for cell in result.cells], pixel=1.0)
        return {"rows": [asdict(row) for row in found]}

    return kept(f"{mood}-predicted", run_settings(args), make, args)


def realism(mood: str, made: dict, args: argparse.Namespace, seed: int) -> dict:
    """{"names", "levels", "draws"} of the strokes, the renders, the edits and the model's own reference pictures."""
    count = args.references or args.guides

    def make() -> dict:
        distance = SlicedWasserstein(photos(mood, range(1000, 1000 + count), args.size))
        sets = {"strokes": unit(made["strokes"]), "renders": unit(made["photos"])}
        sets |= {t0: unit(cell) for t0, cell in zip(args.t0, made["cells"], strict=True)}
        draws = resampled(distance, list(sets.values()), times=args.times, seed=seed)
        sets["model's own"] = references(mood, args.size)
        levels = [distance(pictures).levels for pictures in sets.values()]
        distance.whiten = "own"
        own = [distance(pictures).mean for pictures in sets.values()]
        return {"names": [*sets], "levels": levels, "own": own, "draws": draws}

    return kept(f"{mood}-realism", [*run_settings(args), count, args.times, seed], make, args)


def mean_row(same: list[Row]) -> Row:
    """Mean of one t0 over the moods; evaluations and seconds are sums, vacuous is what is so for all."""
    values = {}
    for name in Row.__dataclass_fields__:
        column = [getattr(row, name) for row in same]
        total = None if any(v is None for v in column) else sum(column)
        values[name] = total if total is None or name in ("nfe", "seconds") else total / len(column)
    vacuous = None if values["vacuous"] is None else all(row.vacuous for row in same)
    return Row(**values | {"t0": same[0].t0, "sigma": same[0].sigma, "vacuous": vacuous})


def faithfulness(made: dict, t0: float, cell: torch.Tensor, sigma: float) -> Row:
    """The row of one mood and t0, without realism."""
    found = distances(unit(made["strokes"]), unit(cell))
    names = ("l2", "l2_squared", "rmse", "psnr", "ssim")
    return Row(t0, sigma, **{name: sum(getattr(one, name) for one in found) / len(found) for name in names})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="tradeoff.png", help="plot; sheet and table lie beside it")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the edits here, and take them from here")
    parser.add_argument("--moods", default=",".join(MOODS))
    parser.add_argument("--t0", default="0.1:1:10")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--guides", type=int, default=16, help="per mood")
    parser.add_argument("--references", type=int, default=0, help="per mood; default as many as guides")
    parser.add_argument("--times", type=int, default=100, help="resamples of the bootstrap")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.t0 = parse_t0_values(args.t0)
    out, moods, started = Path(args.output), args.moods.split(","), time.perf_counter()
    made = {mood: pictures(mood, args) for mood in moods}
    print(f"edits after {time.perf_counter() - started:.0f} s", flush=True)
    each = [realism(mood, made[mood], args, seed=i) for i, mood in enumerate(moods)]
    names = each[0]["names"]
    levels = {
        name: {px: sum(one["levels"][k][px] for one in each) / len(each) for px in each[0]["levels"][k]}
        for k, name in enumerate(names)
    }
    mean = {name: sum(parts.values()) / len(parts) for name, parts in levels.items()}
    draws = dict(zip(names, torch.stack([one["draws"] for one in each]).mean(0).T, strict=False))
    sigma = load_score_model(f"landscape-{moods[0]}").schedule.sigma
    found = []
    for i, t0 in enumerate(args.t0):
        row = mean_row([faithfulness(made[mood], t0, made[mood]["cells"][i], sigma(t0)) for mood in moods])
        found.append(replace(row, realism=mean[t0]))
    at = (torch.stack([draws[t0] for t0 in args.t0], 1), mean["strokes"], draws["strokes"])
    found = with_intervals(found, *at)
    spot = sweet_spot(found, ceiling=mean["strokes"])
    print(table(found))
    print("\nrealism by level of the pyramid (height in px)")
    for name, parts in levels.items():
        print(f"{name!s:>12s}  {mean[name]:.4f}  " + "  ".join(f"{px} px {value:.4f}" for px, value in parts.items()))
    own = {name: sum(one["own"][k] for one in each) / len(each) for k, name in enumerate(names)}
    print("\nrealism, each set by its own deviation")
    print("  ".join(f"{name} {value:.4f}" for name, value in own.items()))
    print("\nrealism by mood")
    for mood, one in zip(moods, each, strict=True):
        by_name = zip(names, one["levels"], strict=True)
        print(f"{mood:>8s}: " + "  ".join(f"{name} {sum(v.values()) / len(v):.4f}" for name, v in by_name))
    print()
    for a, b in pairwise(args.t0):
        step, sure = mean[b] - mean[a], 1.96 * float((draws[b] - draws[a]).std())
        word = "falls" if step < -sure else "rises" if step > sure else "no significant change"
        print(f"realism from t0 {a:g} to {b:g}: {step:+.4f} +- {sure:.4f}  {word}")
    print(more_real(found))
    shares = ", ".join(f"{t:g} {share:.0%}" for t, share in spot_shares(found, *at).items())
    print(f"{spot or 'no sweet spot: realism never falls below that of the strokes'}; in resamples: {shares}")
    rises = next((a.t0 for a, b in pairwise(found) if a.l2 >= b.l2), found[-1].t0)
    print(f"L2 rises up to t0 {rises:g}")
    bounded = [predicted(mood, args) for mood in moods]
    bounded = [mean_row([Row(**one["rows"][i]) for one in bounded]) for i in range(len(args.t0))]
    print(f"\nprediction and bounds, {BOUNDED} guides of every mood")
    print(table([replace(row, psnr=None, ssim=None, rmse=None) for row in bounded]))
    count = len(moods) * args.guides
    print(f"{len(moods)} moods x {args.guides} guides, {args.size} px, {args.steps} steps, seed {args.seed}, ", end="")
    print(f"{time.perf_counter() - started:.0f} s")
    title = f"{len(moods)} built-in models, {count} held-out stroke paintings, {args.size} px"
    lines = {"floor": mean["renders"], "guides": mean["strokes"]}
    tradeoff_plot(found, spot=spot, title=title, bounded=bounded, **lines).save(out)
    shown = []
    for mood in moods:
        shown += [unit(x[:1]) for x in (made[mood]["photos"], made[mood]["strokes"], *made[mood]["cells"])]
    labels = ["render", "strokes", *(f"t0 {t0:g}" for t0 in args.t0)] * len(moods)
    contact_sheet(shown, labels, columns=len(args.t0) + 2, cell=128).save(out.with_name(f"{out.stem}_sheet.png"))
    write_file(out.with_suffix(".csv"), to_csv(found))


if __name__ == "__main__":
    main()
