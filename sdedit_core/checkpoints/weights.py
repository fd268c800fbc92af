"""How the tensors of a file become those of the network: renamed, brought into canonical form, none left over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import torch
from einops import rearrange
from torch import Tensor

from ..networks import UNetSpec
from ..sde import listed, short

# rows of a matrix that makes q, k and v at once: ours, guided-diffusion's older order, EDM's
ORDERS = {"qkv": "three heads c", "heads": "heads three c", "edm": "heads c three"}


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
            raise ValueError(f"it lacks the tensor {short(key)}; is the file complete?")
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
            raise ValueError(f"tensor {short(key)} of shape {tuple(w.shape)} should be a 1x1 convolution.")
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
        self.out[f"{target}.conv1.weight"] = scaled(self.get(f"{conv1}.weight"), scale)
        if shortcut:
            if f"{shortcut}.W" in self:
                weight, extra = self.matrix(f"{shortcut}.W")[:, :, None, None], self.get(f"{shortcut}.b")
            else:
                weight, extra = self.get(f"{shortcut}.weight"), self.get(f"{shortcut}.bias")
            bias = added(bias.float(), extra.float())  # half-precision files: no second rounding
            self.out[f"{target}.shortcut.weight"] = scaled(weight, scale)
        self.out[f"{target}.conv1.bias"] = scaled(bias, scale)

    def attention(self, target: str, *, norm: str, q: str, k: str, v: str, proj: str, scale: float) -> None:
        """Attention stored as separate q, k, v, each a matrix, a 1x1 convolution or score-SDE's NIN."""
        parts = [self._wb(name) for name in (q, k, v)]
        self._attention(target, norm, joined([w for w, _ in parts]), joined([b for _, b in parts]), proj, scale)

    def fused_attention(
        self, target: str, *, norm: str, qkv: str, proj: str, heads: int, order: str, scale: float
    ) -> None:
        """Attention stored as one matrix; ``order`` of its rows: one of ``ORDERS``."""
        w, b = self._wb(qkv)
        c = w.shape[1]
        if w.shape[0] != 3 * c or c % heads:
            raise ValueError(f"{short(qkv)} of shape {tuple(w.shape)} does not split into q, k, v of {heads} heads.")
        pattern = f"({ORDERS[order]}) ... -> (three heads c) ..."
        w, b = (rearrange(t, pattern, three=3, heads=heads) for t in (w, b))
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
        self.out[f"{target}.proj.weight"], self.out[f"{target}.proj.bias"] = scaled(w, scale), scaled(b, scale)

    def finish(self) -> dict[str, Tensor]:
        """The canonical state dict; ValueError when the file holds tensors that nothing asked for."""
        rest = sorted(set(self.source) - self.used)
        if rest:
            shown = listed(rest[:4]) + (f" and {len(rest) - 4} more" if len(rest) > 4 else "")
            raise ValueError(f"it holds tensors that this kind of network does not have: {shown}.")
        return self.out


def scaled(t: Tensor, scale: float) -> Tensor:
    """``t`` times a number, in float32; of shapes alone the shape."""
    return t if scale == 1.0 else t.float() if t.is_meta else t.float() * scale


def added(one: Tensor, other: Tensor) -> Tensor:
    """The sum of a tensor and one like it or like its rows; of shapes alone the shape, as for :func:`joined`."""
    if not one.is_meta:
        return one + other
    if one.shape[one.dim() - other.dim() :] != other.shape:
        raise ValueError(f"it has tensors that cannot be added: {tuple(one.shape)} and {tuple(other.shape)}.")
    return one


def joined(parts: list[Tensor], dim: int = 0) -> Tensor:
    """``torch.cat``; for shapes alone without PyTorch's, which imports its compiler first and takes seconds."""
    if not parts[0].is_meta:
        return torch.cat(parts, dim=dim)
    shapes = [list(t.shape) for t in parts]
    lengths = [shape.pop(dim) for shape in shapes]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(
            f"it has tensors that cannot be joined: {listed(sorted({str(tuple(t.shape)) for t in parts}))}."
        )
    shapes[0].insert(dim, sum(lengths))
    return torch.empty(shapes[0], dtype=reduce(torch.promote_types, (t.dtype for t in parts)), device="meta")


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
    return joined([weight[:, half : 2 * half], weight[:, :half], weight[:, 2 * half :]], dim=1)
