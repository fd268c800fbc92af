"""From a path to a ScoreModel: find the files, recognise the format, build the network, fill it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from ..model import ModelInfo, ScoreModel
from ..networks import build_network
from ..networks.preconditioning import Denoiser, check_levels
from ..sde import listed, short
from . import known, refusals
from .formats import adm, ddpm, diffusers, edm, own, score_sde
from .found import Found
from .overrides import Overrides, Recorded
from .reading import RawFile, read_file, read_json
from .states import any_state

FORMATS = (own, score_sde, ddpm, adm, edm, diffusers)  # specific before broad
DTYPES = {"auto": None, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
EXTENSIONS = (".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin")
_MISSHAPEN = "{} looks like a {}, but its tensors have shapes that no such network has."
_PYTHONS = re.compile(r"values to unpack|invalid literal for int|limit \(\d+ digits\)")
_NETWORK_FILES = ("diffusion_pytorch_model", "model", "pytorch_model")


def load_checkpoint(
    path: str | os.PathLike,
    *,
    weights: str = "ema",
    dtype: str = "auto",
    device: str | torch.device = "cpu",
    operations: Any = torch.nn,
    compile: bool = False,
    **overrides: Any,
) -> ScoreModel:
    """Load a checkpoint file, or a diffusers folder, as a ScoreModel.

    Args:
        path: ``.safetensors``, ``.pth``, ``.pt``, ``.ckpt``, ``.bin`` or a folder; a JSON file of the same name
            beside it may hold overrides.
        weights: "ema" or "raw", for files that hold both.
        dtype: "fp32", "fp16" or "bf16" for the network's blocks; "auto" is fp32 on the CPU, else as stored.
        device: where to put it.
        operations: namespace of layers (``torch.nn``, or a host's).
        compile: let ``torch.compile`` build the network at its first call, anew for each size (minutes on a CPU).
        **overrides: see :class:`.overrides.Overrides`; they win over a sidecar, which wins over detection.

    Returns:
        A ScoreModel whose ``module`` is the denoiser (an ``nn.Module`` with all parameters).

    Raises:
        ValueError: one sentence: what is wrong with the file or the option, and what to do.
    """
    _check_choices(weights, dtype)
    found, raw = find(path, weights=weights, overrides=overrides)
    chosen = _dtype(found, dtype, device)
    denoiser = build(found, dtype=chosen, device=device, operations=operations)
    if compile:
        denoiser.compile_network()
    return _model(found, raw, denoiser, device=device, dtype=chosen)


def inspect_checkpoint(
    path: str | os.PathLike, *, weights: str = "ema", dtype: str = "auto", **overrides: Any
) -> ScoreModel:
    """What :func:`load_checkpoint` would make of a file, from names and shapes alone: no weights are read.

    Returns:
        A ScoreModel that knows everything about itself, on the meta device: it has no weights and cannot be run.

    Raises:
        ValueError: as ``load_checkpoint``, except for weights that are NaN, which are not looked at.
    """
    _check_choices(weights, dtype)
    found, raw = find(path, weights=weights, overrides=overrides, shapes=True)
    chosen = _dtype(found, dtype, "cpu")
    denoiser = _denoiser(found, fitted(found, chosen, _SHAPES))
    return _model(found, raw, denoiser, device="meta", dtype=chosen)


class _Embedding(torch.nn.Embedding):
    """Never filled: on the meta device that would import PyTorch's compiler first, which takes seconds."""

    def reset_parameters(self) -> None:
        """Nothing to do for shapes alone."""


_SHAPES = SimpleNamespace(**{**vars(torch.nn), "Embedding": _Embedding})


def _check_choices(weights: str, dtype: str) -> None:
    if weights not in ("ema", "raw"):
        raise ValueError(f'weights must be "ema" or "raw", got {short(weights)}.')
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {short(dtype)}.")


def _dtype(found: Found, dtype: str, device: str | torch.device) -> torch.dtype:
    chosen = DTYPES[dtype]
    if chosen is None:
        stored = max(found.weights.values(), key=torch.Tensor.numel).dtype
        keep = torch.device(device).type != "cpu" and stored in (torch.float16, torch.bfloat16)
        chosen = stored if keep else torch.float32
    return chosen


def _model(
    found: Found, raw: RawFile, denoiser: Denoiser, *, device: str | torch.device, dtype: torch.dtype
) -> ScoreModel:
    spec = found.spec
    return ScoreModel(
        denoiser,
        schedule=found.preconditioning.schedule(),
        data_range=found.preconditioning.data_range,
        channels=spec.in_channels,
        size=found.sides,
        size_multiple=spec.size_multiple,
        num_classes=spec.num_classes or None,
        device=device,
        dtype=dtype,
        module=denoiser,
        takes_numbers=True,
        distilled=found.preconditioning.distilled,
        info=_info(found, raw),
    )


def find(
    path: str | os.PathLike, *, weights: str, overrides: dict[str, Any], shapes: bool = False
) -> tuple[Found, RawFile]:
    """What a path holds, recognised, with the file as it was read; ``shapes``: without reading its weights."""
    file, config, scheduler, sidecar = _locate(Path(path), weights)
    given, beside = Overrides.make(overrides), Overrides.make(sidecar)
    options = given.or_else(beside)
    raw = read_file(file, shapes=shapes)
    raw.config, raw.scheduler = config, scheduler
    found = recognise(raw, options, weights)
    found.spec.check()
    _check_process(found, raw)
    hints = " ".join((*Path(path).absolute().parts[-2:], file.name, str((config or {}).get("_name_or_path", ""))))
    guessed = scheduler is not None or found.format == diffusers.NAME
    known.apply(found, f"{hints} {options.name or ''}", options, from_scheduler=guessed)
    if options.image_size:
        found.size = options.image_size
    found.name = options.name or found.name or _name(Path(path), file)
    found.said += [*given.words(), *(f"{text}, in the JSON file beside it" for text in beside.words(but=given))]
    return found, raw


def _check_process(found: Found, raw: RawFile) -> None:
    try:
        check_levels(found.preconditioning)
    except ValueError as error:
        text = str(error)
        raise ValueError(f"{raw.path.name}: {text[0].upper()}{text[1:]} Say sigma_min or sigma_max, or sde.") from None


def recognise(raw: RawFile, options: Overrides, weights: str) -> Found:
    """The first format that fits; ValueError that says what the file is when none does, or for options unused."""
    state = any_state(raw.content)
    if own.detect(raw) is not None and state is not None and (what := refusals.by_tensors(state)):
        raise ValueError(f"{raw.path.name} {what}")
    for fmt in FORMATS:
        if fmt.detect(raw) is None:
            asked = Recorded(options)
            try:
                found = fmt.parse(raw, asked, weights)
            except ValueError as error:
                if _PYTHONS.search(str(error)):  # a shape of one number where two are looked for
                    raise ValueError(_MISSHAPEN.format(raw.path.name, fmt.NAME)) from None
                raise ValueError(f"{raw.path.name} looks like a {fmt.NAME}, but {error}") from None
            except (IndexError, KeyError, TypeError, RuntimeError, StopIteration, ArithmeticError):
                # tensors of impossible shapes
                raise ValueError(_MISSHAPEN.format(raw.path.name, fmt.NAME)) from None
            asked.finish(raw.path.name, found)
            return found
    raise ValueError(f"{raw.path.name} {refusals.unknown(raw.content, state)}")


def fitted(found: Found, dtype: torch.dtype, operations: Any = torch.nn) -> torch.nn.Module:
    """The network without memory (meta device); ValueError unless the file's weights fit it exactly."""
    net = build_network(found.spec, operations=operations, dtype=dtype, device="meta")
    target = net.state_dict()
    missing, extra = sorted(set(target) - set(found.weights)), sorted(set(found.weights) - set(target))
    if missing or extra:
        what = f"lacks {listed(missing[:3])}" if missing else f"has the unknown {listed(extra[:3])}"
        raise ValueError(f"The file does not fit the network that it describes: it {what}.")
    for key, meta in target.items():
        tensor = found.weights[key]
        if tensor.shape != meta.shape or not tensor.is_floating_point():
            raise ValueError(
                f"The file does not fit the network that it describes: {key} is {tuple(tensor.shape)} {tensor.dtype}, "
                f"{tuple(meta.shape)} was expected."
            )
    return net


def build(found: Found, *, dtype: torch.dtype, device: str | torch.device, operations: Any = torch.nn) -> Denoiser:
    """The network with its weights, as a denoiser in the VE frame."""
    if not hasattr(torch.compiler, "is_compiling"):  # PyTorch before 2.3
        raise ValueError(f"Networks need PyTorch 2.7 or newer, this is {torch.__version__}. Update PyTorch.")
    net = fitted(found, dtype, operations)
    state = {}
    for key, meta in net.state_dict().items():
        tensor = found.weights[key]
        if not bool(torch.isfinite(tensor.sum(dtype=torch.float32))):
            raise ValueError(
                f"The weights {key} hold NaN or infinite numbers: a training that diverged, or a damaged file. "
                "Take an earlier checkpoint, or download it again."
            )
        layout = torch.channels_last if tensor.dim() == 4 else torch.contiguous_format
        state[key] = tensor.to(device=device, dtype=meta.dtype, memory_format=layout, copy=True)
    net.load_state_dict(state, assign=True)
    net.requires_grad_(False)
    net.to(device)
    return _denoiser(found, net)


def _denoiser(found: Found, net: torch.nn.Module) -> Denoiser:
    return Denoiser(net, found.preconditioning, channels=found.spec.in_channels, gain=found.gain, offset=found.offset)


def _info(found: Found, raw: RawFile) -> ModelInfo:
    parameters = sum(t.numel() for t in found.weights.values())
    p = found.preconditioning
    low, high = p.data_range
    schedule = p.schedule()
    span = f"{p.kind}, sigma {schedule.sigma_min:.4g} to {schedule.sigma_max:.4g}, pixels in [{low:g}, {high:g}]"
    return ModelInfo(
        name=found.name,
        architecture=found.architecture,
        source=f"{found.format} ({raw.container})",
        weights=found.which,
        parameters=parameters,
        detected=[span, *found.detected],
        assumed=list(found.assumed),
        notes=list(found.notes),
        said=list(found.said),
    )


def _name(path: Path, file: Path) -> str:
    if path.is_dir():
        return path.absolute().name
    return file.absolute().parent.name if file.stem.startswith(_NETWORK_FILES[0]) else file.stem


def _locate(path: Path, weights: str) -> tuple[Path, dict | None, dict | None, dict]:
    """(file of weights, config.json, scheduler_config.json, sidecar) for a file or a diffusers folder."""
    if not path.exists():
        raise ValueError(f"There is no file or folder {short(str(path))}.")
    if path.is_dir():
        names = ("unet_ema", "unet") if weights == "ema" else ("unet", "unet_ema")
        folders = [path / n for n in names] + [path, path / "model"]
        folder = next((f for f in folders if (f / "config.json").is_file() and _weights_in(f)), None)
        if folder is None:
            raise ValueError(
                f"The folder {short(path.name)} holds no diffusers network: config.json and "
                "diffusion_pytorch_model.safetensors (or .bin) are expected in it or in its unet folder."
            )
        file = _weights_in(folder)
    else:
        file, folder = path, path.parent
    config = scheduler = None
    sidecar = _sidecar(file)
    if "down_block_types" in sidecar or "block_out_channels" in sidecar:
        config, sidecar = sidecar, {}
    elif path.is_dir() or file.name.startswith(_NETWORK_FILES[0]):
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


def _weights_in(folder: Path) -> Path | None:
    for stem in _NETWORK_FILES:
        for suffix in (".safetensors", ".bin"):
            for variant in ("", ".fp16"):
                if (folder / f"{stem}{variant}{suffix}").is_file():
                    return folder / f"{stem}{variant}{suffix}"
    return None


def _sidecar(file: Path) -> dict:
    for place in (file.with_name(file.name + ".json"), file.with_suffix(".json")):
        if place.is_file():
            return read_json(place)
    return {}
