"""SDEdit inside ComfyUI: exactness, reproducibility, stock interplay, cancel and preview."""

import math

import numpy as np
import pytest
import torch
from graphs import edit, latents, node, pictures, put_image, save_latent, succeed


def test_import_is_clean(comfy):
    log = comfy.log.read_text(errors="replace")
    assert "IMPORT FAILED" not in log and "Cannot import" not in log and "ComfyUI-SDEdit" in log


def test_nodes_models_and_help_are_served(comfy):
    info = comfy.json("/object_info/SDEdit_ScoreModelLoader")["SDEdit_ScoreModelLoader"]
    names = info["input"]["required"]["model_name"][0]
    assert names[0].startswith("landscape-"), "built-ins come first"
    assert "my_model.pth" in names, "extra_model_paths.yaml is honoured"
    assert "readme.txt" not in names
    assert "diffusers_folder/" in names and not any("diffusion_pytorch_model" in name for name in names)
    assert {"my_model.pth", "linked.safetensors", "tiny_ve.safetensors"} <= set(comfy.json("/models/score_models"))
    for page in ("SDEdit_ScoreModelLoader", "SDEdit_AddVENoise", "SDEdit_ReverseSDESampler"):
        assert comfy.request(f"/extensions/ComfyUI-SDEdit/docs/{page}.md")[0] == 200


def test_strokes_become_a_picture_with_preview_and_progress(comfy):
    run = succeed(comfy, edit(steps=4))
    assert len(run.previews) >= 1, "live preview on the node"
    assert [p for p in run.progress if p[0] == "sample"][-1] == ("sample", 4, 4)
    assert pictures(comfy, run).shape == (1, 64, 64, 3)
    assert "sigma 0.4315" in run.text("readout") and "t0 0.36" in run.text("readout")
    assert "4 evaluations" in run.text("report") and "finish balanced" in run.text("report")


def test_same_seeds_are_bit_equal_and_another_seed_is_not(comfy):
    def tensor(seed, nonce):
        graph = save_latent(edit(sampler_seed=seed), ["sample", 0])
        graph["nonce"] = node("PreviewAny", source=nonce)
        graph["noise"]["inputs"]["t0"] = 0.36 + 1e-9 * len(nonce)  # rounded away by sigma, but not cached
        return latents(comfy, succeed(comfy, graph))

    assert torch.equal(tensor(5, "a"), tensor(5, "a"))
    assert not torch.equal(tensor(5, "a"), tensor(6, "a"))


def test_batch_item_alone_equals_item_in_batch(comfy):
    whole = latents(comfy, succeed(comfy, save_latent(edit(batch=3), ["sample", 0])))
    assert not torch.equal(whole[0], whole[2]), "batch items differ"
    graph = save_latent(edit(batch=3), ["sample", 0])
    graph["pick"] = node("LatentFromBatch", samples=["noise", 0], batch_index=2, length=1)
    graph["sample"]["inputs"]["latent"] = ["pick", 0]
    assert torch.equal(latents(comfy, succeed(comfy, graph))[0], whole[2])
    graph["pick"]["inputs"]["samples"] = ["repeat", 0]
    graph["noise"]["inputs"]["latent"] = ["pick", 0]
    graph["sample"]["inputs"]["latent"] = ["noise", 0]
    assert torch.equal(latents(comfy, succeed(comfy, graph))[0], whole[2])


def test_a_prompt_saved_without_a_unit_is_in_model_time_and_a_noise_share_is_another_t0(comfy):
    def noised(**more):
        graph = save_latent(edit(t0=0.36), ["noise", 0])
        graph["noise"]["inputs"].update(more)
        run = succeed(comfy, graph)
        return latents(comfy, run), run.text("readout")

    old, text = noised()
    assert "t0 0.36" in text and "noise share 0.6332" in text and "like denoise" in text
    assert torch.equal(old, noised(unit="t0 (model time)")[0])
    shared, text = noised(unit="noise share", t0=0.6)
    t0 = math.log(37.5) / math.log(34800.0)  # of sigma 0.375, which is 0.25 * 0.6 / 0.4
    assert "noise share 0.6\n" in text and f"t0 {t0:.6g} " in text and not torch.equal(old, shared)


def test_t0_zero_returns_the_guide_bit_for_bit(comfy):
    graph = save_latent(save_latent(edit(t0=0.0), ["sample", 0]), ["encode", 0], "clean")
    graph["original"] = node("SaveImage", images=["guide", 0], filename_prefix="t")
    run = succeed(comfy, graph)
    assert torch.equal(latents(comfy, run), latents(comfy, run, "clean"))
    assert np.array_equal(pictures(comfy, run), pictures(comfy, run, "original"))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_solid_masks(comfy, value):
    mask = node("SolidMask", value=value, width=50, height=30)  # another size than the picture on purpose
    graph = save_latent(save_latent(edit(mask=mask), ["sample", 0]), ["encode", 0], "clean")
    run = succeed(comfy, graph)
    if value == 0.0:
        assert torch.equal(latents(comfy, run), latents(comfy, run, "clean"))
        assert "nothing may change" in run.text("readout") and "nothing may change" in run.text("report")
    else:
        free = latents(comfy, succeed(comfy, save_latent(edit(), ["sample", 0])))
        assert torch.equal(latents(comfy, run), free)


def test_load_image_without_alpha_is_explained(comfy, base):
    put_image(comfy, base, "plain.png", np.full((48, 48, 3), 120, np.uint8))
    graph = edit()
    graph["photo"] = node("LoadImage", image="plain.png")
    graph["noise"]["inputs"]["mask"] = ["photo", 1]
    assert "Load Image" in succeed(comfy, graph).text("readout")


def test_kept_region_is_exact_down_to_the_saved_file(comfy, base):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, 0).repeat(4, 1)
    photo = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1)  # every 8-bit value
    mask = np.zeros((64, 64), np.uint8)
    mask[16:40, 24:56] = 255
    put_image(comfy, base, "ramp.png", photo)
    put_image(comfy, base, "mask.png", np.stack([mask] * 3, axis=-1))
    graph = edit()
    graph["photo"] = node("LoadImage", image="ramp.png")
    graph["mask"] = node("LoadImageMask", image="mask.png", channel="red")
    graph["encode"]["inputs"]["pixels"] = ["photo", 0]
    graph["noise"]["inputs"]["mask"] = ["mask", 0]
    for source in ("noise", "set"):
        run = succeed(comfy, graph)
        result, change = pictures(comfy, run)[0], mask.astype(bool)
        assert np.array_equal(result[~change], photo[~change])
        assert (result[change] != photo[change]).mean() > 0.5
        if source == "noise":  # again with the core's Set Latent Noise Mask
            graph["set"] = node("SetLatentNoiseMask", samples=["encode", 0], mask=["mask", 0])
            graph["noise"]["inputs"] = {**graph["noise"]["inputs"], "latent": ["set", 0]}
            del graph["noise"]["inputs"]["mask"]


def test_repeats_and_solvers(comfy):
    for solver, shown in (("mca", "auto"), ("ancestral",) * 2, ("reverse_diffusion",) * 2):  # mca: older name of auto
        graph = edit(steps=2, repeats=2)
        graph["sample"]["inputs"]["solver"] = solver
        run = succeed(comfy, graph)
        assert "2 repeats" in run.text("report") and shown in run.text("report")
        assert [p for p in run.progress if p[0] == "sample"][-1][2] >= 4


def stock_sampler(graph, **options):
    inputs = {"seed": 3, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0}
    inputs |= {
        "model": ["loader", 0],
        "positive": ["loader", 3],
        "negative": ["loader", 3],
        "latent_image": ["encode", 0],
    }
    graph["sample"] = node("KSampler", **{**inputs, **options})
    del graph["report"], graph["noise"], graph["readout"]
    return graph


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde", "ddpm"])
def test_stock_ksampler_runs_on_the_score_model(comfy, sampler):
    run = succeed(comfy, stock_sampler(edit(), sampler_name=sampler, denoise=0.5))
    result = pictures(comfy, run)
    assert result.std() > 10


def test_stock_sampler_continues_our_state(comfy):
    """KSampler (Advanced) with its noise off takes over from Add VE Noise at t0 at the same sigma."""
    graph = edit(t0=0.36)
    graph["levels"] = node("KarrasScheduler", steps=4, sigma_max=0.43149, sigma_min=0.01, rho=7.0)
    graph["euler"] = node("KSamplerSelect", sampler_name="euler")
    graph["sample"] = node(
        "SamplerCustom",
        model=["loader", 0],
        add_noise=False,
        noise_seed=0,
        cfg=1.0,
        positive=["loader", 3],
        negative=["loader", 3],
        sampler=["euler", 0],
        sigmas=["levels", 0],
        latent_image=["noise", 0],
    )
    del graph["report"]
    assert pictures(comfy, succeed(comfy, graph)).std() > 10


def test_our_sampler_continues_a_stock_state_with_sigmas(comfy):
    graph = edit()
    graph["levels"] = node("KarrasScheduler", steps=4, sigma_max=0.5, sigma_min=0.01, rho=7.0)
    graph["random"] = node("RandomNoise", noise_seed=1)
    graph["noise"] = node(
        "AddNoise", model=["loader", 0], noise=["random", 0], sigmas=["levels", 0], latent_image=["encode", 0]
    )
    graph["sample"]["inputs"]["sigmas"] = ["levels", 0]
    del graph["readout"]
    run = succeed(comfy, graph)
    assert "4 steps" in run.text("report") and "without a clean guide" in run.text("report")


def test_model_from_images(comfy, base):
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (80, 96)), ("b.png", (64, 64))):
        put_image(comfy, base, name, rng.integers(0, 255, (*size, 4), dtype=np.uint8))
    graph = edit()
    graph["a"], graph["b"] = node("LoadImage", image="a.png"), node("LoadImage", image="b.png")
    graph["loader"] = node("SDEdit_ScoreModelFromImages", images=["a", 0], more_images=["b", 0])
    graph["info"] = node("PreviewAny", source=["loader", 2])
    run = succeed(comfy, graph)
    assert "2 images" in run.text("info")


@pytest.mark.parametrize("options", [{}, {"solver": "seeds3"}, {"eta": 0.0}, {"repeats": 2}])
def test_a_network_from_a_file(comfy, options):
    graph = edit(**options)
    name = "linked.safetensors" if options else "tiny_ve.safetensors"
    graph["loader"] = node("SDEdit_ScoreModelLoader", model_name=name)
    graph["info"] = node("PreviewAny", source=["loader", 2])
    run = succeed(comfy, graph)
    assert "tiny test network" in run.text("info") and "sigma_max=50" in run.text("info")
    assert pictures(comfy, run).shape == (1, 64, 64, 3)


def test_class_labels_reach_the_network(comfy):
    def result(label):
        graph = save_latent(edit(size=64, t0=0.6), ["sample", 0])
        graph["loader"] = node("SDEdit_ScoreModelLoader", model_name="tiny_classes.safetensors", class_label=label)
        return latents(comfy, succeed(comfy, graph))

    assert not torch.equal(result(1), result(2))
    graph = edit(size=64)
    graph["loader"] = node("SDEdit_ScoreModelLoader", model_name="tiny_classes.safetensors", class_label=10)
    assert "classes 0 to 9" in comfy.run(graph).error


def test_stock_sampler_on_a_network_from_a_file(comfy):
    graph = stock_sampler(edit(size=64), sampler_name="dpmpp_2m", scheduler="simple", denoise=0.6)
    graph["loader"] = node("SDEdit_ScoreModelLoader", model_name="tiny_classes.safetensors", class_label=3)
    assert pictures(comfy, succeed(comfy, graph)).shape == (1, 64, 64, 3)


def test_soft_mask_is_a_start_time_per_pixel(comfy, base):
    ramp = np.zeros((64, 64), np.uint8)
    ramp[:, 16:48], ramp[:, 48:] = 64, 255
    put_image(comfy, base, "soft.png", np.stack([ramp] * 3, axis=-1))
    mask = node("LoadImageMask", image="soft.png", channel="red")
    graph = save_latent(save_latent(edit(t0=0.5, steps=12, mask=mask), ["sample", 0]), ["encode", 0], "clean")
    run = succeed(comfy, graph)
    change = (latents(comfy, run) - latents(comfy, run, "clean")).abs()
    assert float(change[..., :16].max()) == 0.0
    whole = save_latent(save_latent(edit(t0=0.5, steps=12), ["sample", 0]), ["encode", 0], "clean")
    other = succeed(comfy, whole)
    free = (latents(comfy, other) - latents(comfy, other, "clean")).abs()
    assert 0.0 < float(change[..., 20:44].mean()) < 0.7 * float(free[..., 20:44].mean()), "grey is a smaller t0"
    assert "soft" in run.text("readout") and "t0 per pixel" in run.text("report")


def test_cancel_stops_and_the_server_goes_on(comfy):
    run = comfy.run(edit(steps=200, size=128), cancel_after_previews=2)
    assert run.status == "interrupted"
    assert max(p[1] for p in run.progress if p[0] == "sample") < 150
    assert comfy.run(edit(steps=1)).status == "success"
