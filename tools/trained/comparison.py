"""Trained model beside patch prior: what ``benchmarks`` measures, in parts that processors can do beforehand.

A part is a mood at one size, or a painting.  What the patch prior makes of it does not depend on the training, so it is
computed while the network trains and kept as a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import builtin_models as models
import painted_guides as painted
import torch

from sdedit_core import ScoreModel, load_score_model
from sdedit_core.builtin import RECOMMENDED_T0
from sdedit_core.measure.realism import SlicedWasserstein
from sdedit_core.training.files import read_tensors, save_tensors

from .plan import Plan

KEY = "sdedit_comparison"
MULTIPLE = 16  # sides of a painting: what every compact network takes
HIGHER_T0 = 0.45  # a painting is also shown at this t0: a trained network may want more noise than patches


@dataclass(frozen=True)
class MoodPart:
    """A job: the held-out pictures of a mood at one size, and what the patch prior makes of them.

    The renders themselves are in the file, too: what the trained model is measured on is not rendered again.
    """

    file: Path
    mood: str
    size: int
    guides: int
    references: int
    t0: tuple[float, ...]
    edit_steps: int

    def __call__(self) -> None:
        held = models.held(self.mood, size=self.size, guides=self.guides, references=self.references)
        realism = SlicedWasserstein(held.others)
        edit = models.editor(load_score_model(f"landscape-{self.mood}"), self.edit_steps)
        tensors, rows = {name: getattr(held, name) for name in _HELD}, []
        for t0 in self.t0:
            figures, tensors[f"t0 {t0:g}"] = models.measure(held, edit, t0, realism)
            rows.append(figures)
        floors = realism(held.renders).mean, realism(held.strokes).mean
        save_tensors(self.file, tensors, {KEY: json.dumps({"rows": rows, "floors": floors})})


@dataclass(frozen=True)
class PaintedPart:
    """A job: a painting and what the patch prior of its mood makes of it at the recommended t0."""

    file: Path
    name: str
    folder: Path
    size: int
    edit_steps: int

    @property
    def mood(self) -> str:
        return painted.mood_of(self.name)

    @property
    def t0(self) -> float:
        return RECOMMENDED_T0[self.mood]

    def __call__(self) -> None:
        guide = painted.paintings(self.folder, self.size, only=self.name, multiple=MULTIPLE)[self.name]
        edit = models.editor(load_score_model(f"landscape-{self.mood}"), self.edit_steps)
        tensors = {"guide": guide, "result": edit(guide, self.t0)}
        rows = [painted.figures(guide, [tensors["result"]], self.mood, self.size)]
        save_tensors(self.file, tensors, {KEY: json.dumps({"rows": rows})})


_HELD = ("renders", "strokes", "painting", "others")


def parts(plan: Plan, folder: Path, also: Sequence[Path]) -> list[MoodPart | PaintedPart]:
    """All jobs of the comparison; ValueError for a folder without paintings and for a painting without a mood."""
    choices = {"guides": plan.guides, "references": plan.references, "t0": plan.t0, "edit_steps": plan.edit_steps}
    out: list[MoodPart | PaintedPart] = [
        MoodPart(folder / f"mood-{size}-{mood}.safetensors", mood, size, **choices)
        for size in plan.sizes
        for mood in plan.moods
    ]
    for source in (painted.PAINTED, *also):
        if not source.is_dir():
            raise ValueError(f"{source} is not a folder of paintings (--also).")
        names = painted.names(source)
        if not names:
            raise ValueError(f"No paintings in {source} (--also): drawings of the Stroke Canvas (.json) or pictures.")
        for name in names:
            if painted.mood_of(name) in plan.moods:
                file = folder / f"painted-{plan.largest}-{name}.safetensors"
                out.append(PaintedPart(file, name, source, plan.largest, plan.edit_steps))
    return out


@dataclass(frozen=True)
class Compared:
    """What came of a part.

    ``pictures``: rows of (label, picture (1, 3, H, W)) for a sheet, patch prior first; ``figures``: (model, t0) ->
    the figures of the benchmark.
    """

    part: MoodPart | PaintedPart
    pictures: list[list[tuple[str, torch.Tensor]]]
    figures: dict[tuple[str, float], tuple[float, float, float]]
    floors: tuple[float, float] | None = None


def compare(
    jobs: Sequence[MoodPart | PaintedPart], trained: ScoreModel, *, go_on: Callable[[], bool]
) -> Iterator[Compared]:
    """Part after part, computing what of the patch prior is missing; ends early when ``go_on`` says no."""
    for job in jobs:
        if not go_on():
            return
        if not job.file.exists():
            job()
        tensors, meta = read_tensors(job.file, KEY)
        edit = models.editor(trained, job.edit_steps)
        yield (_mood if isinstance(job, MoodPart) else _painting)(job, tensors, meta, edit)


def _mood(job: MoodPart, tensors: dict, meta: dict, edit: models.Edit) -> Compared:
    held = models.Held(**{name: tensors[name] for name in _HELD})
    realism = SlicedWasserstein(held.others)
    figures = {(models.PATCHES, t0): tuple(row) for t0, row in zip(job.t0, meta["rows"], strict=True)}
    rows = [[(f"{job.mood}, {models.PATCHES}", held.painting)], [(models.TRAINED, held.painting)]]
    for t0 in job.t0:
        figures[models.TRAINED, t0], picture = models.measure(held, edit, t0, realism)
        rows[0].append((f"t0 {t0:g}", tensors[f"t0 {t0:g}"]))
        rows[1].append((f"t0 {t0:g}", picture))
    return Compared(job, rows, figures, tuple(meta["floors"]))


def _painting(job: PaintedPart, tensors: dict, meta: dict, edit: models.Edit) -> Compared:
    guide = tensors["guide"]
    row = [(job.name.split("-", 1)[-1], guide), (f"{models.PATCHES}, t0 {job.t0:g}", tensors["result"])]
    figures = {(models.PATCHES, job.t0): tuple(meta["rows"][0])}
    for t0 in (job.t0, HIGHER_T0):
        result = edit(guide, t0)
        row.append((f"{models.TRAINED}, t0 {t0:g}", result))
        figures[models.TRAINED, t0] = painted.figures(guide, [result], job.mood, job.size)
    return Compared(job, [row], figures)
