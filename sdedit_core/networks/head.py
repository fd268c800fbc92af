"""The end of a network on the CPU, features to image, in float32 precision whatever the blocks before it run in."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from .norm import Workspace, affine, apply_affine, plain_norm, rows_at_once, tokens
from .winograd import plain_conv3x3

MAX_OUTPUTS = 6


def to_image(norm: nn.GroupNorm, conv: nn.Conv2d, x: Tensor, work: Workspace) -> Tensor | None:
    """``conv(silu(norm(x)))`` in float32 (B, few channels, H, W); None where the layers have to do it themselves.

    All nine taps of the kernel are one matrix product per cacheful of pixels; nine shifted sums follow.
    """
    b, c, height, width = x.shape
    outputs = conv.weight.shape[0]
    if outputs > MAX_OUTPUTS or not plain_conv3x3(conv, x) or not plain_norm(norm, (x,)):
        return None
    gain, bias = affine(norm, (x,))
    weight = rearrange(conv.weight, "o c i j -> (i j o) c")
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
