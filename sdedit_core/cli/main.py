"""The ``sdedit`` command; its sub-commands live in ``sdedit_core.cli``.

Exit status: 0 done, 1 something was wrong with the input (one line on standard error says what), 2 wrong usage,
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from . import add_parsers


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="sdedit",
        description="SDEdit: a guide (strokes, an edited photo, a rough composite) in, a picture out.",
    )
    parser.add_argument("--version", action="version", version=f"sdedit {__version__}")
    add_parsers(parser.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except ValueError as error:
        sys.stderr.write(f"sdedit: {error}\n")
        return 1
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        sys.stderr.write("sdedit: the device ran out of memory. Try a smaller --size, --dtype fp16 or --device cpu.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("sdedit: interrupted\n")
        return 130
    return 0
