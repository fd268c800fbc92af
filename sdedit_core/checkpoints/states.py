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
# stored in a state dict, but not trained, so that a list of averages leaves them out
_FROZEN = re.compile(r"(.*\.)?(sigmas|all_modules\.0\.W|time_proj\.weight|map_noise\.freqs|resample_filter)")


def plain_tensors(value: Any) -> bool:
    """Whether a value is a state dict: a non-empty mapping from text to tensors."""
    return isinstance(value, Mapping) and bool(value) and all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items()
    )  # fmt: skip


def strip(state: Mapping[str, Tensor], prefix: str = "module.") -> dict[str, Tensor]:
    """A state dict without a prefix that all its keys share (DataParallel's ``module.``)."""
    if state and all(k.startswith(prefix) for k in state):
        return {k[len(prefix) :]: v for k, v in state.items()}
    return dict(state)


def any_state(content: Any) -> dict[str, Tensor] | None:
    """A state dict by whose keys the format is told, or None; the raw one, where there is one."""
    if plain_tensors(content):
        return strip(content)
    raw, ema = _split(content)
    return strip(raw) if raw is not None else strip(ema) if plain_tensors(ema) else None


def choose_state(content: Any, weights: str) -> tuple[dict[str, Tensor], str] | None:
    """The state dict in a file and which weights it is: the file itself, a wrapped one, or a trainer's list.

    A list of states is ermongroup/ddim's: model first, the average last.  An average is a state dict, or a bare list
    of tensors in the order of the model's parameters (score-SDE's and torch_ema's ``shadow_params``).  None when there
    is no state dict; ValueError for an average that cannot be understood, unless ``weights`` is "raw".
    """
    if plain_tensors(content):
        return strip(content), ONLY_SET
    raw, ema = _split(content)
    if raw is not None and (ema is None or weights == "raw"):
        return strip(raw), RAW if ema is not None or isinstance(content, list) else ONLY_SET
    if plain_tensors(ema):
        average = strip(ema)
        whole = strip(raw) if raw is not None else {}
        # averages of the parameters alone: what is not trained comes from the model
        return ({**whole, **average} if set(average) < set(whole) else average), "EMA"
    if raw is None:
        return None
    return _named(strip(raw), ema), "EMA"


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
