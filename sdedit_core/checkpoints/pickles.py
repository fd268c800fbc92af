"""What a PyTorch file asks for, found without running it: its pickle is read opcode by opcode, never executed.

``torch.load(weights_only=True)`` is the second wall.  This one is ours: it is narrower, it does not depend on the
PyTorch version, it bounds sizes before memory is taken, and its message says what was found.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path

from .calls import ALLOWED, Calls

MAX_PICKLE = 32 << 20
MAX_OPCODES = 500_000  # about 40 a tensor, so those of 12,000 tensors: a second to read
MAX_INTEGER = 1 << 34
MAX_ENTRIES = 10_000


class UnsafePickle(ValueError):
    """The pickle names something that has no place in a file of weights."""


def check_pickle(path: Path) -> None:
    """Raise ValueError unless every pickle inside a PyTorch file is harmless; reads a few megabytes at most."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if not zipped:
        with path.open("rb") as file:
            _check_legacy(file, path.stat().st_size)
        return
    try:
        _check_zip(path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, UnicodeDecodeError):
        raise ValueError("It is a truncated or damaged zip archive. Download it again.") from None


def _check_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"The archive has {len(entries):,} entries; no score checkpoint has so many.")
        if any(e.compress_type != zipfile.ZIP_STORED for e in entries):
            raise ValueError("The archive is compressed, which PyTorch files never are.")
        if sum(e.file_size for e in entries) > path.stat().st_size:
            raise ValueError("The archive's entries claim more bytes than the file has; it is damaged or hostile.")
        pickles = [e for e in entries if e.filename.endswith("/data.pkl") or e.filename == "data.pkl"]
        if len(pickles) != 1:
            raise ValueError("This zip archive is not a PyTorch file: it has no data.pkl.")
        if any(e.filename.split("/", 1)[-1].startswith("code/") for e in entries):
            raise ValueError("This is a TorchScript archive, which carries code; export a plain state dict instead.")
        if pickles[0].file_size > MAX_PICKLE:
            raise ValueError(f"Its data.pkl has {pickles[0].file_size:,} bytes; at most {MAX_PICKLE:,} are allowed.")
        with archive.open(pickles[0]) as file:
            scan(io.BytesIO(file.read(MAX_PICKLE)), path.stat().st_size)


def _check_legacy(file, room: int) -> None:
    # magic number, protocol version, system info, the object, storage keys; then raw data (torch.save before 1.6)
    head = io.BytesIO(file.read(MAX_PICKLE))
    count = 0
    for _ in range(5):
        count = scan(head, room, count)


def scan(file: io.BytesIO, room: int, count: int = 0) -> int:
    """Read one pickle; UnsafePickle for a name that is not allowed, ValueError for a broken or absurd one.

    ``room`` is the length of the whole file in bytes, which no tensor in it can exceed; ``count`` the instructions of
    the pickles before it. Returns the instructions so far.
    """
    calls = Calls(room)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            count += 1
            if count > MAX_OPCODES:
                raise ValueError(f"The pickle has more than {MAX_OPCODES:,} instructions; no checkpoint has so many.")
            name = opcode.name
            if name == "GLOBAL":
                if argument not in ALLOWED:
                    raise UnsafePickle(
                        f"The file asks to import {argument.replace(' ', '.')!r} when it is opened. Files of weights "
                        "do not need that, so it was not opened: nothing in it was run. Re-save it as .safetensors, "
                        "or as a plain state dict, where you trust it."
                    )
            elif name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"):
                raise UnsafePickle(
                    f"The file uses the pickle instruction {name}, which files of weights do not need; it was not "
                    "opened: nothing in it was run. Re-save it as .safetensors where you trust it."
                )
            elif isinstance(argument, int) and opcode.name.startswith(("BININT", "LONG", "INT")):
                if abs(argument) > MAX_INTEGER and argument != _LEGACY_MAGIC:
                    raise ValueError("The pickle holds an absurdly large number; the file is damaged or hostile.")
            calls.step(opcode, argument)
    except UnsafePickle:
        raise
    except (IndexError, KeyError):
        raise ValueError("Its pickle cannot be read (it takes more than it holds).") from None
    except Exception as error:  # pickletools raises almost anything on random bytes
        raise ValueError(f"Its pickle cannot be read ({str(error)[:200]}).") from None
    return count


_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
