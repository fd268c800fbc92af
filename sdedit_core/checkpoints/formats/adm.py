"""Checkpoints of openai/guided-diffusion (ADM), improved-diffusion and consistency_models: ``.pt``.

A plain state dict with ``input_blocks.<n>.<m>``, ``middle_block`` and ``output_blocks``.  A down-sampling residual
block looks like any other; the decoder tells where it is, because its up-sampling blocks are visible.  Number of
heads, order of q, k, v and the noise schedule are not in the file: known networks (adm_known.py), a sidecar or options
say them.  Nor is it in the file whether a network of consistency_models is a consistency model or the EDM network that
it was made of: the file's name or ``sde`` says that.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...networks import BlockSpec, UNetSpec
from ...networks.preconditioning import EDM, VP, Consistency
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state
from ..weights import Weights, attention_size, pixel_affine, swap_halves
from .adm_known import Known, attends_in_2d, downsamples_plainly, kind_by_name, known_network

NAME = "guided-diffusion (ADM) checkpoint"


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    needed = ("time_embed.0.weight", "input_blocks.0.0.weight", "middle_block.0.in_layers.0.weight")
    missing = [k for k in needed if k not in state]
    if missing:
        return f"no key {missing[0]}"
    if not any(k.startswith("output_blocks.") for k in state):
        return "no output_blocks, so it is a classifier (an encoder only)"
    if any(".transformer_blocks." in k or ".encoder_kv." in k for k in state):
        return "cross-attention to text, so it is a latent text-to-image U-Net; load it with the host's own loader"
    return None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from the key names and shapes."""
    state, which = choose_state(raw.content, weights)
    found = Found(NAME, "ADM", None, {}, VP(), which=which)
    w = Weights(state)
    base, image = w.shape("input_blocks.0.0.weight")[:2]
    out = w.shape("out.2.weight")[0]
    if image not in (1, 3, 4) or out not in (image, 2 * image):
        raise ValueError(
            f"it takes {image} and returns {out} channels, so it is a super-resolution or other special network."
        )
    openai_edm = attends_in_2d(w)  # consistency_models: the new order and EDM's noise levels
    heads = _Heads(w, options, found, openai_edm)
    found.spec = _spec(w, heads, base, image, out)
    found.weights = w.finish()
    _describe(found, heads, options, openai_edm, kind_by_name(raw.path.name), out == 2 * image)
    return found


class _Heads:
    """How many heads an attention layer has, in which order its q, k, v rows are, and how the network was trained."""

    def __init__(self, w: Weights, options: Overrides, found: Found, openai_edm: bool):
        self.number, self.channels = options.num_heads, options.num_head_channels
        self.upsample = options.num_heads_upsample
        if known := known_network(w):
            found.detected.append(known.name)
        self.known, self.plain = known or Known(""), downsamples_plainly(w)
        if self.channels is None and self.number is None:
            self.number, self.channels = self.known.num_heads, self.known.num_head_channels
        if self.channels is None and self.number is None:
            # improved-diffusion's only way to say it, with 4 as its default, against what guided-diffusion's files have
            self.number, self.channels = (4, None) if self.plain else (None, 64)
            said = "4 heads" if self.plain else "64 channels a head"
            found.assumed.append(f"{said}; num_heads or num_head_channels say otherwise")
        # consistency_models has one order, and ignores the flag
        order = None if openai_edm else options.use_new_attention_order
        order = self.known.new_attention_order if order is None else order
        self.new_order = openai_edm if order is None else order
        self.assumed_order = order is None and not openai_edm

    def __call__(self, channels: int, part: str) -> int:
        if part == "decoder" and self.upsample:
            number = self.upsample
        elif self.channels:
            return max(channels // self.channels, 1) if channels % self.channels == 0 else 1
        else:
            number = self.number
        if channels % number:
            raise ValueError(f"{number} attention heads do not divide its {channels} channels; see num_heads.")
        return number


def _spec(w: Weights, heads: _Heads, base: int, image: int, out: int) -> UNetSpec:
    w.linear("embed.linear1", "time_embed.2")
    hidden, features = w.shape("time_embed.0.weight")
    w.out["embed.linear0.weight"] = swap_halves(w.get("time_embed.0.weight"))
    w.out["embed.linear0.bias"] = w.get("time_embed.0.bias")
    classes = 0
    if "label_emb.weight" in w:
        classes = w.shape("label_emb.weight")[0]
        w.out["embed.classes.weight"] = w.get("label_emb.weight")
    w.layer("conv_in", "input_blocks.0.0")
    stages = _stages(w, "input_blocks")
    total = max(stages) + 1
    outputs = _stages(w, "output_blocks")
    if max(outputs) + 1 != total or total > 500:
        raise ValueError(f"it has {total} encoder stages and {max(outputs) + 1} decoder stages; is it complete?")
    # a stage without residual block resamples; so does the one whose mirror image in the decoder goes up
    downs = {n for n in range(1, total) if "res" not in stages.get(n, ())}
    ups = {n for n, kinds in outputs.items() if kinds.count("res") > 1 or "conv" in kinds}
    downs |= {total - 1 - n for n in ups}
    encoder: list[BlockSpec] = []
    for n in range(1, total):
        name, target = f"input_blocks.{n}", f"encoder.{len(encoder)}"
        if "res" in stages.get(n, ()):
            _block(
                w, encoder, "encoder", name, heads if "attention" in stages[n] else None, "down" if n in downs else ""
            )
        else:
            if n in stages:
                w.layer(f"{target}.conv", f"{name}.0.op")
            c = encoder[-1].outputs
            kernel = 3 if n in stages else 0
            encoder.append(BlockSpec(c, c, False, "down", kernel=kernel, padding="symmetric"))
    middle: list[BlockSpec] = []
    _block(w, middle, "middle", "middle_block", heads, "")
    _block(w, middle, "middle", "middle_block.2", None, "", bare=True)
    decoder: list[BlockSpec] = []
    for n in range(total):
        kinds, name = outputs[n], f"output_blocks.{n}"
        attends = "attention" in kinds
        _block(w, decoder, "decoder", name, heads if attends else None, "")
        if total - 1 - n not in downs:
            continue
        c, m, target = decoder[-1].outputs, 1 + attends, f"decoder.{len(decoder)}"
        if kinds.count("res") > 1:
            _block(w, decoder, "decoder", f"{name}.{m}", None, "up", bare=True)
        else:
            if "conv" in kinds:
                w.layer(f"{target}.conv", f"{name}.{m}.conv")
            decoder.append(BlockSpec(c, c, False, "up", kernel=3 if "conv" in kinds else 0, padding="symmetric"))
    decoder[-1] = replace(decoder[-1], head=32)
    w.layer(f"heads.{len(decoder) - 1}.norm", "out.0")
    w.layer(f"heads.{len(decoder) - 1}.conv", "out.2")
    return UNetSpec(
        image, out, base, tuple(encoder), tuple(middle), tuple(decoder), embedding_channels=features,
        embedding_hidden=hidden, embedding_endpoint=False, num_classes=classes, eps=1e-5,
    )  # fmt: skip


def _stages(w: Weights, part: str) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[int, str]] = {}
    kinds = {"in_layers": "res", "qkv": "attention", "op": "conv", "conv": "conv"}
    known = re.compile(rf"{part}\.(\d+)\.(\d+)\.({'|'.join(kinds)})\.")
    for match in filter(None, map(known.match, w.source)):
        found.setdefault(int(match[1]), {})[int(match[2])] = kinds[match[3]]
    if not found:
        raise ValueError(f"it has no {part}; is it complete?")
    return {n: tuple(kind for _, kind in sorted(inner.items())) for n, inner in found.items()}


def _block(
    w: Weights, blocks: list[BlockSpec], part: str, name: str, heads: _Heads | None, resample: str, bare: bool = False
) -> None:
    target, res = f"{part}.{len(blocks)}", name if bare else f"{name}.0"
    cin, cout = w.shape(f"{res}.in_layers.0.weight")[0], w.shape(f"{res}.out_layers.0.weight")[0]
    shortcut = f"{res}.skip_connection" if f"{res}.skip_connection.weight" in w else ""
    w.res_block(
        target, norm0=f"{res}.in_layers.0", conv0=f"{res}.in_layers.2", emb=f"{res}.emb_layers.1",
        norm1=f"{res}.out_layers.0", conv1=f"{res}.out_layers.3", shortcut=shortcut, scale=1.0,
    )  # fmt: skip
    n = 0
    if heads is not None:
        n, a = heads(cout, part), f"{name}.1"
        w.fused_attention(
            f"{target}.attention", norm=f"{a}.norm", qkv=f"{a}.qkv", proj=f"{a}.proj_out", heads=n,
            order="qkv" if heads.new_order else "heads", scale=1.0,
        )  # fmt: skip
    kernel = w.shape(f"{shortcut}.weight")[-1] if shortcut else 0
    scale_shift = w.shape(f"{res}.emb_layers.1.weight")[0] == 2 * cout
    blocks.append(BlockSpec(cin, cout, resample=resample, shortcut=kernel, scale_shift=scale_shift, heads=n))


def _describe(
    found: Found, heads: _Heads, options: Overrides, openai_edm: bool, named: str | None, learned: bool
) -> None:
    spec = found.spec
    if learned:
        found.detected.append("learned variance (its output channels are not used)")
    if spec.num_classes:
        found.detected.append(f"{spec.num_classes} classes")
    if heads.assumed_order and any(b.heads > 1 for b in spec.encoder + spec.middle + spec.decoder):
        found.assumed.append("legacy order of q, k, v; use_new_attention_order=True selects the other")
    data_range = options.data_range or (-1.0, 1.0)
    sde = options.sde or (named or "edm" if openai_edm else "vp")
    if sde in ("edm", "consistency"):
        low, high = options.sigma_min or 0.002, options.sigma_max or 80.0
        kind = EDM if sde == "edm" else Consistency
        found.preconditioning = kind(data_range, sigma_min=low, sigma_max=high, label_gain=250.0)
        _say_kind(found, sde, named, options.sde is None)
    elif sde in ("vp", "vp-discrete"):
        found.preconditioning = _trained(found, heads.known, options, data_range)
    else:
        raise ValueError(f'ADM networks are discrete VP, EDM or consistency networks; sde="{sde}" does not fit.')
    affine = pixel_affine(data_range)
    found.gain, found.offset = affine["gain"], affine["offset"]
    attended = len({level for level, block in _levels(spec) if block.heads})
    finest = 32 if attended > 1 and not heads.plain else 16  # "32,16,8" or "16,8": the usual attention_resolutions
    found.size = attention_size(spec, finest) or None
    if found.size:
        found.assumed.append(f"native size {found.size}, from the attention levels")


def _say_kind(found: Found, sde: str, named: str | None, by_file: bool) -> None:
    """Which of the two it is, EDM network or consistency model, and who says so: the same tensors may be either."""
    who = "by its file name" if by_file else "as said"
    if sde == "consistency":
        found.detected.append(f"consistency model: few_step, 1 to 4 evaluations ({who})")
    elif named or not by_file:
        found.detected.append(f"EDM network ({who}), as consistency models are made of")
    else:
        found.assumed.append('EDM network with a score; sde="consistency" for a consistency model (cd_*, ct_*)')


def _trained(found: Found, known: Known, options: Overrides, data_range: tuple[float, float]) -> VP:
    """The discrete process of the training: as said, else as known, else as usual."""
    schedule = options.noise_schedule or known.noise_schedule
    levels, rescaled = options.levels or known.levels, known.rescale_timesteps
    if schedule is None:
        found.assumed.append('linear betas; noise_schedule="cosine" selects the other')
    if levels is None:
        found.assumed.append("1000 noise levels; levels says otherwise (e.g. 4000)")
        levels = 1000
    if levels != 1000:  # else timesteps are the same either way
        rescaled = rescaled if options.rescale_timesteps is None else options.rescale_timesteps
        if rescaled is None:
            found.assumed.append("timesteps from 0 to 1000; rescale_timesteps=False selects one for each level")
    gain = 1.0 if rescaled is False else 1000.0 / levels
    return VP(
        data_range, prediction=options.prediction or "eps", beta_schedule=schedule or "linear", levels=levels,
        beta_start=0.1 / levels, beta_end=20.0 / levels, label_gain=gain,
    )  # fmt: skip


def _levels(spec: UNetSpec):
    level = 0
    for block in spec.encoder:
        yield level, block
        level += block.resample == "down"
