"""State dicts of NVlabs/edm networks (SongUNet: DDPM++ and NCSN++; DhariwalUNet: ADM), e.g. ``.safetensors``.

Keys name pixel sizes (``enc.32x32_block0.conv0.weight``), resampling filters are buffers.  The preconditioning is
not in a state dict: metadata or an option says it, else EDM's own is assumed, as in the repository's best networks.
"""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from torch import Tensor

from ...networks import BlockSpec, UNetSpec
from ...networks.ncsnpp import SKIP_SCALE, norm_groups
from ...networks.preconditioning import EDM, IDDPM, VE, ContinuousVP, Preconditioning
from ...sde import short
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state, strip
from ..weights import Weights, added, joined, pixel_affine, scaled, swap_halves

NAME = "EDM state dict"
_BLOCK = re.compile(r"(enc|dec)\.(\d+)x(\d+)_(\w+?)\.")
_ORDER = {"conv": 0, "in0": 1, "in1": 2, "up": 3, "down": 4, "aux_down": 5, "aux_skip": 6, "aux_residual": 7}
_PRECOND = {"edmprecond": "edm", "veprecond": "ve", "vpprecond": "vp", "iddpmprecond": "iddpm"}


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    state = any_state(raw.content)
    if state is None:
        return "no state dict"
    state = _model(state)
    if "map_layer0.weight" not in state or not any(_BLOCK.match(k) for k in state):
        return "no keys map_layer0 and enc.<size>x<size>_..."
    return None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from the key names."""
    state, which = choose_state(raw.content, weights)
    table = "u" in state
    state = _model(state)
    w = Weights(state)
    if any(k.endswith((".emb_gain", ".emb_linear.weight")) for k in state):
        raise ValueError("it is an EDM2 network, which this version does not run.")
    found = Found(NAME, "", None, {}, EDM(), which=which)
    size = _spec(w, found)
    for key in [k for k in state if k.endswith(".resample_filter") or k.startswith("map_augment.")]:
        w.drop(key)
    found.weights = w.finish()
    found.size = size
    found.detected.append(f"native size {size}, from the keys")
    found.preconditioning = _preconditioning(raw, options, table, found)
    affine = pixel_affine(found.preconditioning.data_range)
    found.gain, found.offset = affine["gain"], affine["offset"]
    return found


def _model(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The network's own tensors, without the preconditioning's buffers and prefix."""
    return strip({k: v for k, v in state.items() if k not in ("u", "sigma_min", "sigma_max")}, "model.")


def _preconditioning(raw: RawFile, options: Overrides, table: bool, found: Found) -> Preconditioning:
    data_range = options.data_range or (-1.0, 1.0)
    sde = options.sde
    if sde is None:
        said = [v for v in raw.metadata.values() if _last(v) in _PRECOND]
        if table:
            sde = "iddpm"
            found.detected.append("iDDPM preconditioning, from the table u")
        elif said:
            sde = _PRECOND[_last(said[0])]
            found.detected.append(f"{said[0]}, from the metadata")
        else:
            sde = "edm"
            found.assumed.append('EDM preconditioning; sde="ve" or "vp" selects the baselines\'')
    if sde == "edm":
        return EDM(data_range, sigma_min=options.sigma_min or 0.002, sigma_max=options.sigma_max or 80.0)
    if sde == "ve":
        low, high = options.sigma_min or 0.02, options.sigma_max or 100.0
        return VE(data_range, sigma_min=low, sigma_max=high, label_gain=0.5)
    if sde in ("vp", "vp-continuous"):
        return ContinuousVP(data_range, t_min=1e-5)
    if sde == "iddpm":
        return IDDPM(data_range)
    raise ValueError(f'EDM networks are "edm", "ve", "vp" or "iddpm"; sde="{sde}" does not fit.')


def _last(path: str) -> str:
    """A class by its own name, whatever module it is from."""
    return path.lower().rpartition(".")[2]


def _names(w: Weights, part: str) -> list[tuple[int, str]]:
    names = {(int(m[2]), m[4]) for k in w.source if (m := _BLOCK.match(k)) and m[1] == part and m[2] == m[3]}
    sign = -1 if part == "enc" else 1

    def key(item: tuple[int, str]) -> tuple[int, int, int]:
        size, name = item
        number = int(name[5:]) if name.startswith("block") and name[5:].isdigit() else 0
        rank = _ORDER.get(name, 10 if name.startswith("block") else 20)
        return sign * size, rank, number

    return sorted(names, key=key)


def _spec(w: Weights, found: Found) -> int:
    encoder_names, decoder_names = _names(w, "enc"), _names(w, "dec")
    size = encoder_names[0][0]
    if encoder_names[0][1] != "conv" or not 1 <= size <= 4096:
        raise ValueError("its encoder does not start with a convolution; is it complete?")
    name = f"enc.{size}x{size}_conv"
    base, image = w.shape(f"{name}.weight")[:2]
    w.layer("conv_in", name)
    first = next(f"enc.{s}x{s}_{n}" for s, n in encoder_names if n.startswith("block"))
    adaptive = w.shape(f"{first}.affine.weight")[0] == 2 * w.shape(f"{first}.conv0.weight")[0]
    song = not adaptive
    filters = [k for k in w.source if k.endswith(".resample_filter")]
    fir = bool(filters) and w.shape(filters[0])[-1] == 4
    if any(w.shape(k)[-1] not in (2, 4) for k in filters):
        raise ValueError("it uses a resampling filter other than [1,1] and [1,3,3,1].")
    if not filters and song:
        fir = "map_noise.freqs" in w
        found.assumed.append("resampling filter: its buffers are missing from the file")
    found.architecture = ("NCSN++ (EDM)" if fir else "DDPM++ (EDM)") if song else "ADM (EDM)"
    scale = SKIP_SCALE if song else 1.0
    options = {"fir": fir, "scale": scale, "scale_shift": adaptive}
    encoder = _encoder(w, encoder_names[1:], song, options)
    middle: list[BlockSpec] = []
    decoder: list[BlockSpec] = []
    out = 0
    for s, n in decoder_names:
        name = f"dec.{s}x{s}_{n}"
        if n in ("in0", "in1"):
            _block(w, middle, "middle", name, song, "", options)
        elif n == "up" or n.startswith("block"):
            _block(w, decoder, "decoder", name, song, "up" if n == "up" else "", options)
        elif n == "aux_norm":
            out = _head(w, decoder, name, f"dec.{s}x{s}_aux_conv")
        elif n not in ("aux_conv", "aux_up"):
            raise ValueError(f"it has an unknown decoder block {short(n)}.")
    if "out_norm.weight" in w:
        out = _head(w, decoder, "out_norm", "out_conv")
    if not out:
        raise ValueError("its decoder has no output layer; is it complete?")
    found.spec = _embedding(w, song, UNetSpec(image, out, base, tuple(encoder), tuple(middle), tuple(decoder)))
    return size


def _encoder(w: Weights, names: list[tuple[int, str]], song: bool, options: dict) -> list[BlockSpec]:
    encoder: list[BlockSpec] = []
    for s, n in names:
        name = f"enc.{s}x{s}_{n}"
        if n == "down" or n.startswith("block"):
            _block(w, encoder, "encoder", name, song, "down" if n == "down" else "", options)
            continue
        j = len(encoder) - 1
        if n == "aux_skip":
            w.layer(f"pyramid.{j}.conv", name)
            encoder[j] = replace(encoder[j], pyramid="sum")
        elif n == "aux_residual":
            for part in ("weight", "bias"):
                w.out[f"pyramid.{j}.conv.conv.{part}"] = scaled(w.get(f"{name}.{part}"), SKIP_SCALE)
            encoder[j] = replace(encoder[j], pyramid="residual")
        elif n != "aux_down":
            raise ValueError(f"it has an unknown encoder block {short(n)}.")
    return encoder


def _block(w: Weights, blocks: list[BlockSpec], part: str, name: str, song: bool, resample: str, options: dict) -> None:
    target, scale = f"{part}.{len(blocks)}", options["scale"]
    cin, cout = w.shape(f"{name}.norm0.weight")[0], w.shape(f"{name}.norm1.weight")[0]
    shortcut = f"{name}.skip" if f"{name}.skip.weight" in w else ""
    w.res_block(
        target, norm0=f"{name}.norm0", conv0=f"{name}.conv0", emb=f"{name}.affine", norm1=f"{name}.norm1",
        conv1=f"{name}.conv1", shortcut=shortcut, scale=scale,
    )  # fmt: skip
    heads = 0
    if f"{name}.qkv.weight" in w:
        heads = 1 if song else max(cout // 64, 1)
        w.fused_attention(
            f"{target}.attention", norm=f"{name}.norm2", qkv=f"{name}.qkv", proj=f"{name}.proj", heads=heads,
            order="edm", scale=scale,
        )  # fmt: skip
    blocks.append(
        BlockSpec(
            cin, cout, resample=resample, shortcut=w.shape(f"{shortcut}.weight")[-1] if shortcut else 0,
            groups_in=norm_groups(cin), groups_out=norm_groups(cout), attention_groups=norm_groups(cout),
            heads=heads, **options,
        )
    )  # fmt: skip


def _head(w: Weights, decoder: list[BlockSpec], norm: str, conv: str) -> int:
    if not decoder:
        raise ValueError("its decoder has no blocks before the output; is it complete?")
    target = f"heads.{len(decoder) - 1}"
    w.layer(f"{target}.norm", norm)
    w.layer(f"{target}.conv", conv)
    decoder[-1] = replace(decoder[-1], head=norm_groups(decoder[-1].outputs))
    return w.shape(f"{conv}.weight")[0]


def _embedding(w: Weights, song: bool, spec: UNetSpec) -> UNetSpec:
    hidden, features = w.shape("map_layer0.weight")
    fourier = "map_noise.freqs" in w
    if fourier:
        w.out["embed.features.weight"] = w.get("map_noise.freqs")
    w.layer("embed.linear0", "map_layer0")
    w.layer("embed.linear1", "map_layer1")
    if not song:
        w.out["embed.linear0.weight"] = swap_halves(w.out["embed.linear0.weight"])
    classes = 0
    if "map_label.weight" in w:
        # a linear layer on one-hot labels is a table of rows; the last row stands for "no class"
        table = w.get("map_label.weight").float().t()
        classes = table.shape[0]
        table = joined([scaled(table, classes**0.5 if song else 1.0), torch.zeros_like(table[:1])])
        bias = w.get("map_label.bias").float() if "map_label.bias" in w else None
        w.out["embed.classes.weight"] = table if bias is None else added(table, bias)
    return replace(
        spec, embedding="fourier" if fourier else "sinusoidal", embedding_channels=features,
        embedding_hidden=hidden, embedding_endpoint=song, num_classes=classes, null_class=bool(classes),
        label_position="noise" if song else "embedding", eps=1e-6 if song else 1e-5,
    )  # fmt: skip
