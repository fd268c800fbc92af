"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3) for float32 on the CPU.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016).  The textbook's interpolation points
0, 1, -1, 2, -2 lose a digit; 0, +-1/sqrt(2), +-sqrt(2) have products of 1 and keep the error at that of the ordinary
convolution (Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution, 2018, on why).
Rows of tiles are transformed, multiplied and transformed back while they are in the cache.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from .norm import Workspace, wants_grad

A, B = 1.0 / math.sqrt(2.0), math.sqrt(2.0)
MIN_PIXELS, MIN_CHANNELS, MAX_THREADS = 32 * 32, 64, 4
_STRIP = 1 << 20  # elements of the transformed input that are held at once


def _filter_transform() -> Tensor:
    # row p of G is (1, p, p^2) / prod(p - q); rows are scaled so that the output transform needs fewer products
    points = [0.0, A, -A, B, -B]
    rows = [[p**k / math.prod(p - q for q in points if q != p) for k in range(3)] for p in points]
    scale = torch.tensor([1.0, A, A, 2.0, 2.0, 1.0], dtype=torch.float64)
    return torch.tensor([*rows, [0.0, 0.0, 1.0]], dtype=torch.float64) * scale[:, None]


def plain_conv3x3(conv: nn.Conv2d, x: Tensor) -> bool:
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


def conv3x3(conv: nn.Conv2d, x: Tensor, work: Workspace | None, *, name: str = "") -> Tensor:
    """``conv(x)``; where it pays and nobody would notice (a plain layer, inference, float32, CPU), by Winograd.

    ``name`` allows the result to be the workspace's buffer of that name.
    """
    weight = conv.weight
    if (
        work is None
        or x.dtype != torch.float32
        or min(weight.shape[:2]) < MIN_CHANNELS
        or x.shape[2] * x.shape[3] < MIN_PIXELS
        or x.shape[2] % 4
        or x.shape[3] % 4
        or torch.get_num_threads() > MAX_THREADS
        or not x.is_contiguous(memory_format=torch.channels_last)
        or not plain_conv3x3(conv, x)
    ):
        return conv(x)
    shape = (weight.shape[0], *x.shape[2:])
    return winograd(x, weight, conv.bias, work, out=work.take(name, x, shape) if name else None)


def winograd(x: Tensor, weight: Tensor, bias: Tensor | None, work: Workspace, out: Tensor | None = None) -> Tensor:
    """3x3 convolution with padding 1 of a channels-last x (B,C,H,W), H and W divisible by 4; into ``out`` if given."""
    b, cin, height, width = x.shape
    cout, tall, wide = weight.shape[0], height // 4, width // 4
    g = _filter_transform().float()
    filters = (g @ rearrange(weight, "o c i j -> i (j c o)")).view(6, 3, -1)
    filters = torch.matmul(g, filters).view(36, cin, cout)
    rows = max(min(tall, _STRIP // (36 * wide * cin)), 1)
    while tall % rows:
        rows -= 1
    pad = work.scratch("pad", 4 * rows + 2, width + 2, cin)
    pad[:, 0], pad[:, -1] = 0.0, 0.0
    half = work.scratch("half", 6, rows, width + 2, cin)
    full = work.scratch("full", 6, 6, rows, wide, cin)
    product = work.scratch("product", 6, 6, rows, wide, cout)
    joined = work.scratch("joined", 4, 6, rows, wide, cout)
    out = torch.empty(b, height, width, cout).permute(0, 3, 1, 2) if out is None else out
    for image, result in zip(x.permute(0, 2, 3, 1), out.permute(0, 2, 3, 1), strict=True):
        result = result.view(tall, 4, wide, 4, cout)
        for i in range(0, tall, rows):
            _load(pad, image, 4 * i - 1, height)
            _transform([pad[j : j + 4 * rows - 3 : 4] for j in range(6)], half, work)
            _transform([half[:, :, j : j + 4 * wide - 3 : 4] for j in range(6)], full.transpose(0, 1), work)
            torch.bmm(full.view(36, -1, cin), filters, out=product.view(36, -1, cout))
            _restore(product, joined, work)
            strip = result[i : i + rows]
            _restore(joined.transpose(0, 1), strip.permute(3, 1, 0, 2, 4), work)
            if bias is not None:
                strip.add_(bias)
    return out


def _load(pad: Tensor, image: Tensor, start: int, height: int) -> None:
    """Rows ``start`` onwards of the image (H,W,C) into the middle columns of ``pad``, zeros outside."""
    stop = start + pad.shape[0]
    low, high = max(start, 0), min(stop, height)
    if low > start:
        pad[: low - start].zero_()
    pad[low - start : high - start, 1:-1].copy_(image[low:high])
    if high < stop:
        pad[high - start :].zero_()


def _transform(d: list[Tensor], out: Tensor, work: Workspace) -> None:
    """The six combinations B^T d of six input rows (or columns)."""
    u, v = work.scratch("u", *d[0].shape), work.scratch("v", *d[0].shape)
    torch.add(d[0], d[4], out=out[0]).sub_(d[2], alpha=2.5)
    torch.sub(d[4], d[2], alpha=2.0, out=u)
    torch.sub(d[3], d[1], alpha=2.0, out=v)
    torch.add(u, v, alpha=A, out=out[1])
    torch.sub(u, v, alpha=A, out=out[2])
    torch.sub(d[4], d[2], alpha=0.5, out=u)
    torch.sub(d[3], d[1], alpha=0.5, out=v)
    torch.add(u, v, alpha=B, out=out[3])
    torch.sub(u, v, alpha=B, out=out[4])
    torch.add(d[1], d[5], out=out[5]).sub_(d[3], alpha=2.5)


def _restore(m: Tensor, out: Tensor, work: Workspace) -> None:
    """The four output rows (or columns) A^T m of six products."""
    u, v = work.scratch("u", *m[0].shape), work.scratch("v", *m[0].shape)
    torch.add(m[1], m[2], out=u)
    torch.add(m[3], m[4], out=v)
    torch.add(m[0], u, alpha=B, out=out[0]).add_(v, alpha=0.5)
    torch.add(v, u, alpha=A, out=out[2])
    torch.sub(m[1], m[2], out=u)
    torch.sub(m[3], m[4], out=v)
    torch.add(u, v, alpha=A, out=out[1])
    torch.add(m[5], u, alpha=0.5, out=out[3]).add_(v, alpha=B)
