"""The DDPM checkpoints of SDEdit, pesser/pytorch_diffusion and ermongroup/ddim: ``.ckpt``, ``.pth``.

A plain state dict with ``down.<level>.block.<i>``, ``mid`` and ``up.<level>``; ddim's trainer writes a list
[model, optimizer, epoch, step, average] of which the last entry is the EMA.
"""

from __future__ import annotations

from dataclasses import replace

from ...networks import BlockSpec, UNetSpec
from ...networks.preconditioning import VP
from ...sde import short
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state
from ..weights import Weights, attention_size, pixel_affine

NAME = "DDPM checkpoint (SDEdit, pesser, ddim)"


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    needed = ("temb.dense.0.weight", "conv_in.weight", "mid.block_1.norm1.weight", "down.0.block.0.norm1.weight")
    missing = [k for k in needed if k not in state]
    return f"no key {missing[0]}" if missing else None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from the key names."""
    state, which = choose_state(raw.content, weights)
    if options.sde not in (None, "vp", "vp-discrete"):
        raise ValueError(f'these networks are discrete VP networks; sde="{options.sde}" does not fit.')
    w = Weights(state)
    spec = _spec(w)
    if "logvar" in w:
        w.drop("logvar")
    data_range = options.data_range or (-1.0, 1.0)
    precond = VP(data_range, prediction=options.prediction or "eps", beta_schedule=options.noise_schedule or "linear")
    found = Found(NAME, "DDPM U-Net", spec, w.finish(), precond, which=which, **pixel_affine(data_range))
    found.size = attention_size(spec, 16) or None
    betas = "linear betas 1e-4 to 0.02" if precond.beta_schedule == "linear" else f"{precond.beta_schedule} betas"
    found.assumed.append(f"1000 levels, {betas}, {precond.prediction} prediction")
    if options.data_range is None:
        found.assumed.append("pixels in [-1, 1]")
    if found.size:
        found.assumed.append(f"native size {found.size}: attention at 16 x 16, as in all DDPM networks")
    return found


def _spec(w: Weights) -> UNetSpec:
    w.linear("embed.linear0", "temb.dense.0")
    w.linear("embed.linear1", "temb.dense.1")
    w.layer("conv_in", "conv_in")
    base, image = w.shape("conv_in.weight")[:2]
    levels = _count(w, "down.{}.block.0.norm1.weight")
    encoder: list[BlockSpec] = []
    for level in range(levels):
        for i in range(_count(w, f"down.{level}.block.{{}}.norm1.weight")):
            _block(w, encoder, "encoder", f"down.{level}.block.{i}", f"down.{level}.attn.{i}")
        if level < levels - 1:
            _resample(w, encoder, "encoder", f"down.{level}.downsample.conv", "down")
    middle: list[BlockSpec] = []
    _block(w, middle, "middle", "mid.block_1", "mid.attn_1")
    _block(w, middle, "middle", "mid.block_2", "")
    decoder: list[BlockSpec] = []
    for level in reversed(range(levels)):
        for i in range(_count(w, f"up.{level}.block.{{}}.norm1.weight")):
            _block(w, decoder, "decoder", f"up.{level}.block.{i}", f"up.{level}.attn.{i}")
        if level:
            _resample(w, decoder, "decoder", f"up.{level}.upsample.conv", "up")
    decoder[-1] = replace(decoder[-1], head=32)
    w.layer(f"heads.{len(decoder) - 1}.norm", "norm_out")
    w.layer(f"heads.{len(decoder) - 1}.conv", "conv_out")
    hidden, features = w.shape("temb.dense.0.weight")
    return UNetSpec(
        image, w.shape("conv_out.weight")[0], base, tuple(encoder), tuple(middle), tuple(decoder),
        embedding_channels=features, embedding_hidden=hidden,
    )  # fmt: skip


def _count(w: Weights, pattern: str) -> int:
    n = 0
    while n < 100 and pattern.format(n) in w:
        n += 1
    if not n:
        raise ValueError(f"it lacks the tensor {short(pattern.format(0))}; is the file complete?")
    return n


def _block(w: Weights, blocks: list[BlockSpec], part: str, name: str, attention: str) -> None:
    target = f"{part}.{len(blocks)}"
    cin, cout = w.shape(f"{name}.norm1.weight")[0], w.shape(f"{name}.norm2.weight")[0]
    shortcut = next((s for s in ("nin_shortcut", "conv_shortcut") if f"{name}.{s}.weight" in w), "")
    w.res_block(
        target, norm0=f"{name}.norm1", conv0=f"{name}.conv1", emb=f"{name}.temb_proj", norm1=f"{name}.norm2",
        conv1=f"{name}.conv2", shortcut=f"{name}.{shortcut}" if shortcut else "", scale=1.0,
    )  # fmt: skip
    heads = 0
    if attention and f"{attention}.q.weight" in w:
        heads = 1
        a = attention
        w.attention(
            f"{target}.attention", norm=f"{a}.norm", q=f"{a}.q", k=f"{a}.k", v=f"{a}.v", proj=f"{a}.proj_out",
            scale=1.0,
        )  # fmt: skip
    kernel = w.shape(f"{name}.{shortcut}.weight")[-1] if shortcut else 0
    blocks.append(BlockSpec(cin, cout, shortcut=kernel, heads=heads))


def _resample(w: Weights, blocks: list[BlockSpec], part: str, name: str, direction: str) -> None:
    c = blocks[-1].outputs
    kernel = 3 if f"{name}.weight" in w else 0
    if kernel:
        w.layer(f"{part}.{len(blocks)}.conv", name)
    blocks.append(BlockSpec(c, c, residual=False, resample=direction, kernel=kernel))
