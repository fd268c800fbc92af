"""The small parts that formats share: states, what a file says itself, ranges, sizes, and what is written along."""

import hashlib
import json
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sdedit_core.checkpoints import convert_checkpoint, load, load_checkpoint
from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import ONLY_SET, Found
from sdedit_core.checkpoints.overrides import Overrides, Recorded
from sdedit_core.checkpoints.places import _weights_in, locate, name_of
from sdedit_core.checkpoints.states import RAW, any_state, choose_state
from sdedit_core.checkpoints.weights import Weights, attention_size, pixel_affine, swap_halves
from sdedit_core.networks import build_network, ddpm, ncsnpp
from sdedit_core.networks.preconditioning import VE, VP


def found(spec, preconditioning):
    return Found("a format", "x", spec, {}, preconditioning, which="EMA")


SCORE = found(ncsnpp(nf=8), VE((0.0, 1.0), sigma_min=0.02, sigma_max=90.0))
DDPM = found(ddpm(), VP((-1.0, 1.0), prediction="v", beta_schedule="cosine"))


@pytest.mark.parametrize(
    "file, option, asked, said",
    [
        (SCORE, {"sde": "vp"}, "sde=vp", "sde ve"),
        (SCORE, {"sigma_min": 0.5}, "sigma_min=0.5", "sigma_min 0.02"),
        (SCORE, {"sigma_max": 50.0}, "sigma_max=50", "sigma_max 90"),
        (SCORE, {"data_range": (-1, 1)}, "data_range=-1,1", "data_range [0, 1]"),
        (DDPM, {"data_range": (0, 1)}, "data_range=0,1", "data_range [-1, 1]"),
        (SCORE, {"noise_schedule": "linear"}, "noise_schedule=linear", ""),
        (DDPM, {"noise_schedule": "linear"}, "noise_schedule=linear", "noise_schedule cosine"),
        (SCORE, {"prediction": "eps"}, "prediction=eps", ""),
        (DDPM, {"prediction": "eps"}, "prediction=eps", "prediction v"),
        (SCORE, {"num_heads": 4}, "num_heads=4", "num_heads 1"),
        (SCORE, {"num_head_channels": 4}, "num_head_channels=4", "num_head_channels 16"),
        (SCORE, {"fir": False}, "fir=false", "fir true"),
        (DDPM, {"fir": True}, "fir=true", "fir false"),
        (SCORE, {"skip_rescale": False}, "skip_rescale=false", "skip_rescale true"),
        (DDPM, {"skip_rescale": True}, "skip_rescale=true", "skip_rescale false"),
        (SCORE, {"use_new_attention_order": True}, "use_new_attention_order=true", ""),
        (found(SimpleNamespace(), VE()), {"fir": True}, "fir=true", ""),
        (found(SimpleNamespace(), VE()), {"skip_rescale": True}, "skip_rescale=true", ""),
    ],
)
def test_an_option_without_effect_is_refused_with_what_the_file_says(file, option, asked, said):
    with pytest.raises(ValueError) as refusal:
        Recorded(Overrides.make(option)).finish("a.pth", file)
    middle = f"The file itself says {said}. " if said else ""
    assert str(refusal.value) == (
        f"a.pth is a a format, on which {asked} has no effect. {middle}Leave it out, or on auto."
    )


def test_every_part_of_the_network_counts_for_what_a_file_says():
    def block(**values):
        return SimpleNamespace(**({"heads": 0, "outputs": 8, "fir": False, "scale": 1.0} | values))

    for part in ("encoder", "middle", "decoder"):
        parts = {"encoder": [block()], "middle": [block()], "decoder": [block()]}
        parts[part] = [block(heads=2), block(heads=4, fir=True, scale=0.5)]
        file = found(SimpleNamespace(**parts), VE())
        asked = {"num_heads": 1, "num_head_channels": 1, "fir": False, "skip_rescale": False}
        with pytest.raises(ValueError) as refusal:
            Recorded(Overrides.make(asked)).finish("a.pth", file)
        assert (
            "The file itself says num_heads 2 and 4, num_head_channels 2 and 4, fir true, skip_rescale true. Leave them"
            in str(refusal.value)
        )


def test_what_was_asked_for_counts_as_used_and_name_and_size_always_do():
    options = Recorded(Overrides.make({"sigma_max": 50, "name": "x", "image_size": 64}))
    assert options.sigma_max == 50.0
    options.finish("a.pth", SCORE)


@pytest.mark.parametrize("key, low, high", [("sigma_min", 0, 1e6), ("sigma_max", 0, 1e6), ("num_heads", 0, 16384)])
def test_numbers_of_options_at_their_limits(key, low, high):
    assert getattr(Overrides.make({key: high}), key) == high
    for bad in (low, high + 1, -1, True, "3", [3], float("nan"), "x"):
        with pytest.raises(ValueError, match=rf"{key} must be a number above 0 and at most"):
            Overrides.make({key: bad})


def test_ranges_of_pixels_are_brought_to_minus_one_to_one():
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5)):
        a = pixel_affine((low, high))
        assert a["gain"] * low + a["offset"] == pytest.approx(-1.0)
        assert a["gain"] * high + a["offset"] == pytest.approx(1.0)


def test_the_native_size_is_counted_from_the_finest_attention():
    """ch_mult of four levels: attention on level 2 works at a quarter of the size."""
    for level in range(4):
        assert attention_size(ncsnpp(nf=8, ch_mult=(1, 1, 1, 1), attention_levels=(level,)), 16) == 16 << level
    assert attention_size(ncsnpp(nf=8, ch_mult=(1, 1, 1, 1), attention_levels=(1, 2)), 16) == 32
    assert attention_size(ncsnpp(nf=8, attention_levels=()), 16) == 0


def test_halves_of_columns_are_swapped_and_the_rest_stays():
    for columns, want in ((4, [2, 3, 0, 1]), (6, [3, 4, 5, 0, 1, 2]), (5, [2, 3, 0, 1, 4])):
        assert swap_halves(torch.arange(float(columns))[None])[0].tolist() == want


@pytest.mark.parametrize("rows, heads", [(11, 2), (13, 2), (12, 3), (9, 3)])
def test_a_fused_attention_that_does_not_split_is_refused(rows, heads):
    weights = Weights({"a.weight": torch.zeros(rows, 4, 1), "a.bias": torch.zeros(rows)})
    with pytest.raises(ValueError, match=rf"does not split into q, k, v of {heads} heads"):
        weights.fused_attention("t", norm="", qkv="a", proj="p", heads=heads, order="qkv", scale=1.0)


ONE, TWO, THREE = ({"w": torch.full((1,), float(n)), "b": torch.zeros(1)} for n in (1, 2, 3))


def test_of_a_trainers_list_the_first_is_raw_and_the_last_the_average():
    assert choose_state([ONE, 7, TWO, THREE], "ema")[0]["w"].item() == 3.0
    assert choose_state([ONE, 7, TWO, THREE], "ema")[1] == "EMA"
    state, which = choose_state([ONE, {}, 7], "ema")
    assert state["w"].item() == 1.0 and which.startswith("raw")
    assert choose_state([], "ema") is None and any_state([]) is None


@pytest.mark.parametrize("name", ["shadow", "ema", "state_dict", "model"])
def test_an_average_may_lie_one_deeper(name):
    for weights, want in (("ema", 2.0), ("raw", 1.0)):
        assert choose_state({"model": ONE, "ema": {name: TWO, "decay": 0.9}}, weights)[0]["w"].item() == want


def test_a_bare_list_of_averages_is_named_by_the_trained_tensors():
    model = {"sigmas": torch.ones(3), "resample_filter": torch.ones(2), "w": torch.zeros(1), "b": torch.zeros(2)}
    averages = [torch.full((1,), 5.0), torch.full((2,), 6.0)]
    named = choose_state({"model": model, "ema": averages}, "ema")[0]
    assert named["w"].tolist() == [5.0] and named["b"].tolist() == [6.0, 6.0] and named["sigmas"].tolist() == [1.0] * 3
    stored = [torch.full((2,), 4.0), *averages]  # with what is stored and not trained, but never the noise levels
    named = choose_state({"model": model, "ema": {"shadow_params": stored}}, "ema")[0]
    assert named["resample_filter"].tolist() == [4.0, 4.0] and named["w"].tolist() == [5.0]
    for bad, words in ((averages[:1], "a list of 1 tensors"), (averages[::-1], "do not fit the network: w is")):
        with pytest.raises(ValueError, match=words):
            choose_state({"model": model, "ema": bad}, "ema")


def test_files_of_a_folder_by_their_order(tmp_path):
    assert _weights_in(tmp_path, "ema") is None
    names = [
        f"{stem}{variant}{suffix}"
        for stem in ("diffusion_pytorch_model", "model", "pytorch_model")
        for suffix in (".safetensors", ".bin")
        for variant in ("", ".fp16")
    ]
    for name in reversed(names):
        (tmp_path / name).write_bytes(b"")
        assert _weights_in(tmp_path, "ema") == tmp_path / name


def test_names_come_from_the_folder_where_a_file_has_none_of_its_own(tmp_path):
    folder = tmp_path / "church"
    folder.mkdir()
    assert name_of(folder, folder / "diffusion_pytorch_model.bin") == "church"
    assert name_of(folder / "x", folder / "diffusion_pytorch_model.fp16.bin") == "church"
    assert name_of(folder / "x", folder / "model.bin") == "model"


def test_descriptions_beside_a_file(tmp_path):
    file = tmp_path / "diffusion_pytorch_model.bin"
    file.write_bytes(b"")
    assert locate(file, "ema") == (file, None, None, {})
    (tmp_path / "config.json").write_text('{"a": 1}')
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text('{"b": 2}')
    assert locate(file, "ema") == (file, {"a": 1}, {"b": 2}, {})
    assert locate(tmp_path, "ema") == (file, {"a": 1}, {"b": 2}, {})
    other = tmp_path / "other.pth"
    other.write_bytes(b"")
    assert locate(other, "ema") == (other, None, None, {})
    (tmp_path / "other.json").write_text('{"sde": "vp", "scheduler": {"c": 3}, "config": {"d": 4}}')
    assert locate(other, "ema") == (other, {"d": 4}, {"c": 3}, {"sde": "vp"})
    (tmp_path / "other.pth.json").write_text('{"block_out_channels": [8]}')
    assert locate(other, "ema") == (other, {"block_out_channels": [8]}, {"b": 2}, {})
    for name in ("unet", "unet_ema"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.bin").write_bytes(b"")
    assert locate(tmp_path, "ema")[0].parent.name == "unet_ema"
    assert locate(tmp_path, "raw")[0].parent.name == "unet"


def test_a_converted_file_says_where_it_is_from(tmp_path):
    spec = ncsnpp(nf=8, ch_mult=(1, 1), blocks=1, attention_levels=())
    net = build_network(spec, operations=torch.nn, dtype=torch.float32, device="cpu")
    described = Found(own.NAME, "small", spec, {}, VE((0.0, 1.0)), which="EMA", detected=["a thing"])
    source, target = tmp_path / "source.safetensors", tmp_path / "target.safetensors"
    save_file(
        {k: torch.zeros_like(v) for k, v in net.state_dict().items()}, source, metadata=own.describe(described, {})
    )
    info = convert_checkpoint(source, target)
    with safe_open(target, framework="pt") as file:
        data = json.loads(file.metadata()["sdedit"])
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert data["source"] == {"file": "source.safetensors", "sha256": digest, "format": own.NAME}
    assert info.architecture == "small" and info.source == f"{own.NAME} (safetensors)" and "a thing" in info.detected
    assert info.weights == "EMA" and load_checkpoint(target).info.architecture == "small"


def test_the_average_is_converted_unless_the_raw_weights_are_asked_for(tmp_path, monkeypatch):
    from sdedit_core.checkpoints import convert

    asked = []

    def find(source, *, weights, overrides):
        asked.append((weights, overrides))
        raise ValueError("enough")

    monkeypatch.setattr(convert, "find", find)
    for options in ({}, {"weights": "raw", "overrides": {"sde": "vp"}}):
        with pytest.raises(ValueError, match="enough"):
            convert_checkpoint(tmp_path / "a.pth", tmp_path / "b.safetensors", **options)
    assert asked == [("ema", {}), ("raw", {"sde": "vp"})]


def test_which_state_and_what_it_is_called():
    assert any_state({"ema": TWO})["w"].item() == 2.0 and any_state({"model": ONE, "ema": TWO})["w"].item() == 1.0
    assert any_state({"ema": [torch.ones(1)]}) is None
    only = choose_state({"model": ONE}, "ema")
    assert only[1] == choose_state(ONE, "ema")[1] == ONLY_SET != choose_state([ONE], "ema")[1] == RAW
    assert choose_state({"model": ONE, "ema": TWO}, "raw")[1] == RAW
    state, which = choose_state({"ema": TWO}, "ema")
    assert state["w"].item() == 2.0 and which == "EMA"
    assert choose_state({"model": ONE, "ema": [torch.ones(1), torch.ones(1)]}, "ema")[1] == "EMA"


def test_an_average_of_the_trained_tensors_alone_is_filled_up():
    extra = {**ONE, "buffer": torch.full((1,), 9.0)}
    state, which = choose_state({"model": extra, "ema": TWO}, "ema")
    assert {k: v.item() for k, v in state.items()} == {"w": 2.0, "b": 0.0, "buffer": 9.0} and which == "EMA"
    for average in (TWO, {**TWO, "other": torch.ones(1)}, {"other": torch.ones(1)}):
        state = choose_state({"model": ONE, "ema": average}, "ema")[0]
        assert set(state) == set(average) and all(torch.equal(state[k], average[k]) for k in average)


@pytest.fixture
def small(tmp_path):
    """A small file of our own, stored in half precision: [0, 1], one channel."""
    spec = ncsnpp(nf=8, ch_mult=(1, 1), blocks=1, attention_levels=(), channels=1)
    net = build_network(spec, operations=torch.nn, dtype=torch.float32, device="cpu")
    described = Found(own.NAME, "small", spec, {}, VE((0.0, 1.0), sigma_max=77.0), which="EMA")
    tensors = {k: torch.zeros_like(v, dtype=torch.float16) for k, v in net.state_dict().items()}
    save_file(tensors, tmp_path / "small.safetensors", metadata=own.describe(described, {}))
    return tmp_path / "small.safetensors", spec


def test_a_model_has_what_its_file_says(small):
    path, spec = small
    model = load_checkpoint(path)
    assert model.schedule.sigma_max == 77.0 and model.data_range == (0.0, 1.0) and model.channels == 1
    assert model.size_multiple == spec.size_multiple == 2 and model.num_classes is None and model.size is None
    assert model.dtype == torch.float32 and {p.dtype for p in model.module.parameters()} == {torch.float32}
    assert not any(p.requires_grad for p in model.module.parameters())
    assert load_checkpoint(path, image_size=24).size == (24, 24) and load_checkpoint(path, name="x").info.name == "x"
    assert model.info.name == "small"
    assert model.info.parameters == sum(p.numel() for p in model.module.parameters())
    half = load_checkpoint(path, dtype="bf16")
    assert half.dtype == torch.bfloat16 and torch.bfloat16 in {p.dtype for p in half.module.parameters()}
    with pytest.raises(ValueError, match="dtype must be one of auto, fp32, fp16, bf16"):
        load_checkpoint(path, dtype="fp8")


def test_elsewhere_than_on_the_cpu_the_stored_precision_is_kept(small, monkeypatch):
    path, _ = small
    asked = []

    def build(found, **options):
        asked.append(options)
        raise ValueError("enough")

    monkeypatch.setattr(load, "build", build)
    for options in ({}, {"device": "meta"}, {"device": "meta", "dtype": "fp32"}, {"dtype": "fp16"}, {"operations": 7}):
        with pytest.raises(ValueError, match="enough"):
            load_checkpoint(path, **options)
    assert [o["dtype"] for o in asked] == [torch.float32, torch.float16, torch.float32, torch.float16, torch.float32]
    assert [o["device"] for o in asked] == ["cpu", "meta", "meta", "cpu", "cpu"]
    assert [o["operations"] for o in asked] == [torch.nn] * 4 + [7]


def test_the_folders_weights_are_those_asked_for(monkeypatch, tmp_path):
    asked = []

    def locate(path, weights):
        asked.append((path, weights))
        raise ValueError("enough")

    monkeypatch.setattr(load, "locate", locate)
    for options in ({}, {"weights": "raw"}):
        with pytest.raises(ValueError, match="enough"):
            load_checkpoint(tmp_path, **options)
    assert asked == [(tmp_path, "ema"), (tmp_path, "raw")]


def test_weights_that_do_not_fit_or_are_no_numbers_are_refused(small):
    path = small[0]
    found, _ = load.find(path, weights="ema", overrides={})
    first, *_, last = sorted(found.weights)
    good = dict(found.weights)
    for changes, words in (
        ({first: None}, f"it lacks {first}."),
        ({"zz": torch.zeros(1)}, "it has the unknown zz."),
        ({last: torch.zeros(1, 2, 3)}, f"{last} is (1, 2, 3) torch.float32"),
        ({last: torch.zeros_like(good[last], dtype=torch.int32)}, "torch.int32"),
    ):
        found.weights = {k: v for k, v in {**good, **changes}.items() if v is not None}
        with pytest.raises(ValueError) as refusal:
            load.fitted(found, torch.float32)
        assert words in str(refusal.value)
    for bad in (float("nan"), float("inf")):
        found.weights = {**good, last: torch.full_like(good[last], bad)}
        with pytest.raises(ValueError, match=f"The weights {last} hold NaN or infinite numbers"):
            load.build(found, dtype=torch.float32, device="cpu")
