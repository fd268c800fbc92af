"""Writes the pictures of README, docs and help pages.

Everything shown is the pack's own output: built-in models, built-in guides, seeds as written here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image

from pack import ROOT
from sdedit_core import load_score_model, sdedit
from sdedit_core.builtin import MOODS, RECOMMENDED_T0, example_composite, example_edit, example_guide
from sdedit_core.measure.plots import heat_map
from sdedit_core.measure.probe import probe
from sdedit_core.model import ScoreModel
from sdedit_core.pictures.io import to_pil
from sdedit_core.pictures.sheet import contact_sheet

from .help import HELP
from .paintings import paintings

OUT = ROOT / "docs" / "images"
HELP_OUT = ROOT / "web" / "docs" / "images"
LADDER = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7)


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


def own(size: int) -> None:
    """Paintings in colours of their own, and what the model of all moods makes of them."""
    model, t0 = load_score_model("landscape"), RECOMMENDED_T0["landscape"]
    guides = paintings(size)
    made = [sdedit(model, guide, t0=t0, steps=20, seed=0).samples.clamp(0, 1) for guide in guides]
    rows(list(zip(guides, made, strict=True)), 264).save(OUT / "paintings.jpg", quality=88)


def over_t0(model: ScoreModel, guide: torch.Tensor, values: Sequence[float]) -> tuple[list[torch.Tensor], list[str]]:
    """The pictures of one guide over t0, same seed, and their labels."""
    runs = [sdedit(model, guide, t0=t0, steps=20, seed=0) for t0 in values]
    labels = [f"t0 {t0:g}  sigma {run.sigma:.2g}" for t0, run in zip(values, runs, strict=True)]
    return [run.samples.clamp(0, 1) for run in runs], labels


def ladder(size: int) -> None:
    """One guide over t0."""
    guide = example_guide("alpine", width=size, height=size)
    model = load_score_model("landscape-alpine")
    images, labels = over_t0(model, guide, LADDER)
    contact_sheet([guide, *images], ["strokes", *labels], columns=7, cell=190).save(OUT / "ladder.jpg", quality=88)


def survives(size: int) -> None:
    """What survives the noise, and the edits, over t0."""
    guide, values = example_guide("alpine", width=size, height=size), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    model = load_score_model("landscape-alpine")
    found = probe(model, guide, values, seed=0)
    made, names = over_t0(model, guide, values)
    images = [guide, *(p.denoised.clamp(0, 1) for p in found), guide, *made]
    labels = ["guide", *(f"survives t0 {t0:g}" for t0 in values), "guide", *names]
    contact_sheet(images, labels, columns=8, cell=160).save(OUT / "t0" / "ladder.jpg", quality=88)


def heat(size: int) -> None:
    """An edit of the upper half, and where it moved the picture."""
    guide = example_guide("alpine", width=size, height=size)
    mask = torch.zeros(1, 1, size, size)
    mask[..., : round(0.6 * size), :] = 1
    made = sdedit(load_score_model("landscape-alpine"), guide, t0=0.25, steps=20, seed=0, mask=mask).samples.clamp(0, 1)
    difference = heat_map(guide, made, mask=mask)
    below = difference.shape[-2] - size
    padded = [F.pad(x, (0, 0, 0, below)) for x in (guide, made)]
    labels = ["guide", "edit of the sky and peak, t0 0.25", "RMS difference (white: mask)"]
    contact_sheet([*padded, difference], labels, columns=3, cell=256).save(OUT / "t0" / "heat-map.jpg", quality=88)


def steps(size: int) -> None:
    """Built-in pictures, an edit and a composite at 8, 12 and 20 steps."""
    jobs = [
        (m, example_guide(m, width=size, height=size), None, RECOMMENDED_T0[m]) for m in ("lake", "night", "autumn")
    ]
    _, edit, edit_mask = example_edit("sunset-sun", size)
    _, _, cut, composite = example_composite("autumn-conifers", size)
    jobs.append(("sunset", edit, soften(edit_mask, 8 * size // 256), 0.2))
    jobs.append(("autumn", composite, soften(cut, 8 * size // 256), 0.2))
    pictures = []
    for count in (8, 12, 20):
        for mood, guide, mask, t0 in jobs:
            model = load_score_model(f"landscape-{mood}")
            made = sdedit(model, guide, t0=t0, steps=count, seed=1, mask=mask)
            pictures.append(made.samples.clamp(0, 1))
    labels = [f"{count} steps" for count in (8, 12, 20) for _ in jobs]
    contact_sheet(pictures, labels, columns=len(jobs), cell=200).save(OUT / "steps.jpg", quality=88)


def moods(size: int) -> None:
    """Every mood at t0 0.2, 0.3, 0.4."""
    images, labels = [], []
    for mood in MOODS:
        guide = example_guide(mood, width=size, height=size)
        model = load_score_model(f"landscape-{mood}")
        images.append(guide)
        labels.append(f"{mood}: strokes")
        for t0 in (0.2, 0.3, 0.4):
            images.append(sdedit(model, guide, t0=t0, steps=20, seed=0).samples.clamp(0, 1))
            labels.append(f"t0 {t0:g}")
    contact_sheet(images, labels, columns=4, cell=256).save(OUT / "moods.jpg", quality=88)


def tasks(size: int) -> None:
    """The three tasks of the paper, a row each: guide, mask, picture."""
    white = torch.ones(1, 3, size, size)
    strokes = example_guide("autumn", width=size, height=size)
    _, edit, edit_mask = example_edit("sunset-sun", size)
    _, _, cut, composite = example_composite("desert-mesa", size)
    soft = soften(cut, 8 * size // 256)
    rows = [
        ("Strokes to picture", "autumn", strokes, None, 0.25),
        ("Edit with strokes", "sunset", edit, soften(edit_mask, 8 * size // 256), 0.2),
        ("Composite", "desert", composite, soft, 0.25),
    ]
    images, labels = [], []
    for title, mood, guide, mask, t0 in rows:
        made = sdedit(load_score_model(f"landscape-{mood}"), guide, t0=t0, steps=20, seed=1, mask=mask)
        images += [guide, white if mask is None else mask.expand(-1, 3, -1, -1), made.samples.clamp(0, 1)]
        labels += [f"{title}: the guide", "mask: white may change", f"picture, t0 {t0:g}"]
    contact_sheet(images, labels, columns=3, cell=216).save(OUT / "tasks.jpg", quality=88)


def soften(mask: torch.Tensor, radius: int) -> torch.Tensor:
    """A hard mask, widened and blurred by some pixels, as GrowMask and FeatherMask do in the workflows."""
    window = 2 * radius + 1
    wide = F.max_pool2d(mask, window, 1, radius)
    return F.avg_pool2d(F.pad(wide, (radius,) * 4, mode="replicate"), window, 1)


def banner(size: int) -> None:
    """The registry's banner, 21:9: strokes on the left become the picture on the right."""
    width, height = 21 * (size // 8), 9 * (size // 8)
    guide = example_guide("alpine", width=width, height=height)
    model = load_score_model("landscape-alpine")
    made = sdedit(model, guide, t0=RECOMMENDED_T0["alpine"], steps=20, seed=0).samples.clamp(0, 1)
    across = torch.linspace(0, 1, width).reshape(1, 1, 1, -1) + 0.25 * torch.linspace(-1, 1, height).reshape(
        1, 1, -1, 1
    )
    share = ((across - 0.45) / 0.1).clamp(0, 1)  # a slanted seam, a tenth of the width
    both = torch.lerp(guide, made, share)
    to_pil(both).resize((1260, 540), Image.Resampling.LANCZOS).save(OUT / "banner.jpg", quality=88)


def icon(size: int) -> None:
    """The pack's icon: half strokes, half picture."""
    guide = example_guide("sunset", width=size, height=size)
    made = sdedit(load_score_model("landscape-sunset"), guide, t0=RECOMMENDED_T0["sunset"], steps=20, seed=0)
    across = torch.arange(size)[None, :] + torch.arange(size)[:, None]
    both = torch.where(across < size, guide, made.samples.clamp(0, 1))
    to_pil(both).resize((400, 400), Image.Resampling.LANCZOS).save(OUT / "icon.png", optimize=True)


PICTURES = {
    "hero": hero,
    "paintings": own,
    "tasks": tasks,
    "ladder": ladder,
    "survives": survives,
    "heat": heat,
    "steps": steps,
    "moods": moods,
    "banner": banner,
    "icon": icon,
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make.py pictures", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(PICTURES)}; default all; or IDs of nodes")
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args(arguments)
    unknown = set(args.names) - set(PICTURES) - set(HELP)
    if unknown:
        parser.error(f"unknown picture {', '.join(sorted(unknown))}")
    OUT.mkdir(exist_ok=True)
    HELP_OUT.mkdir(exist_ok=True)
    for name in args.names or [*PICTURES, *HELP]:
        if name in HELP:
            HELP[name]().save(HELP_OUT / f"{name}.jpg", quality=85, optimize=True)
        else:
            PICTURES[name](args.size)
