"""Which files a path stands for: one file, a diffusers folder of either layout, weights cut into several files."""

from __future__ import annotations

import re
from pathlib import Path

from ..sde import short
from .found import ONLY_SET
from .reading import MAX_TENSORS, RawFile, read_file, read_json
from .states import RAW, plain_tensors

_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
_SUFFIXES = (".safetensors", ".bin")
_INDEX = re.compile(r".+\.index(\.\w+)?\.json")  # says in which part each tensor lies
_PART = re.compile(r"(.+)-\d{5}-of-(\d{5})(\.safetensors|\.bin)")
MAX_PARTS = 100


def locate(path: Path, weights: str) -> tuple[Path, dict | None, dict | None, dict]:
    """(file of weights or its index, config.json, scheduler_config.json, sidecar) for a file or a diffusers folder."""
    if not path.exists():
        raise ValueError(f"There is no file or folder {short(str(path))}.")
    if path.is_dir():
        names = ("unet_ema", "unet") if weights == "ema" else ("unet", "unet_ema")
        folders = [path / n for n in names] + [path, path / "model"]
        folder = next((f for f in folders if (f / "config.json").is_file() and _weights_in(f, weights)), None)
        if folder is None:
            raise ValueError(
                f"The folder {short(path.name)} holds no diffusers network: config.json and "
                "diffusion_pytorch_model.safetensors (or .bin) are expected in it or in its unet folder."
            )
        file = _weights_in(folder, weights)
    else:
        file, folder = _whole(path), path.parent
    config = scheduler = None
    sidecar = _sidecar(file)
    if "down_block_types" in sidecar or "block_out_channels" in sidecar:
        config, sidecar = sidecar, {}
    elif path.is_dir() or file.name.startswith(_STEMS[0]):
        config = read_json(folder / "config.json") if (folder / "config.json").is_file() else None
    if config is not None:
        places = [folder, folder / "scheduler", folder.parent / "scheduler"]
        place = next((p / "scheduler_config.json" for p in places if (p / "scheduler_config.json").is_file()), None)
        scheduler = read_json(place) if place else None
    if isinstance(sidecar.get("scheduler"), dict):
        scheduler = sidecar.pop("scheduler")
    if isinstance(sidecar.get("config"), dict):
        config = sidecar.pop("config")
    return file, config, scheduler, sidecar


def name_of(path: Path, file: Path) -> str:
    """What to call a model whose file does not say it: its own name, or its folder's where all are called alike."""
    if path.is_dir():
        return path.absolute().name
    return file.absolute().parent.name if file.stem.startswith(_STEMS[0]) else file.stem


def read_parts(file: Path, *, shapes: bool = False) -> RawFile:
    """A file of weights, or all that an index lists, as one; ValueError as :func:`read_file`."""
    if not _INDEX.fullmatch(file.name):
        return read_file(file, shapes=shapes)
    table = read_json(file).get("weight_map")
    names = sorted({str(name) for name in table.values()}) if isinstance(table, dict) else []
    if not names or len(names) > MAX_PARTS or not all(_PART.fullmatch(name) and "/" not in name for name in names):
        raise ValueError(f"{file.name} lists no parts of a network: name-00001-of-00002.safetensors is expected.")
    content: dict = {}
    for name in names:
        part = file.with_name(name)
        if not part.is_file():
            raise ValueError(f"{file.name} lists {short(name)}, which is not there. Download the missing part.")
        raw = read_file(part, shapes=shapes)
        if not plain_tensors(raw.content):
            raise ValueError(f"{short(name)} is no part of a network: it holds no tensors by name.")
        content |= raw.content
        if len(content) > MAX_TENSORS:
            raise ValueError(f"{file.name} lists more than {MAX_TENSORS} tensors; no score network has so many.")
    parts = [file.with_name(name) for name in names]
    return RawFile(file, content, f"{raw.container}, {len(names)} parts", raw.metadata, parts=parts)


def which_of_two(file: Path) -> str:
    """Which weights a diffusers file holds, where its twin lies beside it, or in the folder beside its own."""
    folder = file.parent
    if ".non_ema" in file.name or (folder.name == "unet" and (folder.parent / "unet_ema" / "config.json").is_file()):
        return RAW
    twins = [folder / f"{stem}.non_ema{suffix}" for stem in _STEMS for suffix in _SUFFIXES]
    stem = file.name.split(".")[0]
    twin = any(t.is_file() for t in twins if t.name.split(".")[0] == stem)
    return "EMA" if folder.name == "unet_ema" or twin else ONLY_SET


def _weights_in(folder: Path, weights: str) -> Path | None:
    """The file, or the index of files, of a folder's network; averaged weights have no word in their name."""
    usual = [(suffix, kind) for suffix in _SUFFIXES for kind in ("", ".fp16")]
    raw = [(suffix, ".non_ema") for suffix in _SUFFIXES]
    for stem in _STEMS:
        for suffix, kind in (*usual, *raw) if weights == "ema" else (*raw, *usual):
            for name in (f"{stem}{kind}{suffix}", f"{stem}{suffix}.index{kind}.json"):
                if (folder / name).is_file():
                    return folder / name
    return None


def _whole(path: Path) -> Path:
    """The index of all parts for the path of one of them; ValueError when it is not beside it."""
    match = _PART.fullmatch(path.name)
    if match is None or int(match[2]) < 2:
        return path
    stem, dot, variant = match[1].partition(".")  # name.fp16-00001-of-00002.bin: name.bin.index.fp16.json
    names = [f"{match[1]}{match[3]}.index.json", f"{stem}{match[3]}.index{dot}{variant}.json"]
    for name in names:
        if path.with_name(name).is_file():
            return path.with_name(name)
    raise ValueError(
        f"{short(path.name)} is one part of several, and their index {short(names[-1])} is not beside it. "
        "Download all parts and the index into one folder."
    )


def _sidecar(file: Path) -> dict:
    for place in (file.with_name(file.name + ".json"), file.with_suffix(".json")):
        if place.is_file() and place != file:
            return read_json(place)
    return {}
