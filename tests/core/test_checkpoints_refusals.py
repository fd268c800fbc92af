"""What is no score model is told in two sentences: what it is, why it cannot be used, what to do."""

from __future__ import annotations

import pytest
import torch
from families import found, state_of
from golden import NAMES

from sdedit_core.checkpoints import inspect_checkpoint, load_checkpoint
from sdedit_core.checkpoints.refusals import by_tensors

KEYS = {
    "a LoRA": ["lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight"],
    "a ControlNet": ["control_model.input_blocks.0.0.weight"],
    "a latent model": ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"],
    "a latent text-to-image": ["down_blocks.0.attentions.0.transformer_blocks.0.norm1.weight", "conv_in.weight"],
    "a diffusion transformer": ["double_blocks.0.img_attn.qkv.weight"],
    "a text encoder": ["text_model.encoder.layers.0.self_attn.q_proj.weight"],
    "a VAE": ["encoder.conv_in.weight", "decoder.conv_in.weight", "quant_conv.weight"],
    "a textual inversion": ["emb_params"],
    "an EDM2 network": ["emb_noise.weight", "enc.64x64_conv.weight", "out_gain"],
    "an NCSN network": ["begin_conv.weight", "res1.0.conv1.weight", "refine1.adapt_convs.0.1_1_conv.weight"],
    "a k-diffusion network": ["inner_model.mapping.0.main.0.weight", "inner_model.timestep_embed.weight"],
    "a classifier": ["time_embed.0.weight", "input_blocks.0.0.weight", "middle_block.0.in_layers.0.weight"],
    "a picture upscaler": ["conv_first.weight", "body.0.rdb1.conv1.weight"],
    "a GAN's generator": ["synthesis.b4.const"],
}
BYTES = {
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 262309\n",
    "a web page": b"\n<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    "a HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    "a video": b"\0\0\0\x18ftypisom\0\0\0\0mp42isom" + bytes(40),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "a GGUF": b"GGUF\x03\0\0\0" + bytes(40),
    "an HDF5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "a compressed archive": b"\x1f\x8b\x08\0" + bytes(40),
}


def _told(error, words):
    text = str(error.value)
    assert words in text and "not a " not in text.replace("pixels", "") and len(text) < 400 and "\n" not in text
    assert 1 <= text.count(". ") + text.endswith(".") <= 3, text
    return text


@pytest.mark.parametrize("words", KEYS)
def test_neighbours_of_score_models(words, tmp_path):
    path = tmp_path / "file.pt"
    torch.save({"state_dict": {key: torch.zeros(4, 4) for key in KEYS[words]}}, path)
    for door in (load_checkpoint, inspect_checkpoint):
        with pytest.raises(ValueError, match=r"file\.pt is ") as error:
            door(path)
        _told(error, words)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("words", BYTES)
def test_files_that_are_no_weights(words, suffix, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(BYTES[words])
    with pytest.raises(ValueError, match=f"file{suffix}: This is ") as error:
        load_checkpoint(path)
    _told(error, words)


@pytest.mark.parametrize(
    ("name", "first"), [("adm_cond.pt", "input_blocks.0.0.weight"), ("ddpm.ckpt", "conv_in.weight")]
)
def test_a_second_picture_and_latents(name, first):
    state = state_of(name)
    wide = state[first]
    with pytest.raises(ValueError, match="super-resolution") as error:
        found({**state, first: wide.repeat(1, 2, 1, 1)})
    _told(error, "6 channels in")
    last = "out.2.weight" if "out.2.weight" in state else "conv_out.weight"
    latent = {**state, first: wide[:, [0, 1, 2, 0]], last: state[last][[0, 1, 2, 0]]}
    if name == "adm_cond.pt":
        with pytest.raises(ValueError, match="4 channels") as error:
            found(latent)
        _told(error, "latents")


def test_unknown_files_get_no_list_of_near_misses():
    for content in ({"backbone.stem.weight": torch.zeros(3)}, {"epoch": 3, "args": {}}, [], 7):
        with pytest.raises(ValueError) as error:
            found(content)
        text = str(error.value)
        assert text.count(". ") <= 2 and len(text) < 420
        assert not any(word in text for word in ("guided-diffusion", "score-SDE", "DDPM", "UNet2DModel", "all_modules"))


@pytest.mark.parametrize("name", NAMES)
def test_no_score_model_is_taken_for_something_else(name):
    assert by_tensors(state_of(name)) is None
