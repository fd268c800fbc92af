"""What loading hands on to its parts: hints for known networks, options, layers, and how tensors lie in memory."""

from __future__ import annotations

import json
from types import SimpleNamespace

import golden
import pytest
import torch

from sdedit_core.checkpoints import load
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.load import build, fitted
from sdedit_core.networks import build_network, ncsnpp
from sdedit_core.networks.preconditioning import EDM


@pytest.fixture
def asked(monkeypatch):
    """What the table of known networks is asked with."""
    seen = SimpleNamespace()

    def apply(found, hints, options, *, from_scheduler):
        seen.found, seen.hints, seen.options, seen.from_scheduler = found, hints, options, from_scheduler

    monkeypatch.setattr(load.known, "apply", apply)
    return seen


@pytest.mark.parametrize("scheduler", [True, False])
def test_known_networks_are_looked_for_by_every_name(scheduler, asked, tmp_path):
    folder = tmp_path / "far" / "owner" / "net"
    folder.mkdir(parents=True)
    golden.unpack("diffusers_skip.safetensors", folder)
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "_name_or_path": "google/x"}))
    if not scheduler:
        (folder / "scheduler_config.json").unlink()
    found, _ = load.find(folder, weights="ema", overrides={"name": "mine"})
    assert asked.hints == "owner net diffusion_pytorch_model.safetensors google/x mine"
    assert asked.found is found and asked.options.name == "mine" and asked.from_scheduler is True


def test_files_of_other_families_say_their_sigma_themselves(asked, tmp_path):
    path = golden.unpack("ncsnpp_ve.pth", tmp_path)
    load.find(path, weights="ema", overrides={})
    assert asked.hints == f"{tmp_path.name} ncsnpp_ve.pth ncsnpp_ve.pth  " and asked.from_scheduler is False


def a_file():
    spec = ncsnpp(nf=8, ch_mult=(1, 1), attention_levels=())
    meta = build_network(spec, dtype=torch.float32, device="meta").state_dict()
    return Found("a format", "x", spec, {k: torch.zeros(v.shape) for k, v in meta.items()}, EDM())


def test_layers_are_made_by_the_host_and_hold_no_memory():
    made = []

    class Conv2d(torch.nn.Conv2d):
        def __init__(self, *args, **options):
            made.append(options.get("device"))
            super().__init__(*args, **options)

    layers = SimpleNamespace(**{k: getattr(torch.nn, k) for k in ("Linear", "GroupNorm")}, Conv2d=Conv2d)
    net = fitted(a_file(), torch.float32, layers)
    assert made and {p.device.type for p in net.parameters()} == {"meta"}
    count = len(made)
    build(a_file(), dtype=torch.float32, device="cpu", operations=layers)
    assert len(made) > count


def test_at_most_three_names_are_shown():
    for change, words in (
        (lambda w: [w.pop(k) for k in sorted(w)[:4]], "lacks"),
        (lambda w: w.update({f"extra{i}": torch.zeros(1) for i in range(4)}), "has the unknown"),
    ):
        file = a_file()
        change(file.weights)
        with pytest.raises(ValueError, match=f"it {words} ") as caught:
            fitted(file, torch.float32)
        shown = str(caught.value).split(f"it {words} ")[1]
        assert len(shown.rstrip(".").replace(" and ", ", ").split(", ")) == 3


def test_convolutions_lie_as_they_are_read_and_nothing_is_shared():
    file = a_file()
    net = build(file, dtype=torch.float32, device="cpu").network
    for name, value in net.state_dict().items():
        if value.dim() == 4:
            assert value.is_contiguous(memory_format=torch.channels_last)
        assert value.data_ptr() != file.weights[name].data_ptr()
    assert net.state_dict().keys() == file.weights.keys()


def test_sums_beyond_half_precision_are_no_fault():
    file = a_file()
    key = max(file.weights, key=lambda k: file.weights[k].numel())
    file.weights[key] = torch.full_like(file.weights[key], 300.0, dtype=torch.float16)
    assert torch.isfinite(build(file, dtype=torch.float32, device="cpu").network.state_dict()[key]).all()


@pytest.fixture
def read(monkeypatch):
    """For each file that is read: whether its shapes alone were asked for."""
    seen, whole = [], load.read_parts

    def read_parts(path, *, shapes=False):
        seen.append(shapes)
        return whole(path, shapes=shapes)

    monkeypatch.setattr(load, "read_parts", read_parts)
    return seen


def test_weights_are_read_to_run_a_model_and_not_to_describe_it(read, tmp_path):
    path = golden.unpack("ddpm.ckpt", tmp_path)
    load.inspect_checkpoint(path)
    load.load_checkpoint(path)
    load.find(path, weights="ema", overrides={})
    assert read == [True, False, False]


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_a_description_is_of_the_weights_asked_for(weights, tmp_path):
    path = golden.unpack("ncsnpp_ve.pth", tmp_path)
    shapes, whole = (how(path, weights=weights) for how in (load.inspect_checkpoint, load.load_checkpoint))
    assert shapes.info == whole.info and ("raw" in shapes.info.weights) == (weights == "raw")


@pytest.mark.parametrize(("dtype", "stored"), [("auto", "float32"), ("fp16", "float16"), ("bf16", "bfloat16")])
def test_a_description_has_the_type_and_no_device_to_run_on(dtype, stored, tmp_path):
    model = load.inspect_checkpoint(golden.unpack("ddpm.ckpt", tmp_path), dtype=dtype)
    assert model.dtype == getattr(torch, stored) and model.device == torch.device("meta")
    assert model.dtype in {p.dtype for p in model.module.parameters()}  # norms may count in float32


def test_shapes_are_laid_into_layers_that_are_never_filled(monkeypatch, tmp_path):
    filled = []
    monkeypatch.setattr(torch.nn.Embedding, "reset_parameters", lambda self: filled.append(self))
    path = golden.unpack("adm_cond.pt", tmp_path)
    load.inspect_checkpoint(path, **golden.OVERRIDES["adm_cond.pt"])
    assert not filled
    load.load_checkpoint(path, **golden.OVERRIDES["adm_cond.pt"])
    assert filled, "this file has a table of classes"


def test_a_loaded_network_is_told_a_level_as_the_number_that_it_is(tmp_path):
    """So that no level is fetched back from a device in every forward."""
    model = load.load_checkpoint(golden.unpack("ddpm.ckpt", tmp_path))
    told = []
    model.module.register_forward_pre_hook(lambda module, given: told.append(given[1]))
    model.denoise(torch.zeros(1, 3, 16, 16), 0.5)
    assert told == [0.5] and isinstance(told[0], float)


def test_levels_that_no_sampler_could_walk_are_refused_by_the_files_name(monkeypatch, tmp_path):
    path = golden.unpack("ddpm.ckpt", tmp_path)

    def check(process):
        raise ValueError("the noise levels go from 3 to 2.")

    monkeypatch.setattr(load, "check_levels", check)
    with pytest.raises(ValueError, match=r"^ddpm\.ckpt: The noise levels go from 3 to 2\. Say sigma_min or"):
        load.load_checkpoint(path)


def test_what_is_said_now_counts_and_not_what_the_file_beside_it_says(tmp_path):
    path = golden.unpack("ncsnpp_ve.pth", tmp_path)
    path.with_suffix(".json").write_text(json.dumps({"name": "old", "sigma_max": 300}))
    found, _ = load.find(path, weights="ema", overrides={"name": "new"})
    assert found.said == ["name=new", "sigma_max=300, in the JSON file beside it"] and found.name == "new"


def test_weights_and_what_no_file_stores_go_where_the_model_is_to_be():
    for device in ("meta", "cpu"):
        denoiser = build(a_file(), dtype=torch.float32, device=device)
        assert {t.device.type for t in [*denoiser.parameters(), *denoiser.buffers()]} == {device}


def test_a_network_is_compiled_when_asked_to(monkeypatch, tmp_path):
    path, compiled = golden.unpack("ncsnpp_ve.pth", tmp_path), []
    monkeypatch.setattr(load.Denoiser, "compile_network", lambda self: compiled.append(self))
    load.load_checkpoint(path)
    assert compiled == []
    assert load.load_checkpoint(path, compile=True).module is compiled[0]
