"""Files of openai/improved-diffusion: told from guided-diffusion's, and what a file cannot say can be said."""

from __future__ import annotations

import pytest
import torch
from families import found
from golden import difference, unpack

from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.formats.adm_known import known_network
from sdedit_core.checkpoints.load import fitted
from sdedit_core.checkpoints.weights import Weights
from sdedit_core.networks.preconditioning import VP

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


def whole(mult, blocks, attention, *, base=128, classes=0, scale_shift=True):
    """All names and shapes of a published network, with learned variance, on the meta device."""
    out, hidden = {}, 4 * base

    def layer(name, *shape):
        out[f"{name}.weight"], out[f"{name}.bias"] = shape, shape[:1]

    def res(name, cin, cout):
        layer(f"{name}.in_layers.0", cin)
        layer(f"{name}.in_layers.2", cout, cin, 3, 3)
        layer(f"{name}.emb_layers.1", cout * (2 if scale_shift else 1), hidden)
        layer(f"{name}.out_layers.0", cout)
        layer(f"{name}.out_layers.3", cout, cout, 3, 3)
        if cin != cout:
            layer(f"{name}.skip_connection", cout, cin, 1, 1)

    def attend(name, c):
        layer(f"{name}.norm", c)
        layer(f"{name}.qkv", 3 * c, c, 1)
        layer(f"{name}.proj_out", c, c, 1)

    layer("time_embed.0", hidden, base)
    layer("time_embed.2", hidden, hidden)
    if classes:
        out["label_emb.weight"] = (classes, hidden)
    layer("input_blocks.0.0", base, 3, 3, 3)
    c, n, skips = base, 1, [base]
    for level, m in enumerate(mult):
        for _ in range(blocks):
            res(f"input_blocks.{n}.0", c, base * m)
            c = base * m
            if level in attention:
                attend(f"input_blocks.{n}.1", c)
            skips.append(c)
            n += 1
        if level < len(mult) - 1:
            layer(f"input_blocks.{n}.0.op", c, c, 3, 3)
            skips.append(c)
            n += 1
    res("middle_block.0", c, c)
    attend("middle_block.1", c)
    res("middle_block.2", c, c)
    n = 0
    for level, m in reversed(list(enumerate(mult))):
        for i in range(blocks + 1):
            res(f"output_blocks.{n}.0", c + skips.pop(), base * m)
            c = base * m
            if level in attention:
                attend(f"output_blocks.{n}.1", c)
            if level and i == blocks:
                layer(f"output_blocks.{n}.{2 if level in attention else 1}.conv", c, c, 3, 3)
            n += 1
    layer("out.0", c)
    layer("out.2", 6, c, 3, 3)
    return {name: torch.empty(shape, device="meta") for name, shape in out.items()}


WHOLE = {  # and the number of parameters that the original counts
    "imagenet64_uncond": ({"mult": (1, 2, 3, 4), "blocks": 3, "attention": (2, 3)}, 121_063_942),
    "cifar10_uncond": ({"mult": (1, 2, 2, 2), "blocks": 3, "attention": (1, 2)}, 52_546_438),
    "imagenet64_cond": (
        {"mult": (1, 2, 3, 4), "blocks": 3, "attention": (2, 3), "base": 192, "classes": 1000}, 273_049_350,
    ),
    "lsun_uncond": (
        {"mult": (1, 1, 2, 2, 4, 4), "blocks": 2, "attention": (4,), "scale_shift": False}, 113_676_678,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_published_networks_at_full_size(name):
    """From names and shapes alone: network, heads, noise levels and how they go in, without anything said."""
    facts, parameters = WHOLE[name]
    here = found(whole(**facts))
    fitted(here, torch.float32)
    # the shortcut convolutions' biases become part of others, so there are fewer
    joined = sum(v.shape[0] for k, v in whole(**facts).items() if k.endswith("skip_connection.bias"))
    assert sum(t.numel() for t in here.weights.values()) == parameters - joined
    heads, schedule, levels, rescaled = PUBLISHED[name][-1]
    assert here.detected[0].startswith(name) and here.spec.num_classes == facts.get("classes", 0)
    assert {b.heads for b in (*here.spec.encoder, *here.spec.decoder) if b.heads} == {heads}
    assert here.preconditioning == VP(
        beta_schedule=schedule, levels=levels, beta_start=0.1 / levels, beta_end=20.0 / levels,
        label_gain=1000.0 / levels if rescaled else 1.0,
    )  # fmt: skip
    assert not any("heads" in line or "betas" in line or "levels" in line for line in here.assumed[1:])
    assert here.size == {"cifar10_uncond": 32, "lsun_uncond": 256}.get(name, 64)


def test_its_upsampling_network_is_refused():
    state = whole((1, 1, 2, 2, 4, 4), 2, (4, 5), base=192, classes=1000)
    state["input_blocks.0.0.weight"] = torch.empty(192, 6, 3, 3, device="meta")
    with pytest.raises(ValueError, match=r"is a super-resolution or inpainting network: .* \(6 channels in\)"):
        found(state)


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
