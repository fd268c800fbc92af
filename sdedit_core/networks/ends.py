"""The two ends of a network on the CPU: image to features, features to image.

Both have three channels on one side, which PyTorch's convolutions do badly, and both stay in float32 precision when
the blocks between them run in half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .norm import Workspace, affine, apply_affine, rows_at_once, tokens, wants_grad

MAX_OUTPUTS = 6


def plain(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether a convolution may be computed in another way: 3x3, PyTorch's own layer, float32, CPU, inference."""
    return (
        type(conv).forward is nn.Conv2d.forward  # a host's layer may patch its weight
        and conv.weight.shape[2:] == (3, 3)
        and conv.stride == conv.padding == (1, 1)
        and conv.weight.dtype == torch.float32
        and conv.weight.device.type == x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not wants_grad(x, conv)
    )


def from_image(conv: nn.Conv2d, x: Tensor, dtype: torch.dtype) -> Tensor:
    """``conv(x)`` for x float32, rounded to ``dtype``.

    In bfloat16, image and weight are split into two numbers each; the three products that matter keep 16 bits.
    """
    if dtype != torch.bfloat16 or not plain(conv, x):
        return conv(x).to(dtype)
    (high, low), (w_high, w_low) = _split(x), _split(conv.weight)
    joined = torch.cat([high, low, high], dim=1).contiguous(memory_format=torch.channels_last)
    weight = torch.cat([w_high, w_high, w_low], dim=1)
    return nn.functional.conv2d(joined, weight, None if conv.bias is None else conv.bias.to(dtype), padding=1)


def _split(x: Tensor) -> tuple[Tensor, Tensor]:
    high = x.bfloat16()
    return high, (x - high.float()).bfloat16()


def to_image(norm: nn.GroupNorm, conv: nn.Conv2d, x: Tensor, work: Workspace) -> Tensor | None:
    """``conv(silu(norm(x)))`` in float32 (B, few channels, H, W); None where the layers have to do it themselves.

    All nine taps of the kernel are one matrix product per cacheful of pixels; nine shifted sums follow.
    """
    b, c, height, width = x.shape
    outputs = conv.weight.shape[0]
    if (
        outputs > MAX_OUTPUTS
        or not plain(conv, x)
        or type(norm).forward is not nn.GroupNorm.forward
        or norm.weight.device.type != "cpu"
        or not x.is_contiguous(memory_format=torch.channels_last)
    ):
        return None
    gain, bias = affine(norm, (x,))
    weight = conv.weight.permute(2, 3, 0, 1).reshape(9 * outputs, c)
    rows = rows_at_once(c)
    values = work.scratch("values", min(rows, height * width), c)
    taps = work.scratch("taps", 9 * outputs, height * width)
    out = torch.zeros(b, outputs, height, width)
    for image in range(b):
        start = 0
        for chunk in tokens(x)[image].split(rows):
            stop = start + chunk.shape[0]
            part = apply_affine(chunk, gain[image], bias[image], True, values[: stop - start])
            taps[:, start:stop] = weight @ part.t()
            start = stop
        for (i, j), tap in zip(_SHIFTS, taps.view(9, outputs, height, width), strict=True):
            (to_y, from_y), (to_x, from_x) = _overlap(i), _overlap(j)
            out[image, :, to_y, to_x] += tap[:, from_y, from_x]
    return out if conv.bias is None else out.add_(conv.bias[:, None, None])


_SHIFTS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def _overlap(shift: int) -> tuple[slice, slice]:
    """Target and source rows of a sum in which row y takes row y + shift."""
    if shift < 0:
        return slice(1, None), slice(None, -1)
    return (slice(None, -1), slice(1, None)) if shift else (slice(None), slice(None))
