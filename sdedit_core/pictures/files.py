"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object], *, temporary: str | None = None) -> None:
    """Let ``write`` fill the file ``temporary`` beside ``path``, flush it to disk, and rename it into place.

    ``temporary`` is a file name.  By default it holds the process id, as several processes may write the same file,
    and ends in ``.part``, as what a killed process leaves must not look like the file.
    Raises ValueError when the file cannot be written; the temporary file is removed in any case.
    """
    part = path.with_name(temporary or f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise ValueError(f"Cannot write {path}: {error}") from None
    finally:
        part.unlink(missing_ok=True)
