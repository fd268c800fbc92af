"""Checkpoint files dropped into a running ComfyUI: listed after a refresh, run to the end, or refused in a sentence."""

import lzma
import os
import pickle
import shutil
import struct
import time
from pathlib import Path

import pytest
import torch
from graphs import edit, latents, node, pictures, save_latent
from tiny_files import core

FILES = Path(__file__).parents[1] / "core" / "checkpoints"
KINDS = {  # name: (what the info text must say, loader options)
    "ncsnpp_ve.pth": ("architecture: NCSN++|weights: EMA|VESDE(sigma_min=0.01, sigma_max=348)|size: 32 x 32", {}),
    "ddpmpp_vp.pth": ("architecture: DDPM++|weights: EMA|ContinuousVPSDE(beta_min=0.1, beta_max=20)", {}),
    "ddpm.ckpt": ("architecture: DDPM U-Net|VPSDE(levels=1000|linear betas", {}),
    "adm_cond.pt": ("architecture: ADM|4 classes|learned variance", {"num_head_channels": 16, "class_label": 1}),
    "cd_lsun.pt": (
        "architecture: ADM|consistency model: few_step|VESDE(sigma_min=0.002, sigma_max=80)|size: 32 x 32",
        {"num_head_channels": 16},
    ),
    "edm_imagenet.pt": ("architecture: ADM|3 classes|EDM network", {"num_head_channels": 16, "class_label": 2}),
    "edm_song.safetensors": ("architecture: NCSN++ (EDM)|VESDE(sigma_min=0.002, sigma_max=80)|size: 16 x 16", {}),
    "lucid_v.pt": ("architecture: Unet of denoising-diffusion-pytorch|weights: EMA|400 levels, sigmoid betas", {}),
    "kdiffusion.pth": ("architecture: image_v1 of k-diffusion|weights: EMA|sigma_max=90)|size: 16 x 16", {}),
}


def listed(comfy):
    return comfy.json("/object_info/SDEdit_ScoreModelLoader")["SDEdit_ScoreModelLoader"]["input"]["required"][
        "model_name"
    ][0]


@pytest.fixture
def drop(comfy, base):
    """drop(name, data) puts a file into models/score_models of the running host; returns its name in the list."""
    dropped = []

    def put(name, data):
        path = base / "models" / "score_models" / name
        assert name not in listed(comfy)
        path.write_bytes(data)
        dropped.append(path)
        assert name in listed(comfy), "a refresh shows the new file"
        return name

    yield put
    for path in dropped:
        path.unlink()
        assert path.name not in listed(comfy), "a refresh forgets the removed file"


def packed(name):
    return lzma.decompress((FILES / f"{name}.xz").read_bytes())


def with_file(name, **options):
    graph = edit(size=64, t0=0.4)
    graph["loader"] = node("SDEdit_ScoreModelLoader", model_name=name, **options)
    graph["info"] = node("PreviewAny", source=["loader", 2])
    return graph


def stock(graph):
    graph["sample"] = node(
        "KSampler",
        seed=3,
        steps=3,
        cfg=1.0,
        sampler_name="euler",
        scheduler="karras",
        denoise=0.5,
        model=["loader", 0],
        positive=["loader", 3],
        negative=["loader", 3],
        latent_image=["encode", 0],
    )
    del graph["report"], graph["noise"], graph["readout"]
    return graph


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_dropped_file_runs_with_our_sampler_and_with_ksampler(comfy, drop, name):
    words_wanted, options = KINDS[name]
    drop(name, packed(name))
    for graph in (with_file(name, **options), stock(with_file(name, **options))):
        run = comfy.run(graph)
        assert run.status == "success", run.error
        says = run.text("info")
        for words in (*words_wanted.split("|"), f"model: {name.split('.')[0]}", "parameters: ", "process: "):
            assert words in says, says
        assert pictures(comfy, run).shape == (1, 64, 64, 3)


def test_a_consistency_model_edits_in_one_or_two_evaluations(comfy, drop):
    """``auto`` is few_step there; a solver that needs a score is refused with the remedy; stock LCM runs it too."""
    name = drop("cd_lsun.pt", packed("cd_lsun.pt"))
    for steps in (1, 2):
        graph = with_file(name, num_head_channels=16)
        graph["sample"]["inputs"]["steps"] = steps
        run = comfy.run(graph)
        assert run.status == "success", run.error
        assert "few_step" in run.text("report") and f"{steps} evaluation" in run.text("report"), run.text("report")
    graph["sample"]["inputs"]["solver"] = "sde_2m"
    run = comfy.run(graph)
    assert run.status == "error" and "Set solver to few_step, or to auto" in run.error, run.error
    graph = stock(with_file(name, num_head_channels=16))
    graph["sample"]["inputs"] |= {"sampler_name": "lcm", "steps": 2}
    run = comfy.run(graph)
    assert run.status == "success", run.error
    assert pictures(comfy, run).std() > 1.0, "a picture, not grey or NaN"


def test_a_converted_file_gives_the_same_picture(comfy, drop, tmp_path):
    source, target = tmp_path / "ncsnpp_ve.pth", tmp_path / "mine.safetensors"
    source.write_bytes(packed(source.name))
    core("checkpoints").convert_checkpoint(source, target)
    found = []
    for path in (source, target):
        run = comfy.run(save_latent(with_file(drop(path.name, path.read_bytes())), ["sample", 0]))
        assert run.status == "success", run.error
        found.append(latents(comfy, run))
    assert torch.equal(*found)
    assert comfy.run(stock(with_file(target.name))).status == "success"


def test_a_dropped_diffusers_folder_runs(comfy, base):
    folder = base / "models" / "score_models" / "my_diffusers"
    folder.mkdir()
    try:
        (folder / "config.json").write_bytes((FILES / "diffusers_ddpm.config.json").read_bytes())
        (folder / "diffusion_pytorch_model.safetensors").write_bytes(packed("diffusers_ddpm.safetensors"))
        assert "my_diffusers/" in listed(comfy)
        for graph in (with_file("my_diffusers/"), stock(with_file("my_diffusers/"))):
            run = comfy.run(graph)
            assert run.status == "success", run.error
            assert "my_diffusers" in run.text("info")
    finally:
        shutil.rmtree(folder)


def test_a_replaced_file_is_read_again(comfy, drop, base):
    name = drop("mine.pth", packed("ncsnpp_ve.pth"))
    first = comfy.run(with_file(name)).text("info")
    (base / "models" / "score_models" / name).write_bytes(packed("ddpmpp_vp.pth"))
    assert comfy.run(with_file(name)).text("info") != first


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return eval, (f"open({self.path!r}, 'w').close()",)


def hostile(evil, folder):
    """name -> bytes"""
    pth, tensors = packed("ncsnpp_ve.pth"), packed("edm_song.safetensors")
    torch.save({"model": evil}, folder / "evil")
    torch.save({"model": evil}, folder / "legacy", _use_new_zipfile_serialization=False)
    return {
        "evil.pth": (folder / "evil").read_bytes(),
        "evil_legacy.ckpt": (folder / "legacy").read_bytes(),
        "evil_plain.bin": pickle.dumps(evil),
        "evil_renamed.safetensors": pickle.dumps(evil),
        "cut.pth": pth[: len(pth) // 2],
        "cut_at_the_end.pth": pth[:-100],
        "cut.safetensors": tensors[: len(tensors) // 2],
        "pth_renamed_to.safetensors": pth,
        "header_of_100_gb.safetensors": struct.pack("<Q", 100 << 30) + b"{" + b"x" * 99,
        "random.pth": os.urandom(50_000),
        "random.safetensors": os.urandom(50_000),
        "text.ckpt": b"<!doctype html><html><body>Sign in to download</body></html>\n" * 9,
        "empty.pt": b"",
    }


def test_hostile_cut_and_renamed_files_are_refused_and_the_server_lives(comfy, drop, tmp_path):
    trace = tmp_path / "executed"
    for name, data in hostile(Evil(trace), tmp_path).items():
        drop(name, data)
        start = time.monotonic()
        run = comfy.run(with_file(name))
        took = time.monotonic() - start
        assert run.status == "error", name
        assert run.error.startswith("ValueError: ") and name in run.error, run.error
        assert len(run.error.strip().splitlines()) == 1 and len(run.error) < 1200, run.error
        assert took < 10 and comfy.alive() and not trace.exists(), name
    run = comfy.run(edit(steps=1, sampler_seed=99))
    assert run.status == "success", run.error


def test_pkl_files_are_not_offered(comfy, base):
    path = base / "models" / "score_models" / "network.pkl"
    path.write_bytes(pickle.dumps(Evil("/nowhere")))
    assert "network.pkl" not in listed(comfy)
    path.unlink()
