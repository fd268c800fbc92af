"""Detection: wrappers, folders, known networks, and diffusers' own networks when it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import known, load_checkpoint
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.load import recognise
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile
from sdedit_core.networks import adm, ddpm, ncsnpp
from sdedit_core.networks.preconditioning import VE


def test_a_refusal_says_what_is_in_the_file_and_lists_no_format(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path)
    assert "its 1 tensors begin with 'weight'" in str(caught.value) and "docs/checkpoints.md" in str(caught.value)
    assert not any(words in str(caught.value) for words in ("score-SDE", "guided-diffusion", "UNet2DModel", "no key"))


@pytest.mark.parametrize(
    ("hints", "value", "wanted"),
    [
        ("google ncsnpp-ffhq-256", 380.0, 348.0),
        ("ncsnpp-celebahq-256", 380.0, 348.0),
        ("ncsnpp-church-256", 380.0, 380.0),
        ("my net", 380.0, 380.0),
    ],
)
def test_known_wrong_sigma_max_is_corrected_and_said(hints, value, wanted):
    found = Found("diffusers", "", ncsnpp(), {}, VE((0.0, 1.0), sigma_max=value))
    known.apply(found, hints, Overrides(), from_scheduler=True)
    assert found.preconditioning.sigma_max == wanted
    assert bool(found.notes) == (wanted != value or hints == "my net")
    kept = Found("diffusers", "", ncsnpp(), {}, VE((0.0, 1.0), sigma_max=value))
    known.apply(kept, hints, Overrides(sigma_max=value), from_scheduler=True)
    assert kept.preconditioning.sigma_max == value


def test_known_networks_are_all_different():
    specs = [*known.shapes().values(), adm(), ddpm(ch=64)]
    assert len({json.dumps(s.to_dict()) for s in specs}) == len(specs)


NCSNPP = {
    "center_input_sample": True, "time_embedding_type": "fourier", "norm_num_groups": None, "norm_eps": 1e-6,
    "mid_block_scale_factor": 2**0.5, "attention_head_dim": None, "layers_per_block": 2, "sample_size": 32,
    "block_out_channels": (32, 64, 64),
    "down_block_types": ("SkipDownBlock2D", "AttnSkipDownBlock2D", "SkipDownBlock2D"),
    "up_block_types": ("SkipUpBlock2D", "AttnSkipUpBlock2D", "SkipUpBlock2D"),
}  # fmt: skip
PLAIN = {
    "sample_size": 32, "layers_per_block": 1, "block_out_channels": (32, 64), "attention_head_dim": 16,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
ADM_LIKE = {
    **PLAIN, "resnet_time_scale_shift": "scale_shift", "downsample_type": "resnet", "upsample_type": "resnet",
    "down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "ResnetUpsampleBlock2D"), "num_class_embeds": 5,
}  # fmt: skip


@pytest.mark.parametrize("config", [NCSNPP, PLAIN, ADM_LIKE], ids=["ncsnpp", "plain", "adm"])
def test_equals_diffusers(config):
    diffusers = pytest.importorskip("diffusers")
    from sdedit_core.checkpoints.load import build

    theirs = diffusers.UNet2DModel(**config).eval().requires_grad_(False)
    g = torch.Generator().manual_seed(0)
    for name, p in theirs.named_parameters():
        if not name.startswith("time_proj"):
            std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
            p.copy_(torch.randn(p.shape, generator=g) * std + float(p.dim() == 1 and name.endswith("weight")))
    raw = RawFile(Path("memory"), dict(theirs.state_dict()), "memory", config=dict(theirs.config))
    ours = build(recognise(raw, Overrides(), "ema"), dtype=torch.float32, device="cpu").network
    x, label = torch.rand(2, 3, 32, 32, generator=g), torch.tensor([3.0, 70.0])
    y = torch.tensor([0, 4]) if "num_class_embeds" in config else None
    wanted = theirs(x, label, class_labels=y).sample
    if config is NCSNPP:
        got = ours(2 * x - 1, label.log()) / label[:, None, None, None]
    else:
        got = ours(x, label, y)
    assert float((got - wanted).abs().max() / wanted.abs().max()) < 1e-5
