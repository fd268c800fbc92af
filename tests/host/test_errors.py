"""Wrong inputs inside ComfyUI: a sentence that helps, and a server that lives."""

import pytest
from graphs import edit, node, wrong


@pytest.mark.parametrize(("name", "value"), [("t0", 1.5), ("t0", -0.1), ("steps", 0), ("repeats", 0)])
def test_numbers_out_of_range_are_refused(comfy, name, value):
    graph = edit(**({name: value} if name != "repeats" else {"repeats": 0}))
    wrong(comfy, graph, name, status="refused")


def test_unknown_model_name_is_refused(comfy):
    graph = edit()
    graph["loader"]["inputs"]["model_name"] = "no_such_file.pth"
    wrong(comfy, graph, "not in", status="refused")


def test_unreadable_model_file(comfy):
    graph = edit()
    graph["loader"]["inputs"]["model_name"] = "my_model.pth"
    wrong(comfy, graph, "my_model.pth")


def test_incomplete_diffusers_folder(comfy):
    graph = edit()
    graph["loader"]["inputs"]["model_name"] = "diffusers_folder/"
    wrong(comfy, graph, "diffusion_pytorch_model", "0 bytes")


def test_file_deleted_after_the_list_was_made(comfy, base):
    path = base / "elsewhere" / "gone.pth"
    path.write_bytes(b"x")
    comfy.json("/object_info/SDEdit_ScoreModelLoader")
    graph = edit()
    graph["loader"]["inputs"]["model_name"] = "gone.pth"
    path.unlink()
    run = comfy.run(graph)
    assert run.status in ("error", "refused") and "gone.pth" in run.error


def test_builtin_model_with_overrides(comfy):
    graph = edit()
    graph["loader"]["inputs"]["sigma_max"] = 50.0
    wrong(comfy, graph, "built in", "sigma_max")


def test_latent_of_another_model(comfy):
    graph = edit()
    graph["encode"] = node("EmptyLatentImage", width=512, height=512, batch_size=1)
    wrong(comfy, graph, "3 channels", "Score Model Loader")


def test_video_latent(comfy):
    graph = edit()
    graph["encode"] = node("EmptyHunyuanLatentVideo", width=64, height=64, length=5, batch_size=1)
    wrong(comfy, graph, "3 channels")


def test_clean_latent_without_noise(comfy):
    graph = edit()
    graph["sample"]["inputs"]["latent"] = ["encode", 0]
    wrong(comfy, graph, "Add VE Noise at t0")


def test_latent_resized_after_noising(comfy):
    graph = edit()
    graph["resize"] = node("LatentUpscaleBy", samples=["noise", 0], upscale_method="nearest-exact", scale_by=2.0)
    graph["sample"]["inputs"]["latent"] = ["resize", 0]
    wrong(comfy, graph, "resized", "Add VE Noise at t0")


def test_latent_replaced_after_noising(comfy):
    graph = edit()
    graph["scaled"] = node("LatentMultiply", samples=["noise", 0], multiplier=0.5)
    graph["sample"]["inputs"]["latent"] = ["scaled", 0]
    wrong(comfy, graph, "times the noise")


def test_sigmas_that_do_not_fit(comfy):
    graph = edit()
    graph["levels"] = node("KarrasScheduler", steps=4, sigma_max=5.0, sigma_min=0.01, rho=7.0)
    graph["sample"]["inputs"]["sigmas"] = ["levels", 0]
    wrong(comfy, graph, "sigmas start at 5")


def test_two_models(comfy):
    graph = edit()
    graph["loader"]["inputs"]["class_label"] = 3
    wrong(comfy, graph, "no classes")


def test_image_too_small_for_the_model(comfy):
    graph = edit()
    graph["small"] = node("ImageScale", image=["guide", 0], upscale_method="area", width=8, height=8, crop="disabled")
    graph["encode"]["inputs"]["pixels"] = ["small", 0]
    wrong(comfy, graph, "16")
