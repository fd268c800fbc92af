"""One U-Net for all score networks: NCSN++, DDPM++, DDPM, ADM and their kin are specifications of it.

A :class:`UNetSpec` lists the blocks explicitly, in the order in which they run.  Attention belongs to a block, not
to a pixel size, so every network runs at every size divisible by :attr:`UNetSpec.size_multiple`.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields

import torch
from torch import Tensor, nn

from ..sde import listed
from .head import to_image
from .layers import ConvResample, NoiseEmbedding, ResBlock, resampler
from .norm import Workspace, group_norm, wants_grad
from .plain import check_fields, short

MAX_BLOCKS, MAX_CHANNELS, MAX_CLASSES = 512, 16384, 100_000


@dataclass(frozen=True)
class BlockSpec:
    """One block: a residual block, or a bare resampling step when ``residual`` is False.

    Attributes:
        inputs: channels; a decoder block's include the skip that it concatenates.
        outputs: channels.
        residual: False for a bare resampling step.
        resample: "", "down" or "up".
        fir: resample with the [1,3,3,1] filter, not by nearest neighbour and mean of 2 x 2.
        shortcut: 0 for identity, else the kernel size of the shortcut convolution (1 or 3).
        scale: factor after each residual sum, 1 or 1/sqrt(2).
        groups_in: of the first norm.
        groups_out: of the second norm.
        attention_groups: of the attention's norm, 0 for none.
        scale_shift: the embedding scales and shifts the second norm instead of being added.
        heads: attention heads after the block, 0 for none.
        kernel: for bare resampling, see ``layers.ConvResample``.
        padding: for bare resampling, see ``layers.ConvResample``.
        pyramid: how the down-sampled input image joins after this block: "", "sum", "cat" or "residual".
        head: groups of the norm of an output head (norm, SiLU, convolution) that reads this decoder block's result;
            0 for none.
    """

    inputs: int
    outputs: int
    residual: bool = True
    resample: str = ""
    fir: bool = False
    shortcut: int = 0
    scale: float = 1.0
    groups_in: int = 32
    groups_out: int = 32
    scale_shift: bool = False
    heads: int = 0
    attention_groups: int = 32
    kernel: int = 0
    padding: str = "asymmetric"
    pyramid: str = ""
    head: int = 0


@dataclass(frozen=True)
class UNetSpec:
    """Everything needed to build the network; JSON-able through :meth:`to_dict`.

    Attributes:
        in_channels: of the image.
        out_channels: of the prediction.
        base: channels after the first convolution.
        encoder: blocks on the way down.
        middle: blocks at the lowest resolution.
        decoder: blocks on the way up.
        embedding: "fourier" or "sinusoidal".
        embedding_channels: size of the features.
        embedding_hidden: size of the embedding.
        embedding_endpoint: as in ``layers.Sinusoidal``.
        num_classes: 0 for none.
        label_position: where the class joins, "noise" or "embedding".
        null_class: y may be left out.
        eps: of all norms.
    """

    in_channels: int
    out_channels: int
    base: int
    encoder: tuple[BlockSpec, ...]
    middle: tuple[BlockSpec, ...]
    decoder: tuple[BlockSpec, ...]
    embedding: str = "sinusoidal"
    embedding_channels: int = 128
    embedding_hidden: int = 512
    embedding_endpoint: bool = True
    num_classes: int = 0
    label_position: str = "embedding"
    null_class: bool = False
    eps: float = 1e-6

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return 1 + sum(b.resample == "down" for b in self.encoder)

    @property
    def size_multiple(self) -> int:
        """Height and width must be divisible by this."""
        return 2 ** (self.levels - 1)

    def to_dict(self) -> dict:
        """Plain data; block fields that have their default value are left out."""
        out = asdict(self)
        default = {f.name: f.default for f in fields(BlockSpec)}
        for part in ("encoder", "middle", "decoder"):
            out[part] = [{k: v for k, v in block.items() if v != default[k]} for block in out[part]]
        return out

    @classmethod
    def from_dict(cls, data: dict) -> UNetSpec:
        """Inverse of :meth:`to_dict`; ValueError for anything that is not a sane specification."""
        _check_table(data, cls)
        for part in ("encoder", "middle", "decoder"):
            blocks = data.get(part, ())
            if not isinstance(blocks, (list, tuple)) or not all(isinstance(b, dict) for b in blocks):
                raise ValueError(f"{part} of a network is a list of tables, got {short(blocks)}.")
            for block in blocks:
                _check_table(block, BlockSpec)
        parts = {part: tuple(BlockSpec(**_plain(b)) for b in data[part]) for part in ("encoder", "middle", "decoder")}
        spec = cls(**_plain(data) | parts)
        spec.check()
        return spec

    def check(self) -> None:
        """Bounds, before any memory is taken; ValueError names the field."""
        blocks = self.encoder + self.middle + self.decoder
        for described in (self, *blocks[: MAX_BLOCKS + 1]):
            check_fields(described)
        if not 1 <= len(blocks) <= MAX_BLOCKS:
            raise ValueError(f"A network has 1 to {MAX_BLOCKS} blocks, this description has {len(blocks)}.")
        downs, ups = (
            sum(b.resample == way for b in part) for way, part in (("down", self.encoder), ("up", self.decoder))
        )
        if downs != ups:
            raise ValueError(f"A network goes down as often as up, this description has {downs} times and {ups} times.")
        sizes = [self.in_channels, self.out_channels, self.base, self.embedding_channels, self.embedding_hidden]
        for b in blocks:
            sizes += [b.inputs, b.outputs]
            fine = {
                "residual": isinstance(b.residual, bool),
                "fir": isinstance(b.fir, bool),
                "scale_shift": isinstance(b.scale_shift, bool),
                "resample": b.resample in ("", "down", "up"),
                "shortcut": b.shortcut in (0, 1, 3),
                "kernel": b.kernel in (0, 3),
                "padding": b.padding in ("asymmetric", "symmetric", "fir"),
                "pyramid": b.pyramid in ("", "sum", "cat", "residual"),
                "scale": 0.0 < float(b.scale) <= 1.0,
                "heads": 0 <= b.heads <= 256 and not (b.heads and b.outputs % b.heads),
            }
            wrong = next((name for name, is_fine in fine.items() if not is_fine), None)
            if wrong:
                raise ValueError(
                    f"The network description has an unknown or impossible block: one with {wrong} = "
                    f"{short(getattr(b, wrong))} and {b.outputs} channels."
                )
            for groups, channels in (
                (b.groups_in, b.inputs),
                (b.groups_out, b.outputs),
                (b.attention_groups or 1, b.outputs) if b.heads else (1, 1),
                (b.head or 1, b.outputs),
            ):
                if b.residual and (not 1 <= groups <= channels or channels % groups):
                    raise ValueError(
                        f"{groups} norm groups do not divide {channels} channels in a block of the network description."
                    )
        if not all(isinstance(s, int) and 1 <= s <= MAX_CHANNELS for s in sizes):
            raise ValueError(f"Channel counts must be integers from 1 to {MAX_CHANNELS}.")
        if not 0 <= self.num_classes <= MAX_CLASSES:
            raise ValueError(f"The number of classes must be 0 to {MAX_CLASSES}, got {self.num_classes}.")
        if self.embedding not in ("fourier", "sinusoidal") or self.label_position not in ("noise", "embedding"):
            raise ValueError("Unknown kind of embedding in the network description.")
        if self.levels > 12 or not 0.0 < float(self.eps) < 1.0:
            raise ValueError("Too many levels, or a norm epsilon outside 0 to 1, in the network description.")


class Head(nn.Module):
    """norm - SiLU - 3x3 convolution to image channels, the last in float32."""

    def __init__(self, channels: int, out_channels: int, groups: int, *, eps: float, ops, dtype, device):
        super().__init__()
        self.norm = ops.GroupNorm(groups, channels, eps=eps, dtype=dtype, device=device)
        self.conv = ops.Conv2d(channels, out_channels, 3, padding=1, dtype=torch.float32, device=device)

    def forward(self, x: Tensor, work: Workspace | None = None) -> Tensor:
        image = None if work is None else to_image(self.norm, self.conv, x, work)
        return self.conv(group_norm(self.norm, x).float()) if image is None else image


class Pyramid(nn.Module):
    """The input image, halved once more, joins the encoder: through a 1x1 (sum, cat) or a 3x3 (residual) conv."""

    def __init__(self, block: BlockSpec, image: int, *, ops, device):
        super().__init__()
        kwargs = {"dtype": torch.float32, "device": device}
        self.kind, self.scale = block.pyramid, block.scale
        if self.kind == "residual":
            padding = "fir" if block.fir else "asymmetric"
            spec = BlockSpec(image, block.outputs, resample="down", kernel=3, padding=padding)
            self.conv: nn.Module = ConvResample(spec, ops=ops, **kwargs)
        else:
            self.down = resampler("down", block.fir)
            self.conv = ops.Conv2d(image, block.outputs, 1, **kwargs)

    def forward(self, image: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """(image pyramid, features) at this level to the same, joined; ``residual`` makes them one tensor."""
        if self.kind == "residual":
            image = self.conv(image).add_(h, alpha=self.scale)
            return image, image.to(h.dtype)
        image = self.down(image)
        add = self.conv(image).to(h.dtype)
        return image, (torch.cat([add, h], dim=1) if self.kind == "cat" else add.add_(h))


class UNet(nn.Module):
    """The network: image (B,C,H,W) and noise label (B,) to a float32 prediction (B, out_channels, H, W).

    Args:
        spec: what to build.
        operations: namespace with Conv2d, Linear, GroupNorm, Embedding (``torch.nn`` or a host's).
        dtype: of the blocks' weights; embedding, first and last convolutions stay float32.
        compute_dtype: of the blocks' activations, default ``dtype``.
    """

    def __init__(
        self,
        spec: UNetSpec,
        *,
        operations=nn,
        dtype: torch.dtype = torch.float32,
        compute_dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        super().__init__()
        spec.check()
        self.spec = spec
        self.compute_dtype = compute_dtype or dtype
        outer = {"ops": operations, "device": device}
        inner = {"ops": operations, "dtype": dtype, "device": device}
        res = {"embedding": spec.embedding_hidden, "eps": spec.eps, **inner}
        self.embed = NoiseEmbedding(spec, **outer)
        self.conv_in = operations.Conv2d(spec.in_channels, spec.base, 3, padding=1, dtype=torch.float32, device=device)

        def build(blocks):
            return nn.ModuleList(ResBlock(b, **res) if b.residual else ConvResample(b, **inner) for b in blocks)

        self.encoder, self.middle, self.decoder = build(spec.encoder), build(spec.middle), build(spec.decoder)
        self.pyramid, self.heads = nn.ModuleDict(), nn.ModuleDict()
        image = spec.in_channels
        for i, b in enumerate(spec.encoder):
            if b.pyramid:
                self.pyramid[str(i)] = Pyramid(b, image, **outer)
                image = b.outputs if b.pyramid == "residual" else image
        for i, b in enumerate(spec.decoder):
            if b.head:
                self.heads[str(i)] = Head(b.outputs, spec.out_channels, b.head, eps=spec.eps, **inner)
        self.up_image = resampler("up", any(b.fir for b in spec.decoder))
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, label: Tensor, y: Tensor | None = None) -> Tensor:
        multiple = self.spec.size_multiple
        if x.shape[-1] % multiple or x.shape[-2] % multiple:
            raise ValueError(
                f"This network needs height and width in multiples of {multiple}, got {x.shape[-1]} x {x.shape[-2]}."
            )
        shared = x.device.type == "cpu" and not torch.compiler.is_compiling() and not wants_grad(x, self.conv_in)
        work = Workspace() if shared else None
        emb = self.embed(label, y).to(self.compute_dtype)
        image = x = x.float().contiguous(memory_format=torch.channels_last)
        h = self.conv_in(x).to(self.compute_dtype)
        skips = [h]
        for i, block in enumerate(self.encoder):
            h = block(h, emb, work)
            if str(i) in self.pyramid:
                image, h = self.pyramid[str(i)](image, h)
            skips.append(h)
        for block in self.middle:
            h = block(h, emb, work)
        out = None
        for i, (block, spec) in enumerate(zip(self.decoder, self.spec.decoder, strict=True)):
            if not spec.resample:
                h = (h, skips.pop())
            h = block(h, emb, work)
            if spec.head:
                new = self.heads[str(i)](h, work)
                out = new if out is None else new.add_(self.up_image(out))
        return out


def _check_table(data: dict, kind: type) -> None:
    unknown = sorted(set(map(str, data)) - {"kind", *(f.name for f in fields(kind))})
    if unknown:
        raise ValueError(
            f"The network description does not fit this version: it has the unknown {listed(unknown[:3])}."
        )
    lacking = [f.name for f in fields(kind) if f.default is MISSING and f.name not in data]
    if lacking:
        raise ValueError(f"The network description does not fit this version: it lacks {listed(lacking[:3])}.")


def _plain(data: dict) -> dict:
    return {key: value for key, value in data.items() if key != "kind"}
