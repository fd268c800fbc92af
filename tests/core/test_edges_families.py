"""What tells the families of checkpoints apart, and what our own files may hold."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from families import state_of

from sdedit_core.checkpoints.formats import adm, ddpm, diffusers, edm, own, score_sde
from sdedit_core.checkpoints.reading import RawFile


@pytest.mark.parametrize("form", [adm, ddpm, diffusers, edm, score_sde])
def test_what_holds_no_tensors_is_no_state_dict(form):
    raw = RawFile(Path("a.pt"), {"step": 3}, "memory")
    assert form.detect(raw).startswith("no state dict")


@pytest.mark.parametrize(
    ("form", "name", "key"),
    [
        (adm, "adm_cond.pt", "time_embed.0.weight"),
        (adm, "adm_cond.pt", "input_blocks.0.0.weight"),
        (adm, "adm_cond.pt", "middle_block.0.in_layers.0.weight"),
        (ddpm, "ddpm.ckpt", "temb.dense.0.weight"),
        (ddpm, "ddpm.ckpt", "conv_in.weight"),
        (ddpm, "ddpm.ckpt", "mid.block_1.norm1.weight"),
        (ddpm, "ddpm.ckpt", "down.0.block.0.norm1.weight"),
        (diffusers, "diffusers_adm.safetensors", "conv_in.weight"),
        (diffusers, "diffusers_adm.safetensors", "time_embedding.linear_1.weight"),
        (diffusers, "diffusers_adm.safetensors", "down_blocks.0.resnets.0.norm1.weight"),
    ],
)
def test_the_keys_that_tell_a_family(form, name, key):
    state = state_of(name)
    assert form.detect(RawFile(Path("a.pt"), state, "memory")) is None
    del state[key]
    assert form.detect(RawFile(Path("a.pt"), state, "memory")) == f"no key {key}"


def test_what_looks_like_a_family_and_is_none():
    def reason(form, state):
        return form.detect(RawFile(Path("a.pt"), state, "memory"))

    state = state_of("adm_cond.pt")
    encoder = {k: v for k, v in state.items() if not k.startswith("output_blocks.")}
    assert reason(adm, encoder) == "no output_blocks, so it is a classifier (an encoder only)"
    text = "cross-attention to text, so it is a latent text-to-image U-Net; load it with the host's own loader"
    for key in ("input_blocks.1.1.transformer_blocks.0.norm1.weight", "middle_block.1.encoder_kv.weight"):
        assert reason(adm, {**state, key: torch.zeros(1)}) == text
    unet = state_of("diffusers_adm.safetensors")
    assert reason(diffusers, {**unet, "mid_block.attentions.0.transformer_blocks.0.x": torch.zeros(1)}) == text
    words = "no keys map_layer0 and enc.<size>x<size>_..."
    song = state_of("edm_song.safetensors")
    assert reason(edm, song) is None
    assert reason(edm, {k: v for k, v in song.items() if k != "map_layer0.weight"}) == words
    assert reason(edm, {k: v for k, v in song.items() if not k.startswith(("enc.", "dec."))}) == words
    assert reason(edm, {f"model.{k}": v for k, v in song.items()}) is None
    assert reason(score_sde, song) == "no keys all_modules.<i>"
    assert reason(score_sde, {}) == "no state dict (neither the file itself nor its 'model' entry)"


def test_what_an_own_file_holds_is_checked(tmp_path):
    assert own.detect(RawFile(Path("a"), {"a": torch.ones(1)}, "memory")) == "no sdedit metadata"
    assert own.detect(RawFile(Path("a"), {"step": 1}, "memory", metadata={"sdedit": "{}"})) == "no tensors"
    assert own.detect(RawFile(Path("a"), {"a": torch.ones(1)}, "memory", metadata={"sdedit": "{}"})) is None


def test_the_frame_of_numbers_follows_the_range():
    precond = SimpleNamespace(data_range=(0.0, 1.0))
    assert own._follows(SimpleNamespace(preconditioning=precond, gain=2.0, offset=-1.0))
    assert not own._follows(SimpleNamespace(preconditioning=precond, gain=2.0, offset=0.0))
    assert not own._follows(SimpleNamespace(preconditioning=precond, gain=1.0, offset=-1.0))


@pytest.mark.parametrize(
    ("value", "size"),
    [(None, None), (0, None), (1, 1), (16384, 16384), ([64, 48], (64, 48)), ([64], 64)],
)
def test_sizes_of_an_own_file(value, size):
    assert own._size(value) == size


@pytest.mark.parametrize("value", [-1, 16385, [], [1, 2, 3], [0, 1], "64", 64.0, False, True, [64, True], {}])
def test_sizes_that_are_none(value):
    with pytest.raises(ValueError, match="neither one nor two sides in pixels"):
        own._size(value)


def test_texts_of_an_own_file():
    assert own._text({"name": "x" * 300}, "name") == "x" * 200 and own._text({}, "name") == ""
    with pytest.raises(ValueError, match="name = 3, which is no text"):
        own._text({"name": 3}, "name")
