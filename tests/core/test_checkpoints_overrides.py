"""What is said about a file is applied or refused by name: for originals, converted files and own ones alike."""

from __future__ import annotations

import re

import golden
import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint
from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import Found
from sdedit_core.networks import build_network, ncsnpp
from sdedit_core.networks.preconditioning import EDM

OPTIONS = {
    "sigma_min": 0.05, "sigma_max": 33.0, "data_range": (0.0, 0.5), "noise_schedule": "cosine", "prediction": "v",
    "num_heads": 2, "num_head_channels": 8, "use_new_attention_order": True, "fir": False, "skip_rescale": False,
    "image_size": 64, "name": "my net", "sde": "subvp", "num_heads_upsample": 1, "levels": 500,
    "rescale_timesteps": False, "sigma_data": 0.3,
}  # fmt: skip
PROCESS = ("sigma_min", "sigma_max", "data_range", "noise_schedule", "prediction", "image_size", "name")
ADM = {
    "noise_schedule", "prediction", "num_heads", "num_head_channels", "use_new_attention_order", "num_heads_upsample",
    "levels",
}  # fmt: skip
OPENAI_EDM = {"sigma_min", "sigma_max", "num_heads", "num_head_channels", "num_heads_upsample"}
APPLIED = {  # of those, what the families take beside data_range, image_size and name
    "adm_cond.pt": ADM,
    "cd_lsun.pt": OPENAI_EDM,
    "edm_imagenet.pt": OPENAI_EDM,
    "diffusers_cm.safetensors": {"sigma_min", "sigma_max", "num_heads", "num_head_channels"},
    "improved_cond.pt": ADM | {"rescale_timesteps"},  # with 1000 levels there is nothing to rescale
    "improved_uncond.pt": ADM | {"rescale_timesteps"},
    "ddpm.ckpt": {"noise_schedule", "prediction"},
    "ddpmpp_bare.pth": {"skip_rescale", "sde"},  # its pyramid tells the filter
    "ddpmpp_vp.pth": {"fir", "skip_rescale", "sde"},
    "diffusers_adm.safetensors": {"noise_schedule", "prediction", "num_heads", "num_head_channels"},
    "diffusers_ddpm.safetensors": {"noise_schedule", "prediction", "num_heads", "num_head_channels"},
    "diffusers_edm.safetensors": {"sigma_min", "sigma_max", "num_heads", "num_head_channels"},
    "diffusers_zero.safetensors": {"noise_schedule", "prediction", "num_heads", "num_head_channels"},
    "diffusers_ncsnpp.bin": {"sigma_min", "sigma_max", "num_heads", "num_head_channels"},
    "diffusers_skip.safetensors": {"sigma_min", "sigma_max", "num_heads", "num_head_channels"},
    "edm_adm.safetensors": {"sigma_min", "sigma_max"},
    "edm_iddpm.safetensors": set(),
    "edm_ncsnpp.safetensors": {"sigma_min", "sigma_max"},
    "edm_skip.safetensors": set(),
    "edm_song.safetensors": {"sigma_min", "sigma_max"},
    "kdiffusion.pth": {"sigma_min", "sigma_max", "sigma_data"},
    "kdiffusion_slim.safetensors": {"sigma_min", "sigma_max", "sigma_data"},
    "lucid_edm.pt": {"sigma_min", "sigma_max"},
    "lucid_old.pt": {"noise_schedule", "prediction", "levels", "num_heads", "num_head_channels"},
    "lucid_self.pt": {"noise_schedule", "prediction", "levels"},
    "lucid_v.pt": {"noise_schedule", "prediction", "levels"},
    "ncsnpp_cat.pth": {"sigma_min", "sigma_max", "skip_rescale", "fir", "sde"},
    "ncsnpp_conv.pth": {"sigma_min", "sigma_max", "skip_rescale"},
    "ncsnpp_residual.pth": {"sigma_min", "sigma_max", "skip_rescale"},
    "ncsnpp_ve.pth": {"sigma_min", "sigma_max", "skip_rescale", "fir"},
    "sde_ddpm.pth": {"noise_schedule", "prediction", "skip_rescale", "sde"},
}
ALREADY = {
    "diffusers_adm.safetensors": ("noise_schedule", "prediction"), "sde_ddpm.pth": ("skip_rescale",),
    "lucid_self.pt": ("noise_schedule",), "lucid_v.pt": ("prediction",),
    "diffusers_zero.safetensors": ("prediction",),
}  # fmt: skip


def outcome(path, **options):
    """What a file becomes with options: everything that they can change, or the sentence that refuses them."""
    try:
        model = load_checkpoint(path, **options)
    except ValueError as error:
        return str(error)
    x = torch.rand(1, model.channels, 16, 16, generator=torch.Generator().manual_seed(1))
    y = torch.zeros(1, dtype=torch.long) if model.num_classes else None
    d = model.module
    picture = model.denoise(x, torch.tensor([0.7]), y)
    return repr(model.schedule), model.data_range, d.gain, d.offset, model.size, model.info.name, picture.tolist()


@pytest.mark.parametrize("name", golden.NAMES)
def test_every_option_has_an_effect_or_is_refused_by_name(name, tmp_path):
    path, base = golden.unpack(name, tmp_path), golden.OVERRIDES.get(name, {})
    plain = outcome(path, **base)
    assert not isinstance(plain, str)
    for option, value in OPTIONS.items():
        got = outcome(path, **{**base, option: value})
        if option in APPLIED[name] | {"data_range", "image_size", "name"}:
            assert not isinstance(got, str), got
            if base and option in ("num_heads", "num_head_channels"):
                continue  # num_head_channels wins over num_heads
            if option in base and base[option] == value:
                continue
            if option in ALREADY.get(name, ()):
                assert got == plain
            elif option not in ("num_heads", "num_head_channels", "fir") or name == "adm_cond.pt":
                assert got != plain, option
        else:
            assert isinstance(got, str) and option in got and "\n" not in got, (option, got)
            assert "no effect" in got or "does not fit" in got


@pytest.mark.parametrize("name", golden.NAMES)
def test_a_converted_file_follows_the_options_as_the_original_does(name, tmp_path):
    path, base = golden.unpack(name, tmp_path), golden.OVERRIDES.get(name, {})
    target = tmp_path / "converted.safetensors"
    convert_checkpoint(path, target, overrides=base)
    for option in PROCESS:
        first, second = outcome(path, **{**base, option: OPTIONS[option]}), outcome(target, **{option: OPTIONS[option]})
        assert isinstance(first, str) == isinstance(second, str), (option, first, second)
        if isinstance(first, str):
            assert option in first and option in second
        else:
            assert first[:5] == second[:5], option
            assert torch.allclose(torch.tensor(first[6]), torch.tensor(second[6]), atol=1e-5)
    for option in set(OPTIONS) - set(PROCESS):  # part of the network, or of how it is read
        said = outcome(target, **{option: OPTIONS[option]})
        if option == "sde" and base.get(option) == OPTIONS[option]:
            assert said == outcome(target)  # the process that it says itself
        else:
            assert isinstance(said, str) and option in said


@pytest.mark.parametrize("name", golden.NAMES)
def test_the_info_recommends_nothing_that_is_refused(name, tmp_path):
    path, base = golden.unpack(name, tmp_path), golden.OVERRIDES.get(name, {})
    target = tmp_path / "converted.safetensors"
    convert_checkpoint(path, target)
    for file, options in ((path, base), (target, {})):
        info = load_checkpoint(file, **options).info
        for line in (*info.detected, *info.assumed, *info.notes):
            for option, value in re.findall(r'(\w+)="?([\w.]+)"?', line):
                value = {"True": True, "False": False}.get(value, float(value) if value.isdigit() else value)
                if option in OPTIONS:
                    assert not isinstance(outcome(file, **{**options, option: value}), str), line
        for option in ("num_heads", "use_new_attention_order", "fir", "sde"):
            if file == target:
                assert not any(re.search(rf"\b{option}\b", line) for line in (*info.detected, *info.assumed))


def test_a_trained_file_takes_what_its_noise_process_has(tmp_path):
    spec = ncsnpp(nf=8, ch_mult=(1, 1), attention_levels=())
    path, weights = tmp_path / "mine.safetensors", {}
    for key, meta in build_network(spec, dtype=torch.float32, device="meta").state_dict().items():
        weights[key] = torch.rand(meta.shape, generator=torch.Generator().manual_seed(0)) * 0.1
    found = Found(own.NAME, "x", spec, weights, EDM((-1.0, 1.0), sigma_max=500.0), which="EMA")
    save_file(weights, path, metadata=own.describe(found, {}))
    assert load_checkpoint(path).schedule.sigma_max == 500.0
    assert load_checkpoint(path, sigma_max=100.0, sigma_min=0.1).schedule.sigma_max == 100.0
    model = load_checkpoint(path, data_range=(0.0, 1.0))
    assert model.data_range == (0.0, 1.0) and (model.module.gain, model.module.offset) == (2.0, -1.0)
    assert load_checkpoint(path, sde="edm").schedule.sigma_max == 500.0
    with pytest.raises(ValueError, match=r'says itself that its noise process is "edm"; sde="vp"'):
        load_checkpoint(path, sde="vp")
    with pytest.raises(ValueError, match=r"sigma_min < sigma_max|sigma_min"):
        load_checkpoint(path, sigma_min=600.0)
    words = r"mine\.safetensors is a SDEdit score model, on which num_heads=4, noise_schedule=cosine has no effect"
    with pytest.raises(ValueError, match=words):
        load_checkpoint(path, num_heads=4, noise_schedule="cosine")


def test_a_refusal_says_what_the_file_says_itself(tmp_path):
    path = golden.unpack("ncsnpp_residual.pth", tmp_path)
    with pytest.raises(ValueError, match=r"fir=false has no effect\. The file itself says fir true\. Leave it out"):
        load_checkpoint(path, fir=False)
    path = golden.unpack("ddpm.ckpt", tmp_path)
    with pytest.raises(ValueError, match=r"sigma_max=348, num_heads=4 has no effect.*sigma_max 157\.\d.*num_heads 1"):
        load_checkpoint(path, sigma_max=348, num_heads=4)
    path.with_suffix(".json").write_text('{"fir": true}')
    with pytest.raises(ValueError, match="fir=true has no effect"):  # of a sidecar, too
        load_checkpoint(path)


def test_files_converted_before_this_was_known_lose_their_advice(tmp_path):
    path = golden.unpack("edm_song.safetensors", tmp_path)
    assert any('sde="ve"' in line for line in load_checkpoint(path).info.assumed)
    convert_checkpoint(path, tmp_path / "c.safetensors")
    assert load_checkpoint(tmp_path / "c.safetensors").info.assumed[0] == "EDM preconditioning"
