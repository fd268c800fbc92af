"""What a trained landscape model makes of strokes: built-in paintings, and held-out renders turned into strokes.

python benchmarks/strokes_to_landscapes.py trained/landscape-trained.safetensors -o landscapes.png --size 32
"""

from __future__ import annotations

import argparse

import torch
from builtin_models import editor
from held_out import photos

from sdedit_core import load_score_model
from sdedit_core.builtin import example_guide
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.pictures.strokes import simulate_strokes

PAINTED, HELD = ("alpine", "desert", "sunset"), ("alpine", "autumn", "lake")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-o", "--output", default="landscapes.png")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--t0", type=float, nargs="+", default=[0.3, 0.45, 0.6])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_score_model(args.model)
    paintings = [example_guide(mood, width=args.size, height=args.size) for mood in PAINTED]
    renders = torch.cat([photos(mood, [3], args.size) for mood in HELD])
    guides = torch.cat([*paintings, simulate_strokes(renders, kernel=None)])
    edit, other = (editor(model, args.steps, seed=args.seed + more) for more in (0, 1))
    columns = [guides, *(edit(guides, t0) for t0 in args.t0)]
    middle = args.t0[len(args.t0) // 2]
    columns.append(torch.cat([other(torch.cat(paintings), middle), renders]))
    names = [*(f"{mood}, painted" for mood in PAINTED), *(f"{mood}, strokes" for mood in HELD)]
    pictures, labels = [], []
    for k, name in enumerate(names):
        pictures += [column[k : k + 1] for column in columns]
        last = f"t0 {middle:g}, other seed" if k < len(PAINTED) else "the render itself"
        labels += [name, *(f"t0 {t0:g}" for t0 in args.t0), last]
    contact_sheet(pictures, labels, columns=len(columns), cell=max(128, args.size)).save(args.output)


if __name__ == "__main__":
    main()
