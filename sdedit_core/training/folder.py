"""A folder of pictures as training data: read once, scaled, cut to squares, kept as bytes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..pictures.fit import fit
from ..pictures.io import load_image

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
READERS = 4  # threads; each may hold one decoded picture


@dataclass(frozen=True)
class TrainingPictures:
    """Pictures (N, 3, size, size) uint8; one line for every file left out; how many were smaller than ``size``."""

    pictures: Tensor
    left_out: tuple[str, ...]
    enlarged: int


def image_files(folder: str | Path) -> list[Path]:
    """All pictures under a folder and its sub-folders, links followed, sorted; ValueError when there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder of images.")
    files, seen = [], set()
    for path, names, inside in os.walk(folder, followlinks=True):
        here = os.path.realpath(path)
        if here in seen:  # a link back to a folder that was already read
            names.clear()
            continue
        seen.add(here)
        names[:] = sorted(name for name in names if not name.startswith("."))
        good = (name for name in inside if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."))
        files += [Path(path) / name for name in good]
    if not files:
        raise ValueError(f"No images ({', '.join(sorted(IMAGE_SUFFIXES))}) in {folder}.")
    return sorted(files)


def load_folder(
    folder: str | Path, *, size: int, crops: int = 1, progress: Callable[[int, int], None] | None = None
) -> TrainingPictures:
    """Every picture of a folder, scaled to cover ``size`` pixels, then ``crops`` squares along the longer side.

    One square is the middle. Orientation tags are applied, transparency is laid on white, of an animation the first
    picture is taken. Files that cannot be read are left out, with the reason; ValueError when none can.
    """
    if crops < 1:
        raise ValueError(f"At least one square is cut from a picture, got --crops {crops}.")
    files = image_files(folder)
    pictures = torch.empty(len(files) * crops, 3, size, size, dtype=torch.uint8)
    count, enlarged, left_out = 0, 0, []
    with ThreadPoolExecutor(READERS) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # too many pixels are refused below
        for i, result in enumerate(_ahead(pool, lambda file: _read(file, size, crops), files)):
            if isinstance(result, str):
                left_out.append(result)
            else:
                squares, small = result
                pictures[count : count + len(squares)] = squares
                count, enlarged = count + len(squares), enlarged + small
            if progress is not None:
                progress(i + 1, len(files))
    if not count:
        raise ValueError(f"None of the {len(files)} images in {folder} can be read. The first: {left_out[0]}")
    return TrainingPictures(pictures[:count], tuple(left_out), enlarged)


def _ahead(pool: ThreadPoolExecutor, read: Callable, files: list[Path]) -> Iterator:
    """Results in order, a few files ahead and not more: what was read must not pile up in memory."""
    waiting = []
    for file in files:
        waiting.append(pool.submit(read, file))
        if len(waiting) > 2 * READERS:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _read(file: Path, size: int, crops: int) -> tuple[Tensor, bool] | str:
    """Squares (n, 3, size, size) uint8 and whether they were enlarged; or why the file cannot be read."""
    try:
        picture = load_image(file, least=size)
    except ValueError as error:
        return str(error)
    height, width = picture.shape[-2:]
    scale = size / min(height, width)
    fitted = fit(picture, width=max(size, round(width * scale)), height=max(size, round(height * scale)))[0]
    room_y, room_x = fitted.shape[-2] - size, fitted.shape[-1] - size
    places = [0.5] if crops == 1 or not (room_y or room_x) else [k / (crops - 1) for k in range(crops)]
    corners = [(round(at * room_y), round(at * room_x)) for at in places]
    squares = torch.stack([fitted[:, top : top + size, left : left + size] for top, left in corners])
    return (squares * 255 + 0.5).to(torch.uint8), scale > 1
