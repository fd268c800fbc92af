"""Files that are whole or not there: the one door through which everything here is written."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

_ODD_NAME = "The name {!a} holds characters that no file's name can hold."
LONGEST_NAME = 255  # bytes, on the file systems in use


def check_regular(path: str | os.PathLike, *, kind: str = "file") -> Path:
    """The path of a file to read; ValueError unless it is an ordinary file or a link to one.

    Opening a named pipe waits for somebody to write into it, and a device need not end.  ``kind`` is what the message
    calls the file that is needed.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ValueError(f"No such {kind}: {path}") from None
    except UnicodeEncodeError:
        raise ValueError(_ODD_NAME.format(str(path)[:40])) from None
    except (OSError, ValueError) as error:  # a name that is too long, or holds the character 0
        raise ValueError(f"{str(path)[:200]} cannot be read: {getattr(error, 'strerror', '') or error}") from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise ValueError(f"{path} is {what}; {'an' if kind[0] in 'aeiou' else 'a'} {kind} is needed.")
    return path


def check_target(
    path: str | os.PathLike,
    *,
    picture: bool = False,
    inputs: Sequence[str | os.PathLike | None] = (),
    overwrite: bool = False,
) -> Path:
    """The path of a file that can be written, checked before the work and not after it.

    A link is followed: the file it leads to is the one that is written, and the one that is checked.

    Args:
        path: where to write.
        picture: the name's ending must be that of a picture format that Pillow writes, at full size.
        inputs: files that are read; none of them may be the target.
        overwrite: allow that all the same.

    Raises:
        ValueError: the folder does not exist or cannot be written to, the name is too long or that of a folder, a
            device or a write-protected file, or the target is one of ``inputs``.
    """
    given = Path(path)
    target = _place(given)
    if picture:
        picture_format(given)
    if not overwrite:
        for read in inputs:
            if read is not None and same_file(target, read):
                raise ValueError(f"{given} is also read: it would be replaced. Say --overwrite if that is meant.")
    if target.exists() and not os.access(target, os.W_OK):
        raise ValueError(f"{given} is write-protected; choose another name.")
    _try_folder(target.parent)
    return given


def check_folder(path: str | os.PathLike) -> Path:
    """A folder that can be written to, or made where it does not exist yet; ValueError otherwise."""
    folder = Path(path)
    try:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} exists and is not a folder.")
        there = folder.absolute()
        while not there.exists():
            _check_name(there)
            there = there.parent
    except OSError as error:
        raise ValueError(f"{folder} cannot be used as a folder: {error.strerror or error}") from None
    if not there.is_dir():
        raise ValueError(f"{folder} cannot be made: {there} is not a folder.")
    _try_folder(there)
    return folder


def make_folder(path: str | os.PathLike) -> Path:
    """The folder, made with its parents where it does not exist; ValueError when it cannot be."""
    folder = check_folder(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"The folder {folder} cannot be made: {error.strerror or error}") from None
    return folder


def same_file(one: str | os.PathLike, other: str | os.PathLike) -> bool:
    """Whether two paths lead to one file, through links and other spellings too."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them does not exist
        pass
    except ValueError:  # nor can it, with such a name
        return False
    try:
        return os.path.realpath(one) == os.path.realpath(other)
    except ValueError:
        return False


def picture_format(path: str | os.PathLike) -> str:
    """Pillow's name of the format that a file's ending stands for; ValueError when such a file cannot be written.

    A small picture is written to memory to see it: some formats need programs that are not there, hold two colours
    only, or, as icons do, make the picture smaller without a word.
    """
    from PIL import Image

    name, use = Path(path).name, "use .png, .jpg or .webp."
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind is None:
        raise ValueError(f"Cannot tell an image format from {name!r}; {use}")
    memory, size = io.BytesIO(), (48, 32)
    try:
        Image.new("RGB", size).save(memory, format=kind)
    except Exception as error:  # each format's plugin has its own ways to fail
        why = "" if isinstance(error, KeyError) else f" ({error})"
        raise ValueError(f"{name!r} cannot be written: {kind} pictures are not written here{why}; {use}") from None
    memory.seek(0)
    try:
        found = Image.open(memory).size
    except Exception:  # written but not read, as PDF is
        found = size
    if found != size:
        raise ValueError(f"{name!r} cannot be written: {kind} pictures of this size would be made smaller; {use}")
    return kind


def write_file(path: str | os.PathLike, data: str | bytes) -> None:
    """Write bytes, or text as UTF-8; whole or not at all, see :func:`replace_file`."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    replace_file(path, lambda part: part.write_bytes(content))


def replace_file(path: str | os.PathLike, write: Callable[[Path], object], *, temporary: str | None = None) -> None:
    """Let ``write`` fill a file beside ``path``, flush it to disk, and rename it into place.

    A link stays a link: the file it leads to is replaced.

    Args:
        path: the file to write.
        write: gets the path of the temporary file.
        temporary: name of that file.  By default it holds the process id, as several processes may write the same
            file, and ends in ``.part``, as what a killed process leaves must not look like the file.

    Raises:
        ValueError: the file cannot be written; the temporary file is removed where that is possible.
    """
    target = _place(Path(path))
    name = temporary or f".{target.name}.{os.getpid()}.part"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{zlib.crc32(os.fsencode(target.name)):08x}.{os.getpid()}.part"
    part = target.with_name(name)
    try:
        mode = _mode(target, part)
        write(part)
        with contextlib.suppress(OSError):  # not every file system has modes
            os.chmod(part, mode)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise ValueError(f"Cannot write {path}: {error}") from None
    finally:
        with contextlib.suppress(OSError):  # where nothing can be removed, the error above is the one to tell
            part.unlink(missing_ok=True)


def _mode(target: Path, part: Path) -> int:
    """Who may read a file: as before where it is replaced, else as the umask says, whatever library writes it."""
    part.touch()
    return stat.S_IMODE((target if target.exists() else part).stat().st_mode) & 0o777


def _place(path: Path) -> Path:
    """The file that a path leads to, when one can be there; ValueError otherwise."""
    try:
        _check_name(path)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        _check_name(target)
        if not target.parent.is_dir():
            raise ValueError(f"The folder {target.parent} does not exist.")
        if target.is_symlink():
            raise ValueError(f"{path} is a link that leads to itself.")
        if target.is_dir():
            raise ValueError(f"{path} is a folder; a file name is needed.")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise ValueError(f"{path} is no regular file; a file name is needed.")
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror or error}") from None
    return target


def _check_name(path: Path) -> None:
    try:
        size = len(os.fsencode(path.name))
    except UnicodeEncodeError:
        raise ValueError(_ODD_NAME.format(path.name[:40])) from None
    if size > LONGEST_NAME:
        raise ValueError(
            f"The name {path.name[:40]}... is {size} bytes long; names of files have at most {LONGEST_NAME} bytes."
        )
    if "\0" in os.fspath(path):
        raise ValueError("A name of a file cannot hold the character 0.")


def _try_folder(folder: Path) -> None:
    """Write an empty file and remove it: rights alone do not tell, on network disks and on Windows."""
    try:
        number, name = tempfile.mkstemp(prefix=".sdedit-", suffix=".part", dir=folder)
        os.close(number)
        os.unlink(name)
    except OSError as error:
        raise ValueError(f"The folder {folder} cannot be written to: {error.strerror or error}") from None
