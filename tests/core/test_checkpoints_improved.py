"""Files of openai/improved-diffusion: told from guided-diffusion's, and what a file cannot say can be said."""

from __future__ import annotations

import pytest
import torch
from golden import difference, unpack

from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.formats.adm_known import known_network
from sdedit_core.checkpoints.weights import Weights

SAID = {"num_heads": 4, "num_heads_upsample": 2, "noise_schedule": "cosine", "levels": 4000, "rescale_timesteps": False}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("num_heads", 2), ("num_heads_upsample", None), ("noise_schedule", "linear"), ("levels", 2000),
        ("rescale_timesteps", True), ("use_new_attention_order", True),
    ],
)  # fmt: skip
def test_everything_that_is_said_matters(tmp_path, name, other):
    wrong = load_checkpoint(unpack("improved_cond.pt", tmp_path), **{**SAID, name: other})
    assert difference(wrong, "improved_cond.pt", "ema") > 1e-3


def test_what_is_assumed_is_said(tmp_path):
    path = unpack("improved_cond.pt", tmp_path)
    assumed = " ".join(load_checkpoint(path).info.assumed)
    for words in ("4 heads", "legacy order", "linear betas", "1000 noise levels"):
        assert words in assumed, assumed
    assert "timesteps from 0 to 1000" in " ".join(load_checkpoint(path, levels=4000).info.assumed)
    assert load_checkpoint(path).size == (32, 32)  # attention_resolutions is 16,8 here, 32,16,8 in guided-diffusion


# features, classes, deepest channels, last encoder stage; as the original code builds its published networks
PUBLISHED = {
    "imagenet64_uncond": (128, False, 512, 15, (4, "cosine", 4000, True)),
    "cifar10_uncond": (128, False, 256, 15, (4, "cosine", 4000, True)),
    "imagenet64_cond": (192, True, 768, 15, (4, "cosine", 4000, False)),
    "lsun_uncond": (128, False, 512, 17, (1, "linear", 1000, False)),
}


def shapes(features: int, classes: bool, deepest: int, last: int, down: str) -> Weights:
    state = {
        "time_embed.0.weight": torch.empty(4 * features, features),
        "out.2.weight": torch.empty(6, features, 3, 3),
        "middle_block.0.in_layers.0.weight": torch.empty(deepest),
        f"input_blocks.{last}.0.in_layers.0.weight": torch.empty(deepest),
        f"input_blocks.4.0.{down}.weight": torch.empty(1),
    }
    return Weights({**state, **({"label_emb.weight": torch.empty(1000, 4 * features)} if classes else {})})


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_are_known(name):
    *facts, wanted = PUBLISHED[name]
    known = known_network(shapes(*facts, "op"))
    assert known.name.startswith(name)
    assert (known.num_heads, known.noise_schedule, known.levels, known.rescale_timesteps) == wanted
    assert known.new_attention_order is False


def test_the_way_down_tells_the_two_apart():
    """imagenet64_cond and guided-diffusion's 64x64_diffusion differ in nothing else."""
    guided = known_network(shapes(192, True, 768, 15, "in_layers.2"))
    assert guided.name.startswith("64x64_diffusion") and guided.new_attention_order is True
    assert guided.num_head_channels == 64 and guided.levels == 1000


@pytest.mark.parametrize(("name", "bad"), [("levels", 1), ("levels", True), ("levels", 1e9), ("rescale_timesteps", 1)])
def test_bad_values_are_named(tmp_path, name, bad):
    with pytest.raises(ValueError, match=name):
        load_checkpoint(unpack("improved_uncond.pt", tmp_path), **{name: bad})
