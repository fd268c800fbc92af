"""GroupNorm with everything that touches it (embedding, scale and shift, SiLU) in as few passes as possible."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CHUNK = 1 << 16  # elements; 256 KB of float32 stay in a core's L2 cache


class Workspace:
    """Buffers that one forward pass uses again and again (CPU, inference).

    A fresh tensor of 32 MB costs about 14 ms of page faults, more than normalising it; the activations that
    only feed the next convolution therefore share one buffer.  On other devices ``take`` allocates as usual.
    """

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def take(self, name: str, like: Tensor, channels: int | None = None) -> Tensor:
        """An uninitialised channels-last tensor shaped like ``like`` (with ``channels``), valid until next taken."""
        b, c, h, w = like.shape
        c = channels or c
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


def group_norm(
    norm: nn.GroupNorm,
    x: Tensor,
    *,
    add: Tensor | None = None,
    scale_shift: tuple[Tensor, Tensor] | None = None,
    silu: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """``silu(norm(x + add) * (1 + scale) + shift)``, x (B,C,H,W), the extras (B,C) and optional.

    ``out`` may be x itself (then x may be overwritten), a buffer like x, or None for a new tensor; the blocked
    path writes the result there.  That path serves float32 channels-last tensors on the CPU: PyTorch's kernel
    sums a whole image in float32 there and is off by up to 4e-4 at 1024 x 1024 (this one: 3e-7), and it needs
    twice the time.
    """
    if (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.is_contiguous(memory_format=torch.channels_last)
        and not torch.compiler.is_compiling()
        and not wants_grad(x, norm)
    ):
        return _blocked(norm, x, add, scale_shift, silu, torch.empty_like(x) if out is None else out)
    if add is not None:
        x = x.add_(add[:, :, None, None]) if out is x else x + add[:, :, None, None]
    h = norm(x)
    if scale_shift is not None:
        scale, shift = scale_shift
        h = torch.addcmul(shift[:, :, None, None], h, 1 + scale[:, :, None, None])
    return F.silu(h, inplace=True) if silu else h


def _blocked(norm, x, add, scale_shift, silu, out):
    b, c, height, width = x.shape
    tokens = height * width
    rows = max(_CHUNK // c, 1)
    source, target = (v.permute(0, 2, 3, 1).reshape(b, tokens, c) for v in (x, out))
    scratch = torch.empty(min(rows, tokens), c)
    mean, spread = torch.empty(b, c, dtype=torch.float64), torch.empty(b, c, dtype=torch.float64)
    for i in range(b):
        chunks = source[i].split(rows)
        pivot = chunks[0].mean(0)  # sums are taken about it, so a mean far from 0 costs no digits
        first, second = [], []
        for chunk in chunks:
            d = torch.sub(chunk, pivot, out=scratch[: chunk.shape[0]])
            first.append(d.sum(0))
            second.append(d.mul_(d).sum(0))
        m = torch.stack(first).double().sum(0) / tokens
        mean[i] = pivot.double() + m
        spread[i] = torch.stack(second).double().sum(0) / tokens - m * m
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
    gain, bias = gain.float(), bias.float()
    for i in range(b):
        for chunk, result in zip(source[i].split(rows), target[i].split(rows), strict=True):
            torch.mul(chunk, gain[i], out=result).add_(bias[i])
            if silu:
                F.silu(result, inplace=True)
    return out
