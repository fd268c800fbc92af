"""The command: a folder of landscapes to train on; the pack's own pictures again."""

from __future__ import annotations

import argparse
from pathlib import Path

from .examples import write_examples
from .moods import MOODS
from .references import write_further, write_groups, write_references
from .variety import render_folder


def main(arguments: list[str]) -> int:
    """Run the command; 2 with a sentence when an argument is wrong."""
    parser = argparse.ArgumentParser(prog="landscapes", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    folder = commands.add_parser("folder", help="write varied landscapes that `sdedit train FOLDER` reads")
    folder.add_argument("folder", metavar="FOLDER", type=Path, help="where; made when it is not there")
    folder.add_argument("--count", type=int, default=1000, metavar="N", help="pictures (default %(default)s)")
    folder.add_argument("--first", type=int, default=0, metavar="N", help="number of the first one, to go on later")
    folder.add_argument("--size", type=int, default=128, metavar="PX", help="side of the square (default %(default)s)")
    folder.add_argument("--seed", type=int, default=0, help="decides every picture (default %(default)s)")
    folder.add_argument("--moods", default=",".join(MOODS), metavar="NAMES", help="default: all, %(default)s")
    folder.set_defaults(run=_folder)
    references = commands.add_parser("references", help="write the references of the built-in models again")
    references.add_argument("moods", nargs="*", metavar="MOOD", help=f"any of {', '.join(MOODS)}; default all")
    references.set_defaults(run=lambda args: (write_references(args.moods or MOODS), write_groups()))
    further = commands.add_parser("further", help="write the further references of the model of all moods again")
    further.set_defaults(run=lambda args: (write_further(), write_groups()))
    groups = commands.add_parser("groups", help="write again what the model of all moods picks its references by")
    groups.set_defaults(run=lambda args: write_groups())
    examples = commands.add_parser("examples", help="write the photos of the example guides, edits, composites again")
    examples.set_defaults(run=lambda args: write_examples())
    args = parser.parse_args(arguments)
    try:
        args.run(args)
    except ValueError as error:
        parser.error(str(error))
    return 0


def _folder(args: argparse.Namespace) -> None:
    def progress(done: int) -> None:
        if done % 100 == 0 or done == args.count:
            print(f"{done} of {args.count} pictures", flush=True)

    options = {"count": args.count, "first": args.first, "size": args.size, "seed": args.seed}
    render_folder(args.folder, moods=args.moods.split(","), progress=progress, **options)
