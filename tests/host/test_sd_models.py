"""Checkpoints of the host's own kinds, tiny and loaded by its loaders: what people do with them, and the mistakes."""

import numpy as np
import pytest
import torch
from graphs import latents, node, pictures, put_image, save_latent, succeed, wrong

FILES = {
    "eps": {"model": node("CheckpointLoaderSimple", ckpt_name="tiny_sd.safetensors"), "vae": ["model", 2]},
    "flow": {
        "model": node("UNETLoader", unet_name="tiny_sd3.safetensors", weight_dtype="default"),
        "vae_loader": node("VAELoader", vae_name="tiny_16_channels.safetensors"),
        "vae": ["vae_loader", 0],
    },
}


def edit(kind="eps", *, t0=0.5, steps=4, size=96, **sampler):
    """Guide to picture with a text model."""
    files = {name: {**item} if isinstance(item, dict) else item for name, item in FILES[kind].items()}
    vae = files.pop("vae")
    inputs = {"model": ["model", 0], "latent": ["noise", 0], "steps": steps, "solver": "auto", "seed": 2, "cfg": 2.0}
    inputs |= {"positive": ["text", 0], "negative": ["other", 0], **sampler}
    graph = {
        **files,
        "text": node("TestRandomPrompt", seed=1, width=1024, pooled=32),
        "other": node("TestRandomPrompt", seed=2, width=1024, pooled=32),
        "guide": node("SDEdit_ExampleGuide", name="alpine", width=size, height=size),
        "encode": node("VAEEncode", pixels=["guide", 0], vae=vae),
        "noise": node("SDEdit_AddVENoise", model=["model", 0], latent=["encode", 0], t0=t0, seed=1),
        "sample": node("SDEdit_ReverseSDESampler", **{k: v for k, v in inputs.items() if v is not None}),
        "decode": node("VAEDecode", samples=["sample", 0], vae=vae),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
        "report": node("PreviewAny", source=["sample", 2]),
    }
    return save_latent(graph, ["sample", 0])


def all_latents(comfy, run, name="latent"):
    from safetensors.torch import load

    return [load(comfy.view(entry))["latent_tensor"] for entry in run.outputs[name]["latents"]]


@pytest.mark.parametrize("kind", FILES)
def test_a_batch_of_four_and_a_list_are_the_same_pictures(tiny_models, comfy, kind):
    graph = edit(kind)
    graph["four"] = node("RepeatLatentBatch", samples=["encode", 0], amount=4)
    graph["noise"]["inputs"]["latent"] = ["four", 0]
    run = succeed(comfy, graph)
    batch = latents(comfy, run)
    assert batch.shape[0] == 4 and pictures(comfy, run).shape == (4, 96, 96, 3)
    assert not torch.equal(batch[0], batch[3])
    graph["list"] = node("RebatchLatents", latents=["four", 0], batch_size=1)
    graph["noise"]["inputs"]["latent"] = ["list", 0]
    items = all_latents(comfy, succeed(comfy, graph))
    assert len(items) == 4
    scale = float(batch.abs().max())
    for one, same in zip(items, batch, strict=True):  # batched matrix products round differently
        assert float((one[0] - same).abs().max()) < 1e-4 * scale


@pytest.mark.parametrize("kind", FILES)
def test_previews_and_progress_follow_the_hosts_setting(tiny_models, comfy, kind):
    quiet = succeed(comfy, edit(kind, steps=5), preview_method="none")
    assert not quiet.previews
    graph = edit(kind, steps=5, seed=3)
    run = succeed(comfy, graph, preview_method="latent2rgb")
    assert len(run.previews) >= 1
    assert [p for p in run.progress if p[0] == "sample"][-1] == ("sample", 5, 5)


@pytest.mark.parametrize("kind", FILES)
def test_cancel(tiny_models, comfy, kind):
    graph = edit(kind, steps=1000, seed=4, size=96)
    run = comfy.run(graph, preview_method="latent2rgb", cancel_after_previews=1)
    assert run.status == "interrupted"
    assert max(p[1] for p in run.progress if p[0] == "sample") < 900
    assert comfy.run(edit(kind, steps=1)).status == "success"


def halves(kind, first, second, t0=0.7):
    """A run of 8 steps in two halves: "ours" or "stock" first, the other or the same after it."""
    graph = edit(kind)
    graph["noise"]["inputs"]["t0"] = t0
    graph["levels"] = node("SDEdit_SigmasFromT0", model=["model", 0], t0=t0, steps=8, spacing="karras")
    graph["split"] = node("SplitSigmas", sigmas=["levels", 0], step=4)
    graph["euler"] = node("KSamplerSelect", sampler_name="euler")
    common = {"model": ["model", 0], "cfg": 2.0, "positive": ["text", 0], "negative": ["other", 0]}
    stock = {**common, "add_noise": False, "noise_seed": 0, "sampler": ["euler", 0]}
    ours = {**common, "steps": 8, "solver": "auto", "seed": 2}
    for name, maker, source, part in (("half", first, "noise", 0), ("sample", second, "half", 1)):
        levels = ["split", part]
        if maker == "ours":
            graph[name] = node("SDEdit_ReverseSDESampler", latent=[source, 0], sigmas=levels, **ours)
        else:
            graph[name] = node("SamplerCustom", latent_image=[source, 0], sigmas=levels, **stock)
    graph["report"]["inputs"]["source"] = ["sample" if second == "ours" else "noise", 2]
    return save_latent(save_latent(graph, ["half", 0], "half_latent"), ["encode", 0], "clean")


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(("first", "second"), [("ours", "stock"), ("stock", "ours"), ("ours", "ours")])
def test_two_halves_with_a_mask(tiny_models, comfy, kind, first, second):
    graph = halves(kind, first, second)
    run = succeed(comfy, graph)
    out, half, clean = (latents(comfy, run, name) for name in ("latent", "half_latent", "clean"))
    assert bool(torch.isfinite(out).all()) and not torch.equal(half, out) and not torch.equal(out, clean)
    if second == "ours":
        assert "4 steps" in run.text("report")
        graph["solid"], graph["hole"] = (
            node("SolidMask", value=v, width=w, height=96) for v, w in ((0.0, 96), (1.0, 48))
        )
        graph["mask"] = node("MaskComposite", destination=["solid", 0], source=["hole", 0], x=0, y=0, operation="add")
        graph["noise"]["inputs"]["mask"] = ["mask", 0]
        masked = latents(comfy, succeed(comfy, graph))
        assert torch.equal(masked[..., 6:], clean[..., 6:]) and not torch.equal(masked[..., :6], clean[..., :6])


@pytest.mark.parametrize("kind", FILES)
def test_ksampler_advanced_on_both_sides_of_ours(tiny_models, comfy, kind):
    """The stock advanced sampler with leftover noise, then ours; and ours, then the stock one from that step on."""
    schedule = node("BasicScheduler", model=["model", 0], scheduler="simple", steps=8, denoise=1.0)
    advanced = {"model": ["model", 0], "noise_seed": 3, "steps": 8, "cfg": 2.0, "sampler_name": "euler"}
    advanced |= {"scheduler": "simple", "positive": ["text", 0], "negative": ["other", 0]}

    graph = edit(kind, sigmas=["split", 1])
    graph["schedule"], graph["split"] = schedule, node("SplitSigmas", sigmas=["schedule", 0], step=4)
    graph["stock"] = node(
        "KSamplerAdvanced",
        add_noise="enable",
        latent_image=["encode", 0],
        start_at_step=0,
        end_at_step=4,
        return_with_leftover_noise="enable",
        **advanced,
    )
    graph["sample"]["inputs"]["latent"] = ["stock", 0]
    del graph["noise"]
    run = succeed(comfy, graph)
    assert "4 steps" in run.text("report") and bool(torch.isfinite(latents(comfy, run)).all())

    graph = edit(kind)
    graph["levels"] = node("SDEdit_SigmasFromT0", model=["model", 0], t0=0.875, steps=7, spacing="uniform t")
    graph["split"] = node("SplitSigmas", sigmas=["levels", 0], step=3)
    graph["noise"]["inputs"]["t0"] = 0.875
    graph["half"] = node(
        "SDEdit_ReverseSDESampler",
        **{**graph["sample"]["inputs"], "sigmas": ["split", 0]},
    )
    graph["euler"] = node("KSamplerSelect", sampler_name="euler")
    custom = {key: value for key, value in advanced.items() if key in ("model", "cfg", "positive", "negative")}
    graph["sample"] = node(
        "SamplerCustom",
        add_noise=False,
        noise_seed=3,
        sampler=["euler", 0],
        sigmas=["split", 1],
        latent_image=["half", 0],
        **custom,
    )
    graph["report"]["inputs"]["source"] = ["half", 2]
    run = succeed(comfy, graph)
    assert "Stopped at sigma" in run.text("report") and bool(torch.isfinite(latents(comfy, run)).all())


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("feather", [0, 16])
def test_composite(tiny_models, comfy, base, kind, feather):
    """A patch pasted into a photo with the core's nodes, edited where it was pasted, put back into the photo."""
    photo = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    put_image(comfy, base, "composite_photo.png", photo)
    graph = edit(kind, size=64)
    graph["photo"] = node("LoadImage", image="composite_photo.png")
    graph["ones"] = node("SolidMask", value=1.0, width=64, height=64)
    graph["paste"] = node(
        "ImageCompositeMasked",
        destination=["photo", 0],
        source=["guide", 0],
        x=16,
        y=16,
        resize_source=False,
        mask=["ones", 0],
    )
    graph["none"] = node("SolidMask", value=0.0, width=96, height=96)
    graph["soft"] = node("FeatherMask", mask=["ones", 0], left=feather, top=feather, right=feather, bottom=feather)
    graph["mask"] = node("MaskComposite", destination=["none", 0], source=["soft", 0], x=16, y=16, operation="add")
    graph["encode"]["inputs"]["pixels"] = ["paste", 0]
    graph["noise"]["inputs"]["mask"] = ["mask", 0]
    graph["back"] = node(
        "ImageCompositeMasked",
        destination=["photo", 0],
        source=["decode", 0],
        x=0,
        y=0,
        resize_source=False,
        mask=["mask", 0],
    )
    graph["save"]["inputs"]["images"] = ["back", 0]
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    out, clean = latents(comfy, run), latents(comfy, run, "clean")
    inside = torch.zeros(12, 12, dtype=torch.bool)
    inside[2:10, 2:10] = True
    assert torch.equal(out[..., ~inside], clean[..., ~inside])
    assert float((out - clean)[..., 5:7, 5:7].abs().mean()) > 0.01
    result, free = pictures(comfy, run)[0], np.zeros((96, 96), bool)
    free[16:80, 16:80] = True
    assert np.array_equal(result[~free], photo[~free])
    assert ("t0 per pixel" in run.text("report")) is (feather > 0)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("kind", FILES)
def test_text_model_without_a_prompt(tiny_models, comfy, kind):
    wrong(comfy, edit(kind, positive=None), "made for text", "positive")
    wrong(comfy, edit(kind, negative=None), "cfg is 2", "negative")


def test_latents_of_another_model(tiny_models, comfy):
    graph = edit("eps")
    graph["vae"] = node("VAELoader", vae_name="tiny_16_channels.safetensors")
    graph["encode"]["inputs"]["vae"] = ["vae", 0]
    wrong(comfy, graph, "4 channels", "(1, 16, 12, 12)", "own VAE")
    graph = edit("flow")
    graph["sd"] = node("CheckpointLoaderSimple", ckpt_name="tiny_sd.safetensors")
    graph["encode"]["inputs"]["vae"] = ["sd", 2]
    wrong(comfy, graph, "16 channels", "own VAE")
    graph = edit("eps")
    graph["pixels"] = node("SDEdit_ScoreModelLoader", model_name="landscape-alpine")
    graph["encode"]["inputs"]["vae"] = ["pixels", 1]
    wrong(comfy, graph, "4 channels", "own VAE")


def test_noised_by_one_model_sampled_by_another(tiny_models, comfy):
    graph = edit("flow")
    graph["sd"] = node("CheckpointLoaderSimple", ckpt_name="tiny_sd.safetensors")
    graph["sample"]["inputs"]["model"] = ["sd", 0]
    wrong(comfy, graph, "another model", "same MODEL")


def test_vae_of_another_model_in_the_probe(tiny_models, comfy):
    graph = edit("eps")
    graph["vae"] = node("VAELoader", vae_name="tiny_16_channels.safetensors")
    graph["probe"] = node(
        "SDEdit_T0Probe",
        model=["model", 0],
        latent=["encode", 0],
        vae=["vae", 0],
        t0_values="0.3",
        seed=1,
        positive=["text", 0],
    )
    graph["save"]["inputs"]["images"] = ["probe", 0]
    wrong(comfy, graph, "reads latents of 16 channels", "belongs to the model")


def test_a_model_that_is_no_denoiser(tiny_models, comfy):
    graph = edit("eps")
    graph["patch"] = node("ModelSamplingDiscrete", model=["model", 0], sampling="img_to_img", zsnr=False)
    for name in ("noise", "sample"):
        graph[name]["inputs"]["model"] = ["patch", 0]
    run = comfy.run(graph)
    if run.status == "refused":
        pytest.skip("this ComfyUI does not offer img_to_img")
    wrong(comfy, graph, "diffusion or flow model", "IMG_TO_IMG")


def test_sound_and_video_in_one_latent(tiny_models, comfy):
    if "LTXVConcatAVLatent" not in comfy.json("/object_info"):
        pytest.skip("this ComfyUI has no combined latents")
    graph = edit("eps")
    graph["two"] = node("LTXVConcatAVLatent", video_latent=["encode", 0], audio_latent=["encode", 0])
    graph["noise"]["inputs"]["latent"] = ["two", 0]
    wrong(comfy, graph, "does not work on 2 latents in one", "Separate AV Latent")
