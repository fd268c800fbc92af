"""Maintainer tool: writes workflows/*.json and workflows/api/*.json."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import flows_builtin
import flows_checkpoint
from graph import WORKFLOWS as FOLDER

WORKFLOWS = (*flows_builtin.FLOWS, *flows_checkpoint.FLOWS)


def main() -> None:
    graphs = [make() for make in WORKFLOWS]
    for graph in graphs:
        graph.write()
    for folder in (FOLDER, FOLDER / "api"):
        for path in folder.glob("*.json"):
            if path.stem not in {graph.name for graph in graphs}:
                path.unlink()


if __name__ == "__main__":
    main()
