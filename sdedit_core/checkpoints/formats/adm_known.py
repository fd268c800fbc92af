"""Published ADM networks, told by their shapes: what their training flags say and their files do not.

The flags are those of the README of openai/guided-diffusion and of openai/improved-diffusion ("Models and
Hyperparameters"), and of scripts/launch.sh of openai/consistency_models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..weights import Weights


@dataclass(frozen=True)
class Known:
    """What is known of a network; None where it is not."""

    name: str
    num_heads: int | None = None
    num_head_channels: int | None = None
    new_attention_order: bool | None = None
    noise_schedule: str | None = None
    levels: int | None = None
    rescale_timesteps: bool | None = None


def _improved(what: str, schedule: str, levels: int, rescale: bool, heads: int = 4) -> Known:
    words = f"{what} (improved-diffusion): {heads} head{'s' * (heads > 1)}, {schedule} schedule of {levels} levels"
    return Known(words, heads, None, False, schedule, levels, rescale)


# (features, classes, learned variance, deepest channels, encoder stages, plain downsampling)
_KNOWN_2D = {  # attention as 2-D convolutions: EDM networks and the consistency models made of them look alike
    (256, False, False, 1024, 18, False): Known("LSUN 256 of consistency_models: 64 channels a head", None, 64, True),
    (192, True, False, 768, 16, False): Known("ImageNet 64 of consistency_models: 64 channels a head", None, 64, True),
}
_KNOWN = {
    (192, True, True, 768, 16, False): Known(
        "64x64_diffusion (guided-diffusion): new attention order, cosine schedule", None, 64, True, "cosine", 1000
    ),
    (256, True, True, 1024, 15, False): Known("128x128_diffusion (guided-diffusion): 4 heads", 4),
    (192, True, True, 768, 16, True): _improved("imagenet64_cond", "cosine", 4000, rescale=False),
    (128, False, True, 512, 16, True): _improved("imagenet64_uncond", "cosine", 4000, rescale=True),
    (128, False, True, 256, 16, True): _improved("cifar10_uncond", "cosine", 4000, rescale=True),
    (128, False, True, 512, 18, True): _improved("lsun_uncond", "linear", 1000, rescale=False, heads=1),
}


def downsamples_plainly(w: Weights) -> bool:
    """Whether the encoder goes down by convolutions alone, as all of improved-diffusion's networks do.

    Guided-diffusion's published networks go down by residual blocks (``resblock_updown``).
    """
    return any(re.fullmatch(r"input_blocks\.\d+\.0\.op\.weight", key) for key in w.source)


def attends_in_2d(w: Weights) -> bool:
    """Whether attention is stored as 2-D convolutions, as openai/consistency_models does and its forerunners do not."""
    return any(key.endswith(".qkv.weight") and value.dim() == 4 for key, value in w.source.items())


def kind_by_name(file: str) -> str | None:
    """What a file's name says it is: "consistency", "edm", or None when it says neither.

    Consistency models are ``cd_*`` (distilled), ``ct_*`` (trained) or the trainer's ``target_model*``, their teachers
    ``edm_*``; the tensors are the same.
    """
    words = re.split(r"[^a-z0-9]+", file.lower())
    if "edm" in words:
        return "edm"
    if {"cd", "ct", "consistency"} & set(words) or file.lower().startswith("target_model"):
        return "consistency"
    return None


def known_network(w: Weights) -> Known | None:
    """The published network with these shapes, or None."""
    table = _KNOWN_2D if attends_in_2d(w) else _KNOWN
    depth = 1 + max(int(k.split(".")[1]) for k in w.source if k.startswith("input_blocks."))
    return table.get(
        (
            w.shape("time_embed.0.weight")[1],
            "label_emb.weight" in w,
            w.shape("out.2.weight")[0] == 6,
            w.shape("middle_block.0.in_layers.0.weight")[0],
            depth,
            downsamples_plainly(w),
        )
    )
