"""Where the families' readers decide: what is just still taken, what just not, and what a missing part stands for."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import golden
import pytest
import torch

from sdedit_core.checkpoints.formats import adm, ddpm, diffusers, edm, own, score_sde
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.load import recognise
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile, read_file
from sdedit_core.checkpoints.states import any_state, strip
from sdedit_core.checkpoints.weights import Weights
from sdedit_core.networks.preconditioning import VE, VP, Consistency, ContinuousVP


@cache
def _file(name):
    with TemporaryDirectory() as folder:
        path = golden.unpack(name, Path(folder))
        path = next(path.glob("diffusion*")) if path.is_dir() else path
        raw = read_file(path)
        config = path.parent / "config.json"
        return raw, json.loads(config.read_text()) if config.exists() else None


def state_of(name):
    """A copy of the tensors of a family's file, by name."""
    return strip(dict(any_state(_file(name)[0].content)), "model.")


def found(state, name="a.pt", config=None, scheduler=None, metadata=None, **options):
    raw = RawFile(Path(name), state, "memory", metadata=metadata or {}, config=config, scheduler=scheduler)
    return recognise(raw, Overrides.make(options), "ema")


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


# score-SDE


def test_noise_levels_of_a_file_or_usual_ones():
    state = state_of("ncsnpp_conv.pth")

    def process(sigmas):
        here = found(
            {**state, "sigmas": sigmas} if sigmas is not None else {k: v for k, v in state.items() if k != "sigmas"}
        )
        p = here.preconditioning
        return (p.sigma_min, p.sigma_max), [
            line for line in (*here.detected, *here.assumed) if line.startswith("sigma ")
        ]

    usual = (0.01, 348.0), ["sigma 0.01 to 348: the file has no sigmas"]
    for odd in (None, torch.ones(1), torch.ones(()), torch.tensor([[50.0, 0.5]]), torch.tensor([0.5, 50.0]),
                torch.tensor([50.0, 0.0]), torch.tensor([1e6, 0.5]), torch.tensor([3.0, 3.0])):  # fmt: skip
        assert process(odd) == usual
    said = "from the file's sigmas"
    assert process(torch.tensor([50.0, 0.5])) == ((0.5, 50.0), [f"sigma 0.5 to 50 in 2 levels, {said}"])
    assert process(torch.tensor([9e5, 1.0, 0.5])) == ((0.5, 9e5), [f"sigma 0.5 to 900000 in 3 levels, {said}"])


@pytest.mark.parametrize(("high", "kind"), [(90.4, "ve-discrete"), (89.6, "ve-discrete"), (91.0, "vp-continuous")])
def test_the_celeba_networks_range_tells_discrete_levels(high, kind):
    state = {**state_of("ncsnpp_cat.pth"), "sigmas": torch.tensor([high, 30.0, 10.0, 0.01])}
    p = found(state).preconditioning
    assert p.kind == kind and (kind != "ve-discrete" or p.levels == 4)


def test_a_ddpm_of_that_range_is_none():
    state = {**state_of("sde_ddpm.pth"), "sigmas": torch.tensor([90.0, 0.01])}
    assert found(state).preconditioning == VP()


def test_levels_that_cannot_be_used_count_for_nothing():
    state = {**state_of("ncsnpp_cat.pth"), "sigmas": torch.tensor([0.5, 3.0, 50.0])}
    here = found(state, sde="ve").preconditioning
    assert (here.sigma_min, here.sigma_max, here.levels) == (0.01, 348.0, 1000)


def test_averages_without_a_count_have_no_note():
    model = state_of("ncsnpp_conv.pth")
    trained = [v for k, v in model.items() if k not in ("sigmas", "all_modules.0.W")]
    for ema, notes in (
        ({"shadow_params": trained, "num_updates": 12}, ["averaged over 12 updates"]),
        ({"shadow_params": trained, "num_updates": 1.5}, []),
        ({"shadow_params": trained}, []),
    ):
        assert found({"model": model, "ema": ema}).notes == notes


def broken(state, words):
    with pytest.raises(ValueError, match=words) as caught:
        found(state)
    assert "\n" not in str(caught.value)


def test_lists_of_modules_that_are_no_such_network():
    state = state_of("ncsnpp_conv.pth")
    last = max(int(k.split(".")[1]) for k in state if k.startswith("all_modules."))
    one = torch.zeros(1)
    broken({**state, "extra": one}, "holds the tensor 'extra', which is not part of")
    broken({**state, "all_modules.2001.W": one}, "longer than any")
    broken({**state, "all_modules.2000.W": one}, "layer|ends early|does not fit|part of|belongs|not where")
    broken(
        {**state, f"all_modules.{last + 1}.strange": one}, f"module {last + 1} of its list, with strange, belongs to no"
    )
    broken(
        {**state, f"all_modules.{last + 1}.weight": torch.zeros(1, 1, 1), f"all_modules.{last + 1}.bias": one},
        "belongs to no",
    )
    head = {k: v for k, v in state.items() if k == "sigmas" or int(k.split(".")[1]) < 4}
    broken(head, "no residual blocks")
    bare = {f"all_modules.{int(k.split('.')[1]) - 2}." + k.split(".", 2)[2]: v
            for k, v in state.items() if k != "sigmas" and int(k.split(".")[1]) > 2}  # fmt: skip
    broken({**bare, "all_modules.0.W": state["all_modules.0.W"]}, "no noise embedding")
    for end in (last, last - 1, last - 2):
        broken(
            {k: v for k, v in state.items() if k == "sigmas" or int(k.split(".")[1]) < end},
            "ends early|no middle|not where",
        )


def test_names_of_score_sdes_networks():
    for name, words in (
        ("ncsnpp_conv.pth", "NCSN++"),
        ("ddpmpp_vp.pth", "DDPM++"),
        ("sde_ddpm.pth", "DDPM (score-SDE)"),
    ):
        assert found(state_of(name)).architecture == words


def test_what_a_score_sde_network_cannot_be():
    for name, sde, words in (
        ("ncsnpp_ve.pth", "vp", r'reads ln\(sigma\), so it is a VE network; sde="vp" does not fit'),
        ("ncsnpp_ve.pth", "ve-discrete", r"reads ln\(sigma\)"),
        ("sde_ddpm.pth", "edm", 'score-SDE networks are VE or VP; sde="edm"'),
        ("ddpmpp_vp.pth", "iddpm", 'sde="iddpm"'),
        ("ddpmpp_vp.pth", "consistency", 'sde="consistency"'),
    ):
        with pytest.raises(ValueError, match=words):
            found(state_of(name), sde=sde)


# EDM


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
    broken({**state_of("edm_song.safetensors"), key: torch.ones(1)}, "it is an EDM2 network, which this version")


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
    large = {k.replace("16x16", "4096x4096").replace("8x8", "2048x2048"): v for k, v in state.items()}
    assert found(large).size == 4096


def test_blocks_are_ordered_by_size_kind_and_number():
    names = [
        "enc.8x8_block10.a", "enc.8x8_block2.a", "enc.8x8_down.a", "enc.16x16_conv.a", "enc.16x16_block0.a",
        "enc.8x8_aux_skip.a", "enc.8x8_aux_down.a", "enc.16x8_block0.a", "enc.8x8_other.a", "enc.8x8_blocked.a",
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


# DDPM


def test_the_native_size_of_a_ddpm_is_told_by_its_attention():
    state = state_of("ddpm.ckpt")
    none = {k: v for k, v in state.items() if not (k.startswith(("down.", "up.")) and ".attn." in k)}
    here = found(none)
    assert here.size is None and not any("native size" in line for line in here.assumed)
    assert found({**state, "logvar": torch.zeros(1000)}).spec == found(state).spec


@pytest.mark.parametrize("sde", ["ve", "edm", "subvp", "vp-continuous"])
def test_a_ddpm_is_a_discrete_vp_network(sde):
    with pytest.raises(ValueError, match=f'discrete VP networks; sde="{sde}" does not fit'):
        found(state_of("ddpm.ckpt"), sde=sde)


def test_a_ddpm_without_a_level_is_incomplete():
    state = state_of("ddpm.ckpt")
    broken({k: v for k, v in state.items() if not k.startswith("up.0.block.")}, r"lacks the tensor 'up\.0\.block")
    assert ddpm._count(Weights({f"a.{i}": torch.zeros(1) for i in range(120)}), "a.{}") == 100


# guided-diffusion


@pytest.mark.parametrize(
    ("image", "out", "fits"),
    [
        (1, 1, True), (1, 2, True), (3, 3, True), (3, 6, True), (4, 4, True), (4, 8, True), (2, 2, False),
        (6, 3, False), (3, 4, False),
    ],
)  # fmt: skip
def test_channels_in_and_out(image, out, fits):
    state = state_of("adm_cond.pt")
    first, last, bias = "input_blocks.0.0.weight", "out.2.weight", "out.2.bias"
    state[first] = state[first][:, :1].repeat(1, image, 1, 1)
    state[last], state[bias] = state[last][:1].repeat(out, 1, 1, 1), state[bias][:1].repeat(out)
    if not fits:
        broken(state, f"it takes {image} and returns {out} channels, so it is a super-resolution or other special")
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


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match=r"5 attention heads do not divide its .* channels; see num_heads"):
        found(state_of("adm_cond.pt"), num_heads=5)


@pytest.mark.parametrize("sde", ["ve", "subvp", "vp-continuous", "iddpm"])
def test_what_an_adm_network_cannot_be(sde):
    with pytest.raises(ValueError, match=f'discrete VP, EDM or consistency networks; sde="{sde}" does not fit'):
        found(state_of("adm_cond.pt"), sde=sde)


# diffusers

PLAIN = {**diffusers._DEFAULTS, "num_heads": None}
CENTRED = {**PLAIN, "center_input_sample": True}


def process(scheduler, config=PLAIN, fourier=False, **options):
    here = Found(diffusers.NAME, "UNet2DModel", None, {}, VP())
    p = diffusers._preconditioning(scheduler, config, Overrides.make(options), fourier, here)
    return p, here.detected, here.assumed


def named(kind):
    return [f"{kind} from scheduler_config.json"]


DDPM = {"_class_name": "DDPMScheduler"}
SCHEDULERS = [
    (DDPM, VP()),
    ({**DDPM, "beta_schedule": "linear", "beta_start": 0.001, "beta_end": 0.01}, VP(beta_start=0.001, beta_end=0.01)),
    ({**DDPM, "beta_schedule": "scaled_linear"}, VP(beta_schedule="scaled_linear")),
    ({**DDPM, "beta_schedule": "squaredcos_cap_v2"}, VP(beta_schedule="cosine")),
    ({**DDPM, "prediction_type": "epsilon"}, VP()),
    ({**DDPM, "prediction_type": "v_prediction"}, VP(prediction="v")),
    ({**DDPM, "prediction_type": "sample", "num_train_timesteps": 250}, VP(prediction="x0", levels=250)),
    ({**DDPM, "beta_start": None, "prediction_type": None, "rescale_betas_zero_snr": False}, VP()),
    ({"_class_name": "DDIMScheduler"}, VP()),
    ({"_class_name": "PNDMScheduler"}, VP()),
    ({"_class_name": "ScoreSdeVpScheduler"}, ContinuousVP()),
    ({"_class_name": "ScoreSdeVpScheduler2", "beta_min": 0.2, "beta_max": 9}, ContinuousVP(beta_min=0.2, beta_max=9.0)),
    ({"_class_name": "Other", "beta_start": 0.001}, VP(beta_start=0.001)),
    ({"_class_name": "Other", "beta_schedule": "linear"}, VP()),
    ({"_class_name": "CMStochasticIterativeScheduler"}, Consistency(label_gain=250.0)),
    (
        {"_class_name": "CMStochasticIterativeScheduler", "sigma_min": 0.01, "sigma_max": 9.0, "sigma_data": 0.25},
        Consistency(sigma_min=0.01, sigma_max=9.0, sigma_data=0.25, label_gain=250.0),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("scheduler", "wanted"), SCHEDULERS, ids=[str(i) for i in range(len(SCHEDULERS))])
def test_what_schedulers_say(scheduler, wanted):
    few = ["consistency model: few_step, 1 to 4 evaluations"] * (wanted.kind == "consistency")
    assert process(scheduler) == (wanted, named(scheduler["_class_name"]) + few, [])


def test_what_is_said_wins_over_the_scheduler():
    assert process(DDPM, sde="vp-continuous")[0] == ContinuousVP()
    assert process({"_class_name": "ScoreSdeVpScheduler"}, sde="vp-discrete")[0] == VP()
    assert process({"_class_name": "ScoreSdeVpScheduler"}, sde="vp")[0] == ContinuousVP()
    cm = {"_class_name": "CMStochasticIterativeScheduler", "beta_start": 1e-4}
    assert process(cm, sde="vp")[0] == VP()
    assert process(DDPM, sde="consistency", sigma_max=9.0)[0] == Consistency(sigma_max=9.0, label_gain=250.0)
    odd = {**DDPM, "beta_schedule": "odd", "prediction_type": "odd"}
    said = {"noise_schedule": "cosine", "prediction": "v"}
    assert process(odd, **said)[0] == VP(prediction="v", beta_schedule="cosine")
    assert process({"_class_name": "Other"}, noise_schedule="cosine", prediction="v")[0].prediction == "v"


def test_no_scheduler():
    assert process(None) == (VP(), [], ["no scheduler_config.json: linear betas, eps prediction"])
    assert process(None, sde="consistency")[1:] == (["consistency model: few_step, 1 to 4 evaluations"], [])
    assert process({}) == (VP(), ["noise schedule from scheduler_config.json"], [])
    p, detected, assumed = process(None, fourier=True)
    assert p == VE((-1.0, 1.0), sigma_min=0.01, sigma_max=348.0) and detected == []
    assert assumed == [
        "no scheduler_config.json: VE noise", "sigma_max 348, as no scheduler says it; sigma_max=380 would be another",
    ]  # fmt: skip


def test_ranges_of_pixels_by_the_configuration():
    assert process(DDPM, CENTRED)[0].data_range == (0.0, 1.0) and process(DDPM)[0].data_range == (-1.0, 1.0)
    assert process(DDPM, CENTRED, data_range=(0.0, 0.5))[0].data_range == (0.0, 0.5)
    assert process(None, CENTRED, fourier=True)[0].data_range == (0.0, 1.0)
    assert process(None, CENTRED, fourier=True, data_range=(0.0, 0.5))[0].data_range == (0.0, 0.5)
    cm = process({"_class_name": "CMStochasticIterativeScheduler"}, CENTRED)[0]
    assert cm.data_range == (0.0, 1.0)
    assert process({"_class_name": "ScoreSdeVpScheduler"}, CENTRED)[0].data_range == (0.0, 1.0)


def test_fourier_networks_take_ve_schedulers():
    ve = {"_class_name": "ScoreSdeVeScheduler", "sigma_min": 0.02, "sigma_max": 90.0}
    assert process(ve, fourier=True) == (
        VE((-1.0, 1.0), sigma_min=0.02, sigma_max=90.0),
        named("ScoreSdeVeScheduler"),
        [],
    )
    said = process(ve, fourier=True, sde="ve", sigma_min=0.03, sigma_max=80.0)[0]
    assert (said.sigma_min, said.sigma_max) == (0.03, 80.0)
    assert process(None, fourier=True, sigma_max=80.0)[2] == ["no scheduler_config.json: VE noise"]
    for sde in ("vp", "consistency", "edm"):
        with pytest.raises(ValueError, match=rf'reads ln\(sigma\), so it is a VE network; sde="{sde}"'):
            process(ve, fourier=True, sde=sde)
    for scheduler, words in (
        (DDPM, "its scheduler DDPMScheduler is none of a VE network"),
        ({"beta_start": 1e-4}, "its scheduler with betas is none of a VE network"),
        ({"beta_schedule": "linear"}, "its scheduler with betas"),
        ({"_class_name": "CMStochasticIterativeScheduler"}, "CMStochasticIterativeScheduler is none"),
    ):
        with pytest.raises(ValueError, match=words):
            process(scheduler, fourier=True)
        assert process(scheduler, fourier=True, sde="ve")[0] == VE((-1.0, 1.0), sigma_min=0.01, sigma_max=348.0)


@pytest.mark.parametrize(
    ("scheduler", "options", "words"),
    [
        (DDPM, {"sde": "ve"}, 'VP or consistency network; sde="ve" does not fit'),
        (DDPM, {"sde": "edm"}, 'sde="edm" does not fit'),
        ({"_class_name": "Other"}, {}, "its scheduler 'Other' is not supported; give noise_schedule and prediction"),
        ({"_class_name": "Other"}, {"prediction": "v"}, "'Other' is not supported"),
        ({"_class_name": "Other"}, {"noise_schedule": "linear"}, "'Other' is not supported"),
        ({**DDPM, "trained_betas": [0.1]}, {}, "betas of its own"),
        ({**DDPM, "rescale_betas_zero_snr": True}, {}, "betas of its own"),
        ({**DDPM, "beta_schedule": "sigmoid"}, {}, "beta_schedule 'sigmoid' and prediction_type None; give"),
        ({**DDPM, "prediction_type": "flow"}, {}, "prediction_type 'flow'; give"),
        ({**DDPM, "beta_start": True}, {}, "beta_start = True, which is no sensible number"),
        ({**DDPM, "beta_start": "x"}, {}, "beta_start = 'x', which is no sensible"),
        ({**DDPM, "beta_end": -0.1}, {}, r"beta_end = -0\.1, which"),
        ({**DDPM, "num_train_timesteps": 10**6}, {}, "num_train_timesteps = 1000000, which"),
        ({"_class_name": "ScoreSdeVpScheduler", "beta_max": 0}, {}, "beta_max = 0, which"),
    ],
)
def test_schedulers_that_are_refused(scheduler, options, words):
    with pytest.raises(ValueError, match=words):
        process(scheduler, **options)


def configured(fourier=False, **config):
    here = Found(diffusers.NAME, "UNet2DModel", None, {}, VP())
    return diffusers._config(config, fourier, here), here


def test_a_configuration_adds_to_the_usual_one():
    out, here = configured(norm_eps=1e-3, _class_name="x", own="y")
    assert out == {**PLAIN, "norm_eps": 1e-3, "own": "y"}
    assert here.detected == ["configuration from config.json"] and here.assumed == []


@pytest.mark.parametrize(("fourier", "kind"), [(True, "google/ncsnpp-*"), (False, "google/ddpm-*")])
def test_without_a_configuration(fourier, kind):
    here = Found(diffusers.NAME, "UNet2DModel", None, {}, VP())
    out = diffusers._config(None, fourier, here)
    assert here.assumed == [f"no config.json beside the file: norms, heads and embedding as in {kind}"]
    assert here.detected == [] and out["norm_eps"] == 1e-6 and out["attention_head_dim"] is None
    assert (out["flip_sin_to_cos"], out["freq_shift"], out["downsample_padding"]) == (
        (True, 0, 1) if fourier else (False, 1, 0)
    )
    assert out["norm_num_groups"] == (None if fourier else 32)
    assert out["mid_block_scale_factor"] == (math.sqrt(2) if fourier else 1.0)
    assert out["center_input_sample"] == fourier and out["num_heads"] is None


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("act_fn", ("silu", "swish"), ("gelu", None)),
        ("class_embed_type", (None, "identity"), ("timestep", "projection")),
        ("time_embedding_type", ("positional", "fourier"), ("learned", None)),
        ("freq_shift", (0, 1), (2, -1)),
        ("norm_eps", (1e-6, 1, 99.9), (0, -1, 100, True, "1", None)),
        ("mid_block_scale_factor", (1e-6, 1, 99.9), (0, 100, True, "1", None)),
        ("attention_head_dim", (None, 1, 16384), (0, 16385, 8.0, True, "8")),
        ("norm_num_groups", (None, 1, 16384), (0, 16385, 8.0, True)),
        ("attn_norm_num_groups", (None, 1, 16384), (0, 16385, 8.0, True)),
    ],
)
def test_values_of_a_configuration(key, good, bad):
    for value in good:
        assert configured(**{key: value})[0][key] == value
    for value in bad:
        with pytest.raises(ValueError, match=r"activation|embedding|freq_shift|no sensible number"):
            configured(**{key: value})


def test_sizes_of_a_configuration():
    state, config = state_of("diffusers_adm.safetensors"), _file("diffusers_adm.safetensors")[1]

    def size(value):
        here = found(state, config={**config, "sample_size": value}, scheduler=DDPM)
        return here.size, [line for line in (*here.detected, *here.assumed) if "native size" in line]

    said = "native size {}, from config.json"
    assert size(64) == (64, [said.format("64")]) and size([48, 64]) == ((48, 64), [said.format("64 x 48")])
    assert size((64, 64)) == (64, [said.format("64")]) and size(16384) == (16384, [said.format("16384")])
    assert size(None) == (32, ["native size 32: attention at 16 x 16"])
    assert size(1)[0] == 1
    for odd in (0, 16385, [64], [64, 64, 64], [64, None], [64, 64.0], "64", True):
        with pytest.raises(
            ValueError, match=r"config\.json has sample_size = .*; it must be one or two sides in pixels"
        ):
            size(odd)
    flat = {k: v for k, v in state.items() if ".attentions." not in k or k.startswith("mid")}
    flat = found(flat, config={**config, "sample_size": None}, scheduler=DDPM)
    assert flat.size is None and not any("native" in line for line in flat.assumed)


def test_heads_by_number_or_size():
    state, config = state_of("diffusers_adm.safetensors"), _file("diffusers_adm.safetensors")[1]

    def heads(**options):
        spec = found(state, config=config, scheduler=DDPM, **options).spec
        return {b.heads for b in (*spec.encoder, *spec.middle, *spec.decoder) if b.heads}

    assert heads() == {4} and heads(num_heads=2) == {2} and heads(num_head_channels=16) == {2}


def test_names_of_2022_are_translated():
    state = state_of("diffusers_adm.safetensors")
    old = {}
    for key, value in state.items():
        for new, name in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            key = key.replace(f".{new}.", f".{name}.")
        old[key] = value
    assert old.keys() != state.keys() and diffusers._translate(old).keys() == state.keys()
    more = {
        "a.downsamplers.0.op.w": 1,
        "b.downsamplers.0.Conv2d_0.w": 2,
        "c.upsamplers.0.Conv2d_0.w": 3,
        "time_proj.W": 4,
    }
    assert diffusers._translate(more) == {
        "a.downsamplers.0.conv.w": 1, "b.downsamplers.0.conv.w": 2, "c.upsamplers.0.conv.w": 3, "time_proj.weight": 4,
    }  # fmt: skip
    assert diffusers._translate({"time_proj.W": 4, "time_proj.weight": 5}) == {"time_proj.weight": 5}


def test_groups_that_the_configuration_must_give():
    state, config = state_of("diffusers_adm.safetensors"), _file("diffusers_adm.safetensors")[1]
    with pytest.raises(ValueError, match="gives no norm_num_groups"):
        found(state, config={**config, "norm_num_groups": None}, scheduler=DDPM)
    cut = {k: v for k, v in state.items() if not k.startswith("up_blocks.")}
    with pytest.raises(ValueError, match="it has no decoder"):
        found(cut, config=config, scheduler=DDPM)


# our own


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
