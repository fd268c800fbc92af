"""lucidrains/denoising-diffusion-pytorch: ``model-<n>.pt`` of its trainer, or the network's weights alone.

The trainer's file holds ``model``, ``ema`` (``online_model.``, ``ema_model.``) and its release, ``version``; the tables
of the noise process lie among the weights, so levels, schedule and objective are read there.  The network differs by
release, mostly in ways that names and shapes tell: norms of blocks (GroupNorm until 1.11), learned keys and values
(from 1.9), the way down.  Until 1.7 it differs in ways that only ``version`` tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...networks import LucidLevel, LucidSpec
from ...networks.preconditioning import EDM, VP, Preconditioning
from ..betas import named_table
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import TABLES, any_state, choose_state, strip
from ..weights import Weights, pixel_affine

NAME = "denoising-diffusion-pytorch checkpoint (lucidrains)"
_NEEDED = (
    "init_conv.weight",
    "time_mlp.1.weight",
    "downs.0.0.block1.proj.weight",
    "final_res_block.block1.proj.weight",
)


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    network = _apart(state)[0]
    missing = [k for k in _NEEDED if k not in network]
    return f"no key {missing[0]}" if missing else None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from names and shapes, and the noise process from the tables in the file."""
    state, which = choose_state(raw.content, weights)
    network, tables = _apart(state)
    if any(key.startswith(("classes_emb", "null_classes", "classes_mlp")) for key in network):
        raise ValueError(
            "of its kind with classes and classifier-free guidance, which is not supported. "
            "Networks of its Unet without classes load."
        )
    if network["init_conv.weight"].dim() != 4:
        raise ValueError("it is a network of sequences and not of pictures.")
    w = Weights(network)
    found = Found(NAME, "Unet of denoising-diffusion-pytorch", None, {}, VP(), which=which)
    release = _release(raw.content, w, found)
    found.spec, channels = _spec(w, options, release, found)
    found.weights = w.finish()
    elucidated = any(re.search(r"(^|\.)net\.init_conv\.weight$", key) for key in _all_keys(raw.content))
    data_range = options.data_range or (-1.0, 1.0)
    if found.spec.embedding == "learned":
        found.preconditioning = _edm(options, data_range, elucidated, found)
    else:
        found.preconditioning = _process(tables, options, data_range, release, found)
    affine = pixel_affine(data_range)
    found.gain, found.offset = affine["gain"], affine["offset"]
    if options.data_range is None:
        found.assumed.append("pixels in [-1, 1] (its auto_normalize)")
    if found.spec.out_channels == 2 * channels:
        found.detected.append("learned variance (its output channels are not used)")
    return found


def _apart(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(network, tables of the noise process)"""
    tables = {k: v for k, v in state.items() if re.fullmatch(TABLES, k)}
    return strip({k: v for k, v in state.items() if k not in tables}), tables


def _all_keys(content: Any, depth: int = 0):
    if isinstance(content, Mapping) and depth < 3:
        for key, value in content.items():
            if isinstance(value, Tensor):
                yield str(key)
            else:
                yield from _all_keys(value, depth + 1)


def _release(content: Any, w: Weights, found: Found) -> tuple[int, ...] | None:
    """The release that wrote the file, as numbers; None where the file does not say it."""
    said = content.get("version") if isinstance(content, Mapping) else None
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", said) if isinstance(said, str) else None
    if match:
        found.detected.append(f"release {said}")
        return tuple(int(part) for part in match.groups())
    if any(".fn.fn." in key for key in w.source):
        raise ValueError(
            "of a release before 1.8, whose networks differ in ways that only the training file's version tells, and "
            "this file has none. Take the model-<n>.pt that the trainer wrote."
        )
    return None


def _spec(w: Weights, options: Overrides, release: tuple[int, ...] | None, found: Found) -> tuple[LucidSpec, int]:
    """(network, channels of the picture); fills ``w.out``."""
    entering = w.shape("init_conv.weight")[1]
    out = w.shape("final_conv.weight")[0]
    channels = entering
    w.layer("conv_in", "init_conv")
    if entering == 2 * out or (entering % 2 == 0 and entering > 4 and entering == out):
        # self-conditioning: the previous estimate comes first; without one it is zero, as in half of its training
        channels = entering // 2
        w.out["conv_in.weight"] = w.out["conv_in.weight"][:, channels:]
        found.notes.append("self-conditioning is given zeros, as in half of its training")
    if channels not in (1, 3, 4) or out not in (channels, 2 * channels):
        raise ValueError(f"it takes {entering} and returns {out} channels, which is none of its networks of pictures.")
    nested = "mid_attn.fn.norm.g" in w
    plain = release is not None and nested  # before 1.8.0; see the table in the module's history of releases
    centred, standard = plain and release < (1, 7, 1), plain and release < (1, 7, 3)
    reader = _Reader(w, options, nested, _standardise(1e-5, clamp=not centred) if standard else None)
    learned = "time_mlp.0.weights" in w
    if learned:
        w.out["features.weight"] = w.get("time_mlp.0.weights")
    w.layer("embed.0", "time_mlp.1")
    w.layer("embed.1", "time_mlp.3")
    hidden, features = w.shape("time_mlp.1.weight")
    count = _count(w, "downs.{}.0.block1.proj.weight")
    levels = []
    for i in range(count):
        up, last = count - 1 - i, i == count - 1
        level = reader.level(i, up)
        levels.append(level)
        plain_step = f"downs.{i}.3.weight" in w
        w.layer(f"down.{i}", f"downs.{i}.3" if plain_step else f"downs.{i}.3.1")
        w.layer(f"up.{i}", f"ups.{up}.3" if f"ups.{up}.3.weight" in w else f"ups.{up}.3.1")
        if last and not plain_step:
            raise ValueError("its last level goes down once more, which is none of its networks.")
    reader.block("middle.0", "mid_block1")
    heads, head_channels, full = reader.attention("middle.1", "mid_attn", levels[-1].outputs)
    reader.block("middle.2", "mid_block2")
    reader.block("last", "final_res_block")
    w.layer("conv_out", "final_conv")
    if not full:
        raise ValueError("its attention in the middle is linear, which is none of its networks.")
    if reader.assumed:
        found.assumed.append(f"{reader.assumed}; num_heads or num_head_channels say otherwise")
    grouped = "mid_block1.block1.norm.weight" in w
    if grouped:
        found.assumed.append("8 groups in the blocks' norms (its default)")
    spec = LucidSpec(
        tuple(levels), channels, out, heads, head_channels, reader.memory, groups=8 if grouped else 0, centred=centred,
        mean_values=plain and release < (1, 7, 4), unshuffle=count < 2 or "downs.0.3.1.weight" in w,
        embedding="learned" if learned else "sinusoidal", embedding_channels=features, embedding_hidden=hidden,
    )  # fmt: skip
    return spec, channels


def _count(w: Weights, pattern: str) -> int:
    n = 0
    while n < 100 and pattern.format(n) in w:
        n += 1
    return n


class _Reader:
    """Blocks and attention by name; ``nested``: the names before 1.8; ``convolve``: changes convolutions' weights."""

    def __init__(self, w: Weights, options: Overrides, nested: bool, convolve):
        self.w, self.options, self.nested, self.convolve = w, options, nested, convolve
        self.memory, self.assumed = 0, ""

    def level(self, i: int, up: int) -> LucidLevel:
        for part, name in ((f"encoder.{i}", f"downs.{i}"), (f"decoder.{i}", f"ups.{up}")):
            self.block(f"{part}.0", f"{name}.0")
            self.block(f"{part}.1", f"{name}.1")
        inputs = self.w.shape(f"downs.{i}.0.block1.proj.weight")[0]
        outputs = self.w.shape(f"ups.{up}.0.block1.proj.weight")[0]
        heads, head_channels, full = self.attention(f"encoder.{i}.2", f"downs.{i}.2", inputs)
        if self.attention(f"decoder.{i}.2", f"ups.{up}.2", outputs) != (heads, head_channels, full):
            raise ValueError(f"its attention of level {i} is not the same on both ways.")
        return LucidLevel(inputs, outputs, "full" if full else "linear", heads, head_channels)

    def block(self, target: str, name: str) -> None:
        w = self.w
        w.layer(f"{target}.modulate", f"{name}.mlp.1")
        for i in (0, 1):
            source = f"{name}.block{i + 1}"
            w.layer(f"{target}.conv{i}", f"{source}.proj")
            if self.convolve is not None:
                w.out[f"{target}.conv{i}.weight"] = self.convolve(w.out[f"{target}.conv{i}.weight"])
            if f"{source}.norm.g" in w:
                self._gain(f"{target}.norm{i}", f"{source}.norm")
            else:
                w.layer(f"{target}.norm{i}", f"{source}.norm")
        if f"{name}.res_conv.weight" in w:
            w.layer(f"{target}.shortcut", f"{name}.res_conv")

    def attention(self, target: str, name: str, channels: int) -> tuple[int, int, bool]:
        """(heads, channels of each, whether it is full attention)"""
        w, inner = self.w, f"{name}.fn.fn" if self.nested else name
        self._gain(f"{target}.norm", f"{name}.fn.norm" if self.nested else f"{name}.norm")
        w.out[f"{target}.qkv.weight"] = w.get(f"{inner}.to_qkv.weight")
        hidden = w.shape(f"{inner}.to_qkv.weight")[0] // 3
        full = f"{inner}.to_out.weight" in w
        w.layer(f"{target}.proj", f"{inner}.to_out" if full else f"{inner}.to_out.0")
        if not full:
            self._gain(f"{target}.norm_out", f"{inner}.to_out.1")
        if f"{inner}.mem_kv" in w:
            memory = w.get(f"{inner}.mem_kv")
            if memory.dim() != 4:
                raise ValueError(f"its learned keys have the shape {tuple(memory.shape)}.")
            memory = memory if full else memory.transpose(2, 3)
            _, heads, self.memory, size = memory.shape
            if self.memory:
                w.out[f"{target}.memory.weight"] = memory
            if heads * size == hidden:
                return heads, size, full
        channels, number = self.options.num_head_channels, self.options.num_heads
        size = channels or (hidden // number if number else 32)
        if not size or hidden % size:
            raise ValueError(f"heads of {size} channels do not divide its attention's {hidden}; see num_heads.")
        if not (channels or number):
            self.assumed = f"{hidden // size} attention heads of 32 channels"
        return hidden // size, size, full

    def _gain(self, target: str, source: str) -> None:
        self.w.out[f"{target}.weight"] = self.w.get(f"{source}.g").flatten()
        if f"{source}.b" in self.w:
            raise ValueError("of a release of before August 2022, which is not supported. Those of today load.")


def _standardise(eps: float, *, clamp: bool):
    """Weight standardisation (Qiao et al. 2019), which releases before 1.7.3 do in each forward pass."""

    def change(weight: Tensor) -> Tensor:
        if weight.is_meta:
            return weight.float()
        w = weight.float()
        mean, var = w.mean(dim=(1, 2, 3), keepdim=True), w.var(dim=(1, 2, 3), unbiased=False, keepdim=True)
        return (w - mean) * (var.clamp(min=eps) if clamp else var + eps).rsqrt()

    return change


def _process(
    tables: Mapping[str, Tensor],
    options: Overrides,
    data_range: tuple[float, float],
    release: tuple[int, ...] | None,
    found: Found,
) -> Preconditioning:
    if options.sde not in (None, "vp", "vp-discrete"):
        raise ValueError(f'it is a discrete VP network; sde="{options.sde}" does not fit.')
    betas, said = tables.get("betas"), []
    prediction = options.prediction or _objective(tables)
    if prediction is None:
        old = "p2_loss_weight" in tables or (release is not None and release < (1, 6, 3))
        prediction = "eps" if old else "v"
        since = "until 1.6.2" if old else "since 1.6.3"
        found.assumed.append(f"{prediction} prediction (its default {since}); prediction says otherwise: eps, v, x0")
    elif not options.prediction:
        said.append(f"{prediction} prediction")
    named = None if betas is None else named_table(betas, data_range=data_range, prediction=prediction)
    if named is not None and options.noise_schedule is None and options.levels is None:
        process = named
        said.append(f"{process.levels} levels, {process.beta_schedule} betas")
    else:
        levels = options.levels or (1000 if named is None else named.levels)
        schedule = options.noise_schedule or ("sigmoid" if named is None else named.beta_schedule)
        if schedule == "table":
            raise ValueError("its betas are a table of its own, so other levels need a noise_schedule as well.")
        if named is None and not (options.levels and options.noise_schedule):
            found.assumed.append(f"{levels} levels, {schedule} betas; levels and noise_schedule say otherwise")
        process = VP(
            data_range, prediction=prediction, beta_schedule=schedule, levels=levels, beta_start=0.1 / levels,
            beta_end=20.0 / levels,
        )  # fmt: skip
    if said:
        found.detected.append(", ".join(said))
    return process


def _objective(tables: Mapping[str, Tensor]) -> str | None:
    """What the network was trained to predict, from the weights of its loss: each is another function of the noise.

    With the signal-to-noise ratio s, perhaps clipped to c (Hang et al. 2023), they are c / s for the noise, c for the
    picture and c / (s + 1) for v.
    """
    weight, bar = tables.get("loss_weight"), tables.get("alphas_cumprod")
    if weight is None or bar is None or weight.shape != bar.shape:
        return None
    if not all(t.dim() == 1 and t.is_floating_point() and not t.is_meta for t in (weight, bar)):
        return None
    bar, weight = bar.double(), weight.double()
    inner = (bar > 1e-3) & (bar < 0.999)  # where float32 holds both ends well
    snr, weight = (bar / (1.0 - bar))[inner], weight[inner]
    for name, clipped in (("eps", weight * snr), ("x0", weight), ("v", weight * (snr + 1.0))):
        if snr.numel() and torch.allclose(clipped, snr.clamp(max=float(clipped.max())), rtol=1e-2, atol=0.0):
            return name
    return None


def _edm(options: Overrides, data_range: tuple[float, float], elucidated: bool, found: Found) -> EDM:
    if options.sde is None and not elucidated:
        raise ValueError(
            "its noise levels go in as learned frequencies, as in two of its trainings: ElucidatedDiffusion, which is "
            'supported, and the continuous-time one, which is not. Say sde="edm" if it is the first.'
        )
    if options.sde not in (None, "edm"):
        raise ValueError(f'its learned frequencies are read as EDM\'s noise levels; sde="{options.sde}" does not fit.')
    found.detected.append("ElucidatedDiffusion: EDM's preconditioning")
    low, high = options.sigma_min or 0.002, options.sigma_max or 80.0
    if options.sigma_min is None or options.sigma_max is None:
        found.assumed.append(f"sigma {low:g} to {high:g}, data of spread 0.5 (its defaults)")
    return EDM(data_range, sigma_min=low, sigma_max=high)
