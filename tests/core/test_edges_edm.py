"""EDM: what tells its processes, blocks that it has and has not, and heads and filters by their shapes."""

from __future__ import annotations

import pytest
import torch
from families import broken, file_of, found, state_of, wider

from sdedit_core.checkpoints.formats import edm
from sdedit_core.checkpoints.weights import Weights


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("EDMPrecond", "edm"), ("training.networks.VPPrecond", "vp-continuous"), ("iDDPMPrecond", "iddpm"),
        ("VEPRECOND", "ve"), ("SomePrecond", None),
    ],
)  # fmt: skip
def test_metadata_tell_the_process(said, kind):
    here = found(state_of("edm_song.safetensors"), metadata={"format": "pt", "class": said})
    assert here.preconditioning.kind == (kind or "edm")
    assert (f"{said}, from the metadata" in here.detected) == (kind is not None)
    assert bool(here.assumed) == (kind is None)


def test_an_option_wins_over_metadata_and_table():
    song = state_of("edm_song.safetensors")
    assert found(song, metadata={"class": "VPPrecond"}, sde="edm").preconditioning.kind == "edm"
    table = state_of("edm_iddpm.safetensors")
    here = found(table, metadata={"class": "VPPrecond"})
    assert here.preconditioning.kind == "iddpm" and here.detected[-1] == "iDDPM preconditioning, from the table u"
    assert found(table, sde="edm").preconditioning.kind == "edm"
    with pytest.raises(ValueError, match='EDM networks are "edm", "ve", "vp" or "iddpm"; sde="subvp" does not fit'):
        found(song, sde="subvp")


def test_buffers_of_the_preconditioning_are_left_out():
    song = state_of("edm_song.safetensors")
    plain = found(song)
    more = {"sigma_min": torch.ones(()), "sigma_max": torch.ones(()), "map_augment.weight": torch.ones(2, 2)}
    for state in ({**song, **more}, {**{f"model.{k}": v for k, v in song.items()}, "sigma_min": torch.ones(())}):
        here = found(state)
        assert here.spec == plain.spec and here.weights.keys() == plain.weights.keys()


@pytest.mark.parametrize("key", ["enc.16x16_block0.emb_gain", "enc.16x16_block0.emb_linear.weight"])
def test_edm2_is_named(key):
    broken({**state_of("edm_song.safetensors"), key: torch.ones(1)}, "is an EDM2 network .* which is not supported")


def test_the_filter_of_a_song_network_without_its_buffers():
    for name, words in (("edm_ncsnpp.safetensors", "NCSN++ (EDM)"), ("edm_skip.safetensors", "DDPM++ (EDM)")):
        state = state_of(name)
        here = found({k: v for k, v in state.items() if not k.endswith(".resample_filter")})
        assert here.architecture == words and here.spec == found(state).spec
        assert "resampling filter: its buffers are missing from the file" in here.assumed
    state = state_of("edm_adm.safetensors")
    bare = found({k: v for k, v in state.items() if not k.endswith(".resample_filter")})
    assert bare.architecture == "ADM (EDM)" and not any("filter" in line for line in bare.assumed)
    state = state_of("edm_ncsnpp.safetensors")
    last = [k for k in state if k.endswith(".resample_filter")][-1]
    broken({**state, last: torch.ones(1, 1, 3, 3)}, r"resampling filter other than \[1,1\] and \[1,3,3,1\]")


def test_blocks_that_edm_does_not_have():
    state = state_of("edm_skip.safetensors")
    conv = {k: v for k, v in state.items() if not k.startswith("enc.16x16_conv.")}
    broken(conv, "its encoder does not start with a convolution")
    for part, words in (("enc", "unknown encoder block 'strange'"), ("dec", "unknown decoder block 'strange'")):
        broken({**state, f"{part}.8x8_strange.weight": torch.ones(1)}, words)
    empty = {k: v for k, v in state.items() if not k.startswith("dec.") or "_aux_" in k}
    broken(empty, "no blocks before the output")
    huge = {k.replace("16x16", "8192x8192"): v for k, v in state.items()}
    broken(huge, "does not start with a convolution")
    for big, small, fits in ((4096, 2048, True), (4097, 2048, False), (1, 0, True), (0, 0, False)):
        named = {k.replace("16x16", f"{big}x{big}").replace("8x8", f"{small}x{small}"): v for k, v in state.items()}
        if fits:
            assert found(named).size == big
        else:
            broken(named, "does not start with a convolution|looks like a")
    broken({k: v for k, v in state.items() if "_aux_norm" not in k and "_aux_conv" not in k}, "no output layer")


def test_blocks_are_ordered_by_size_kind_and_number():
    names = [
        "enc.8x8_block10.a", "enc.8x8_block2.a", "enc.8x8_down.a", "enc.16x16_conv.a", "enc.16x16_block0.a",
        "enc.8x8_aux_skip.a", "enc.8x8_aux_down.a", "enc.32x8_block0.a",
        "enc.8x32_block0.a", "enc.8x8_other.a", "enc.8x8_blocked.a",
        "dec.8x8_in1.a", "dec.8x8_in0.a", "dec.16x16_up.a", "dec.8x8_block0.a", "dec.16x16_aux_norm.a",
        "dec.16x16_block11.a", "dec.16x16_block9.a", "enc.8x8_aux_residual.a",
    ]  # fmt: skip
    w = Weights({k: torch.zeros(1) for k in names})
    assert edm._names(w, "enc") == [
        (16, "conv"), (16, "block0"), (8, "down"), (8, "aux_down"), (8, "aux_skip"), (8, "aux_residual"),
        (8, "blocked"), (8, "block2"), (8, "block10"), (8, "other"),
    ]  # fmt: skip
    assert edm._names(w, "dec") == [
        (8, "in0"), (8, "in1"), (8, "block0"), (16, "up"), (16, "block9"), (16, "block11"), (16, "aux_norm"),
    ]  # fmt: skip


def test_heads_of_edms_networks_by_their_width():
    def heads(channels, song):
        name, blocks = "enc.8x8_block0", []
        shapes = {
            "norm0": (channels,), "conv0": (channels, channels, 3, 3), "affine": (channels, 8), "norm1": (channels,),
            "conv1": (channels, channels, 3, 3), "norm2": (channels,), "qkv": (3 * channels, channels, 1, 1),
            "proj": (channels, channels, 1, 1),
        }  # fmt: skip
        state = {f"{name}.{k}.weight": torch.zeros(s, device="meta") for k, s in shapes.items()}
        state |= {f"{name}.{k}.bias": torch.zeros(s[:1], device="meta") for k, s in shapes.items()}
        edm._block(
            Weights(state), blocks, "encoder", name, song, "", {"fir": False, "scale": 1.0, "scale_shift": False}
        )
        return blocks[0].heads

    assert [heads(c, False) for c in (32, 64, 128, 192)] == [1, 1, 2, 3]
    assert [heads(c, True) for c in (32, 64, 128, 192)] == [1, 1, 1, 1]


def test_groups_of_wide_networks():
    config = file_of("diffusers_skip.safetensors")[1]
    state = wider(state_of("diffusers_skip.safetensors"), 32)
    spec = found(state, config=config).spec
    blocks = (*spec.encoder, *spec.middle, *spec.decoder)
    assert {(b.groups_in, b.groups_out) for b in blocks} == {(32, 32)}
    assert {b.attention_groups for b in blocks if b.heads} == {32} and {b.head for b in blocks if b.head} == {32}
    assert all(b.fir for b in (*spec.encoder, *spec.decoder)) and not any(b.fir for b in spec.middle)
