"""OpenAI: guided-diffusion, improved-diffusion, consistency models."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from .case import SIDE, Case, discrete, filled, noisy, wide


def guided(root: Path) -> Iterator[Case]:
    """guided-diffusion: flat state dicts."""
    sys.path.insert(0, str(root / "guided-diffusion"))
    unet = importlib.import_module("guided_diffusion.unet")
    gaussian = importlib.import_module("guided_diffusion.gaussian_diffusion")
    usual = {"image_size": SIDE, "in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2),
             "attention_resolutions": (2,), "out_channels": 6}  # fmt: skip
    rows = [
        ("32 channels a head", {"num_head_channels": 32, "resblock_updown": True, "use_scale_shift_norm": True}, {}),
        ("16 channels a head", {"num_head_channels": 16, "resblock_updown": True, "use_scale_shift_norm": True}, {}),
        ("new order of q, k, v",
         {"num_head_channels": 16, "use_new_attention_order": True, "resblock_updown": True}, {}),
        ("4 heads, 5 classes", {"num_heads": 4, "num_classes": 5, "resblock_updown": True}, {}),
        ("no scale-shift, fixed variance", {"num_heads": 2, "out_channels": 3, "resblock_updown": True}, {}),
        ("down by convolutions", {"num_heads": 2, "use_scale_shift_norm": True}, {}),
        ("down by means", {"num_heads": 2, "conv_resample": False, "use_scale_shift_norm": True}, {}),
        ("cosine", {"num_heads": 4, "resblock_updown": True}, {"noise_schedule": "cosine"}),
        ("400 levels", {"num_heads": 4, "resblock_updown": True}, {"levels": 400, "rescale_timesteps": False}),
    ]  # fmt: skip
    yield from _openai("guided-diffusion", unet, gaussian, usual, rows, 200)


def improved(root: Path) -> Iterator[Case]:
    """improved-diffusion: flat state dicts."""
    sys.path.insert(0, str(root / "improved-diffusion"))
    unet = importlib.import_module("improved_diffusion.unet")
    gaussian = importlib.import_module("improved_diffusion.gaussian_diffusion")
    usual = {"in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2), "out_channels": 6,
             "attention_resolutions": (2,), "num_heads": 4}  # fmt: skip
    scale = {"use_scale_shift_norm": True}
    rows = [
        ("4 heads", scale, {}), ("cosine, 4000 levels", scale, {"noise_schedule": "cosine", "levels": 4000}),
        ("timesteps not rescaled", scale, {"levels": 4000, "rescale_timesteps": False}),
        ("2 heads in the decoder, 5 classes", {"num_heads_upsample": 2, "num_classes": 5, **scale}, {}),
        ("1 head, no scale-shift, fixed variance", {"num_heads": 1, "out_channels": 3}, {}),
        ("3 blocks, 3 levels", {"num_res_blocks": 3, "channel_mult": (1, 2, 2), **scale}, {}),
    ]  # fmt: skip
    yield from _openai("improved-diffusion", unet, gaussian, usual, rows, 300)


def _openai(family, unet, gaussian, usual, rows, first) -> Iterator[Case]:
    for seed, (words, options, said) in enumerate(rows, first):
        net = filled(unet.UNetModel(**{**usual, **options}), seed)
        levels = said.get("levels", 1000)
        betas = torch.tensor(gaussian.get_named_beta_schedule(said.get("noise_schedule", "linear"), levels))
        gain = 1000.0 / levels if said.get("rescale_timesteps", True) else 1.0
        y = torch.tensor([4, 0]) if "num_classes" in options else None
        call = lambda x, t, net=net, y=y: net(x, t, y)  # noqa: E731
        x, sigma, wanted = discrete(call, betas, [levels // 25, levels * 9 // 10], seed, gain=gain)
        heads = ("num_heads", "num_head_channels", "num_heads_upsample", "use_new_attention_order")
        said = said | {k: v for k, v in {**usual, **options}.items() if k in heads}
        yield Case(family, words, dict(net.state_dict()), x, sigma, wanted, y, options=said)


def consistency(root: Path) -> Iterator[Case]:
    """consistency_models: flat state dicts; FlashAttention, which needs a GPU, is stood in for by its definition."""
    sys.path.insert(0, str(root / "consistency_models"))

    class FlashAttention(nn.Module):
        def __init__(self, **options):
            super().__init__()

        def forward(self, qkv, **options):
            q, k, v = (t.transpose(1, 2) for t in qkv.unbind(2))
            weight = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)
            return (weight @ v).transpose(1, 2), None

    package, module = types.ModuleType("flash_attn"), types.ModuleType("flash_attn.flash_attention")
    module.FlashAttention = FlashAttention
    sys.modules |= {"flash_attn": package, "flash_attn.flash_attention": module}
    unet = importlib.import_module("cm.unet")
    sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
    usual = {"image_size": SIDE, "in_channels": 3, "model_channels": 32, "num_res_blocks": 1, "channel_mult": (1, 2),
             "attention_resolutions": (2,), "out_channels": 3, "num_head_channels": 16,
             "resblock_updown": True}  # fmt: skip
    try:
        for seed, (words, options) in enumerate(
            [("scale-shift", {"use_scale_shift_norm": True}), ("5 classes", {"num_classes": 5}), ("plain", {})], 400
        ):
            net = filled(unet.UNetModel(**{**usual, **options}), seed)
            y = torch.tensor([4, 0]) if "num_classes" in options else None
            x = noisy(seed, sigma)
            s = wide(sigma)
            out = net((x.double() / (s**2 + 0.25).sqrt()).float(), (250 * sigma.log()).float(), y)
            for kind, above in (("edm", s), ("consistency", s - 0.002)):
                wanted = out.double() * above * 0.5 / (s**2 + 0.25).sqrt() + x.double() * 0.25 / (above**2 + 0.25)
                said = {"sde": kind, "num_head_channels": 16}
                state = dict(net.state_dict())
                yield Case("consistency_models", f"{words}, {kind}", state, x, sigma, wanted.float(), y, options=said)
    finally:
        for name in ("flash_attn", "flash_attn.flash_attention"):
            sys.modules.pop(name)
