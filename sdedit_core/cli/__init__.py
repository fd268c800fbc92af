"""The commands of ``sdedit``, one file each; nothing heavy is imported before a command runs."""

from __future__ import annotations


def add_parsers(commands) -> None:
    """Add every command to an argparse sub-parsers object."""
    from . import demo, edit, evaluate, model, report, strokes, sweep, train

    for module in (demo, edit, model, sweep, report, strokes, evaluate, train):
        module.add_parser(commands)
