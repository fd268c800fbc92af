"""score-SDE and EDM."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from .case import SIDE, Case, discrete, filled, linear, noisy, wide


def score_sde(root: Path) -> Iterator[Case]:
    """score_sde_pytorch: full training files, with their list of averages."""
    import ml_collections

    path, op = root / "score_sde_pytorch", types.ModuleType("op")
    sys.path.insert(0, str(path))
    text = (path / "op" / "upfirdn2d.py").read_text(encoding="utf-8")
    space: dict[str, Any] = {"torch": torch, "F": F}
    exec(text[text.index("def upfirdn2d_native") :], space)  # noqa: S102 - its twin needs a GPU's compiler
    native = space["upfirdn2d_native"]
    op.upfirdn2d = lambda x, k, up=1, down=1, pad=(0, 0): native(x, k, up, up, down, down, *pad, *pad)
    sys.modules["op"] = op
    ddpm, ncsnpp = (importlib.import_module(f"models.{name}") for name in ("ddpm", "ncsnpp"))
    plain = F.interpolate

    def interpolate(x, size=None, *rest, **options):  # the code of 2021 gives the mode as third argument
        named = {"mode": rest[0]} if rest and isinstance(rest[0], str) else {}
        return plain(x, size, *(() if named else rest), **named, **options)

    def config(**options):
        c = ml_collections.ConfigDict({"data": {}, "training": {}, "model": {}})
        c.data.image_size, c.data.num_channels, c.data.centered = SIDE, 3, options.pop("centered", False)
        c.training.continuous = options.pop("continuous", True)
        c.model = {
            "sigma_min": 0.01, "sigma_max": 50.0, "num_scales": 1000, "beta_min": 0.1, "beta_max": 20.0, "dropout": 0.0,
            "embedding_type": "fourier", "normalization": "GroupNorm", "nonlinearity": "swish", "nf": 16,
            "ch_mult": (1, 2), "num_res_blocks": 2, "attn_resolutions": (8,), "resamp_with_conv": True,
            "conditional": True, "fir": True, "fir_kernel": [1, 3, 3, 1], "skip_rescale": True,
            "resblock_type": "biggan", "progressive": "none", "progressive_input": "none", "init_scale": 0.0,
            "progressive_combine": "sum", "fourier_scale": 16, "conv_size": 3, "scale_by_sigma": True, **options,
        }  # fmt: skip
        return c

    def written(net):
        trained = [p for name, p in net.named_parameters() if not name.endswith("all_modules.0.W")]
        state = {f"module.{k}": v for k, v in net.state_dict().items()}
        return {"model": state, "ema": {"decay": 0.999, "num_updates": 7, "shadow_params": trained}, "step": 7}

    pyramid = {"progressive": "output_skip", "progressive_input": "input_skip", "ch_mult": (1, 2, 2)}
    residual, bare = {"progressive_input": "residual"}, {"scale_by_sigma": False}
    exploding = [
        ("two pyramids", pyramid), ("two pyramids joined by concatenation", {**pyramid, "progressive_combine": "cat"}),
        ("residual pyramid", residual), ("no pyramid, FIR", {}), ("no pyramid, no filter", {"fir": False}),
        ("DDPM blocks", {"resblock_type": "ddpm", "fir": False, **residual}),
        ("4 levels", {**pyramid, "ch_mult": (1, 1, 2, 2)}),
        ("skips not rescaled", {**pyramid, "skip_rescale": False}), ("4 blocks", {"num_res_blocks": 4, **residual}),
        ("sigma_max 348", {**pyramid, "sigma_max": 348.0}),
    ]  # fmt: skip
    F.interpolate = interpolate
    try:
        for seed, (words, options) in enumerate(exploding):
            net = filled(ncsnpp.NCSNpp(config(**options)), seed)
            sigma = torch.tensor([0.3, 20.0], dtype=torch.float64)
            x = noisy(seed, sigma, 0.0)
            said = {} if options.get("skip_rescale", True) else {"skip_rescale": False}
            said |= {"fir": False} if words == "no pyramid, no filter" else {}  # elsewhere the file tells it
            wanted = x + wide(sigma.float() ** 2) * net(x, sigma.float())
            yield Case("score-SDE NCSN++, VE", words, written(net), x, sigma, wanted, options=said, name="net.pth")
        for seed, (words, options, said) in enumerate(
            [
                ("DDPM++", {"fir": False}, {}), ("FIR", {}, {"fir": True}),
                ("sub-VP", {"fir": False}, {"sde": "subvp"}),
                ("VP, 4 blocks", {"fir": False, "num_res_blocks": 4}, {}),
            ],
            20,
        ):  # fmt: skip
            net = filled(ncsnpp.NCSNpp(config(embedding_type="positional", centered=True, **bare, **options)), seed)
            t = torch.tensor([0.2, 0.7], dtype=torch.float64)
            alpha = torch.exp(-0.25 * t**2 * (20 - 0.1) - 0.5 * t * 0.1)
            spread = 1 - alpha**2 if said.get("sde") == "subvp" else (1 - alpha**2).sqrt()
            sigma = spread / alpha
            x = noisy(seed, sigma)
            wanted = x - wide(sigma.float()) * net((x.double() * wide(alpha)).float(), (t * 999).float())
            yield Case("score-SDE DDPM++", words, written(net), x, sigma, wanted, options=said, name="net.pth")
        for seed, mult in ((30, (1, 1)), (31, (1, 2))):
            net = filled(ddpm.DDPM(config(nf=32, ch_mult=mult, centered=True, **bare)), seed)
            call = lambda x, t, net=net: net(x, t.long())  # noqa: E731
            x, sigma, wanted = discrete(call, linear(), [40, 900], seed)
            yield Case("score-SDE DDPM", f"channels {mult}", written(net), x, sigma, wanted, name="net.pth")
    finally:
        F.interpolate = plain


def edm(root: Path) -> Iterator[Case]:
    """EDM's networks with their preconditioners, as state dicts."""
    sys.path.insert(0, str(root / "edm"))
    networks = importlib.import_module("training.networks")
    sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
    song = {"model_type": "SongUNet", "model_channels": 16, "channel_mult": [1, 2], "num_blocks": 2, "dropout": 0.0,
            "attn_resolutions": [8]}  # fmt: skip
    plus = {"embedding_type": "positional", "encoder_type": "standard", "resample_filter": [1, 1]}
    fourier = {"embedding_type": "fourier", "channel_mult_noise": 2, "encoder_type": "residual",
               "resample_filter": [1, 3, 3, 1]}  # fmt: skip
    adm = {"model_type": "DhariwalUNet", "model_channels": 16, "channel_mult": [1, 4], "num_blocks": 1,
           "attn_resolutions": [8], "dropout": 0.0}  # fmt: skip
    rows = [
        ("DDPM++", "EDMPrecond", {**song, **plus}), ("NCSN++", "EDMPrecond", {**song, **fourier}),
        ("DDPM++, augmented", "EDMPrecond", {**song, **plus, "augment_dim": 9}),
        ("DDPM++, 5 classes", "EDMPrecond", {**song, **plus, "label_dim": 5}),
        ("ADM, 5 classes", "EDMPrecond", {**adm, "label_dim": 5}), ("ADM", "EDMPrecond", adm),
        ("VP baseline", "VPPrecond", {**song, **plus}), ("VE baseline", "VEPrecond", {**song, **fourier}),
        ("NCSN++ of 3 levels", "EDMPrecond", {**song, **fourier, "channel_mult": [1, 2, 2]}),
    ]  # fmt: skip
    for seed, (words, kind, options) in enumerate(rows, 100):
        net = filled(getattr(networks, kind)(SIDE, 3, **options), seed)
        y = torch.tensor([4, 0]) if "label_dim" in options else None
        x = noisy(seed, sigma)
        wanted = net(x, sigma.float(), None if y is None else torch.eye(5)[y])
        said = {"VPPrecond": {"sde": "vp"}, "VEPrecond": {"sde": "ve"}}.get(kind, {})
        yield Case(f"EDM {kind}", words, dict(net.state_dict()), x, sigma, wanted, y, options=said)
