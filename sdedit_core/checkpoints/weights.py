"""The common ground of all formats: what was found in a file, what the user said, and how weights are renamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from ..networks import Spec, UNetSpec
from ..networks.preconditioning import Preconditioning


@dataclass(frozen=True)
class Overrides:
    """What a file cannot say; None means "detect or assume".

    Attributes:
        sde: "ve", "vp", "edm", or more exactly "ve-discrete", "vp-discrete", "vp-continuous", "subvp", "iddpm".
        sigma_min, sigma_max: noise range in the model's own data range.
        data_range: (low, high) of clean pixels, (0, 1) or (-1, 1).
        image_size: native height and width.
        num_heads, num_head_channels: attention heads, or channels of each (the second wins).
        use_new_attention_order: ADM files trained with this flag.
        noise_schedule: "linear", "scaled_linear" or "cosine", for discrete VP networks.
        prediction: "eps", "v" or "x0", for discrete VP networks.
        fir: NCSN++ with (True) or without the [1,3,3,1] filter.
        skip_rescale: score-SDE networks with (True) or without the 1/sqrt(2) after each residual sum.
        name: what to call the model.
    """

    sde: str | None = None
    sigma_min: float | None = None
    sigma_max: float | None = None
    data_range: tuple[float, float] | None = None
    image_size: int | None = None
    num_heads: int | None = None
    num_head_channels: int | None = None
    use_new_attention_order: bool | None = None
    noise_schedule: str | None = None
    prediction: str | None = None
    fir: bool | None = None
    skip_rescale: bool | None = None
    name: str | None = None

    SDES = ("ve", "vp", "edm", "ve-discrete", "vp-discrete", "vp-continuous", "subvp", "iddpm")

    @classmethod
    def make(cls, options: Mapping[str, Any]) -> Overrides:
        """Checked overrides from keyword arguments or a sidecar file; ValueError names the option."""
        names = {f.name for f in fields(cls)}
        unknown = sorted(set(options) - names)
        if unknown:
            raise ValueError(f"Unknown option {', '.join(unknown)}; known options are {', '.join(sorted(names))}.")
        got = {k: v for k, v in options.items() if v is not None}
        for key in ("sigma_min", "sigma_max"):
            if key in got:
                got[key] = _number(key, got[key], 0.0, 1e6)
        for key in ("image_size", "num_heads", "num_head_channels"):
            if key in got:
                got[key] = int(_number(key, got[key], 0, 16384))
        for key in ("use_new_attention_order", "fir", "skip_rescale"):
            if key in got and not isinstance(got[key], bool):
                raise ValueError(f"{key} must be true or false, got {got[key]!r}.")
        for key, choices in (
            ("sde", cls.SDES),
            ("noise_schedule", ("linear", "scaled_linear", "cosine")),
            ("prediction", ("eps", "v", "x0")),
        ):
            if key in got and got[key] not in choices:
                raise ValueError(f"{key} must be one of {', '.join(choices)}, got {got[key]!r}.")
        if "data_range" in got:
            try:
                low, high = (float(v) for v in got["data_range"])
            except (TypeError, ValueError):
                low, high = 1.0, 0.0
            if not low < high:
                raise ValueError(f"data_range must be two numbers, low < high, got {got['data_range']!r}.")
            got["data_range"] = (low, high)
        if isinstance(got.get("name"), str):
            got["name"] = str(got["name"])[:200]
        return cls(**got)

    def or_else(self, other: Overrides) -> Overrides:
        """These options, with ``other``'s where none is given here."""
        return replace(other, **{f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None})


def _number(key: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:
        raise ValueError(f"{key} must be a number above {low:g} and at most {high:g}, got {value!r}.")
    return float(value)


ONLY_SET = "the file's only set"


@dataclass
class Found:
    """A recognised checkpoint: the network to build, its weights in canonical form, how to read its output.

    The network's input is ``gain * c_in * x + offset``; ``size`` is the native height and width.
    """

    format: str
    architecture: str
    spec: Spec
    weights: dict[str, Tensor]
    preconditioning: Preconditioning
    which: str = ONLY_SET
    gain: float = 1.0
    offset: float = 0.0
    size: int | None = None
    name: str = ""
    detected: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Weights:
    """Renames a format's tensors into canonical ones and keeps account of every key.

    Args:
        source: the file's state dict.
    """

    def __init__(self, source: Mapping[str, Tensor]):
        self.source = dict(source)
        self.used: set[str] = set()
        self.out: dict[str, Tensor] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.source

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of a tensor of the file; ValueError when it is missing."""
        if key not in self.source:
            raise ValueError(f"it lacks the tensor {key!r}; is the file complete?")
        return tuple(self.source[key].shape)

    def get(self, key: str) -> Tensor:
        """A tensor of the file, marked as used."""
        self.shape(key)
        self.used.add(key)
        return self.source[key]

    def drop(self, *keys: str) -> None:
        """Mark keys as known and not needed."""
        self.used.update(keys)

    def matrix(self, key: str) -> Tensor:
        """A linear layer's weight (out, in): a matrix, a 1x1 convolution, or score-SDE's transposed ``W``."""
        w = self.get(key)
        if key.endswith(".W"):
            return w.t()
        if w.dim() > 2 and w.shape[2:].numel() != 1:
            raise ValueError(f"tensor {key!r} of shape {tuple(w.shape)} should be a 1x1 convolution.")
        return w.flatten(1)

    def layer(self, target: str, source: str) -> None:
        """Weight and bias as they are."""
        for part in ("weight", "bias"):
            self.out[f"{target}.{part}"] = self.get(f"{source}.{part}")

    def linear(self, target: str, source: str) -> None:
        """A linear layer, or one stored as a 1x1 convolution."""
        self.out[f"{target}.weight"] = self.matrix(f"{source}.weight")
        self.out[f"{target}.bias"] = self.get(f"{source}.bias")

    def res_block(
        self, target: str, *, norm0: str, conv0: str, emb: str, norm1: str, conv1: str, shortcut: str, scale: float
    ) -> None:
        """A residual block; the shortcut's bias moves into conv1, the skip scale into both (see ``layers``)."""
        self.layer(f"{target}.norm0", norm0)
        self.layer(f"{target}.conv0", conv0)
        self.linear(f"{target}.emb", emb)
        self.layer(f"{target}.norm1", norm1)
        bias = self.get(f"{conv1}.bias")
        self.out[f"{target}.conv1.weight"] = _scaled(self.get(f"{conv1}.weight"), scale)
        if shortcut:
            if f"{shortcut}.W" in self:
                weight, extra = self.matrix(f"{shortcut}.W")[:, :, None, None], self.get(f"{shortcut}.b")
            else:
                weight, extra = self.get(f"{shortcut}.weight"), self.get(f"{shortcut}.bias")
            bias = bias.float() + extra.float()  # half-precision files: no second rounding
            self.out[f"{target}.shortcut.weight"] = _scaled(weight, scale)
        self.out[f"{target}.conv1.bias"] = _scaled(bias, scale)

    def attention(self, target: str, *, norm: str, q: str, k: str, v: str, proj: str, scale: float) -> None:
        """Attention stored as separate q, k, v, each a matrix, a 1x1 convolution or score-SDE's NIN."""
        parts = [self._wb(name) for name in (q, k, v)]
        self._attention(target, norm, torch.cat([w for w, _ in parts]), torch.cat([b for _, b in parts]), proj, scale)

    def fused_attention(
        self, target: str, *, norm: str, qkv: str, proj: str, heads: int, order: str, scale: float
    ) -> None:
        """Attention stored as one matrix; ``order`` of its rows: "qkv", "heads" (head, q/k/v, channel) or "edm"."""
        w, b = self._wb(qkv)
        c = w.shape[1]
        if w.shape[0] != 3 * c or c % heads:
            raise ValueError(f"{qkv!r} of shape {tuple(w.shape)} does not split into q, k, v of {heads} heads.")
        rows = torch.arange(3 * c)
        if order == "heads":
            rows = rows.view(heads, 3, c // heads).transpose(0, 1).reshape(-1)
        elif order == "edm":
            rows = rows.view(heads, c // heads, 3).permute(2, 0, 1).reshape(-1)
        if order != "qkv":
            rows = rows.to(w.device)
            w, b = w[rows], b[rows]
        self._attention(target, norm, w, b, proj, scale)

    def _wb(self, name: str) -> tuple[Tensor, Tensor]:
        if f"{name}.W" in self:
            return self.matrix(f"{name}.W"), self.get(f"{name}.b")
        return self.matrix(f"{name}.weight"), self.get(f"{name}.bias")

    def _attention(self, target: str, norm: str, w: Tensor, b: Tensor, proj: str, scale: float) -> None:
        if norm:
            self.layer(f"{target}.norm", norm)
        self.out[f"{target}.qkv.weight"], self.out[f"{target}.qkv.bias"] = w, b
        w, b = self._wb(proj)
        self.out[f"{target}.proj.weight"], self.out[f"{target}.proj.bias"] = _scaled(w, scale), _scaled(b, scale)

    def finish(self) -> dict[str, Tensor]:
        """The canonical state dict; ValueError when the file holds tensors that nothing asked for."""
        rest = sorted(set(self.source) - self.used)
        if rest:
            shown = ", ".join(rest[:4]) + (f" and {len(rest) - 4} more" if len(rest) > 4 else "")
            raise ValueError(f"it holds tensors that this kind of network does not have: {shown}.")
        return self.out


def _scaled(t: Tensor, scale: float) -> Tensor:
    return t if scale == 1.0 else t.float() * scale


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


_EMA = ("ema", "model_ema", "ema_model", "ema_state_dict", "params_ema", "unet_ema", "net_ema")
_RAW = ("state_dict", "model_state_dict", "model", "net", "unet", "params", "network")


def choose_state(content: Any, weights: str) -> tuple[dict[str, Tensor], str] | None:
    """The state dict in a file and which weights it is: the file itself, a wrapped one, or a trainer's list.

    A list is ermongroup/ddim's: model first, the average last.  None when there is no state dict.
    """
    if plain_tensors(content):
        return strip(content), ONLY_SET
    raw = ema = None
    if isinstance(content, list):
        states = [v for v in content if plain_tensors(v)]
        raw, ema = (states or [None])[0], states[-1] if len(states) > 1 else None
    elif isinstance(content, Mapping):
        ema = next((content[k] for k in _EMA if plain_tensors(content.get(k))), None)
        raw = next((content[k] for k in _RAW if plain_tensors(content.get(k))), None)
    if ema is not None and (weights == "ema" or raw is None):
        return strip(ema), "EMA"
    if raw is None:
        return None
    return strip(raw), "raw (the last training step)" if ema is not None or isinstance(content, list) else ONLY_SET


def pixel_affine(data_range: tuple[float, float]) -> dict[str, float]:
    """Found's gain and offset that bring ``data_range`` to the [-1, 1] which networks are fed with."""
    low, high = data_range
    return {"gain": 2.0 / (high - low), "offset": -(high + low) / (high - low)}


def attention_size(spec: UNetSpec, pixels: int) -> int:
    """Native size when the finest attention in the encoder works on ``pixels`` x ``pixels``, 0 without any."""
    level = 0
    for block in spec.encoder:
        if block.heads:
            return pixels << level
        level += block.resample == "down"
    return 0


def swap_halves(weight: Tensor) -> Tensor:
    """Columns of a linear layer that reads [cos, sin], reordered for [sin, cos]."""
    half = weight.shape[1] // 2
    return torch.cat([weight[:, half : 2 * half], weight[:, :half], weight[:, 2 * half :]], dim=1)
