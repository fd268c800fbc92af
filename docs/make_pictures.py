"""Make the pictures of the README and the docs again: ``python docs/make_pictures.py [hero ladder ...]``.

Everything shown is the pack's own output: built-in models, built-in guides, seeds as written here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import MOODS, RECOMMENDED_T0, example_guide
from sdedit_core.images import contact_sheet, to_pil

OUT = Path(__file__).parent / "images"
LADDER = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def picture(mood: str, t0: float, size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Guide and result of one mood."""
    guide = example_guide(mood, width=size, height=size)
    model = load_score_model(f"landscape-{mood}")
    return guide, sdedit(model, guide, t0=t0, steps=20, seed=seed).samples.clamp(0, 1)


def rows(pairs: list[tuple[torch.Tensor, torch.Tensor]], cell: int, gap: int = 6) -> Image.Image:
    """Guides above, pictures below."""
    sheet = Image.new("RGB", (len(pairs) * (cell + gap) - gap, 2 * cell + gap), (255, 255, 255))
    for column, pair in enumerate(pairs):
        for row, image in enumerate(pair):
            small = to_pil(image).resize((cell, cell), Image.Resampling.LANCZOS)
            sheet.paste(small, (column * (cell + gap), row * (cell + gap)))
    return sheet


def hero(size: int) -> None:
    """Six stroke paintings and their pictures at the recommended t0."""
    rows([picture(mood, RECOMMENDED_T0[mood], size) for mood in MOODS], 220).save(OUT / "hero.jpg", quality=88)


def ladder(size: int) -> None:
    """One guide over t0."""
    guide = example_guide("alpine", width=size, height=size)
    model = load_score_model("landscape-alpine")
    images, labels = [guide], ["strokes"]
    for t0 in LADDER:
        result = sdedit(model, guide, t0=t0, steps=20, seed=0)
        images.append(result.samples.clamp(0, 1))
        labels.append(f"t0 {t0:g}  sigma {result.sigma:.2g}")
    contact_sheet(images, labels, columns=7, cell=190).save(OUT / "ladder.jpg", quality=88)


def moods(size: int) -> None:
    """Every mood at t0 0.3, 0.4, 0.5."""
    images, labels = [], []
    for mood in MOODS:
        guide = example_guide(mood, width=size, height=size)
        model = load_score_model(f"landscape-{mood}")
        images.append(guide)
        labels.append(f"{mood}: strokes")
        for t0 in (0.3, 0.4, 0.5):
            images.append(sdedit(model, guide, t0=t0, steps=20, seed=0).samples.clamp(0, 1))
            labels.append(f"t0 {t0:g}")
    contact_sheet(images, labels, columns=4, cell=256).save(OUT / "moods.jpg", quality=88)


PICTURES = {"hero": hero, "ladder": ladder, "moods": moods}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(PICTURES)}; default all")
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    unknown = set(args.names) - set(PICTURES)
    if unknown:
        parser.error(f"unknown picture {', '.join(sorted(unknown))}")
    OUT.mkdir(exist_ok=True)
    for name in args.names or PICTURES:
        PICTURES[name](args.size)


if __name__ == "__main__":
    main()
