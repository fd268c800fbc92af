"""What the comparison says: sheets to look at, and a page of tables that says whether the rule holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import builtin_models as models
import torch
from PIL import Image

from sdedit_core.pictures.io import save_pil
from sdedit_core.pictures.sheet import contact_sheet

from .comparison import HIGHER_T0, Compared, MoodPart, PaintedPart

CELL = 128  # smaller pictures are enlarged to it on a sheet


def write_report(found: Sequence[Compared], folder: Path, *, about: Sequence[str]) -> tuple[bool, list[str]]:
    """Write ``comparison.md`` and the sheets it shows; whether the rule holds, and the lines that say why.

    Args:
        about: lines on the run, for the head of the page.
    """
    lines = ["# Trained model beside patch prior", "", *(f"- {line}" for line in about), ""]
    holds, said = True, []
    moods = [one for one in found if isinstance(one.part, MoodPart)]
    for size in sorted({one.part.size for one in moods}):
        here = [one for one in moods if one.part.size == size]
        good, why = _moods(here, size, folder, lines)
        holds, said = holds and good, [*said, *(f"{size} px, {line}" for line in why)]
    painted = [one for one in found if isinstance(one.part, PaintedPart)]
    if painted:
        _paintings(painted, folder, lines)
    verdict = f"The rule for the default {'HOLDS' if holds else 'does NOT hold'}."
    if holds:
        verdict += " Now look at the sheets, those of the paintings above all: the rule does not see what gets lost."
    lines += [verdict, "", *(f"- {line}" for line in said)]
    (folder / "comparison.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return holds, [*said, verdict]


def _moods(here: list[Compared], size: int, folder: Path, lines: list[str]) -> tuple[bool, list[str]]:
    table: dict[tuple[str, float], list[models.Figures]] = {}
    for one in here:
        for key, figures in one.figures.items():
            table.setdefault(key, []).append(figures)
    floor, ceiling = (sum(one.floors[k] for one in here) / len(here) for k in (0, 1))
    lines += [f"## {size} px, held-out renders of {len(here)} {'mood' if len(here) == 1 else 'moods'}", ""]
    lines += ["Realism (lower is better) / L2 to the strokes, means over moods. Untouched renders have a realism of"]
    lines += [f"{floor:.4f}, the strokes {ceiling:.4f}.", ""]
    levels = sorted({t0 for _, t0 in table})
    lines += ["| | " + " | ".join(f"t0 {t0:g}" for t0 in levels) + " |", "|---" * (1 + len(levels)) + "|"]
    for name in (models.PATCHES, models.TRAINED):
        cells = [models.means(table[name, t0]) for t0 in levels]
        lines.append(f"| {name} | " + " | ".join(f"{realism:.4f} / {l2:.2f}" for realism, l2, _ in cells) + " |")
    sheet = f"comparison-{size}.png"
    _sheet([row for one in here for row in one.pictures], folder / sheet, cell=max(CELL, size))
    lines += ["", f"![Built-in paintings, patch prior and trained model, {size} px]({sheet})", ""]
    return models.rule(table)


def _paintings(painted: list[Compared], folder: Path, lines: list[str]) -> None:
    size = painted[0].part.size
    lines += [f"## {size} px, paintings by other people", "", "Means of L2 / drift / fine, see"]
    lines += ["`benchmarks/painted_guides.py`; they are judged by eye.", "", "| model | t0 | L2 / drift / fine |"]
    lines += ["|---|---|---|"]
    columns = {
        (models.PATCHES, "recommended"): [one.figures[models.PATCHES, one.part.t0] for one in painted],
        (models.TRAINED, "recommended"): [one.figures[models.TRAINED, one.part.t0] for one in painted],
        (models.TRAINED, f"{HIGHER_T0:g}"): [one.figures[models.TRAINED, HIGHER_T0] for one in painted],
    }
    for (name, t0), rows in columns.items():
        l2, drift, fine = models.means(rows)
        lines.append(f"| {name} | {t0} | {l2:.1f} / {drift:.1f} / {fine:.2f} |")
    sheet = f"painted-{size}.png"
    _sheet([row for one in painted for row in one.pictures], folder / sheet, cell=max(CELL, size))
    lines += ["", f"![Paintings, patch prior and trained model]({sheet})", ""]


def _sheet(rows: Sequence[Sequence[tuple[str, torch.Tensor]]], path: Path, *, cell: int) -> None:
    """Every row as high as its own pictures are."""
    strips = [contact_sheet([p for _, p in row], [label for label, _ in row], cell=cell) for row in rows]
    sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)), strips[0].getpixel((0, 0)))
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    save_pil(sheet, path)
