"""Files written by the original implementations load by detection and denoise as the originals do."""

from __future__ import annotations

import pytest
import torch
from golden import EXPECTED, NAMES, OVERRIDES, difference, unpack

from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint


@pytest.mark.parametrize("name", NAMES)
def test_matches_the_original(name, tmp_path):
    path = unpack(name, tmp_path)
    model = load_checkpoint(path, **OVERRIDES.get(name, {}))
    assert difference(model, name, "ema") < 1e-5
    assert model.info.parameters > 0
    assert next(model.module.parameters()).is_floating_point()


@pytest.mark.parametrize("name", [n for n in NAMES if f"{n}/raw/D" in EXPECTED])
def test_raw_weights_differ_from_ema(name, tmp_path):
    path = unpack(name, tmp_path)
    raw = load_checkpoint(path, weights="raw")
    assert difference(raw, name, "raw") < 1e-5
    assert difference(raw, name, "ema") > 1e-2
    assert raw.info.weights.startswith("raw")
    assert load_checkpoint(path).info.weights == "EMA"


@pytest.mark.parametrize("name", NAMES)
def test_converted_file_is_the_same_model(name, tmp_path):
    path = unpack(name, tmp_path)
    target = tmp_path / "converted.safetensors"
    convert_checkpoint(path, target, overrides=OVERRIDES.get(name, {}))
    model = load_checkpoint(target)
    assert difference(model, name, "ema") < 1e-5
    original = load_checkpoint(path, **OVERRIDES.get(name, {}))
    for attribute in ("data_range", "size", "size_multiple", "num_classes", "channels"):
        assert getattr(model, attribute) == getattr(original, attribute)
    assert repr(model.schedule) == repr(original.schedule)
    assert any("converted from" in note for note in model.info.notes)


def test_half_precision_files_are_smaller_and_close(tmp_path):
    path = unpack("ncsnpp_ve.pth", tmp_path)
    for dtype, tolerance in (("fp16", 5e-3), ("bf16", 5e-2)):
        target = tmp_path / f"{dtype}.safetensors"
        convert_checkpoint(path, target, dtype=dtype)
        assert difference(load_checkpoint(target), "ncsnpp_ve.pth", "ema") < tolerance
        assert difference(load_checkpoint(target, dtype="bf16"), "ncsnpp_ve.pth", "ema") < 5e-2
    full = tmp_path / "fp32.safetensors"
    convert_checkpoint(path, full)
    assert target.stat().st_size < 0.75 * full.stat().st_size < 0.5 * path.stat().st_size


def test_wrong_order_of_q_k_v_is_wrong(tmp_path):
    """What a file cannot say matters: the option must have an effect."""
    path = unpack("adm_cond.pt", tmp_path)
    wrong = load_checkpoint(path, num_head_channels=16, use_new_attention_order=True)
    assert difference(wrong, "adm_cond.pt", "ema") > 1e-3


def test_a_file_in_half_precision_is_not_rounded_twice(tmp_path):
    """Biases are added when weights are brought into canonical form; the sum is not rounded to the file's type."""
    state = torch.load(unpack("ddpm.ckpt", tmp_path), weights_only=True)
    torch.save({k: v.half() for k, v in state.items()}, tmp_path / "half.pt")
    torch.save({k: v.half().float() for k, v in state.items()}, tmp_path / "full.pt")
    x, sigma = torch.rand(1, 3, 16, 16), torch.tensor([2.0])
    half, full = (load_checkpoint(tmp_path / f"{n}.pt").denoise(x, sigma) for n in ("half", "full"))
    assert torch.equal(half, full)


def test_broken_tensors_are_refused(tmp_path):
    state = torch.load(unpack("ddpm.ckpt", tmp_path), weights_only=True)
    for words, broken in (
        ("NaN", {**state, "conv_in.weight": state["conv_in.weight"] * float("nan")}),
        ("shapes", {k: torch.tensor(1.0) for k in state}),
        ("larger than its data", {k: torch.zeros(1).expand(v.shape) for k, v in state.items()}),
        ("int64", {**state, "conv_in.weight": state["conv_in.weight"].long()}),
    ):
        torch.save(broken, tmp_path / "broken.pt")
        with pytest.raises(ValueError, match=words):
            load_checkpoint(tmp_path / "broken.pt")


def test_skip_rescale_matters(tmp_path):
    path = unpack("ncsnpp_ve.pth", tmp_path)
    assert difference(load_checkpoint(path, skip_rescale=True), "ncsnpp_ve.pth", "ema") < 1e-5
    assert difference(load_checkpoint(path, skip_rescale=False), "ncsnpp_ve.pth", "ema") > 1e-3


def test_a_sidecar_says_what_the_file_cannot(tmp_path):
    path = unpack("adm_cond.pt", tmp_path)
    path.with_suffix(".json").write_text('{"num_head_channels": 16, "name": "sidecar net", "image_size": 16}')
    model = load_checkpoint(path)
    assert difference(model, "adm_cond.pt", "ema") < 1e-5
    assert model.info.name == "sidecar net" and model.size == (16, 16)
    assert load_checkpoint(path, image_size=32).size == (32, 32)


def test_class_labels(tmp_path):
    adm = load_checkpoint(unpack("adm_cond.pt", tmp_path), num_head_channels=16)
    x, sigma = torch.zeros(1, 3, 16, 16), torch.ones(1)
    assert adm.num_classes == 4
    with pytest.raises(ValueError, match="class label"):
        adm.denoise(x, sigma)
    with pytest.raises(ValueError, match="0 to 3"):
        adm.denoise(x, sigma, torch.tensor([4]))
    song = load_checkpoint(unpack("edm_song.safetensors", tmp_path))
    one, none = song.denoise(x, sigma, torch.tensor([1])), song.denoise(x, sigma)
    assert not torch.equal(one, none)


def test_other_sizes_work(tmp_path):
    """Attention belongs to a level, not to a pixel size."""
    model = load_checkpoint(unpack("ncsnpp_ve.pth", tmp_path))
    assert model.size == (32, 32) and model.size_multiple == 2
    assert model.denoise(torch.rand(1, 3, 24, 40), 0.5).shape == (1, 3, 24, 40)
    with pytest.raises(ValueError, match="multiples of 2"):
        model.denoise(torch.rand(1, 3, 23, 40), 0.5)


def test_per_sample_noise_levels_do_not_mix(tmp_path):
    model = load_checkpoint(unpack("ncsnpp_ve.pth", tmp_path))
    x, sigma = torch.rand(3, 3, 16, 16), torch.tensor([0.02, 1.0, 200.0])
    both = model.denoise(x, sigma)
    alone = torch.cat([model.denoise(x[i : i + 1], sigma[i : i + 1]) for i in range(3)])
    assert torch.allclose(both, alone, atol=1e-4 * float(both.abs().max()))


def test_gradients_flow(tmp_path):
    """Likelihoods and guidance need d D / d x; the in-place paths must step aside."""
    model = load_checkpoint(unpack("ncsnpp_ve.pth", tmp_path))
    x = torch.rand(1, 3, 16, 16, dtype=torch.float32).requires_grad_()
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    out = model.denoise(x, 0.5)
    (gradient,) = torch.autograd.grad((out * v).sum(), x)
    with torch.no_grad():
        e = 1e-2
        numeric = ((model.denoise(x + e * v, 0.5) - model.denoise(x - e * v, 0.5)) * v).sum() / (2 * e)
    assert torch.allclose((gradient * v).sum(), numeric, rtol=2e-2)
    assert torch.allclose(out, model.denoise(x.detach(), 0.5), atol=1e-5)


@pytest.mark.parametrize("name", ["adm_cond.pt", "ddpm.ckpt"])
def test_wrapped_state_dicts(name, tmp_path):
    """Trainers wrap: {"state_dict": ...}, {"ema": ..., "model": ...} with a DataParallel prefix."""
    state = torch.load(unpack(name, tmp_path), weights_only=True)
    other = {k: torch.zeros_like(v) for k, v in state.items()}
    for wrapped in (
        {"state_dict": state, "epoch": 3},
        {"model": {f"module.{k}": v for k, v in other.items()}, "ema": {f"module.{k}": v for k, v in state.items()}},
    ):
        path = tmp_path / "wrapped.pt"
        torch.save(wrapped, path)
        assert difference(load_checkpoint(path, **OVERRIDES.get(name, {})), name, "ema") < 1e-5
    assert load_checkpoint(path, **OVERRIDES.get(name, {})).info.weights == "EMA"
    raw = load_checkpoint(path, weights="raw", **OVERRIDES.get(name, {}))
    assert difference(raw, name, "ema") > 1e-2 and raw.info.weights.startswith("raw")


def test_diffusers_layouts(tmp_path):
    """New layout (unet/, scheduler/), bare file with a config as sidecar, key names of 2022."""
    old = unpack("diffusers_ncsnpp.bin", tmp_path)
    (old / "scheduler_config.json").write_text('{"_class_name": "ScoreSdeVeScheduler", "sigma_max": 90.0}')
    assert load_checkpoint(old).schedule.sigma_max == 90.0
    new = tmp_path / "new"
    for folder, files in (
        ("unet", ["config.json", "diffusion_pytorch_model.bin"]),
        ("scheduler", ["scheduler_config.json"]),
    ):
        (new / folder).mkdir(parents=True)
        for file in files:
            (new / folder / file).write_bytes((old / file).read_bytes())
    for path in (new, new / "unet", new / "unet" / "diffusion_pytorch_model.bin"):
        model = load_checkpoint(path)
        assert difference(model, "diffusers_ncsnpp.bin", "ema") < 1e-5
        assert model.schedule.sigma_max == 90.0 and model.size == (16, 16) and model.data_range == (0.0, 1.0)
    bare = tmp_path / "bare.bin"
    bare.write_bytes((old / "diffusion_pytorch_model.bin").read_bytes())
    assert difference(load_checkpoint(bare), "diffusers_ncsnpp.bin", "ema") < 1e-5
    assert any("no config.json" in a for a in load_checkpoint(bare).info.assumed)
    bare.with_suffix(".json").write_bytes((old / "config.json").read_bytes())
    assert not any("no config.json" in a for a in load_checkpoint(bare).info.assumed)
