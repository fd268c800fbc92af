"""The realism-faithfulness trade-off of the built-in models on held-out pictures, printed and plotted.

    python benchmarks/tradeoff.py -o tradeoff.png

Freshly rendered landscapes that no model has seen become stroke paintings as in the paper (median filter, 6 colours)
and are edited at every t0 with the model of their mood and common random numbers.  Faithfulness is the L2 distance to
the strokes over [0, 1] pixels, realism the sliced Wasserstein distance to *other* held-out renders of the same mood;
both are means over moods.  "renders" is the realism distance of the untouched pictures: no edit can be expected below.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import torch

from sdedit_core import load_score_model
from sdedit_core.builtin import MOODS, scene
from sdedit_core.images import contact_sheet
from sdedit_core.plots import tradeoff_plot
from sdedit_core.realism import SlicedWasserstein
from sdedit_core.strokes import simulate_strokes
from sdedit_core.sweep import SweepPlan, parse_t0_values, sweep
from sdedit_core.tradeoff import Row, rows, sweet_spot, table, to_csv, write_whole


def mood_rows(mood: str, args: argparse.Namespace) -> tuple[list[Row], float, float, list[torch.Tensor]]:
    """Rows of one mood, realism of untouched renders and of strokes, and the pictures of the first guide."""
    model = load_score_model(f"landscape-{mood}")
    photos = torch.cat([scene(mood, i, args.size) for i in range(args.guides)])
    reference = torch.cat([scene(mood, 1000 + i, args.size) for i in range(args.references)])
    realism = SlicedWasserstein(reference)
    guide = simulate_strokes(photos, kernel=None)
    plan = SweepPlan(model, guide, steps=args.steps, solver=args.solver, seed=args.seed, predict=True)
    result = sweep(plan, args.t0)
    pictures = [cell.samples.clamp(0, 1) for cell in result.cells]
    found = rows(result, guide, pictures, realism=realism, pixel=1.0)
    shown = [photos[:1], guide[:1], *(picture[:1] for picture in pictures)]
    return found, realism(photos).mean, realism(guide).mean, shown


def mean_row(same: list[Row]) -> Row:
    """Mean of one t0 over the moods; evaluations and seconds are sums."""
    values = {}
    for name in Row.__dataclass_fields__:
        column = [getattr(row, name) for row in same]
        total = None if any(v is None for v in column) else sum(column)
        values[name] = total if total is None or name in ("nfe", "seconds") else total / len(column)
    return Row(**values | {"t0": same[0].t0, "sigma": same[0].sigma})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="tradeoff.png", help="plot; sheet and table lie beside it")
    parser.add_argument("--moods", default=",".join(MOODS))
    parser.add_argument("--t0", default="0.01,0.1:0.8:8")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--guides", type=int, default=3, help="per mood")
    parser.add_argument("--references", type=int, default=24, help="per mood")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.t0 = parse_t0_values(args.t0)
    out, moods, started = Path(args.output), args.moods.split(","), time.perf_counter()
    done, shown = [], []
    for mood in moods:
        done.append(mood_rows(mood, args))
        found, floor, strokes, pictures = done[-1]
        shown += pictures
        print(f"{mood}: renders {floor:.4f}, strokes {strokes:.4f}, edits", end=" ")
        print(" ".join(f"{row.t0:g}:{row.realism:.4f}" for row in found), flush=True)
    found = [mean_row([mood[0][i] for mood in done]) for i in range(len(args.t0))]
    floor, strokes = (sum(mood[k] for mood in done) / len(done) for k in (1, 2))
    spot = sweet_spot(found, ceiling=strokes)
    print(table(found))
    print(f"realism: renders {floor:.4f}, strokes {strokes:.4f}")
    print(spot)
    rising = all(a.l2 < b.l2 for a, b in pairwise(found))
    best = min(found, key=lambda row: row.realism)
    print(f"L2 rises over the whole sweep: {rising}; realism is best at t0 {best.t0:g}")
    print(f"{len(moods)} moods x {args.guides} guides, {args.size} px, {args.steps} steps, seed {args.seed}, ", end="")
    print(f"{time.perf_counter() - started:.0f} s")
    title = f"{len(moods)} built-in models, {len(moods) * args.guides} held-out stroke paintings, {args.size} px"
    tradeoff_plot(found, spot=spot, floor=floor, title=title).save(out)
    labels = ["render", "strokes", *(f"t0 {t0:g}" for t0 in args.t0)] * len(moods)
    contact_sheet(shown, labels, columns=len(args.t0) + 2, cell=128).save(out.with_name(f"{out.stem}_sheet.png"))
    write_whole(out.with_suffix(".csv"), to_csv(found))


if __name__ == "__main__":
    main()
