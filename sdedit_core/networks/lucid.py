"""The U-Net of lucidrains/denoising-diffusion-pytorch, in the layouts of its releases from 2022 on.

It differs from the other networks here in its blocks (the norm follows the convolution), in its norms (most of them act
on the channels of one pixel), in attention with learned keys and values beside those of the pixels, and in linear
attention, whose cost grows with the number of pixels and not with its square.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from .layers import Sinusoidal
from .plain import check_fields, short

MAX_LEVELS = 8


@dataclass(frozen=True)
class LucidLevel:
    """One resolution.

    Attributes:
        inputs: channels of its blocks on the way down.
        outputs: channels of the next level, and of this level's blocks on the way up.
        attention: "full" or "linear".
        heads: attention heads, on both ways.
        head_channels: channels of each.
    """

    inputs: int
    outputs: int
    attention: str = "linear"
    heads: int = 4
    head_channels: int = 32


@dataclass(frozen=True)
class LucidSpec:
    """Description of a :class:`LucidUNet`; JSON-able through :meth:`to_dict`. ValueError for an impossible one.

    Attributes:
        levels: resolutions, the finest first.
        in_channels: of the picture.
        out_channels: of the prediction.
        middle_heads: heads of the full attention at the lowest resolution.
        middle_head_channels: channels of each.
        memory: learned keys and values beside those of the pixels, 0 for none.
        groups: of the blocks' GroupNorm; 0 for a norm of each pixel's channels.
        centred: the attention's norms subtract the mean (a layer norm without offset).
        mean_values: linear attention divides its values by the number of pixels.
        unshuffle: down by folding 2 x 2 pixels into channels; else by a 4x4 convolution.
        embedding: "sinusoidal", or "learned": the label itself with sines and cosines of learned frequencies.
        embedding_channels: size of these features.
        embedding_hidden: size of the embedding.
    """

    num_classes: ClassVar[int] = 0

    levels: tuple[LucidLevel, ...]
    in_channels: int = 3
    out_channels: int = 3
    middle_heads: int = 4
    middle_head_channels: int = 32
    memory: int = 4
    groups: int = 0
    centred: bool = False
    mean_values: bool = False
    unshuffle: bool = True
    embedding: str = "sinusoidal"
    embedding_channels: int = 64
    embedding_hidden: int = 256

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.levels, (list, tuple)) or not 1 <= len(self.levels) <= MAX_LEVELS:
            raise ValueError(f"A lucid network has 1 to {MAX_LEVELS} levels, got {short(self.levels)}.")
        object.__setattr__(self, "levels", tuple(self.levels))
        sizes = [self.in_channels, self.out_channels, self.embedding_channels, self.embedding_hidden]
        sizes += [self.middle_heads, self.middle_head_channels]
        for level in self.levels:
            check_fields(level)
            sizes += [level.inputs, level.outputs, level.heads, level.head_channels]
            if level.attention not in ("full", "linear"):
                raise ValueError(f'Attention is "full" or "linear", got {short(level.attention)}.')
        if not all(1 <= size <= 16384 for size in sizes) or not 0 <= self.memory <= 1024:
            raise ValueError("Sizes of a lucid network must be 1 to 16384, and its memory 0 to 1024.")
        if any(one.outputs != other.inputs for one, other in zip(self.levels, self.levels[1:], strict=False)):
            raise ValueError("The levels of a lucid network must each take what the one before returns.")
        widths = {size for level in self.levels for size in (level.inputs, level.outputs)}
        if self.groups < 0 or (self.groups and any(size % self.groups for size in widths)):
            raise ValueError(f"{self.groups} norm groups do not divide the channels {sorted(widths)}.")
        if self.embedding not in ("sinusoidal", "learned"):
            raise ValueError(f'An embedding is "sinusoidal" or "learned", got {short(self.embedding)}.')
        if self.embedding_channels < 4 or self.embedding_channels % 2 != (self.embedding == "learned"):
            raise ValueError(f"An embedding of {self.embedding_channels} features is not of the kind {self.embedding}.")

    @property
    def size_multiple(self) -> int:
        """Height and width must be divisible by this."""
        return 2 ** (len(self.levels) - 1)

    def check(self) -> None:
        """Nothing left to check: an impossible description cannot be made."""

    def to_dict(self) -> dict:
        """Plain data for a file."""
        return {"kind": "lucid", **asdict(self), "levels": [asdict(level) for level in self.levels]}

    @classmethod
    def from_dict(cls, data: dict) -> LucidSpec:
        """Inverse of :meth:`to_dict`; ValueError for unknown or impossible entries."""
        options = {k: v for k, v in data.items() if k != "kind"}
        levels = options.get("levels")
        if not isinstance(levels, (list, tuple)) or not all(isinstance(level, dict) for level in levels):
            raise ValueError(f"The levels of a lucid network are a list of tables, got {short(levels)}.")
        for kind, tables in ((cls, [options]), (LucidLevel, levels[: MAX_LEVELS + 1])):
            known = {f.name for f in fields(kind)}
            for table in tables:
                if set(table) - known or (kind is LucidLevel and not {"inputs", "outputs"} <= set(table)):
                    raise ValueError(f"A lucid network is described by {', '.join(sorted(known))}; got {short(table)}.")
        return cls(**{**options, "levels": tuple(LucidLevel(**level) for level in levels[: MAX_LEVELS + 1])})


class ChannelNorm(nn.Module):
    """The channels of each pixel brought to a root mean square of 1, times a learned gain; in float32.

    ``centred``: their mean is subtracted first, and the variance kept from 0 by 1e-5.
    """

    def __init__(self, channels: int, *, centred: bool = False, dtype=None, device=None):
        super().__init__()
        self.centred = centred
        self.weight = nn.Parameter(torch.empty(channels, dtype=dtype, device=device), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        h = x.float()
        if self.centred:
            h = h - h.mean(dim=1, keepdim=True)
            h = h * (h.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()
        else:
            h = F.normalize(h, dim=1) * math.sqrt(x.shape[1])
        return (h * self.weight.to(h)[:, None, None]).to(x.dtype)


class Memory(nn.Module):
    """Learned keys and values (2, heads, number, channels), joined before those of the pixels."""

    def __init__(self, number: int, heads: int, channels: int, *, dtype=None, device=None):
        super().__init__()
        weight = torch.empty(2, heads, number, channels, dtype=dtype, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        own = repeat(self.weight.to(k), "two heads n c -> two b heads n c", b=k.shape[0])
        return torch.cat([own[0], k], dim=2), torch.cat([own[1], v], dim=2)


class LucidAttention(nn.Module):
    """``x + attend(norm(x))`` over pixels, full or linear (Katharopoulos et al. 2020, with two softmaxes)."""

    def __init__(self, spec: LucidSpec, level: LucidLevel, channels: int, *, ops, dtype, device):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        hidden = level.heads * level.head_channels
        self.heads, self.linear = level.heads, level.attention == "linear"
        self.mean_values = self.linear and spec.mean_values
        self.norm = ChannelNorm(channels, centred=spec.centred, **kwargs)
        self.qkv = ops.Conv2d(channels, 3 * hidden, 1, bias=False, **kwargs)
        self.memory = Memory(spec.memory, level.heads, level.head_channels, **kwargs) if spec.memory else None
        self.proj = ops.Conv2d(hidden, channels, 1, **kwargs)
        self.norm_out = ChannelNorm(channels, centred=spec.centred, **kwargs) if self.linear else None

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2]
        q, k, v = rearrange(
            self.qkv(self.norm(x)), "b (three heads c) h w -> three b heads (h w) c", three=3, heads=self.heads
        )
        if self.mean_values:
            v = v / q.shape[2]
        if self.memory is not None:
            k, v = self.memory(k, v)
        if self.linear:
            summary = torch.einsum("bhnc,bhnd->bhcd", k.softmax(dim=2), v)
            h = torch.einsum("bhnc,bhcd->bhnd", q.softmax(dim=3) * q.shape[3] ** -0.5, summary)
        else:
            h = F.scaled_dot_product_attention(q, k, v)
        h = self.proj(rearrange(h, "b heads (h w) c -> b (heads c) h w", h=height))
        return x + (h if self.norm_out is None else self.norm_out(h))


class LucidBlock(nn.Module):
    """3x3 convolution, norm, scaled and shifted by the noise level, SiLU; the same again without it; residual sum."""

    def __init__(self, cin: int, cout: int, spec: LucidSpec, *, ops, dtype, device):
        super().__init__()
        kwargs = {"dtype": dtype, "device": device}
        norm = (lambda: ops.GroupNorm(spec.groups, cout, **kwargs)) if spec.groups else (
            lambda: ChannelNorm(cout, **kwargs)
        )  # fmt: skip
        self.modulate = ops.Linear(spec.embedding_hidden, 2 * cout, **kwargs)
        self.conv0, self.norm0 = ops.Conv2d(cin, cout, 3, padding=1, **kwargs), norm()
        self.conv1, self.norm1 = ops.Conv2d(cout, cout, 3, padding=1, **kwargs), norm()
        self.shortcut = ops.Conv2d(cin, cout, 1, **kwargs) if cin != cout else None

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        scale, shift = self.modulate(emb)[:, :, None, None].chunk(2, dim=1)
        h = F.silu(torch.addcmul(shift, self.norm0(self.conv0(x)), scale + 1))
        h = F.silu(self.norm1(self.conv1(h)))
        return h + (x if self.shortcut is None else self.shortcut(x))


class LearnedFeatures(nn.Module):
    """The label, and sines and cosines of it at learned frequencies, (B, 1 + 2 n) in float32."""

    def __init__(self, channels: int, *, device=None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels // 2, device=device), requires_grad=False)

    def forward(self, label: Tensor) -> Tensor:
        label = label.float()[:, None]
        phase = label * self.weight.to(label)[None] * 2 * math.pi
        return torch.cat([label, phase.sin(), phase.cos()], dim=1)


class LucidUNet(nn.Module):
    """The network: picture (B, C, H, W) and noise label (B,) to a float32 prediction (B, out_channels, H, W).

    Args:
        spec: what to build.
        operations: namespace with Conv2d, Linear, GroupNorm (``torch.nn`` or a host's).
        dtype: of the blocks; embedding, first and last layers stay float32.
    """

    def __init__(
        self,
        spec: LucidSpec,
        *,
        operations=nn,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device | None = None,
    ):
        super().__init__()
        self.spec, self.dtype, ops = spec, dtype, operations
        outer, inner = {"dtype": torch.float32, "device": device}, {"dtype": dtype, "device": device}
        features, hidden, first = spec.embedding_channels, spec.embedding_hidden, spec.levels[0].inputs

        def block(cin: int, cout: int) -> LucidBlock:
            return LucidBlock(cin, cout, spec, ops=ops, **inner)

        def attend(level: LucidLevel, channels: int) -> LucidAttention:
            return LucidAttention(spec, level, channels, ops=ops, **inner)

        learned = spec.embedding == "learned"
        self.features = LearnedFeatures(features, device=device) if learned else Sinusoidal(features, endpoint=True)
        self.embed = nn.ModuleList([ops.Linear(features, hidden, **outer), ops.Linear(hidden, hidden, **outer)])
        self.conv_in = ops.Conv2d(spec.in_channels, first, 7, padding=3, **outer)
        self.encoder, self.decoder, self.down, self.up = (nn.ModuleList() for _ in range(4))
        last = len(spec.levels) - 1
        for i, level in enumerate(spec.levels):
            a, b = level.inputs, level.outputs
            self.encoder.append(nn.ModuleList([block(a, a), block(a, a), attend(level, a)]))
            self.decoder.append(nn.ModuleList([block(a + b, b), block(a + b, b), attend(level, b)]))
            if i == last:
                self.down.append(ops.Conv2d(a, b, 3, padding=1, **inner))
            elif spec.unshuffle:
                self.down.append(ops.Conv2d(4 * a, b, 1, **inner))
            else:
                self.down.append(ops.Conv2d(a, b, 4, stride=2, padding=1, **inner))
            self.up.append(ops.Conv2d(b, a, 3, padding=1, **inner))
        width = spec.levels[-1].outputs
        centre = LucidLevel(width, width, "full", spec.middle_heads, spec.middle_head_channels)
        self.middle = nn.ModuleList([block(width, width), attend(centre, width), block(width, width)])
        self.last = block(2 * first, first)
        self.conv_out = ops.Conv2d(first, spec.out_channels, 1, **outer)

    def forward(self, x: Tensor, label: Tensor, y: Tensor | None = None) -> Tensor:
        multiple = self.spec.size_multiple
        if x.shape[-1] % multiple or x.shape[-2] % multiple:
            raise ValueError(
                f"This network needs height and width in multiples of {multiple}, got {x.shape[-1]} x {x.shape[-2]}."
            )
        emb = F.silu(self.embed[1](F.gelu(self.embed[0](self.features(label))))).to(self.dtype)
        h = first = self.conv_in(x.float().contiguous(memory_format=torch.channels_last)).to(self.dtype)
        skips: list[Tensor] = []
        for i, (one, two, attention) in enumerate(self.encoder):
            h = one(h, emb)
            skips.append(h)
            h = attention(two(h, emb))
            skips.append(h)
            h = self._down(i, h)
        one, attention, two = self.middle
        h = two(attention(one(h, emb)), emb)
        for i in reversed(range(len(self.decoder))):
            one, two, attention = self.decoder[i]
            h = one(torch.cat([h, skips.pop()], dim=1), emb)
            h = attention(two(torch.cat([h, skips.pop()], dim=1), emb))
            h = self.up[i](F.interpolate(h, scale_factor=2.0, mode="nearest") if i else h)
        return self.conv_out(self.last(torch.cat([h, first], dim=1), emb).float())

    def _down(self, i: int, h: Tensor) -> Tensor:
        fold = self.spec.unshuffle and i < len(self.down) - 1
        return self.down[i](F.pixel_unshuffle(h, 2) if fold else h)
