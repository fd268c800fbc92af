"""Trained model against patch prior: is a trained landscape model good enough to be the built-in default?

    python benchmarks/builtin_models.py --trained landscape.safetensors -o comparison.png

Held-out renders of every mood become stroke paintings (median filter, 6 colours, as in the paper) and are edited at
every t0 with each model and the same random numbers. Faithfulness: L2 per picture between result and strokes, pixels
in [0, 1]. Realism: sliced Wasserstein distance to other held-out renders of the mood. Both are means over moods.
The sheet shows the built-in stroke paintings, one row a model. ``--cascade`` adds a third model: the trained one for
the layout, at a quarter of the size, the patch prior for everything finer.

Rule for the default: at every t0 of 0.3 to 0.6 the trained model is more realistic AND at least as faithful.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from held_out import photos

from sdedit_core import ScoreModel, load_score_model, sdedit
from sdedit_core.builtin import MOODS, example_guide
from sdedit_core.measure.realism import SlicedWasserstein
from sdedit_core.pictures.io import from_range, to_range
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.pictures.strokes import simulate_strokes

Edit = Callable[[torch.Tensor, float], torch.Tensor]


def editor(model: ScoreModel, steps: int) -> Edit:
    """(guide in [0, 1], t0) -> result in [0, 1], with common random numbers."""

    def edit(guide: torch.Tensor, t0: float) -> torch.Tensor:
        result = sdedit(model, to_range(guide, model.data_range), t0=t0, steps=steps, seed=0)
        return from_range(result.samples, model.data_range).clamp(0, 1)

    return edit


def cascade(layout: ScoreModel, texture: ScoreModel, *, factor: int = 4) -> ScoreModel:
    """Denoiser with the low frequencies of ``layout`` and the rest of ``texture``; texture's pixels in [0, 1].

    The mean of factor x factor pixels has noise sigma / factor:
    D = D_texture + up(D_layout(down(x), sigma / factor) - down(D_texture)).
    """
    low, high = layout.data_range

    def denoise(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        fine = texture.denoise(x, sigma)
        small = to_range(F.avg_pool2d(x, factor), (low, high))
        coarse = from_range(layout.denoise(small, sigma * (high - low) / factor), (low, high))
        change = coarse - F.avg_pool2d(fine, factor)
        return fine + F.interpolate(change, scale_factor=float(factor), mode="bicubic", align_corners=False)

    return ScoreModel(
        denoise, schedule=texture.schedule, data_range=(0.0, 1.0), size_multiple=factor * layout.size_multiple
    )


def models(mood: str, args: argparse.Namespace) -> dict[str, Edit]:
    """The editors under comparison, for one mood."""
    patch = load_score_model(f"landscape-{mood}")
    out = {"patch prior": editor(patch, args.steps)}
    if args.trained:
        trained = load_score_model(args.trained)
        if args.cascade:
            out["cascade"] = editor(cascade(trained, patch), args.steps)
        else:
            out["trained"] = editor(trained, args.steps)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trained", metavar="FILE", help="model that `sdedit train` made of rendered landscapes")
    parser.add_argument("--cascade", action="store_true", help="use it for the layout only")
    parser.add_argument("-o", "--output", default="comparison.png")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--guides", type=int, default=4, help="held-out renders per mood")
    parser.add_argument("--references", type=int, default=16, help="other held-out renders per mood")
    parser.add_argument("--t0", type=float, nargs="+", default=[0.3, 0.4, 0.5, 0.6])
    parser.add_argument("--moods", nargs="+", default=list(MOODS))
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table: dict[tuple[str, float], list[tuple[float, float, float]]] = {}
    floors, pictures, labels = [], [], []
    for mood in args.moods:
        renders = photos(mood, range(args.guides), args.size)
        realism = SlicedWasserstein(photos(mood, range(1000, 1000 + args.references), args.size))
        strokes = simulate_strokes(renders, kernel=None)
        painting = example_guide(mood, width=args.size, height=args.size)
        floors.append((realism(renders).mean, realism(strokes).mean))
        for name, edit in models(mood, args).items():
            pictures.append(painting)
            labels.append(f"{mood}, {name}")
            for t0 in args.t0:
                began = time.process_time()
                result = edit(torch.cat([strokes, painting]), t0)
                seconds = (time.process_time() - began) / len(result)
                pictures.append(result[-1:])
                labels.append(f"t0 {t0:g}")
                l2 = float((result[:-1] - strokes).square().sum((1, 2, 3)).sqrt().mean())
                table.setdefault((name, t0), []).append((realism(result[:-1]).mean, l2, seconds))
        print(f"{mood} done", flush=True)
    floor, ceiling = (sum(f[k] for f in floors) / len(floors) for k in (0, 1))
    print(f"realism of untouched renders {floor:.4f}, of the strokes {ceiling:.4f}")
    for (name, t0), rows in sorted(table.items()):
        swd, l2, seconds = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        print(f"{name:12s} t0 {t0:<4g} realism {swd:.4f}  L2 {l2:6.2f}  {seconds:.2f} CPU-s a picture")
    sheet = contact_sheet(pictures, labels, columns=1 + len(args.t0), cell=args.size)
    sheet.save(Path(args.output))


if __name__ == "__main__":
    main()
