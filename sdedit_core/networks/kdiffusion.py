"""The U-Net of crowsonkb/k-diffusion's ``image_v1`` models.

Every norm is scaled and shifted by the noise level (adaptive group norm), activations are GELU, pictures go up and down
by the [1,3,3,1] filter with mirrored edges, and the noise level goes in as Fourier features of ln(sigma) / 4.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from .plain import check_fields, short

GROUP, HEAD = 32, 64  # channels of each norm group and of each attention head, where there are as many
MAX_LEVELS = 8


@dataclass(frozen=True)
class KDiffusionSpec:
    """Description of a :class:`KDiffusionUNet`; JSON-able through :meth:`to_dict`. ValueError for an impossible one.

    Attributes:
        channels: per resolution, the finest first.
        depths: residual blocks per resolution, on the way down and again on the way up.
        attention: whether self-attention follows each block, per resolution.
        features: size of the noise level's embedding.
        in_channels: of the picture.
        patch: pixels are folded by this before the first layer.
        variance: one more output, the logarithm of a variance, which is not used.
    """

    num_classes: ClassVar[int] = 0

    channels: tuple[int, ...]
    depths: tuple[int, ...]
    attention: tuple[bool, ...]
    features: int = 256
    in_channels: int = 3
    patch: int = 1
    variance: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("channels", "depths", "attention"):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MAX_LEVELS:
                raise ValueError(f"{name} of a k-diffusion network has 1 to {MAX_LEVELS} entries, got {short(value)}.")
            object.__setattr__(self, name, tuple(value))
        whole = (*self.channels, *self.depths, self.features, self.in_channels, self.patch)
        if not all(type(n) is int and 1 <= n <= 16384 for n in whole) or max(*self.depths, self.patch) > 64:
            raise ValueError("Sizes are whole numbers from 1 to 16384, depths and patch 1 to 64.")
        if not len(self.channels) == len(self.depths) == len(self.attention):
            raise ValueError("A k-diffusion network has as many depths and attentions as channels.")
        if not all(isinstance(a, bool) for a in self.attention):
            raise ValueError(f"attention of a k-diffusion network is true or false, got {short(self.attention)}.")
        for c in self.channels:
            if c % groups(c) or c % heads(c):
                raise ValueError(f"{c} channels do not split into groups of {GROUP} and heads of {HEAD}.")
        if self.features % 2:
            raise ValueError(f"The embedding must have an even size, got {self.features}.")

    @property
    def size_multiple(self) -> int:
        """Height and width must be divisible by this."""
        return self.patch * 2 ** (len(self.channels) - 1)

    def check(self) -> None:
        """Nothing left to check: an impossible description cannot be made."""

    def to_dict(self) -> dict:
        """Plain data for a file."""
        return {"kind": "k-diffusion", **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}}

    @classmethod
    def from_dict(cls, data: dict) -> KDiffusionSpec:
        """Inverse of :meth:`to_dict`; ValueError for unknown or impossible entries."""
        options = {k: v for k, v in data.items() if k != "kind"}
        known = [f.name for f in fields(cls)]
        if set(options) - set(known) or not set(known[:3]) <= set(options):
            raise ValueError(f"A k-diffusion network is described by {', '.join(known)}; got {short(data)}.")
        return cls(**options)


def groups(channels: int) -> int:
    """Norm groups."""
    return max(1, channels // GROUP)


def heads(channels: int) -> int:
    """Attention heads."""
    return max(1, channels // HEAD)


class AdaptiveNorm(nn.Module):
    """Group norm, scaled and shifted by the noise level's embedding."""

    def __init__(self, features: int, channels: int, *, number: int | None = None, ops=nn, dtype=None, device=None):
        super().__init__()
        self.groups = number or groups(channels)
        self.mapper = ops.Linear(features, 2 * channels, dtype=dtype, device=device)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        scale, shift = self.mapper(emb)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, F.group_norm(x, self.groups, eps=1e-5), scale + 1)


class KBlock(nn.Module):
    """norm, GELU, 3x3, twice; residual sum; optional self-attention."""

    def __init__(self, features: int, cin: int, mid: int, cout: int, *, attends: bool, ops=nn, dtype=None, device=None):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        self.norm0 = AdaptiveNorm(features, cin, ops=ops, **kwargs)
        self.conv0 = ops.Conv2d(cin, mid, 3, padding=1, **kwargs)
        self.norm1 = AdaptiveNorm(features, mid, ops=ops, **kwargs)
        self.conv1 = ops.Conv2d(mid, cout, 3, padding=1, **kwargs)
        self.shortcut = ops.Conv2d(cin, cout, 1, bias=False, **kwargs) if cin != cout else None
        self.attention = KAttention(features, cout, ops=ops, **kwargs) if attends else None

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = self.conv0(F.gelu(self.norm0(x, emb)))
        h = self.conv1(F.gelu(self.norm1(h, emb)))
        h = h + (x if self.shortcut is None else self.shortcut(x))
        return h if self.attention is None else self.attention(h, emb)


class KAttention(nn.Module):
    """Self-attention over pixels, residual, behind an adaptive norm."""

    def __init__(self, features: int, channels: int, *, ops=nn, dtype=None, device=None):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        self.heads = heads(channels)
        self.norm = AdaptiveNorm(features, channels, ops=ops, **kwargs)
        self.qkv = ops.Conv2d(channels, 3 * channels, 1, **kwargs)
        self.proj = ops.Conv2d(channels, channels, 1, **kwargs)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        q, k, v = rearrange(
            self.qkv(self.norm(x, emb)), "b (three heads c) h w -> three b heads (h w) c", three=3, heads=self.heads
        )
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj(rearrange(h, "b heads (h w) c -> b (heads c) h w", h=x.shape[2]))


class Features(nn.Module):
    """Cosines and sines of the label at stored frequencies, (B, channels) in float32."""

    def __init__(self, channels: int, *, device=None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels // 2, device=device), requires_grad=False)

    def forward(self, label: Tensor) -> Tensor:
        phase = label.float()[:, None] * self.weight.to(device=label.device, dtype=torch.float32)[None] * 2 * math.pi
        return torch.cat([phase.cos(), phase.sin()], dim=1)


def halve(x: Tensor) -> Tensor:
    """Height and width halved by the [1,3,3,1] filter; beyond the edges the picture is mirrored."""
    return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), _filter(x, 64.0), stride=2, groups=x.shape[1])


def double(x: Tensor) -> Tensor:
    """Height and width doubled by the same filter."""
    x = F.pad(x, (1, 1, 1, 1), "reflect")
    return F.conv_transpose2d(x, _filter(x, 16.0), stride=2, padding=3, groups=x.shape[1])


def _filter(x: Tensor, total: float) -> Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=torch.float32)
    return (torch.outer(taps, taps) / total).to(x.dtype).expand(x.shape[1], 1, 4, 4)


class KDiffusionUNet(nn.Module):
    """The network: picture (B, C, H, W) and noise label (B,) to a float32 prediction of the same shape.

    Args:
        spec: what to build.
        operations: namespace with Conv2d, Linear (``torch.nn`` or a host's).
        dtype: of the blocks; embedding, first and last layers stay float32.
    """

    def __init__(
        self,
        spec: KDiffusionSpec,
        *,
        operations=nn,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device | None = None,
    ):
        super().__init__()
        self.spec, self.dtype, ops = spec, dtype, operations
        outer, inner = {"dtype": torch.float32, "device": device}, {"dtype": dtype, "device": device}
        e, widths, last = spec.features, spec.channels, len(spec.channels) - 1
        folded = spec.in_channels * spec.patch**2

        def stage(level: int, cin: int, cout: int) -> nn.ModuleList:
            ends = [cin, *(widths[level] for _ in range(spec.depths[level] - 1)), cout]
            return nn.ModuleList(
                KBlock(e, a, widths[level], b, attends=spec.attention[level], ops=ops, **inner)
                for a, b in pairwise(ends)
            )

        self.features = Features(e, device=device)
        self.embed = nn.ModuleList([ops.Linear(e, e, **outer), ops.Linear(e, e, **outer)])
        self.conv_in = ops.Conv2d(folded, widths[0], 1, **outer)
        above = [widths[max(0, i - 1)] for i in range(last + 1)]
        self.encoder = nn.ModuleList(stage(i, above[i], widths[i]) for i in range(last + 1))
        self.decoder = nn.ModuleList(stage(i, widths[i] * (1 if i == last else 2), above[i]) for i in range(last + 1))
        self.conv_out = ops.Conv2d(widths[0], folded + int(spec.variance), 1, **outer)

    def forward(self, x: Tensor, label: Tensor, y: Tensor | None = None) -> Tensor:
        multiple = self.spec.size_multiple
        if x.shape[-1] % multiple or x.shape[-2] % multiple or min(x.shape[-2:]) < 2 * multiple:
            raise ValueError(
                f"This network needs height and width in multiples of {multiple}, and twice that at least, got "
                f"{x.shape[-1]} x {x.shape[-2]}."
            )
        emb = F.gelu(self.embed[1](F.gelu(self.embed[0](self.features(label))))).to(self.dtype)
        x = F.pixel_unshuffle(x.float(), self.spec.patch)
        h = self.conv_in(x.contiguous(memory_format=torch.channels_last)).to(self.dtype)
        skips: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            h = halve(h) if level else h
            for block in blocks:
                h = block(h, emb)
            skips.append(h)
        for level in reversed(range(len(skips))):
            if level < len(skips) - 1:
                h = torch.cat([h, skips[level]], dim=1)
            for block in self.decoder[level]:
                h = block(h, emb)
            h = double(h) if level else h
        out = self.conv_out(h.float())
        return F.pixel_shuffle(out[:, : self.spec.in_channels * self.spec.patch**2], self.spec.patch)
