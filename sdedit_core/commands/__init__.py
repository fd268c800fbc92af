"""Commands of ``sdedit`` that make t0 an instrument: sweep, tune, report, strokes, mask, evaluate."""

from __future__ import annotations

from . import evaluate, report, strokes, sweep, tune


def add_parsers(commands) -> None:
    """Add every command of this package to an argparse sub-parsers object."""
    for module in (sweep, tune, report, strokes, evaluate):
        module.add_parser(commands)
