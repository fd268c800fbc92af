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

MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="sdedit",
        description="SDEdit: a guide (strokes, an edited photo, a rough composite) in, a picture out.",
    )
    parser.add_argument("--version", action="version", version=f"sdedit {__version__}")
    args = argparse.Namespace()
    try:
        add_parsers(parser.add_subparsers(dest="command", required=True, metavar="COMMAND"))
        args = parser.parse_args(argv)
        args.run(args)
    except (ValueError, OSError) as error:
        return _failed(str(error))
    except (RuntimeError, MemoryError) as error:
        if not _is_memory(error):
            raise
        return _failed(f"Out of memory{_where(args)}. {_advice(args)}")
    except KeyboardInterrupt:
        sys.stderr.write("sdedit: interrupted\n")
        return 130
    return 0


def _failed(text: str) -> int:
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))  # names may hold anything
    sys.stderr.write(f"sdedit: {line}\n")
    return 1


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out: of torch on a GPU (a RuntimeError of its own), of torch on the CPU, or of Python."""
    known = isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "AcceleratorError")
    return isinstance(error, MemoryError) or (known and "memory" in str(error)) or any(m in str(error) for m in MEMORY)


def _where(args: argparse.Namespace) -> str:
    name = getattr(args, "device", None)
    return f" on {name}" if name else ""


def _advice(args: argparse.Namespace) -> str:
    """What this command has that needs less memory."""
    ways = []
    if hasattr(args, "size"):
        ways.append("a smaller --size")
    if isinstance(getattr(args, "batch", 1), int) and getattr(args, "batch", 1) > 1:
        ways.append("a smaller --batch")
    if hasattr(args, "accumulate"):
        ways.append("a larger --accumulate")
    if getattr(args, "dtype", "fp16") == "auto":
        ways.append("--dtype fp16")
    if str(getattr(args, "device", "cpu")).partition(":")[0] not in ("cpu", "auto"):
        ways.append("--device cpu")
    return f"Try {' or '.join(ways)}, or close other programs." if ways else "Close other programs and try again."
