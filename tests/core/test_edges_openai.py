"""DDPM and guided-diffusion: shapes, stages and heads that are just still taken, or just not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from families import broken, found, state_of
from test_checkpoints_improved import shapes

from sdedit_core.checkpoints.formats import adm, adm_known, ddpm
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.weights import Weights
from sdedit_core.networks import adm as unet
from sdedit_core.networks.preconditioning import VP


def test_other_shapes_of_a_ddpm():
    state = state_of("ddpm.ckpt")
    plain = found(state).spec
    wide = {k.replace("nin_shortcut", "conv_shortcut"): v.repeat(1, 1, 3, 3) if "nin_shortcut.weight" in k else v
            for k, v in state.items()}  # fmt: skip
    spec = found(wide).spec
    assert {b.shortcut for b in spec.encoder + spec.decoder} == {0, 3}
    assert {b.shortcut for b in plain.encoder + plain.decoder} == {0, 1}
    spec = found({k: v for k, v in state.items() if "sample.conv" not in k}).spec
    assert {b.kernel for b in spec.encoder + spec.decoder if not b.residual} == {0}
    c, name = plain.decoder[-1].outputs, f"up.0.attn.{len(plain.decoder) - 1}"
    last = max(int(k.split(".")[3]) for k in state if k.startswith("up.0.block."))
    name = f"up.0.attn.{last}"
    more = {f"{name}.{k}.weight": torch.zeros(c, c, 1, 1) for k in ("q", "k", "v", "proj_out")}
    more |= {f"{name}.{k}.bias": torch.zeros(c) for k in ("q", "k", "v", "proj_out", "norm")}
    spec = found({**state, **more, f"{name}.norm.weight": torch.zeros(c)}).spec
    assert [b.heads for b in spec.decoder[-2:]] == [0, 1] and [b.head for b in spec.decoder[-2:]] == [0, 32]


def test_the_native_size_of_a_ddpm_is_told_by_its_attention():
    state = state_of("ddpm.ckpt")
    none = {k: v for k, v in state.items() if not (k.startswith(("down.", "up.")) and ".attn." in k)}
    here = found(none)
    assert here.size is None and not any("native size" in line for line in here.assumed)
    assert found({**state, "logvar": torch.zeros(1000)}).spec == found(state).spec


def test_a_ddpm_without_a_level_is_incomplete():
    state = state_of("ddpm.ckpt")
    broken({k: v for k, v in state.items() if not k.startswith("up.0.block.")}, r"lacks the tensor 'up\.0\.block")
    with pytest.raises(ValueError, match=r"lacks the tensor 'a\.0'"):
        ddpm._count(Weights({}), "a.{}")
    assert ddpm._count(Weights({f"a.{i}": torch.zeros(1) for i in range(120)}), "a.{}") == 100


@pytest.mark.parametrize(
    ("image", "out", "words"),
    [
        (1, 1, ""), (1, 2, ""), (3, 3, ""), (3, 6, ""), (2, 2, "it takes 2 and returns 2 channels, so it is a super-"),
        (3, 4, "it takes 3 and returns 4 channels"), (6, 3, "is a super-resolution or inpainting network"),
        (4, 4, "is a network of 4 channels, which works on a VAE's latents"), (4, 8, "is a network of 4 channels"),
    ],
)  # fmt: skip
def test_channels_in_and_out(image, out, words):
    state = state_of("adm_cond.pt")
    first, last, bias = "input_blocks.0.0.weight", "out.2.weight", "out.2.bias"
    state[first] = state[first][:, :1].repeat(1, image, 1, 1)
    state[last], state[bias] = state[last][:1].repeat(out, 1, 1, 1), state[bias][:1].repeat(out)
    if words:
        broken(state, words)
        return
    here = found(state)
    assert (here.spec.in_channels, here.spec.out_channels) == (image, out)
    assert ("learned variance (its output channels are not used)" in here.detected) == (out == 2 * image)


def test_encoder_and_decoder_have_as_many_stages():
    state = state_of("adm_cond.pt")
    last = max(int(k.split(".")[1]) for k in state if k.startswith("output_blocks."))
    short = {k: v for k, v in state.items() if not k.startswith(f"output_blocks.{last}.")}
    broken(short, f"it has {last + 1} encoder stages and {last} decoder stages; is it complete")
    broken({**state, "output_blocks.501.0.in_layers.0.weight": torch.ones(1)}, "decoder stages; is it complete")


def test_what_is_known_of_improved_diffusions_networks():
    four = adm_known._improved("net", "cosine", 4000, rescale=False)
    assert four == adm_known.Known(
        "net (improved-diffusion): 4 heads, cosine schedule of 4000 levels", 4, None, False, "cosine", 4000, False
    )
    one = adm_known._improved("net", "linear", 1000, rescale=True, heads=1)
    assert one == adm_known.Known(
        "net (improved-diffusion): 1 head, linear schedule of 1000 levels", 1, None, False, "linear", 1000, True
    )


def test_timesteps_of_known_networks():
    def gain(rescaled, **options):
        here, known = Found("", "ADM", None, {}, VP()), adm_known.Known("", levels=4000, rescale_timesteps=rescaled)
        return adm._trained(here, known, Overrides.make(options), (-1.0, 1.0)).label_gain, here.assumed[1:]

    assert gain(False) == (1.0, []) and gain(True) == (0.25, [])
    assert gain(False, rescale_timesteps=True) == (0.25, []) and gain(True, rescale_timesteps=False) == (1.0, [])
    assert gain(None)[0] == 0.25 and len(gain(None)[1]) == 1


def test_a_network_that_may_be_either_is_taken_for_an_edm_network():
    here = found(state_of("cd_lsun.pt"), name="network.pt", num_heads=1)
    assert here.preconditioning.kind == "edm"
    words = 'EDM network with a score; sde="consistency" for a consistency model (cd_*, ct_*)'
    assert here.assumed[0] == words and here.detected == []


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match=r"5 attention heads do not divide its .* channels; see num_heads"):
        found(state_of("adm_cond.pt"), num_heads=5)


DISCRETE = "discrete VP networks"
EDM_TOO = "discrete VP, EDM or consistency networks"


@pytest.mark.parametrize(
    ("name", "sde", "words"),
    [("ddpm.ckpt", sde, DISCRETE) for sde in ("ve", "edm", "subvp", "vp-continuous")]
    + [("adm_cond.pt", sde, EDM_TOO) for sde in ("ve", "subvp", "vp-continuous", "iddpm")],
)
def test_what_these_networks_cannot_be(name, sde, words):
    with pytest.raises(ValueError, match=f'{words}; sde="{sde}" does not fit'):
        found(state_of(name), sde=sde)


def test_resampling_without_weights():
    """``conv_resample=False``: stages on the way down that hold nothing, and up-sampling that leaves no trace."""
    state = state_of("improved_uncond.pt")
    plain = found(state).spec
    ups = {k for k in state if k.startswith("output_blocks.") and k.split(".")[3] == "conv"}
    bare = found({k: v for k, v in state.items() if ".op." not in k and k not in ups}).spec
    for part in ("encoder", "decoder"):
        before, after = getattr(plain, part), getattr(bare, part)
        assert [b.resample for b in before] == [b.resample for b in after] and any(b.resample for b in after)
        assert {b.kernel for b in after if b.resample} == {0} and {b.kernel for b in before if b.resample} == {3}


class Heads:
    """How a network's heads were told, with what was said on the way."""

    def __init__(self, w, openai_edm=False, **options):
        self.found = Found("", "ADM", None, {}, VP())
        self.heads = adm._Heads(w, Overrides.make(options), self.found, openai_edm)

    def of(self, channels, part="encoder"):
        return self.heads(channels, part)


def test_heads_of_known_networks():
    w = shapes(192, True, 768, 15, "op")
    known = Heads(w)
    assert known.found.detected == [adm_known.known_network(w).name] and known.found.assumed == []
    assert known.of(192) == 4 and not known.heads.new_order and not known.heads.assumed_order
    said = Heads(w, num_head_channels=48, num_heads_upsample=2, use_new_attention_order=True)
    assert said.of(96) == 2 and said.of(48) == 1 and said.of(128) == 1 and said.of(192, "decoder") == 2
    assert said.heads.new_order and not said.heads.assumed_order
    assert Heads(w, num_heads=3).of(192, "decoder") == 3
    other = Heads(shapes(64, True, 768, 16, "op"))
    assert other.found.assumed == ["4 heads; num_heads or num_head_channels say otherwise"] and other.of(64) == 4
    assert not other.heads.new_order and other.heads.assumed_order
    usual = Heads(shapes(64, True, 768, 16, "in_layers.2"))
    assert usual.found.assumed == ["64 channels a head; num_heads or num_head_channels say otherwise"]
    assert [usual.of(c) for c in (32, 64, 96, 128, 256)] == [1, 1, 1, 2, 4]


def test_the_order_of_consistency_models_is_their_own():
    w = shapes(64, True, 768, 16, "in_layers.2")
    assert Heads(w, openai_edm=True).heads.new_order and not Heads(w, openai_edm=True).heads.assumed_order


@pytest.mark.parametrize(
    ("plain", "levels", "size"),
    [(False, (3, 4, 5), 256), (True, (3, 4, 5), 128), (False, (4,), 256), (False, (), None)],
)
def test_the_native_size_by_the_levels_that_attend(plain, levels, size):
    here = Found("", "ADM", unet(attention_levels=levels), {}, VP())
    heads = SimpleNamespace(assumed_order=False, plain=plain, known=adm_known.Known(""))
    adm._describe(here, heads, Overrides(), False, None, False)
    assert here.size == size
    assert (f"native size {size}, from the attention levels" in here.assumed) == (size is not None)
