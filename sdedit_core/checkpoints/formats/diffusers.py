"""diffusers' UNet2DModel (google/ncsnpp-*, google/ddpm-*, own trainings): folders old and new, and bare files.

The blocks are read from the key names, so a bare file without ``config.json`` works too; the configuration adds what
keys cannot say (head size, epsilon, embedding order).  Names of 2022 (``query``, ``proj_attn``, ``time_proj.W``)
are translated.  diffusers' own irregularities, e.g. the groups of the Skip blocks, are followed exactly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ...networks import BlockSpec, UNetSpec
from ...networks.ncsnpp import SKIP_SCALE
from ...networks.plain import short
from ...networks.preconditioning import VP
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state
from ..weights import Weights, attention_size, scaled, swap_halves
from .diffusers_noise import noise_process

NAME = "diffusers UNet2DModel"
_DEFAULTS = {
    "attention_head_dim": 8, "norm_num_groups": 32, "norm_eps": 1e-5, "flip_sin_to_cos": True, "freq_shift": 0,
    "downsample_padding": 1, "center_input_sample": False, "mid_block_scale_factor": 1.0, "act_fn": "silu",
    "attn_norm_num_groups": None, "resnet_time_scale_shift": "default", "class_embed_type": None,
    "time_embedding_type": "positional",
}  # fmt: skip
_NCSNPP = {
    "attention_head_dim": None, "norm_num_groups": None, "norm_eps": 1e-6, "center_input_sample": True,
    "mid_block_scale_factor": math.sqrt(2.0), "time_embedding_type": "fourier",
}  # fmt: skip
_DDPM = {
    "attention_head_dim": None, "norm_eps": 1e-6, "flip_sin_to_cos": False, "freq_shift": 1, "downsample_padding": 0
}  # fmt: skip
_LEGACY = (
    (re.compile(r"(attentions\.\d+\.)query\."), r"\1to_q."),
    (re.compile(r"(attentions\.\d+\.)key\."), r"\1to_k."),
    (re.compile(r"(attentions\.\d+\.)value\."), r"\1to_v."),
    (re.compile(r"(attentions\.\d+\.)proj_attn\."), r"\1to_out.0."),
    (re.compile(r"(downsamplers\.0\.)(?:op|Conv2d_0)\."), r"\1conv."),
    (re.compile(r"(upsamplers\.0\.)Conv2d_0\."), r"\1conv."),
)


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    needed = ("conv_in.weight", "time_embedding.linear_1.weight", "down_blocks.0.resnets.0.norm1.weight")
    missing = [k for k in needed if k not in state]
    if missing:
        return f"no key {missing[0]}"
    if any(".transformer_blocks." in k for k in state):
        return "cross-attention to text, so it is a latent text-to-image U-Net; load it with the host's own loader"
    return None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from key names and, when there is one, config.json."""
    state, which = choose_state(raw.content, weights)
    w = Weights(_translate(state))
    found = Found(NAME, "UNet2DModel", None, {}, VP(), which=which)
    fourier = "time_proj.weight" in w
    config = _config(raw.config, fourier, found)
    if any(".to_q." in k for k in w.source):
        if options.num_head_channels:
            config["attention_head_dim"] = options.num_head_channels
        elif options.num_heads:
            config["num_heads"] = options.num_heads
    found.spec = _Reader(w, config).spec(fourier)
    found.weights = w.finish()
    skip = any(b.pyramid for b in found.spec.encoder)
    found.architecture = "NCSN++ (UNet2DModel)" if skip else "UNet2DModel"
    found.centred = False  # config.json says how the network is fed
    if config["center_input_sample"]:
        found.gain, found.offset = 2.0, -1.0
    found.preconditioning, sign = noise_process(raw.scheduler, config, options, fourier, found)
    if sign < 0:
        for key in [k for k in found.weights if re.fullmatch(r"heads\.\d+\.conv\.(weight|bias)", k)]:
            found.weights[key] = scaled(found.weights[key], sign)
    sides = config.get("sample_size")
    sides = list(sides) if isinstance(sides, (list, tuple)) else [sides, sides]
    if len(sides) == 2 and all(type(side) is int and 0 < side <= 16384 for side in sides):
        height, width = sides
        found.size = height if height == width else (height, width)
        text = f"{height}" if height == width else f"{width} x {height}"
        found.detected.append(f"native size {text}, from config.json")
    elif sides != [None, None]:
        raise ValueError(
            f"config.json has sample_size = {short(config['sample_size'])}; it must be one or two sides in pixels."
        )
    else:
        found.size = attention_size(found.spec, 16) or None
        if found.size:
            found.assumed.append(f"native size {found.size}: attention at 16 x 16")
    return found


def _translate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    out = {}
    for key, tensor in state.items():
        for pattern, name in _LEGACY:
            key = pattern.sub(name, key)
        out[key] = tensor
    copy = out.pop("time_proj.W", None)  # stored twice in 2022
    if copy is not None:
        out.setdefault("time_proj.weight", copy)
    return out


def _config(config: dict | None, fourier: bool, found: Found) -> dict:
    if config is None:
        out = {**_DEFAULTS, **(_NCSNPP if fourier else _DDPM)}
        kind = "google/ncsnpp-*" if fourier else "google/ddpm-*"
        found.assumed.append(f"no config.json beside the file: norms, heads and embedding as in {kind}")
    else:
        out = {**_DEFAULTS, **{k: v for k, v in config.items() if not k.startswith("_")}}
        found.detected.append("configuration from config.json")
    if out["act_fn"] not in ("silu", "swish"):
        raise ValueError(f"its activation is {short(out['act_fn'])}; only SiLU is supported.")
    if out["class_embed_type"] not in (None, "identity"):
        raise ValueError(f"its class embedding of type {short(out['class_embed_type'])} is not supported.")
    if out["time_embedding_type"] not in ("positional", "fourier"):
        raise ValueError(f"its time embedding of type {short(out['time_embedding_type'])} is not supported.")
    if out["freq_shift"] not in (0, 1):
        raise ValueError(f"its freq_shift is {short(out['freq_shift'])}; 0 and 1 are supported.")
    for key in ("norm_eps", "mid_block_scale_factor"):
        if isinstance(out[key], bool) or not isinstance(out[key], (int, float)) or not 0 < out[key] < 100:
            raise ValueError(f"config.json has {key} = {short(out[key])}, which is no sensible number.")
    for key in ("attention_head_dim", "norm_num_groups", "attn_norm_num_groups"):
        if out[key] is not None and (type(out[key]) is not int or not 1 <= out[key] <= 16384):
            raise ValueError(f"config.json has {key} = {short(out[key])}, which is no sensible number.")
    out["num_heads"] = None
    return out


class _Reader:
    """Reads blocks by key name; ``config`` has all fields of ``_DEFAULTS``."""

    def __init__(self, w: Weights, config: dict):
        self.w, self.config = w, config
        self.base, self.image = w.shape("conv_in.weight")[:2]

    def spec(self, fourier: bool) -> UNetSpec:
        """Everything; fills ``w.out``."""
        w, config = self.w, self.config
        w.layer("conv_in", "conv_in")
        w.layer("embed.linear0", "time_embedding.linear_1")
        w.layer("embed.linear1", "time_embedding.linear_2")
        if fourier:
            w.out["embed.features.weight"] = w.get("time_proj.weight")
        elif config["flip_sin_to_cos"]:
            w.out["embed.linear0.weight"] = swap_halves(w.out["embed.linear0.weight"])
        classes = 0
        if "class_embedding.weight" in w:
            classes = w.shape("class_embedding.weight")[0]
            w.out["embed.classes.weight"] = w.get("class_embedding.weight")
        encoder = self._encoder()
        middle: list[BlockSpec] = []
        if "mid_block.resnets.0.norm1.weight" in w:
            scale = 1.0 / config["mid_block_scale_factor"]
            c = w.shape("mid_block.resnets.0.norm1.weight")[0]
            groups = config["norm_num_groups"] or min(c // 4, 32)
            for i in range(self._count("mid_block.resnets.{}.norm1.weight")):
                self._block(middle, "middle", f"mid_block.resnets.{i}", groups, groups, scale)
                if f"mid_block.attentions.{i}.to_q.weight" in w:
                    attn_groups = config["attn_norm_num_groups"] or groups
                    self._attend(middle, "middle", f"mid_block.attentions.{i}", attn_groups, scale)
        decoder = self._decoder()
        groups = config["norm_num_groups"] or min(self.base // 4, 32)
        self._head(decoder, "conv_norm_out", "conv_out", groups)
        hidden, features = w.shape("time_embedding.linear_1.weight")
        return UNetSpec(
            self.image, w.shape("conv_out.weight")[0], self.base, tuple(encoder), tuple(middle), tuple(decoder),
            embedding="fourier" if fourier else "sinusoidal", embedding_channels=features, embedding_hidden=hidden,
            embedding_endpoint=config["freq_shift"] == 1, num_classes=classes, eps=float(config["norm_eps"]),
        )  # fmt: skip

    def _count(self, pattern: str) -> int:
        n = 0
        while n < 100 and pattern.format(n) in self.w:
            n += 1
        return n

    def _encoder(self) -> list[BlockSpec]:
        w, blocks = self.w, []
        for i in range(self._count("down_blocks.{}.resnets.0.norm1.weight")):
            d = f"down_blocks.{i}"
            # a Skip block without sampler (the last) is told by its neighbours
            skip = f"{d}.skip_conv.weight" in w or (i > 0 and f"down_blocks.{i - 1}.skip_conv.weight" in w)
            scale = SKIP_SCALE if skip else 1.0
            for j in range(self._count(f"{d}.resnets.{{}}.norm1.weight")):
                self._block(blocks, "encoder", f"{d}.resnets.{j}", *self._groups(f"{d}.resnets.{j}", skip), scale, skip)
                if f"{d}.attentions.{j}.to_q.weight" in w:
                    groups = 32 if skip else self._plain_groups()
                    self._attend(blocks, "encoder", f"{d}.attentions.{j}", groups, scale)
            if f"{d}.resnet_down.norm1.weight" in w:
                name = f"{d}.resnet_down"
                self._block(blocks, "encoder", name, *self._groups(name, True), scale, True, "down")
                w.layer(f"pyramid.{len(blocks) - 1}.conv", f"{d}.skip_conv")
                blocks[-1] = replace(blocks[-1], pyramid="sum")
            else:
                self._resample(blocks, "encoder", f"{d}.downsamplers.0", "down")
        return blocks

    def _decoder(self) -> list[BlockSpec]:
        w, blocks = self.w, []
        ups = self._count("up_blocks.{}.resnets.0.norm1.weight")
        for i in range(ups):
            u = f"up_blocks.{i}"
            skip = f"{u}.skip_conv.weight" in w or (i > 0 and f"up_blocks.{i - 1}.skip_conv.weight" in w)
            scale = SKIP_SCALE if skip else 1.0
            attentions = self._count(f"{u}.attentions.{{}}.to_q.weight")
            resnets = self._count(f"{u}.resnets.{{}}.norm1.weight")
            for j in range(resnets):
                name = f"{u}.resnets.{j}"
                groups_in, groups_out = self._groups(name, skip)
                if skip and attentions:
                    before = blocks[-1].outputs if blocks else 32  # attention here has 32 groups, so at least as many
                    groups_in = min(before + (w.shape(f"{name}.norm1.weight")[0] - before) // 4, 32)
                self._block(blocks, "decoder", name, groups_in, groups_out, scale, skip)
                if skip and attentions and j == resnets - 1:
                    self._attend(blocks, "decoder", f"{u}.attentions.0", 32, scale)
                elif j < attentions and not skip:
                    self._attend(blocks, "decoder", f"{u}.attentions.{j}", self._plain_groups(), scale)
            if f"{u}.resnet_up.norm1.weight" in w:
                name = f"{u}.resnet_up"
                self._head(blocks, f"{u}.skip_norm", f"{u}.skip_conv", min(blocks[-1].outputs // 4, 32))
                self._block(blocks, "decoder", name, *self._groups(name, True), scale, True, "up")
            elif i < ups - 1:
                self._resample(blocks, "decoder", f"{u}.upsamplers.0", "up")
        return blocks

    def _plain_groups(self) -> int:
        groups = self.config["norm_num_groups"]
        if groups is None:
            raise ValueError("config.json gives no norm_num_groups for blocks that need it.")
        return groups

    def _groups(self, name: str, skip: bool) -> tuple[int, int]:
        if not skip:
            return self._plain_groups(), self._plain_groups()
        cin, cout = (self.w.shape(f"{name}.norm{n}.weight")[0] for n in (1, 2))
        return min(cin // 4, 32), min(cout // 4, 32)

    def _block(
        self, blocks: list[BlockSpec], part: str, name: str, groups_in: int, groups_out: int, scale: float,
        fir: bool = False, resample: str = "",
    ) -> None:  # fmt: skip
        w = self.w
        cin, cout = w.shape(f"{name}.norm1.weight")[0], w.shape(f"{name}.norm2.weight")[0]
        shortcut = f"{name}.conv_shortcut" if f"{name}.conv_shortcut.weight" in w else ""
        w.res_block(
            f"{part}.{len(blocks)}", norm0=f"{name}.norm1", conv0=f"{name}.conv1", emb=f"{name}.time_emb_proj",
            norm1=f"{name}.norm2", conv1=f"{name}.conv2", shortcut=shortcut, scale=scale,
        )  # fmt: skip
        scale_shift = w.shape(f"{name}.time_emb_proj.weight")[0] == 2 * cout
        blocks.append(
            BlockSpec(
                cin, cout, resample=resample, fir=fir, scale=scale, groups_in=groups_in, groups_out=groups_out,
                shortcut=w.shape(f"{shortcut}.weight")[-1] if shortcut else 0, scale_shift=scale_shift,
            )
        )  # fmt: skip

    def _attend(self, blocks: list[BlockSpec], part: str, name: str, groups: int, scale: float) -> None:
        c, config = blocks[-1].outputs, self.config
        size = config["attention_head_dim"] or c
        heads = config["num_heads"] or max(c // size, 1)
        norm = f"{name}.group_norm" if f"{name}.group_norm.weight" in self.w else ""
        self.w.attention(
            f"{part}.{len(blocks) - 1}.attention", norm=norm, q=f"{name}.to_q", k=f"{name}.to_k", v=f"{name}.to_v",
            proj=f"{name}.to_out.0", scale=scale,
        )  # fmt: skip
        blocks[-1] = replace(blocks[-1], heads=heads, attention_groups=groups if norm else 0)

    def _resample(self, blocks: list[BlockSpec], part: str, name: str, direction: str) -> None:
        c = blocks[-1].outputs
        if f"{name}.conv1.weight" in self.w:
            self._block(blocks, part, name, self._plain_groups(), self._plain_groups(), 1.0, resample=direction)
        elif f"{name}.conv.weight" in self.w:
            self.w.layer(f"{part}.{len(blocks)}.conv", f"{name}.conv")
            padding = "asymmetric" if self.config["downsample_padding"] == 0 else "symmetric"
            blocks.append(BlockSpec(c, c, False, direction, kernel=3, padding=padding))

    def _head(self, blocks: list[BlockSpec], norm: str, conv: str, groups: int) -> None:
        if not blocks:
            raise ValueError("it has no decoder; is it complete?")
        self.w.layer(f"heads.{len(blocks) - 1}.norm", norm)
        self.w.layer(f"heads.{len(blocks) - 1}.conv", conv)
        blocks[-1] = replace(blocks[-1], head=groups)
