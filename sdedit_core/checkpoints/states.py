"""Which state dict a file is about: the file itself, one that a trainer wrapped, its average or its last step.

The same for all formats, so that no family takes the raw weights where another takes the average.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .found import ONLY_SET

RAW = "raw (the last training step)"
_EMA = ("ema", "model_ema", "ema_model", "ema_state_dict", "params_ema", "unet_ema", "net_ema")
_RAW = ("state_dict", "model_state_dict", "model", "net", "unet", "params", "network", "module")
# modules that trainers put around a network: torch.compile, DataParallel, Lightning, ema_pytorch, AveragedModel
_AROUND = ("module", "_orig_mod", "model", "net", "network", "unet", "denoiser", "online_model")
_AROUND_EMA = ("ema_model", "model_ema", "net_ema", "unet_ema", "ema", "averaged_model")
# stored in a state dict, but not trained, so that a list of averages leaves them out
_FROZEN = re.compile(r"(.*\.)?(sigmas|all_modules\.0\.W|time_proj\.weight|map_noise\.freqs|resample_filter)")


def plain_tensors(value: Any) -> bool:
    """Whether a value is a state dict: a non-empty mapping from text to tensors."""
    return isinstance(value, Mapping) and bool(value) and all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items()
    )  # fmt: skip


def strip(state: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """A state dict without a prefix that all its keys share; by default without those of all trainers' wrappers."""
    prefixes = (prefix,) if prefix else tuple(f"{name}." for name in (*_AROUND, *_AROUND_EMA))
    out = dict(state)
    for _ in range(4):
        shared = next((p for p in prefixes if out and all(k.startswith(p) for k in out)), None)
        if shared is None:
            break
        out = {k[len(shared) :]: v for k, v in out.items()}
    return out


def any_state(content: Any) -> dict[str, Tensor] | None:
    """A state dict by whose keys the format is told, or None; the raw one, where there is one."""
    raw, ema = _pair(content)
    return strip(raw) if raw is not None else strip(ema) if plain_tensors(ema) else None


def choose_state(content: Any, weights: str) -> tuple[dict[str, Tensor], str] | None:
    """The state dict in a file and which weights it is: the file itself, a wrapped one, or a trainer's list.

    A list of states is ermongroup/ddim's: model first, the average last.  An average is a state dict, part of one
    (``ema_model.``), or a bare list of tensors in the order of the model's parameters (score-SDE's and torch_ema's
    ``shadow_params``).  None when there is no state dict; ValueError for an average that cannot be understood, unless
    ``weights`` is "raw".
    """
    raw, ema = _pair(content)
    if raw is not None and (ema is None or weights == "raw"):
        return strip(raw), RAW if ema is not None or isinstance(content, list) else ONLY_SET
    if plain_tensors(ema):
        average = strip(ema)
        whole = strip(raw) if raw is not None else {}
        flat = {k.replace(".", ""): k for k in whole}  # latent-diffusion's average has names without dots
        if average and all(k in flat for k in average):
            average = {flat[k]: v for k, v in average.items()}
        # averages of the parameters alone: what is not trained comes from the model
        return ({**whole, **average} if set(average) < set(whole) else average), "EMA"
    if raw is None:
        return None
    return _named(strip(raw), ema), "EMA"


def _pair(content: Any) -> tuple[Mapping[str, Tensor] | None, Any]:
    """(raw state dict or None, average in whatever form or None), each freed of the other where they lie in one."""
    whole = _unwrapped(content) if not isinstance(content, Mapping) or not _named_parts(content) else None
    raw, ema = (whole, None) if whole is not None else _split(content)
    if raw is not None:
        raw, beside = _parts(raw)
        ema = beside if ema is None else ema
    if plain_tensors(ema):
        online, average = _parts(ema)
        ema = online if average is None else average
        raw = online if raw is None and average is not None else raw
    return raw, ema


def _named_parts(content: Mapping) -> bool:
    return any(isinstance(content.get(k), (Mapping, list)) for k in (*_RAW, *_EMA))


def _parts(state: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor] | None, Mapping[str, Tensor] | None]:
    """(raw, average) of a state dict that holds both under a wrapper's names, as Lightning's modules do."""
    tensors = {k: v for k, v in state.items() if v.dim() or v.numel() != 1}  # without counters, such as num_updates
    heads = {k.partition(".")[0] for k in tensors}
    if not heads or not heads <= {*_AROUND, *_AROUND_EMA}:
        return state, None
    average = next((name for name in _AROUND_EMA if name in heads), None)
    model = next((name for name in _AROUND if name in heads), None)
    take = lambda name: {k[len(name) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{name}.")}  # noqa: E731
    return (None if model is None else take(model)), (None if average is None else take(average))


def _split(content: Any) -> tuple[Mapping[str, Tensor] | None, Any]:
    """(raw state dict or None, average in whatever form or None)"""
    if isinstance(content, list):
        states = [v for v in content if plain_tensors(v)]
        return (states or [None])[0], states[-1] if len(states) > 1 else None
    if not isinstance(content, Mapping):
        return None, None
    raw = next((state for k in _RAW if (state := _unwrapped(content.get(k))) is not None), None)
    average = next((content[k] for k in _EMA if _holds_tensors(content.get(k))), None)
    state = _unwrapped(average)
    return raw, average if state is None else state


def _unwrapped(value: Any) -> Mapping[str, Tensor] | None:
    """A state dict, or the one that a mapping holds under a usual name."""
    if plain_tensors(value):
        return value
    if isinstance(value, Mapping):  # a table of tensors with a number or a word among them
        tensors = {k: v for k, v in value.items() if not isinstance(v, (int, float, str, type(None)))}
        if plain_tensors(tensors) and any("." in k for k in tensors):
            return tensors
    inner = value if isinstance(value, Mapping) else {}
    return next((inner[k] for k in (*_RAW, "shadow", "ema") if plain_tensors(inner.get(k))), None)


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, list) and any(isinstance(v, Tensor) or _holds_tensors(v) for v in value)


def _named(state: dict[str, Tensor], average: Any) -> dict[str, Tensor]:
    """The state dict with the averages of a bare list in the places of its parameters."""
    shadow = average.get("shadow_params") if isinstance(average, Mapping) else average
    if not isinstance(shadow, list) or not all(isinstance(t, Tensor) for t in shadow):
        raise ValueError(
            "it holds averaged (EMA) weights in a form that this version does not know. "
            'Load the others with weights="raw".'
        )
    names = [k for k in state if not _FROZEN.fullmatch(k)]
    if len(shadow) != len(names):
        stored = [k for k in state if k != "sigmas"]  # averages of what is frozen as well
        if len(shadow) != len(stored):
            raise ValueError(
                f"its averaged (EMA) weights are a list of {len(shadow)} tensors, but the network has {len(names)} "
                'trainable ones, so they cannot be named. Load it with weights="raw".'
            )
        names = stored
    for name, tensor in zip(names, shadow, strict=True):
        if tensor.shape != state[name].shape:
            raise ValueError(
                f"its averaged (EMA) weights do not fit the network: {name} is {tuple(state[name].shape)}, the "
                f'average {tuple(tensor.shape)}. Load it with weights="raw".'
            )
    return {**state, **dict(zip(names, shadow, strict=True))}
