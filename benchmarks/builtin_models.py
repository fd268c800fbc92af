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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
Figures = tuple[float, float, float]  # realism, L2, CPU-s a picture
PATCHES, TRAINED = "patch prior", "trained"
RULE_T0 = (0.3, 0.6)  # from, to


@dataclass(frozen=True)
class Held:
    """What a mood is measured on: pictures in [0, 1] that no model has seen.

    ``strokes`` (N, 3, H, W) made of ``renders``; ``painting`` (1, 3, H, W), the built-in one, for the sheet only;
    ``others`` (M, 3, H, W), the renders that realism is measured against.
    """

    renders: torch.Tensor
    strokes: torch.Tensor
    painting: torch.Tensor
    others: torch.Tensor


def held(mood: str, *, size: int, guides: int, references: int) -> Held:
    """Held-out renders of a mood and what is made of them."""
    renders = photos(mood, range(guides), size)
    others = photos(mood, range(1000, 1000 + references), size)
    return Held(renders, simulate_strokes(renders, kernel=None), example_guide(mood, width=size, height=size), others)


def measure(held: Held, edit: Edit, t0: float, realism: SlicedWasserstein) -> tuple[Figures, torch.Tensor]:
    """The figures of one model at one t0, and what it makes of the painting (1, 3, H, W)."""
    began = time.process_time()
    result = edit(torch.cat([held.strokes, held.painting]), t0)
    seconds = (time.process_time() - began) / len(result)
    l2 = float((result[:-1] - held.strokes).square().sum((1, 2, 3)).sqrt().mean())
    return (realism(result[:-1]).mean, l2, seconds), result[-1:]


def means(rows: Sequence[Figures]) -> Figures:
    """The figures of several moods as one."""
    realism, l2, seconds = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return realism, l2, seconds


def rule(table: Mapping[tuple[str, float], Sequence[Figures]], name: str = TRAINED) -> tuple[bool, list[str]]:
    """Whether the model ``name`` of the table may become the default, and a sentence for every t0 that says why.

    Raises:
        ValueError: no t0 of the rule's range in the table.
    """
    low, high = RULE_T0
    levels = sorted(t0 for model, t0 in table if model == name and low <= t0 <= high)
    if not levels:
        raise ValueError(f"The rule needs figures of {name!r} at a t0 from {low:g} to {high:g}; there are none.")
    holds, said = True, []
    for t0 in levels:
        (realism, l2, _), (patch_realism, patch_l2, _) = means(table[name, t0]), means(table[PATCHES, t0])
        real, faithful = realism < patch_realism, l2 <= patch_l2
        holds = holds and real and faithful
        said.append(
            f"t0 {t0:g}: {'more' if real else 'NOT more'} realistic ({realism:.4f} against {patch_realism:.4f}), "
            f"{'at least as' if faithful else 'LESS'} faithful (L2 {l2:.2f} against {patch_l2:.2f})"
        )
    return holds, said


def editor(model: ScoreModel, steps: int, *, seed: int = 0) -> Edit:
    """(guide in [0, 1], t0) -> result in [0, 1], with common random numbers."""

    def edit(guide: torch.Tensor, t0: float) -> torch.Tensor:
        result = sdedit(model, to_range(guide.to(model.device), model.data_range), t0=t0, steps=steps, seed=seed)
        return from_range(result.samples, model.data_range).clamp(0, 1).cpu()

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
    out = {PATCHES: editor(patch, args.steps)}
    if args.trained:
        trained = load_score_model(args.trained)
        if args.cascade:
            out["cascade"] = editor(cascade(trained, patch), args.steps)
        else:
            out[TRAINED] = editor(trained, args.steps)
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
    table: dict[tuple[str, float], list[Figures]] = {}
    floors, pictures, labels = [], [], []
    for mood in args.moods:
        seen = held(mood, size=args.size, guides=args.guides, references=args.references)
        realism = SlicedWasserstein(seen.others)
        floors.append((realism(seen.renders).mean, realism(seen.strokes).mean))
        for name, edit in models(mood, args).items():
            pictures.append(seen.painting)
            labels.append(f"{mood}, {name}")
            for t0 in args.t0:
                figures, result = measure(seen, edit, t0, realism)
                table.setdefault((name, t0), []).append(figures)
                pictures.append(result)
                labels.append(f"t0 {t0:g}")
        print(f"{mood} done", flush=True)
    floor, ceiling = (sum(f[k] for f in floors) / len(floors) for k in (0, 1))
    print(f"realism of untouched renders {floor:.4f}, of the strokes {ceiling:.4f}")
    for (name, t0), rows in sorted(table.items()):
        swd, l2, seconds = means(rows)
        print(f"{name:12s} t0 {t0:<4g} realism {swd:.4f}  L2 {l2:6.2f}  {seconds:.2f} CPU-s a picture")
    for name in sorted({model for model, _ in table} - {PATCHES}):
        holds, said = rule(table, name)
        print(*said, f"the rule for the default {'holds' if holds else 'does NOT hold'}: {name}", sep="\n")
    sheet = contact_sheet(pictures, labels, columns=1 + len(args.t0), cell=args.size)
    sheet.save(Path(args.output))


if __name__ == "__main__":
    main()
