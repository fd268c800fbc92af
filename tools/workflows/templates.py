"""Writes workflows/*.json and workflows/api/*.json."""

from __future__ import annotations

import argparse

from . import flows_builtin, flows_models, flows_video
from .graph import WORKFLOWS as FOLDER

WORKFLOWS = (*flows_builtin.FLOWS, *flows_models.FLOWS, *flows_video.FLOWS)


def main(arguments: list[str]) -> None:
    argparse.ArgumentParser(prog="make.py workflows", description=__doc__).parse_args(arguments)
    graphs = [make() for make in WORKFLOWS]
    for graph in graphs:
        graph.write()
    for folder in (FOLDER, FOLDER / "api"):
        for path in folder.glob("*.json"):
            if path.stem not in {graph.name for graph in graphs}:
                path.unlink()
