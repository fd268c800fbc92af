"""What is kept from run to run beside the trainer's own state: the plan, the seconds spent, the speed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from sdedit_core.pictures.files import write_file

from .plan import Plan


@dataclass
class Ledger:
    """``spent``: seconds of all runs so far; ``pace``: seconds a step; ``step``: steps trained."""

    file: Path
    plan: dict
    spent: float = 0.0
    pace: float | None = None
    step: int = 0
    runs: list[float] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path, plan: Plan) -> Ledger:
        """The ledger of a folder, or a new one.

        Raises:
            ValueError: the file is damaged, or of a run with another plan.
        """
        if not file.exists():
            return cls(file, plan.fixed())
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            found = cls(
                file,
                dict(data["plan"]),
                float(data["spent"]),
                None if data["pace"] is None else float(data["pace"]),
                int(data["step"]),
                [float(seconds) for seconds in data["runs"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} cannot be read ({error}). Begin in another folder.") from None
        ours = plan.fixed()
        changed = [name for name in ours if ours[name] != found.plan.get(name)]
        if changed:
            what = ", ".join(f"{name} {found.plan.get(name)} -> {ours[name]}" for name in changed)
            raise ValueError(
                f"{file.parent} was begun with another plan ({what}). Use the same one, or another folder. "
                "Only --minutes, --runs, --count, --workers, --also, --device and --compile may change."
            )
        return found

    def write(self) -> None:
        """Write it, whole or not at all."""
        data = {"plan": self.plan, "spent": self.spent, "pace": self.pace, "step": self.step, "runs": self.runs}
        write_file(self.file, json.dumps(data, indent=1) + "\n")
