"""crowsonkb/k-diffusion's ``image_v1`` models: the trainer's ``.pth``, and the ``.safetensors`` made of it to be used.

Both hold the configuration, which says what the weights do not: the spread of the data, the noise levels, the size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...networks import KDiffusionSpec
from ...networks.plain import is_number, short
from ...networks.preconditioning import EDM
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state, strip
from ..weights import Weights, pixel_affine

NAME = "k-diffusion checkpoint (image_v1)"
MAX_CONFIG = 1 << 20  # letters


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    state = strip(state)
    needed = ("timestep_embed.weight", "mapping.0.weight", "proj_in.weight", "u_net.d_blocks.0.1.main.2.weight")
    missing = [k for k in needed if k not in state]
    return f"no key {missing[0]}" if missing else None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from names and shapes, its process from the configuration where there is one."""
    state, which = choose_state(raw.content, weights)
    found = Found(NAME, "image_v1 of k-diffusion", None, {}, EDM(), which=which)
    config = _config(raw, found)
    w = Weights(strip(state))
    found.spec = _spec(w, config)
    found.weights = w.finish()
    data_range = options.data_range or (-1.0, 1.0)
    values = {}
    for key, usual in (("sigma_min", 0.01), ("sigma_max", 80.0), ("sigma_data", 0.5)):
        said = config.get(key)
        if said is not None and not is_number(said, 1e-6, 1e6):
            raise ValueError(f"its configuration has {key} = {short(said)}, which is no sensible number.")
        values[key] = float(getattr(options, key) or said or usual)
        if said is None and getattr(options, key) is None:
            found.assumed.append(f"{key} {usual:g}, as in its configurations; {key} says otherwise")
    found.preconditioning = EDM(data_range, **values)
    affine = pixel_affine(data_range)
    found.gain, found.offset = affine["gain"], affine["offset"]
    size = config.get("input_size")
    sides = list(size) if isinstance(size, (list, tuple)) else [size, size]
    if len(sides) == 2 and all(type(side) is int and 0 < side <= 16384 for side in sides):
        found.size = sides[0] if sides[0] == sides[1] else (sides[0], sides[1])
        found.detected.append("native size, from its configuration")
    if options.data_range is None:
        found.assumed.append("pixels in [-1, 1], as its trainer has them")
    return found


def _config(raw: RawFile, found: Found) -> Mapping[str, Any]:
    """The ``model`` part of the configuration in the file, or nothing."""
    whole: Any = raw.content.get("config") if isinstance(raw.content, Mapping) else None
    if text := raw.metadata.get("config"):
        try:
            whole = json.loads(text) if len(text) <= MAX_CONFIG else None
        except (ValueError, RecursionError):
            whole = None
    model = whole.get("model") if isinstance(whole, Mapping) else None
    if not isinstance(model, Mapping):
        return {}
    if model.get("type", "image_v1") != "image_v1":
        raise ValueError(f"its configuration is of the kind {short(model['type'])}, not image_v1.")
    found.detected.append("configuration from the file")
    return model


def _spec(w: Weights, config: Mapping[str, Any]) -> KDiffusionSpec:
    """Everything; fills ``w.out``."""
    features = w.shape("mapping.0.weight")[0]
    w.out["features.weight"] = w.get("timestep_embed.weight").flatten()
    w.layer("embed.0", "mapping.0")
    w.layer("embed.1", "mapping.2")
    if "mapping_cond.weight" in w:
        if w.shape("mapping_cond.weight")[1] != 9:
            raise ValueError("it is conditioned on more than the noise level, which is not supported.")
        w.drop("mapping_cond.weight")  # of the training's augmentation, which is none here
    if any(key.endswith((".kv_proj.weight", ".q_proj.weight")) for key in w.source):
        raise ValueError("it attends to text or other conditions, which is not supported.")
    w.drop(*(key for key in w.source if re.fullmatch(r"u_net\.[du]_blocks\.\d+\.\d+\.kernel", key)))
    w.layer("conv_in", "proj_in")
    w.layer("conv_out", "proj_out")
    entering, leaving = w.shape("proj_in.weight")[1], w.shape("proj_out.weight")[0]
    if leaving - entering not in (0, 1):
        raise ValueError(f"it takes {entering} and returns {leaving} channels, so it is given more than a picture.")
    image, patch = _folded(entering, config)
    count = _count(w, "u_net.d_blocks.{}.1.main.2.weight")
    if _count(w, "u_net.u_blocks.{}.0.main.2.weight") != count:
        raise ValueError("it goes down and up in different numbers of steps; is it complete?")
    # stages left out by progressive growing are stored, but do not run: the first that halves tells how many
    halving = next((i for i in range(count) if f"u_net.d_blocks.{i}.0.kernel" in w), None)
    skipped = 0 if halving is None else max(0, halving - 1)
    depths, widths, attention = [], [], []
    for level in range(count):
        down, up = f"u_net.d_blocks.{level}", f"u_net.u_blocks.{count - 1 - level}"
        if level < skipped:
            w.drop(*(key for key in w.source if key.startswith((f"{down}.", f"{up}."))))
            continue
        target = level - skipped
        depth, attends = _stage(w, f"encoder.{target}", down, 1)
        if _stage(w, f"decoder.{target}", up, 0) != (depth, attends):
            raise ValueError(f"its level {level} is not the same on both ways.")
        depths.append(depth)
        widths.append(w.shape(f"{down}.1.main.2.weight")[0])
        attention.append(attends)
    return KDiffusionSpec(
        tuple(widths), tuple(depths), tuple(attention), features, image, patch, variance=leaving == entering + 1
    )


def _folded(entering: int, config: Mapping[str, Any]) -> tuple[int, int]:
    """(channels of the picture, patch size) whose product, the patch squared, enters the network."""
    said = config.get("input_channels"), config.get("patch_size", 1)
    pairs = [(c, p) for c in (3, 1, 4) for p in (1, 2, 4, 8, 16) if c * p * p == entering]
    if not pairs:
        raise ValueError(f"{entering} channels enter it, which are none of a picture.")
    return said if said in pairs else pairs[0]


def _count(w: Weights, pattern: str) -> int:
    n = 0
    while n < 100 and pattern.format(n) in w:
        n += 1
    return n


def _stage(w: Weights, target: str, name: str, first: int) -> tuple[int, bool]:
    """(blocks, whether attention follows each) of a stage whose blocks are counted from ``first``."""
    number, block, attends = first, 0, False
    while f"{name}.{number}.main.2.weight" in w and block < 100:
        source, own = f"{name}.{number}", f"{target}.{block}"
        for i, (norm, conv) in enumerate(((0, 2), (4, 6))):
            w.layer(f"{own}.norm{i}.mapper", f"{source}.main.{norm}.mapper")
            w.layer(f"{own}.conv{i}", f"{source}.main.{conv}")
        if f"{source}.skip.weight" in w:
            w.out[f"{own}.shortcut.weight"] = w.get(f"{source}.skip.weight")
        number += 1
        if f"{name}.{number}.qkv_proj.weight" in w:
            attends = True
            w.layer(f"{own}.attention.norm.mapper", f"{name}.{number}.norm_in.mapper")
            w.layer(f"{own}.attention.qkv", f"{name}.{number}.qkv_proj")
            w.layer(f"{own}.attention.proj", f"{name}.{number}.out_proj")
            number += 1
        block += 1
    if not block:
        raise ValueError(f"it lacks the blocks of {name}; is it complete?")
    return block, attends
