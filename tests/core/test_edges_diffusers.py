"""diffusers: every scheduler and configuration that is understood, and those that are refused."""

from __future__ import annotations

import json
import math

import pytest
import torch
from families import file_of, found, state_of

from sdedit_core.checkpoints.formats import diffusers
from sdedit_core.checkpoints.formats.diffusers_noise import noise_process
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.weights import Weights
from sdedit_core.networks.preconditioning import EDM, VE, VP, Consistency, ContinuousVP, preconditioning

PLAIN = {**diffusers._DEFAULTS, "num_heads": None}
CENTRED = {**PLAIN, "center_input_sample": True}


def process(scheduler, config=PLAIN, fourier=False, **options):
    here = Found(diffusers.NAME, "UNet2DModel", None, {}, VP())
    p, sign = noise_process(scheduler, config, Overrides.make(options), fourier, here)
    assert sign == (-1.0 if (scheduler or {}).get("prediction_type") == "v_prediction" and p.kind == "edm" else 1.0)
    return p, here.detected, here.assumed


def named(kind):
    return [f"{kind} from scheduler_config.json"]


DDPM = {"_class_name": "DDPMScheduler"}
EULER = {"_class_name": "EDMEulerScheduler"}
SCHEDULERS = [
    (DDPM, VP()),
    ({**DDPM, "beta_schedule": "linear", "beta_start": 0.001, "beta_end": 0.01}, VP(beta_start=0.001, beta_end=0.01)),
    ({**DDPM, "beta_schedule": "scaled_linear"}, VP(beta_schedule="scaled_linear")),
    ({**DDPM, "beta_schedule": "squaredcos_cap_v2"}, VP(beta_schedule="cosine")),
    ({**DDPM, "prediction_type": "epsilon"}, VP()),
    ({**DDPM, "prediction_type": "v_prediction"}, VP(prediction="v")),
    ({**DDPM, "prediction_type": "sample", "num_train_timesteps": 250}, VP(prediction="x0", levels=250)),
    ({**DDPM, "beta_start": None, "prediction_type": None, "rescale_betas_zero_snr": False}, VP()),
    ({**DDPM, "beta_schedule": "sigmoid", "beta_end": 0.01}, VP(beta_schedule="sigmoid-betas", beta_end=0.01)),
    (EULER, EDM()),
    ({**EULER, "sigma_max": 9, "sigma_data": 0.3}, EDM(sigma_max=9.0, sigma_data=0.3)),
    ({"_class_name": "EDMDPMSolverMultistepScheduler", "prediction_type": "v_prediction"}, EDM()),
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


def test_no_signal_at_the_last_level():
    """As diffusers makes it: the roots shifted and scaled; the last level keeps a thousandth of the one before."""
    p, said, _ = process({**DDPM, "rescale_betas_zero_snr": True, "prediction_type": "v_prediction"})
    assert p == VP(prediction="v", zero_snr=True) and "rescale_betas_zero_snr" in said[-1]
    schedule = p.schedule()
    assert schedule.sigma_max == pytest.approx(1000**0.5 * schedule.sigma(0.999), rel=1e-6) and schedule.sigma_max > 1e5
    plain = VP().schedule()
    assert schedule.sigma_min == pytest.approx(plain.sigma_min)  # the first level stays
    first, half, last = ((1 + s * s) ** -0.5 for s in (plain.sigma_min, plain.sigma(0.5), plain.sigma_max))
    wanted = (half - last) * first / (first - last)
    assert (1 + schedule.sigma(0.5) ** 2) ** -0.5 == pytest.approx(wanted)


def test_betas_of_a_training_of_its_own():
    linear = torch.linspace(1e-4, 0.02, 1000).tolist()
    assert process({**DDPM, "trained_betas": linear})[0] == VP()  # under its name
    mine = [0.01, 0.02, 0.05, 0.04]
    p, said, _ = process({**DDPM, "trained_betas": mine, "beta_schedule": "linear"})
    assert p == VP(beta_schedule="table", levels=4, betas=tuple(mine)) and "4 betas of its own (trained_betas)" in said
    assert preconditioning(json.loads(json.dumps(p.to_dict()))) == p
    assert p.schedule().sigma_max == pytest.approx((1 / math.prod(1 - b for b in mine) - 1) ** 0.5)
    assert process({**DDPM, "trained_betas": mine}, noise_schedule="cosine")[0].beta_schedule == "cosine"
    both = process({**DDPM, "trained_betas": mine, "rescale_betas_zero_snr": True})[0]
    assert both.zero_snr and both.betas == tuple(mine)


def test_a_network_of_edm_without_a_scheduler():
    assert process(None, sde="edm", sigma_max=9.0) == (EDM(sigma_max=9.0), [], [])


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
        ({**DDPM, "trained_betas": [0.1]}, {}, "a table of 1 noise levels; 2 to 20,000 are read"),
        ({**DDPM, "trained_betas": [0.1] * 20_001}, {}, "a table of 20,001 noise levels"),
        ({**DDPM, "trained_betas": [0.1, 0.0]}, {}, "betas holds numbers that are not between 0 and 1"),
        ({**DDPM, "trained_betas": [0.1, "x"]}, {}, r"trained_betas = \[0\.1, 'x'\], which are"),
        ({**DDPM, "trained_betas": 7}, {}, "trained_betas = 7, which are"),
        ({**DDPM, "rescale_betas_zero_snr": 1}, {}, "rescale_betas_zero_snr = 1, neither true"),
        ({**DDPM, "beta_schedule": "laplace"}, {}, "beta_schedule 'laplace' and prediction_type None; give"),
        ({**EULER, "prediction_type": "sample"}, {}, "know prediction eps and v, got 'x0'"),
        ({**EULER, "sigma_data": 0}, {}, "sigma_data = 0, which is no sensible number"),
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
    state, config = state_of("diffusers_adm.safetensors"), file_of("diffusers_adm.safetensors")[1]

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
    state, config = state_of("diffusers_adm.safetensors"), file_of("diffusers_adm.safetensors")[1]

    def heads(**options):
        spec = found(state, config=config, scheduler=DDPM, **options).spec
        return {b.heads for b in (*spec.encoder, *spec.middle, *spec.decoder) if b.heads}

    assert heads() == {4} and heads(num_heads=2) == {2} and heads(num_head_channels=16) == {2}


def test_options_and_fields_without_their_layers():
    state, config = state_of("diffusers_adm.safetensors"), file_of("diffusers_adm.safetensors")[1]
    flat = {k: v for k, v in state.items() if ".attentions." not in k}
    with pytest.raises(ValueError, match="num_heads=2 has no effect"):
        found(flat, config=config, scheduler=DDPM, num_heads=2)
    for shift in (0, 1):
        assert found(state, config={**config, "freq_shift": shift}, scheduler=DDPM).spec.embedding_endpoint == bool(
            shift
        )
    bare = {k: v for k, v in state.items() if ".group_norm." not in k}
    spec = found(bare, config=config, scheduler=DDPM).spec
    assert {b.attention_groups for b in (*spec.encoder, *spec.middle, *spec.decoder) if b.heads} == {0}
    config = file_of("diffusers_ddpm.safetensors")[1]
    for padding, words in ((0, "asymmetric"), (1, "symmetric")):
        spec = found(state_of("diffusers_ddpm.safetensors"), config={**config, "downsample_padding": padding}).spec
        assert {b.padding for b in spec.encoder if b.resample} == {words}
    reader = diffusers._Reader(
        Weights({"conv_in.weight": torch.zeros(1, 1)} | {f"a.{i}": torch.zeros(1) for i in range(120)}), {}
    )
    assert reader._count("a.{}") == 100


def test_attention_in_the_first_block_of_the_decoder():
    config = file_of("diffusers_skip.safetensors")[1]
    state = state_of("diffusers_skip.safetensors")
    attention = {
        k.replace("up_blocks.1.", "up_blocks.0."): v for k, v in state.items() if k.startswith("up_blocks.1.att")
    }
    blocks = found({**state, **attention}, config=config).spec.decoder
    assert (blocks[0].groups_in, blocks[0].heads) == (32, 0) and blocks[1].heads == 1


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
    state, config = state_of("diffusers_adm.safetensors"), file_of("diffusers_adm.safetensors")[1]
    with pytest.raises(ValueError, match="gives no norm_num_groups"):
        found(state, config={**config, "norm_num_groups": None}, scheduler=DDPM)
    cut = {k: v for k, v in state.items() if not k.startswith("up_blocks.")}
    with pytest.raises(ValueError, match="it has no decoder"):
        found(cut, config=config, scheduler=DDPM)
