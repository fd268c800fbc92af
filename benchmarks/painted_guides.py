"""What the built-in models make of paintings by other people: one sheet a painting, to be judged by eye.

    python benchmarks/painted_guides.py -o sheets/ --also more_paintings/

The eight paintings of ``benchmarks/painted`` (documents of the Stroke Canvas, own colours, and things that a mood does
not prescribe: houses, towers, a second lake, green and yellow skies, a sun anywhere), and the pictures of every folder
given by --also; a name begins with the mood of its model.  Every one is edited at the recommended t0 with 3 seeds, its
shorter side --size pixels.

How the sheets are judged, by eye and before the numbers are seen: *artefact*, yes or no for every picture (a repeated
strip or tile, a floating or hanging piece, a rectangle in the sky, torn snow, a stair edge, a haze around an object);
*lost*, yes or no (something that was painted cannot be made out: a sun, a house, a path, a tree, a colour of the main
shape); 1 to 5 for the sheet (5 = a picture one would show, 3 = usable, 1 = broken).

The numbers beside them say less: *L2* as in the paper, *drift*, the RMS of the difference after a blur of a 16th of the
side (colours and large shapes, in 255ths), and *fine*, the deviation of the finest band over that of the references.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import MOODS, RECOMMENDED_T0, references
from sdedit_core.measure.realism import laplacian_pyramid
from sdedit_core.pictures.canvas import paint_drawing, parse_drawing
from sdedit_core.pictures.fit import fit
from sdedit_core.pictures.io import load_image
from sdedit_core.pictures.sheet import contact_sheet

PAINTED = Path(__file__).parent / "painted"
PICTURES = (".png", ".jpg", ".webp")
SEEDS = (1, 2, 3)


def names(folder: Path) -> list[str]:
    """The names of all drawings and pictures of a folder."""
    return sorted(file.stem for file in folder.iterdir() if file.suffix in (".json", *PICTURES))


def paintings(folder: Path, size: int, *, only: str | None = None, multiple: int = 8) -> dict[str, torch.Tensor]:
    """Name -> (1, 3, H, W) of every drawing and picture of a folder, or of ``only`` one.

    The shorter side is ``size``, both are multiples of ``multiple``.
    """
    out = {}
    for file in sorted(folder.iterdir()):
        if only is not None and file.stem != only:
            continue
        if file.suffix == ".json":
            drawing = parse_drawing(file.read_text(encoding="utf-8").strip())
            height, width = _scaled(drawing.height, drawing.width, size, multiple)
            out[file.stem] = paint_drawing(drawing, width=width, height=height)[0]
        elif file.suffix in PICTURES:
            picture = load_image(file)
            height, width = _scaled(*picture.shape[-2:], size, multiple)
            out[file.stem] = fit(picture, width=width, height=height)
    return out


def _scaled(height: float, width: float, size: int, multiple: int) -> tuple[int, int]:
    scale = size / min(height, width)
    return multiple * round(height * scale / multiple), multiple * round(width * scale / multiple)


def drift(a: torch.Tensor, b: torch.Tensor) -> float:
    """RMS difference in 255ths after a blur of a 16th of the shorter side."""
    cell = max(1, min(a.shape[-2:]) // 16)
    return 255 * float(F.avg_pool2d(a - b, cell).square().mean().sqrt())


def finest(pictures: torch.Tensor) -> float:
    """Deviation of the finest band."""
    return float(laplacian_pyramid(pictures)[0].std())


def figures(guide: torch.Tensor, results: Sequence[torch.Tensor], mood: str, size: int) -> tuple[float, float, float]:
    """(L2, drift, fine) of the results of one painting, (1, 3, H, W) each."""
    l2 = sum(float((r - guide).square().sum().sqrt()) for r in results) / len(results)
    moved = sum(drift(r, guide) for r in results) / len(results)
    return l2, moved, finest(torch.cat(list(results))) / finest(references(mood, size))


def mood_of(name: str) -> str:
    """The mood that a painting's name begins with; ValueError when it is none."""
    mood = name.split("-")[0]
    if mood not in MOODS:
        raise ValueError(f"{name}: the name of a painting begins with its mood, one of {', '.join(MOODS)}.")
    return mood


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="painted", metavar="FOLDER")
    parser.add_argument("--also", action="append", default=[], metavar="FOLDER", help="more paintings; repeatable")
    parser.add_argument("--only", metavar="NAMES", help="paintings whose name has one of these parts, by commas")
    parser.add_argument("--model", metavar="NAME", help="one model for all; default: that of the mood")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as for sdedit edit")
    parser.add_argument("--t0", type=float, help="default: the one recommended for the mood")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    out = Path(args.output)
    out.mkdir(parents=True, exist_ok=True)
    overrides = {name: float(value) for name, _, value in (item.partition("=") for item in args.set)}
    guides = paintings(PAINTED, args.size)
    for folder in args.also:
        guides |= paintings(Path(folder), args.size)
    if args.only:
        guides = {name: g for name, g in guides.items() if any(part in name for part in args.only.split(","))}
    rows = []
    for name, guide in sorted(guides.items()):
        try:
            mood = mood_of(name)
        except ValueError as error:
            raise SystemExit(str(error)) from None
        model = load_score_model(args.model or f"landscape-{mood}", **overrides)
        t0 = RECOMMENDED_T0.get(args.model, RECOMMENDED_T0[mood]) if args.t0 is None else args.t0
        began = time.process_time()
        results = [sdedit(model, guide, t0=t0, steps=args.steps, seed=seed).samples.clamp(0, 1) for seed in SEEDS]
        seconds = (time.process_time() - began) / len(SEEDS)
        labels = [name, *(f"t0 {t0:g}, seed {seed}" for seed in SEEDS)]
        contact_sheet([guide, *results], labels, cell=guide.shape[-1]).save(out / f"{name}.png")
        l2, moved, fine = figures(guide, results, mood, args.size)
        rows.append((l2, moved, fine))
        print(f"{name:28s} L2 {l2:5.1f}  drift {moved:5.1f}  fine {fine:.2f}  {seconds:.1f} CPU-s", flush=True)
    l2, moved, fine = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    print(f"{'mean of ' + str(len(rows)):28s} L2 {l2:5.1f}  drift {moved:5.1f}  fine {fine:.2f}")


if __name__ == "__main__":
    main()
