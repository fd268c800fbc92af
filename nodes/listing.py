"""What lies in a folder of models: an end to the search whatever links and pipes are in there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

DEPTH = 16  # folders inside one another
FOLDERS = 20_000  # in all
_DIFFUSERS = {"config.json", "model_index.json"}
_UNFINISHED = (".state.safetensors", ".part.safetensors")  # sdedit train goes on from these


def model_entries(roots: Iterable[str], extensions: Collection[str]) -> list[str]:
    """Checkpoint files below the roots, by their path from there; a diffusers folder is one entry ending in "/".

    Only regular files count: opening a named pipe or a device would wait for ever.  Links are followed, but no folder
    is visited twice, so a link back to where it came from adds nothing.
    """
    found = set()
    for root in roots:
        for path, files in _folders(root):
            if path and _DIFFUSERS & set(files):
                found.add(path.replace(os.sep, "/") + "/")
                continue
            for file in files:
                kind = os.path.splitext(file)[1].lower()
                if kind in extensions and not file.endswith(_UNFINISHED):
                    found.add(os.path.join(path, file))
    return sorted(found)


def _folders(root: str) -> Iterator[tuple[str, list[str]]]:
    """(path from the root, names of regular files) of every folder, once; those that are no links come first."""
    waiting, links, seen = [("", 0)], [], set()
    while (waiting or links) and len(seen) < FOLDERS:
        path, depth = waiting.pop() if waiting else links.pop(0)
        here = os.path.join(root, path)
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(here) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError:  # not ours to read, or gone meanwhile
            continue
        files = [entry.name for entry in inside if _is(entry.is_file)]
        yield path, files
        if depth >= DEPTH or (path and _DIFFUSERS & set(files)):
            continue
        below = [entry for entry in inside if entry.name != ".git" and _is(entry.is_dir)]
        links += [(os.path.join(path, e.name), depth + 1) for e in below if e.is_symlink()]
        waiting += [(os.path.join(path, e.name), depth + 1) for e in reversed(below) if not e.is_symlink()]


def _is(kind) -> bool:
    try:
        return kind()
    except OSError:  # a link to itself
        return False
