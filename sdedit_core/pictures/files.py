"""Files that are whole or not there: the one door through which everything here is written."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 230  # of a name; file systems take 255, and the unfinished file's name is a little longer


def check_name(path: str | os.PathLike) -> Path:
    """The path; ValueError when the name is longer than file systems take, or holds a zero byte."""
    path = Path(path)
    if len(os.fsencode(path.name)) > MOST_BYTES or "\0" in str(path):
        raise ValueError(f"The file name {path.name[:40]!r}... is none: at most {MOST_BYTES} bytes, and no zero byte.")
    return path


def check_target(path: str | os.PathLike) -> Path:
    """The path of a file to write; ValueError when its folder cannot be written to, or its name is none for a file."""
    path = check_name(path)
    if not path.parent.is_dir():
        raise ValueError(f"The folder {path.parent} does not exist.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file name is needed.")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"The folder {path.parent} cannot be written to. Choose another place.")
    return path


def check_regular(path: str | os.PathLike) -> Path:
    """The path of a file to read; ValueError unless it is an ordinary file or a link to one.

    Opening a named pipe waits for somebody to write into it, and a device need not end.
    """
    path = Path(path)
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise ValueError(f"Cannot open {path.name}: {error.strerror or error}.") from None
    if not regular:
        what = "a folder" if path.is_dir() else "a pipe or a device"
        raise ValueError(f"{path.name} is {what}; a file is needed.")
    return path


def write_file(path: str | os.PathLike, data: str | bytes) -> None:
    """Write bytes, or text as UTF-8; whole or not at all, see :func:`replace_file`."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    replace_file(path, lambda part: part.write_bytes(content))


def replace_file(path: str | os.PathLike, write: Callable[[Path], object], *, temporary: str | None = None) -> None:
    """Let ``write`` fill a file beside ``path``, flush it to disk, and rename it into place.

    Args:
        path: the file to write.
        write: gets the path of the temporary file.
        temporary: name of that file.  By default it holds the process id, as several processes may write the same
            file, and ends in ``.part``, as what a killed process leaves must not look like the file.

    Raises:
        ValueError: the file cannot be written; the temporary file is removed in any case.
    """
    path = check_target(path)
    part = path.with_name(temporary or f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise ValueError(f"Cannot write {path}: {error}") from None
    finally:
        with contextlib.suppress(OSError):  # must not hide what went wrong before
            part.unlink(missing_ok=True)
