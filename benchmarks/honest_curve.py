"""Realism against faithfulness with distances that sharpening, grain and ghosts do not win, and these as controls.

    python benchmarks/honest_curve.py --csv curve.csv

Held-out landscapes become stroke paintings, are edited at every t0 with the model of their mood, and compared with
*other* held-out landscapes of it.  36 steps by default: with 12 the last steps are large and leave grain.  Four
statistics, each 0 for the same law; a mean over the moods, and the standard error of the differences between moods:

* *patches*: sliced Wasserstein distance with both sets in deviations of the real one (the distance of sdedit
  evaluate).  It sees a lack of detail, and takes grain and sharpening for detail.
* *detail*: mean |log| of the ratio of the bands' deviations.  How much there is, and nothing of what it looks like.
* *shapes*: sliced Wasserstein distance after every set was given the spectrum of the real one, which a filter of any
  kind (sharpening, blur) does not survive: only what the detail looks like counts.
* *joint*: after the same, kurtosis of bands and gradients, their correlation from place to place, direction to
  direction and scale to scale (as in Portilla and Simoncelli, 2000); mean distance of the means in standard deviations
  between real pictures.

*both* is the mean of shapes and joint, each over that of the strokes.  A control that has a smaller number than the
edits it was made of wins by that statistic; the table marks it with * where the gain is more than 3 %.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from held_out import photos

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import MOODS
from sdedit_core.measure.realism import SlicedWasserstein, laplacian_pyramid
from sdedit_core.pictures.strokes import simulate_strokes

STATISTICS = ("patches", "detail", "shapes", "joint")
RINGS = 48
CONTROLLED = (0.25, 0.5)  # edits that the controls are made of


def blurred(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, 1)


def controls(edit: torch.Tensor, strokes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Pictures that are no more real than the edit they are made of."""
    noise = torch.randn(edit.shape, generator=torch.Generator().manual_seed(9))
    return {
        "sharpened": (edit + 0.5 * (edit - blurred(edit))).clamp(0, 1),
        "noise 4/255": (edit + noise * 4 / 255).clamp(0, 1),
        "ghost": 0.7 * edit + 0.3 * strokes,
    }


def joint(pictures: torch.Tensor) -> torch.Tensor:
    """Statistics of every picture, (N, K)."""
    out, coarser = [], None
    for band in reversed(laplacian_pyramid(pictures.mean(1, keepdim=True))[:-1]):
        dx, dy = band.diff(dim=-1)[..., :-1, :], band.diff(dim=-2)[..., :, :-1]
        out += [kurtosis(m) for m in (band, dx, dy)]
        size = band.abs()
        out += [
            alike(dx.abs(), dy.abs()),
            alike(size[..., 2:], size[..., :-2]),
            alike(size[..., 2:, :], size[..., :-2, :]),
        ]
        if coarser is not None:
            out.append(alike(size, F.interpolate(coarser, size.shape[-2:], mode="bilinear")))
        coarser = size
    return torch.stack(out, 1)


def spectrum(pictures: torch.Tensor) -> torch.Tensor:
    """Mean amplitude of a set by frequency, (C, RINGS)."""
    pictures = mirrored(pictures)
    power = torch.fft.rfft2(pictures).abs().square().mean(0)
    ring = rings(pictures.shape[-2:])
    sums = torch.zeros(len(power), RINGS).index_add_(1, ring, power.flatten(1))
    return (sums / torch.bincount(ring, minlength=RINGS).clamp_min(1)).sqrt()


def mirrored(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures and their mirror images: what lies at opposite edges agrees."""
    pictures = torch.cat([pictures, pictures.flip(-1)], -1)
    return torch.cat([pictures, pictures.flip(-2)], -2)


def rings(size: tuple[int, int]) -> torch.Tensor:
    """Number of the ring that every frequency of rfft2 lies in."""
    fy, fx = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
    return ((fy**2 + fx**2).sqrt() / 0.7072 * RINGS).long().clamp_max(RINGS - 1).flatten()


def with_spectrum(pictures: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The set with another mean amplitude by frequency."""
    height, width = pictures.shape[-2:]
    code = torch.fft.rfft2(mirrored(pictures))
    gain = (wanted / spectrum(pictures).clamp_min(1e-9))[:, rings((2 * height, 2 * width))]
    return torch.fft.irfft2(code * gain.view(code.shape[1:]), s=(2 * height, 2 * width))[..., :height, :width]


def kurtosis(x: torch.Tensor) -> torch.Tensor:
    x = x.flatten(1) - x.flatten(1).mean(1, keepdim=True)
    return (x.pow(4).mean(1) / x.square().mean(1).square().clamp_min(1e-16)).log()


def alike(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Correlation over a picture, (N,)."""
    a, b = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (a, b))
    return (a * b).mean(1) / (a.square().mean(1) * b.square().mean(1)).sqrt().clamp_min(1e-12)


def energies(pictures: torch.Tensor) -> torch.Tensor:
    return torch.stack([band.flatten(1).std(1).mean() for band in laplacian_pyramid(pictures)[:-1]])


def statistics_of(real: torch.Tensor) -> Callable[[torch.Tensor], dict[str, float]]:
    """pictures -> value of every statistic."""
    distance, known, bands, wanted = SlicedWasserstein(real), joint(real), energies(real), spectrum(real)

    def measure(pictures: torch.Tensor) -> dict[str, float]:
        equal = with_spectrum(pictures, wanted)
        apart = (joint(equal).mean(0) - known.mean(0)).abs() / known.std(0).clamp_min(1e-6)
        return {
            "patches": distance(pictures).mean,
            "detail": float((energies(pictures) / bands).log().abs().mean()),
            "shapes": distance(equal).mean,
            "joint": float(apart.mean()),
        }

    return measure


def edits(mood: str, args: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor, dict[float, torch.Tensor]]:
    """(renders, strokes, t0 -> edits) of one mood."""
    file = Path(args.keep) / f"{mood}.pt" if args.keep else None
    settings = [args.t0, args.size, args.guides, args.steps, args.set, args.all_moods]
    if file and file.exists():
        found = torch.load(file, weights_only=True)
        if found["settings"] != settings:
            raise SystemExit(f"{file} was made with other settings: {found['settings']}")
        return found["seen"], found["strokes"], found["made"]
    overrides = {name: float(value) for name, _, value in (item.partition("=") for item in args.set)}
    model = load_score_model("landscape" if args.all_moods else f"landscape-{mood}", **overrides)
    seen = photos(mood, range(args.guides), args.size)
    strokes = simulate_strokes(seen, kernel=None)
    made = {t0: sdedit(model, strokes, t0=t0, steps=args.steps, seed=0).samples.clamp(0, 1) for t0 in args.t0}
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"settings": settings, "seen": seen, "strokes": strokes, "made": made}, file)
    return seen, strokes, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="FOLDER", help="keep the edits here, and take them from here")
    parser.add_argument("--csv", metavar="FILE", help="the table as a file")
    parser.add_argument("--t0", type=float, nargs="+", default=[0.2, 0.25, 0.3, 0.36, 0.5, 0.6, 0.8])
    parser.add_argument("--moods", nargs="+", default=list(MOODS))
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--all-moods", action="store_true", help="with landscape, not with the model of the mood")
    parser.add_argument("--guides", type=int, default=8, help="per mood")
    parser.add_argument("--references", type=int, default=16, help="other held-out renders per mood")
    parser.add_argument("--steps", type=int, default=36)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as for sdedit edit")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found: dict[str, list[dict[str, float]]] = {}
    for mood in args.moods:
        seen, strokes, made = edits(mood, args)
        measure = statistics_of(photos(mood, range(1000, 1000 + args.references), args.size))
        sets = {"strokes": strokes, "renders": seen} | {f"t0 {t0:g}": cell for t0, cell in made.items()}
        for t0 in CONTROLLED:
            if t0 in made:
                sets |= {f"t0 {t0:g}, {name}": x for name, x in controls(made[t0], strokes).items()}
        flat = measure(strokes)
        for name, pictures in sets.items():
            row = measure(pictures)
            row["both"] = 0.5 * sum(row[key] / flat[key] for key in ("shapes", "joint"))
            row["L2"] = float((pictures - strokes).square().sum((1, 2, 3)).sqrt().mean())
            found.setdefault(name, []).append(row)
        print(f"{mood} done", flush=True)
    columns = ("L2", *STATISTICS, "both")
    table = {name: {c: sum(row[c] for row in rows) / len(rows) for c in columns} for name, rows in found.items()}
    print(f"{'':22s}" + "".join(f"{c:>10s}" for c in columns))
    for name, row in table.items():
        base = table.get(name.split(",")[0]) if "," in name else None
        wins = {c: "*" if base and c != "L2" and row[c] < 0.97 * base[c] else " " for c in columns}
        print(f"{name:22s}" + "".join(f"{row[c]:9.3f}{wins[c]}" for c in columns))
    names = [f"t0 {t0:g}" for t0 in args.t0]
    print("change of 'both' from one t0 to the next, mean over the moods and its standard error")
    for one, two in pairwise(names):
        steps = torch.tensor([b["both"] - a["both"] for a, b in zip(found[one], found[two], strict=True)])
        error = float(steps.std() / len(steps) ** 0.5) if len(steps) > 1 else float("nan")
        print(f"{one} to {two[3:]}: {float(steps.mean()):+.3f} +- {error:.3f}")
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("set", *columns))
            writer.writerows((name, *(f"{row[c]:.5g}" for c in columns)) for name, row in table.items())


if __name__ == "__main__":
    main()
