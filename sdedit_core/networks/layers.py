"""The layers that every score network here is made of: residual block, attention, resampling, embeddings.

Layers come from an ``operations`` namespace (``torch.nn`` or a host's own), and no raw parameter sits outside a
leaf module, so a host may cast and offload weights.  Weights are in *canonical form*, into which every format is
mapped when it is loaded: a shortcut convolution has no bias (it is added to ``conv1``'s), the ``1/sqrt(2)`` that
NCSN++ applies after each residual sum is multiplied into ``conv1``, ``shortcut`` and ``proj``, the attention's
q, k, v are one matrix in this order.  Same mathematics, fewer passes over memory.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .norm import Workspace, blockable, group_norm, tokens, wants_grad
from .winograd import conv3x3


class FIR(nn.Module):
    """Resampling by 2 with the binomial filter [1,3,3,1] and zero padding (StyleGAN2's upfirdn2d, score-SDE).

    Down is one strided depthwise convolution, up one depthwise transposed convolution; nothing is zero-stuffed.
    """

    def __init__(self, direction: str):
        super().__init__()
        self.direction = direction
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        kernel = torch.outer(taps, taps) / (64.0 if direction == "down" else 16.0)
        self.register_buffer("kernel", kernel[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        c = x.shape[1]
        if self.direction == "up" and x.device.type == "cpu" and x.dtype != torch.float32:
            # the transposed convolution has no fast half-precision kernel there; bilinear x2 is the same filter
            x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2.0, mode="bilinear")
            return x[:, :, 2:-2, 2:-2].contiguous(memory_format=torch.channels_last)
        kernel = self.kernel.to(device=x.device, dtype=x.dtype).expand(c, 1, 4, 4)
        if self.direction == "down":
            return F.conv2d(x, kernel, stride=2, padding=1, groups=c)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=c)


class Box(nn.Module):
    """Resampling by 2 without a filter: nearest neighbour up, mean of 2 x 2 down."""

    def __init__(self, direction: str):
        super().__init__()
        self.direction = direction

    def forward(self, x: Tensor) -> Tensor:
        if self.direction == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


def resampler(direction: str, fir: bool) -> nn.Module:
    """A module that halves ("down") or doubles ("up") height and width."""
    return FIR(direction) if fir else Box(direction)


class Attention(nn.Module):
    """Self-attention over pixels with a residual connection, ``scale * (x + proj(attend(norm(x))))``."""

    def __init__(self, channels: int, *, heads: int, groups: int, eps: float, scale: float, ops, dtype, device):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        self.heads, self.scale = heads, scale
        self.norm = ops.GroupNorm(groups, channels, eps=eps, **kwargs) if groups else None
        self.qkv = ops.Linear(channels, 3 * channels, **kwargs)
        self.proj = ops.Linear(channels, channels, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.norm is None else group_norm(self.norm, x, silu=False)
        qkv = self.qkv(tokens(h))
        q, k, v = rearrange(qkv, "b n (three heads c) -> three b heads n c", three=3, heads=self.heads)
        h = self.proj(rearrange(F.scaled_dot_product_attention(q, k, v), "b heads n c -> b n (heads c)"))
        return rearrange(h, "b (h w) c -> b c h w", h=x.shape[2]).add_(x, alpha=self.scale)


class ResBlock(nn.Module):
    """Residual block of DDPM, NCSN++ (BigGAN type) and ADM, optionally resampling, optionally with attention.

    norm-SiLU-[resample]-conv, plus the noise embedding (added, or as scale and shift of the second norm),
    norm-SiLU-conv, plus the shortcut.  A 1x1 shortcut commutes with FIR filtering: it runs at the low resolution.
    """

    def __init__(self, spec, *, embedding: int, eps: float, ops, dtype, device):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        self.spec = spec
        cin, cout = spec.inputs, spec.outputs
        self.norm0 = ops.GroupNorm(spec.groups_in, cin, eps=eps, **kwargs)
        self.conv0 = ops.Conv2d(cin, cout, 3, padding=1, **kwargs)
        self.emb = ops.Linear(embedding, cout * (2 if spec.scale_shift else 1), **kwargs)
        self.norm1 = ops.GroupNorm(spec.groups_out, cout, eps=eps, **kwargs)
        self.conv1 = ops.Conv2d(cout, cout, 3, padding=1, **kwargs)
        self.resample = resampler(spec.resample, spec.fir) if spec.resample else None
        self.shortcut = None
        if spec.shortcut:
            k = spec.shortcut
            self.shortcut = ops.Conv2d(cin, cout, k, padding=k // 2, bias=False, **kwargs)
        self.attention = None
        if spec.heads:
            self.attention = Attention(
                cout, heads=spec.heads, groups=spec.attention_groups, eps=eps, scale=spec.scale, ops=ops, **kwargs
            )

    def forward(self, x: Tensor | tuple[Tensor, Tensor], emb: Tensor, work: Workspace | None = None) -> Tensor:
        """x may be a pair that stands for its concatenation (B,C,H,W), which is then not made where possible."""
        parts = x if isinstance(x, tuple) else (x,)
        if len(parts) > 1 and (work is None or not blockable(self.norm0, parts)):
            parts = (_join(parts, work),)
        shape = (self.spec.inputs, *parts[0].shape[2:])
        h = group_norm(self.norm0, parts, out=None if work is None else work.take("norm", parts[0], shape))
        if self.resample is not None:
            h = self.resample(h)
        h = conv3x3(self.conv0, h, work, name="hidden")
        e = self.emb(emb)
        if self.spec.scale_shift:
            h = group_norm(self.norm1, h, scale_shift=e.chunk(2, dim=1), out=h)
        else:
            h = group_norm(self.norm1, h, add=e, out=h)
        h = conv3x3(self.conv1, h, work)
        if self.shortcut is None:
            _add_joined(h, parts if self.resample is None else (self.resample(parts[0]),), self.spec.scale)
        elif self.spec.resample == "down":
            h.add_(self.shortcut(self.resample(parts[0])))
        elif self.spec.resample == "up":
            h.add_(self.resample(self.shortcut(parts[0])))
        else:
            _add_convolved(h, self.shortcut, parts)
        return h if self.attention is None else self.attention(h)


def _join(parts: tuple[Tensor, ...], work: Workspace | None = None) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    if work is None:
        return torch.cat(parts, dim=1)
    shape = (sum(x.shape[1] for x in parts), *parts[0].shape[2:])
    return torch.cat(parts, dim=1, out=work.take("join", parts[0], shape))


def _add_joined(h: Tensor, parts: tuple[Tensor, ...], scale: float) -> None:
    """``h += scale * cat(parts)``."""
    start = 0
    for x in parts:
        h[:, start : start + x.shape[1]].add_(x, alpha=scale)
        start += x.shape[1]


def _add_convolved(h: Tensor, conv: nn.Conv2d, parts: tuple[Tensor, ...]) -> None:
    """``h += conv(cat(parts))``; on the CPU a 1x1 convolution accumulates in the matrix product, part by part."""
    weight = conv.weight
    if (
        weight.shape[2:] != (1, 1)
        or weight.device.type != "cpu"
        or not all(h.dtype == x.dtype == weight.dtype for x in parts)
        or type(conv).forward is not nn.Conv2d.forward  # a host's layer may patch its weight
        or not all(x.is_contiguous(memory_format=torch.channels_last) for x in (h, *parts))
        or any(wants_grad(x, conv) for x in parts)
        or h.requires_grad
    ):
        h.add_(conv(_join(parts)))
        return
    start, target = 0, tokens(h).flatten(0, 1)
    for x in parts:
        columns = weight[:, start : start + x.shape[1]].flatten(1)
        target.addmm_(tokens(x).flatten(0, 1), columns.t())
        start += x.shape[1]


class ConvResample(nn.Module):
    """Resampling between levels without a residual block: stride-2 convolution, nearest + convolution, or bare.

    ``padding`` of the stride-2 convolution: "asymmetric" pads right and bottom only (DDPM), "symmetric" all sides
    (ADM, diffusers), "fir" filters first (the fused layer of StyleGAN2 that NCSN++'s residual input uses).
    """

    def __init__(self, spec, *, ops, dtype, device):
        super().__init__()
        self.spec = spec
        self.resample = self.conv = None
        if spec.resample == "up" or not spec.kernel:
            self.resample = resampler(spec.resample, spec.fir)
        elif spec.padding == "fir":
            self.resample = FIRBlur()
        if spec.kernel:
            self.conv = ops.Conv2d(
                spec.inputs,
                spec.outputs,
                3,
                stride=2 if spec.resample == "down" else 1,
                padding=1 if spec.resample == "up" or spec.padding == "symmetric" else 0,
                dtype=dtype,
                device=device,
            )

    def forward(self, x: Tensor, emb: Tensor | None = None, work: Workspace | None = None) -> Tensor:
        if self.resample is not None:
            x = self.resample(x)
        elif self.spec.padding == "asymmetric":
            x = F.pad(x, (0, 1, 0, 1))
        return x if self.conv is None else conv3x3(self.conv, x, work)


class FIRBlur(nn.Module):
    """The [1,3,3,1] filter at full resolution with 2 pixels of padding, before a stride-2 3x3 convolution."""

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("kernel", (torch.outer(taps, taps) / 64.0)[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel.to(device=x.device, dtype=x.dtype).expand(x.shape[1], 1, 4, 4)
        return F.conv2d(x, kernel, padding=2, groups=x.shape[1])


class Fourier(nn.Module):
    """Random Fourier features [sin, cos] of the noise label (Song et al. 2021); always in float32.

    The phase reaches 1400 rad at sigma 0.01, so half precision would destroy it.
    """

    def __init__(self, channels: int, *, device=None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels // 2, device=device), requires_grad=False)

    def forward(self, label: Tensor) -> Tensor:
        weight = self.weight.to(device=label.device, dtype=torch.float32)
        phase = label.float()[:, None] * weight[None] * 2 * math.pi
        return torch.cat([phase.sin(), phase.cos()], dim=1)


class Sinusoidal(nn.Module):
    """Sinusoidal embedding [sin, cos] of a timestep (DDPM); ``endpoint``: frequencies reach 1/10000 exactly."""

    def __init__(self, channels: int, *, endpoint: bool):
        super().__init__()
        self.channels, self.endpoint = channels, endpoint

    def forward(self, label: Tensor) -> Tensor:
        half = self.channels // 2
        step = -math.log(10000.0) / (half - (1 if self.endpoint else 0))
        frequencies = torch.exp(torch.arange(half, dtype=torch.float32, device=label.device) * step)
        phase = label.float()[:, None] * frequencies[None]
        features = torch.cat([phase.sin(), phase.cos()], dim=1)
        return F.pad(features, (0, self.channels % 2))


class NoiseEmbedding(nn.Module):
    """Noise level (and class) to the vector that every block reads: features, two linear layers, SiLU."""

    def __init__(self, spec, *, ops, device):
        super().__init__()
        kwargs = {"dtype": torch.float32, "device": device}
        n, hidden = spec.embedding_channels, spec.embedding_hidden
        self.label_position, self.null_class = spec.label_position, spec.null_class
        self.num_classes = spec.num_classes
        if spec.embedding == "fourier":
            self.features: nn.Module = Fourier(n, device=device)
        else:
            self.features = Sinusoidal(n, endpoint=spec.embedding_endpoint)
        self.linear0 = ops.Linear(n, hidden, **kwargs)
        self.linear1 = ops.Linear(hidden, hidden, **kwargs)
        self.classes = None
        if spec.num_classes:
            rows = spec.num_classes + (1 if spec.null_class else 0)
            self.classes = ops.Embedding(rows, n if spec.label_position == "noise" else hidden, **kwargs)

    def forward(self, label: Tensor, y: Tensor | None) -> Tensor:
        h, c = self.features(label), self._class(label, y)
        if c is not None and self.label_position == "noise":
            h, c = h + c, None
        h = self.linear1(F.silu(self.linear0(h)))
        return F.silu(h if c is None else h + c)

    def _class(self, label: Tensor, y: Tensor | None) -> Tensor | None:
        if self.classes is None:
            return None
        if y is None:
            if not self.null_class:
                raise ValueError(
                    f"This network is class-conditional: give a class label 0 to {self.num_classes - 1} for each image."
                )
            y = torch.full((label.shape[0],), self.num_classes, device=label.device)
        y = y.to(dtype=torch.int64).reshape(-1)  # checked where it is: labels on the CPU without waiting for a GPU
        if y.shape[0] != label.shape[0] or bool((y < 0).any()) or bool((y > self.classes.weight.shape[0] - 1).any()):
            raise ValueError(
                f"Class labels must be {label.shape[0]} integers from 0 to {self.num_classes - 1}, got {y.tolist()}."
            )
        return self.classes(y.to(label.device))
