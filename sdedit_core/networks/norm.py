"""GroupNorm with everything that touches it (joined inputs, embedding, scale and shift, SiLU) in few passes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

_CHUNK = 1 << 16  # elements; 256 KB of float32 stay in a core's L2 cache


class Workspace:
    """Buffers that one forward pass uses again and again (CPU, inference).

    A fresh tensor of 32 MB costs about 14 ms of page faults, more than normalising it; the activations that
    only feed the next convolution therefore share one buffer.  On other devices ``take`` allocates as usual.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def take(self, name: str, like: Tensor, shape: tuple[int, int, int] | None = None) -> Tensor:
        """An uninitialised channels-last tensor like ``like`` ((C, H, W) from ``shape``), valid until next taken."""
        b, (c, h, w) = like.shape[0], shape or like.shape[1:]
        size = b * c * h * w
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < size or buffer.dtype != like.dtype:
            self._buffers.pop(name, None)
            buffer = self._buffers[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return buffer[:size].view(b, h, w, c).permute(0, 3, 1, 2)

    def scratch(self, name: str, *shape: int) -> Tensor:
        """An uninitialised float32 CPU buffer of any shape, valid until taken again under the same name."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < size:
            self._buffers.pop(name, None)
            buffer = self._buffers[name] = torch.empty(size)
        return buffer[:size].view(shape)


def wants_grad(x: Tensor, module: nn.Module) -> bool:
    """Whether autograd records this call (then nothing may be overwritten or written through ``out=``)."""
    return torch.is_grad_enabled() and (x.requires_grad or any(p.requires_grad for p in module.parameters()))


def plain_norm(norm: nn.GroupNorm, parts: tuple[Tensor, ...]) -> bool:
    """Whether a norm may be computed in another way: PyTorch's own layer, channels-last, CPU, inference."""
    return (
        type(norm).forward is nn.GroupNorm.forward  # a host's layer may patch its weight
        and norm.weight.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and all(
            x.device.type == "cpu" and x.is_contiguous(memory_format=torch.channels_last) and not wants_grad(x, norm)
            for x in parts
        )
    )


def blockable(norm: nn.GroupNorm, parts: tuple[Tensor, ...]) -> bool:
    """Whether the blocked path is right and pays: as above, and float32.

    PyTorch's kernel sums a whole image in float32 and is off by up to 4e-4 at 1024 x 1024 (this one: 3e-7); it needs
    joined inputs and further passes for everything else.  In half precision its kernel is the faster one.
    """
    return all(x.dtype == torch.float32 for x in parts) and plain_norm(norm, parts)


def group_norm(
    norm: nn.GroupNorm,
    x: Tensor | tuple[Tensor, ...],
    *,
    add: Tensor | None = None,
    scale_shift: tuple[Tensor, Tensor] | None = None,
    silu: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """``silu(norm(x + add) * (1 + scale) + shift)``, x (B,C,H,W), the extras (B,C) and optional.

    A tuple of tensors stands for them joined along the channels.  ``out`` may be x itself (then x may be
    overwritten), a buffer for the result, or None for a new tensor; the blocked path writes there.
    """
    parts = x if isinstance(x, tuple) else (x,)
    if blockable(norm, parts):
        gain, bias = affine(norm, parts, add=add, scale_shift=scale_shift)
        if out is None:
            b, _, height, width = parts[0].shape
            out = torch.empty(b, height, width, gain.shape[1], dtype=parts[0].dtype).permute(0, 3, 1, 2)
        _write(parts, gain, bias, silu, tokens(out))
        return out
    x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    if add is not None:
        x = x.add_(add[:, :, None, None]) if out is x else x + add[:, :, None, None]
    h = norm(x)
    if scale_shift is not None:
        scale, shift = scale_shift
        h = torch.addcmul(shift[:, :, None, None], h, 1 + scale[:, :, None, None])
    return F.silu(h, inplace=True) if silu else h


def tokens(x: Tensor) -> Tensor:
    """Pixels (B,C,H,W) as (B, H W, C), without a copy where x is channels-last."""
    return rearrange(x, "b c h w -> b (h w) c")


def rows_at_once(channels: int) -> int:
    """Tokens whose values stay in the cache."""
    return max(_CHUNK // channels, 1)


def affine(
    norm: nn.GroupNorm,
    parts: tuple[Tensor, ...],
    *,
    add: Tensor | None = None,
    scale_shift: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """(gain, bias), both (B,C) float32: the norm of the joined parts, and the extras, are ``x * gain + bias``."""
    moments = [_moments(tokens(x)) for x in parts]
    mean, spread = (torch.cat(m, dim=1) for m in zip(*moments, strict=True))
    b, c = mean.shape
    if add is not None:
        mean += add.double()
    groups = norm.num_groups
    group_mean = mean.view(b, groups, -1).mean(2)
    deviation = mean.view(b, groups, -1) - group_mean[:, :, None]
    variance = (spread.view(b, groups, -1) + deviation * deviation).mean(2).clamp_(min=0.0)
    gain = ((variance + norm.eps).rsqrt()[:, :, None] * norm.weight.double().view(1, groups, -1)).reshape(b, c)
    bias = norm.bias.double() - gain * group_mean.repeat_interleave(c // groups, 1)
    if add is not None:
        bias += gain * add.double()
    if scale_shift is not None:
        scale, shift = (v.double() for v in scale_shift)
        gain, bias = gain * (1 + scale), bias * (1 + scale) + shift
    return gain.float(), bias.float()


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of every channel of x (B, tokens, C), both (B, C) float64."""
    b, count, c = x.shape
    rows = rows_at_once(c)
    scratch = torch.empty(min(rows, count), c)
    mean, spread = torch.empty(b, c, dtype=torch.float64), torch.empty(b, c, dtype=torch.float64)
    for i in range(b):
        chunks = x[i].split(rows)
        pivot = chunks[0].float().mean(0)  # sums are taken about it, so a mean far from 0 costs no digits
        first, second = [], []
        for chunk in chunks:
            d = scratch[: chunk.shape[0]]
            if chunk.dtype == torch.float32:
                torch.sub(chunk, pivot, out=d)
            else:
                d.copy_(chunk).sub_(pivot)
            first.append(d.sum(0))
            second.append(d.mul_(d).sum(0))
        m = torch.stack(first).double().sum(0) / count
        mean[i] = pivot.double() + m
        spread[i] = torch.stack(second).double().sum(0) / count - m * m
    return mean, spread


def apply_affine(x: Tensor, gain: Tensor, bias: Tensor, silu: bool, out: Tensor) -> Tensor:
    """``silu(x * gain + bias)`` for x (rows, C) of any float type into a float32 ``out``."""
    torch.addcmul(bias, x if x.dtype == torch.float32 else out.copy_(x), gain, out=out)
    return F.silu(out, inplace=True) if silu else out


def _write(parts: tuple[Tensor, ...], gain: Tensor, bias: Tensor, silu: bool, target: Tensor) -> None:
    start = 0
    for x in map(tokens, parts):
        columns = slice(start, start + x.shape[2])
        start = columns.stop
        rows = rows_at_once(x.shape[2])
        for i in range(x.shape[0]):
            for chunk, result in zip(x[i].split(rows), target[i, :, columns].split(rows), strict=True):
                apply_affine(chunk, gain[i, columns], bias[i, columns], silu, result)
