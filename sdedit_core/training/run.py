"""A training run with its files: resume, save, log, sample sheets.

Beside the model ``NAME.safetensors`` stand ``NAME.state.safetensors`` (everything needed to go on), ``NAME.log.jsonl``
(one line a report) and the folder ``NAME_sheets``.  The state is written first; the model follows from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoints.formats import own
from ..checkpoints.found import Found
from ..edit import sdedit
from ..networks import build_network
from ..pictures.files import check_target, write_file
from ..pictures.io import from_range, save_pil, to_range
from ..pictures.sheet import contact_sheet
from .files import finite, read_tensors, save_tensors, write_text_line
from .trainer import Progress, Trainer

STATE_KEY = "sdedit_training"
SHEET_T0 = (0.3, 0.4, 0.5, 0.6)


class Run:
    """Files of one run around a :class:`Trainer`; only the process of rank 0 writes.

    Args:
        model: path of the model to write, ``.safetensors``.
        guides: pictures (N, C, H, W) in [0, 1] for the sample sheets, or None.
    """

    def __init__(self, trainer: Trainer, model: str | Path, *, guides: Tensor | None = None):
        self.trainer, self.guides = trainer, guides
        self.model = check_model_path(model)
        self.state = self.model.with_name(self.model.stem + ".state.safetensors")
        self.log = self.model.with_name(self.model.stem + ".log.jsonl")
        self.sheets = self.model.with_name(self.model.stem + "_sheets")

    @property
    def writes(self) -> bool:
        """Whether this process writes files."""
        return self.trainer.rank == 0

    def resume(self) -> bool:
        """Go on from the state file, if there is one; ValueError when it belongs to another run."""
        if not self.state.exists():
            return False
        self.trainer.restore(*read_tensors(self.state, STATE_KEY))
        if self.writes and self.log.exists():
            write_file(self.log, self._log_so_far())
        return True

    def _log_so_far(self) -> str:
        """The log without what was reported after the state was saved: those steps come again."""
        kept = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= self.trainer.step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                continue  # cut off by a kill
        return "".join(kept)

    def save(self) -> None:
        """Write state and model, each whole or not at all; ValueError, and nothing written, when the run diverged."""
        if self.writes:
            tensors, meta = self.trainer.state()
            for tensor in tensors.values():
                finite(tensor)
            save_tensors(self.state, tensors, {STATE_KEY: json.dumps(meta)})
            self.export()

    def export(self) -> None:
        """Write the averaged network as the finished model, blocks in float16, with its description."""
        t = self.trainer
        sizes = [f"{size.width} x {size.height}" for size in t.source.sizes]
        shapes = build_network(t.spec, dtype=torch.float16, device="meta").state_dict()
        weights = t.average.network.state_dict()
        tensors = {name: finite(weights[name]).to(meta.dtype) for name, meta in shapes.items()}
        only = t.source.sizes[0] if len(t.source.sizes) == 1 else None
        found = Found(
            own.NAME,
            f"{t.settings.network} U-Net, trained by denoising score matching",
            t.spec,
            tensors,
            t.preconditioning,
            which="EMA",
            size=only.height if only and only.height == only.width else None,
            name=self.model.stem,
            detected=[f"trained at {', '.join(sizes)}", f"{t.step} steps, {t.pictures} pictures"],
        )
        save_tensors(self.model, tensors, own.describe(found, {"trainer": "sdedit train"}))

    def sheet(self, *, steps: int = 20) -> Path | None:
        """Write a sheet of edits with the averaged network: rows of guides, columns of t0."""
        if self.guides is None or not self.writes:
            return None
        model = self.trainer.score_model()
        guides = self.guides.to(self.trainer.device)
        columns = [guides]
        for t0 in SHEET_T0:
            result = sdedit(model, to_range(guides, model.data_range), t0=t0, steps=steps, seed=0)
            columns.append(from_range(result.samples, model.data_range).clamp(0, 1))
        pictures = [c[i : i + 1].float().cpu() for i in range(len(guides)) for c in columns]
        labels = (["guide"] + [f"t0 {t0:g}" for t0 in SHEET_T0]) * len(guides)
        sheet = contact_sheet(pictures, labels, columns=len(columns), cell=max(96, guides.shape[-1]))
        self.sheets.mkdir(exist_ok=True)
        path = self.sheets / f"step_{self.trainer.step:07d}.png"
        save_pil(sheet, path)
        return path

    def go(
        self,
        *,
        report: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        report_every: int = 100,
        save_every: int = 1000,
        sheet_every: int = 0,
    ) -> None:
        """Train to the end with saves and sheets on the way; ``stop`` ends it early, with a save."""
        trainer, total = self.trainer, self.trainer.settings.steps
        stopped = False

        def asked() -> bool:
            nonlocal stopped
            stopped = stopped or (stop is not None and _agreed(stop(), trainer))
            return stopped

        def note(progress: Progress) -> None:
            if self.writes:
                write_text_line(self.log, asdict(progress))
            if report is not None:
                report(progress)

        if trainer.step >= total and self.writes:
            self.export()  # the run may have been killed between the last state and the model
        while trainer.step < total and not stopped:
            marks = [total] + [(trainer.step // n + 1) * n for n in (save_every, sheet_every) if n]
            trainer.run(every=report_every, report=note, stop=asked, until=min(marks))
            if stopped or trainer.step >= total or (save_every and trainer.step % save_every == 0):
                self.save()
            if sheet_every and (trainer.step % sheet_every == 0 or trainer.step >= total):
                self.sheet()


def _agreed(stop: bool, trainer: Trainer) -> bool:
    """All processes stop together."""
    if trainer.world == 1:
        return stop
    flag = torch.tensor(float(stop), device=trainer.device)
    torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
    return bool(flag)


def check_model_path(path: str | Path) -> Path:
    """The path of a model to write; ValueError before any work when it cannot be."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"The model is written as .safetensors; got {path.name!r}.")
    check_target(path.with_name(path.stem + ".state.safetensors"))  # the longest name that a run writes
    return check_target(path)
