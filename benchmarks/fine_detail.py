"""How much fine detail the last step leaves a picture of a built-in model, for every finish and few steps.

    python benchmarks/fine_detail.py                   # lake and night, 256 px, 8, 12 and 20 steps
    python benchmarks/fine_detail.py --priors landscape-alpine --size 128
    python benchmarks/fine_detail.py -o finishes/      # and a sheet of the pictures a model

Detail is the rms difference between a picture and its 3 x 3 mean, in 255ths; beside it the same of the model's
reference pictures.  The guide is the model's own, edited at its recommended t0, one seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import RECOMMENDED_T0, example_guide, references
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.priors.detail import finest

FINISHES = ("posterior", "full", "balanced", "none")


def detail(pictures: torch.Tensor) -> float:
    """Rms over pixels, channels and pictures, in 255ths."""
    return 255 * float(finest(pictures).square().mean().sqrt())


def main() -> None:
    """Print a row of docs/solvers.md for every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--priors", nargs="+", default=["landscape-lake", "landscape-night"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 12, 20])
    parser.add_argument("-o", "--output", type=Path, help="folder for a sheet of every model")
    args = parser.parse_args()
    print(f"| model, {args.size} px | references | steps |", " | ".join(FINISHES), "|")
    for name in args.priors:
        mood = name.removeprefix("landscape-")
        model, guide = load_score_model(name), example_guide(mood, width=args.size, height=args.size)
        cells, pictures, labels = [], [], []
        for finish in FINISHES:
            made = [
                sdedit(model, guide, t0=RECOMMENDED_T0[mood], steps=n, seed=1, solver_options={"finish": finish})
                for n in args.steps
            ]
            made = [result.samples.clamp(0, 1) for result in made]
            cells.append(" / ".join(f"{detail(picture):.1f}" for picture in made))
            pictures += made
            labels += [f"{finish}, {n} steps" for n in args.steps]
        steps = " / ".join(map(str, args.steps))
        print(f"| {name} | {detail(references(mood, args.size)):.1f} | {steps} |", " | ".join(cells), "|", flush=True)
        if args.output:
            args.output.mkdir(parents=True, exist_ok=True)
            contact_sheet(pictures, labels, columns=len(args.steps), cell=args.size).save(args.output / f"{name}.png")


if __name__ == "__main__":
    main()
