"""What travels with a noised latent belongs to these very samples, whatever nodes stand in between."""

import numpy as np
import pytest
import torch
from graphs import edit, latents, node, put_image, save_latent, succeed, wrong


def half_mask(comfy, base, columns=32):
    array = np.zeros((64, 64, 3), np.uint8)
    array[:, :columns] = 255
    return node("LoadImageMask", image=put_image(comfy, base, f"left_{columns}.png", array), channel="red")


def two_guides(comfy, base, *, t0=0.45, joined="LatentBatch", mask=True):
    """Guide A and guide B, noised apart and joined before the sampler."""
    graph = edit(t0=t0)
    graph["other_guide"] = node("SDEdit_ExampleGuide", name="lake", width=64, height=64)
    graph["other"] = node("VAEEncode", pixels=["other_guide", 0], vae=["loader", 1])
    graph["other_noise"] = node("SDEdit_AddVENoise", model=["loader", 0], latent=["other", 0], t0=t0, seed=1)
    if mask:
        graph["mask"] = half_mask(comfy, base)
        graph["noise"]["inputs"]["mask"] = graph["other_noise"]["inputs"]["mask"] = ["mask", 0]
    graph["joined"] = join(comfy, ["noise", 0], ["other_noise", 0], joined)
    graph["sample"]["inputs"]["latent"] = ["joined", 0]
    return save_latent(graph, ["sample", 0])


def join(comfy, one, other, how="LatentBatch"):
    if how not in comfy.json("/object_info"):
        pytest.skip(f"this ComfyUI has no {how}")
    if how == "LatentBatch":
        return node("LatentBatch", samples1=one, samples2=other)
    return node(how, **{"latents.latent0": one, "latents.latent1": other})


@pytest.mark.parametrize("joined", ["LatentBatch", "BatchLatentsNode"])
@pytest.mark.parametrize("mask", [True, False])
def test_guides_that_were_noised_apart_and_joined(comfy, base, joined, mask):
    graph = two_guides(comfy, base, joined=joined, mask=mask)
    wrong(comfy, graph, "picture 2 of the latent did not come", "Join the clean guides", "before Add VE Noise at t0")


def test_guides_that_were_joined_first_keep_their_own_pixels(comfy, base):
    graph = two_guides(comfy, base)
    graph["joined"] = join(comfy, ["encode", 0], ["other", 0])
    graph["noise"]["inputs"]["latent"] = ["joined", 0]
    graph["sample"]["inputs"]["latent"] = ["noise", 0]
    run = succeed(comfy, save_latent(graph, ["joined", 0], "clean"))
    out, clean = latents(comfy, run), latents(comfy, run, "clean")
    assert torch.equal(out[..., 32:], clean[..., 32:]) and not torch.equal(clean[0], clean[1])
    assert not torch.equal(out[..., :32], clean[..., :32])


def test_the_same_guide_joined_with_itself(comfy, base):
    """Two batches that are one and the same belong to the guide both of them."""
    graph = two_guides(comfy, base)
    graph["joined"] = join(comfy, ["noise", 0], ["noise", 0])
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    out, clean = latents(comfy, run), latents(comfy, run, "clean")
    assert torch.equal(out[0], out[1]) and torch.equal(out[0][..., 32:], clean[0][..., 32:])


def test_items_taken_out_and_repeated_after_the_noise(comfy, base):
    graph = two_guides(comfy, base)
    graph["guides"] = join(comfy, ["encode", 0], ["other", 0])
    graph["noise"]["inputs"]["latent"] = ["guides", 0]
    graph["many"] = node("RepeatLatentBatch", samples=["noise", 0], amount=3)
    graph["joined"] = node("LatentFromBatch", samples=["many", 0], batch_index=3, length=2)
    run = succeed(comfy, save_latent(graph, ["guides", 0], "clean"))
    out, clean = latents(comfy, run), latents(comfy, run, "clean")
    assert torch.equal(out[..., 32:], clean[[1, 0]][..., 32:]), "item 3 of A B A B A B is B"


def sigmas(graph, t0, steps=6, at=3):
    graph["levels"] = node("SDEdit_SigmasFromT0", model=["loader", 0], t0=t0, steps=steps, spacing="karras")
    graph["split"] = node("SplitSigmas", sigmas=["levels", 0], step=at)
    return graph


def test_halves_of_ours_that_were_joined(comfy, base):
    graph = sigmas(two_guides(comfy, base), 0.45)
    for name, source in (("half", "noise"), ("other_half", "other_noise")):
        inputs = {**graph["sample"]["inputs"], "latent": [source, 0], "sigmas": ["split", 0]}
        graph[name] = node("SDEdit_ReverseSDESampler", **inputs)
    graph["joined"] = join(comfy, ["half", 0], ["other_half", 0])
    wrong(comfy, graph, "picture 2 of the latent did not come", "Join the clean guides")
    graph["joined"] = node("LatentFromBatch", samples=["half", 0], batch_index=0, length=1)
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    assert torch.equal(latents(comfy, run)[..., 32:], latents(comfy, run, "clean")[..., 32:])


def stock(graph, name, source, levels=("split", 0), **more):
    graph["euler"] = node("KSamplerSelect", sampler_name="euler")
    inputs = {"model": ["loader", 0], "add_noise": False, "noise_seed": 0, "cfg": 1.0, "sampler": ["euler", 0]}
    inputs |= {"positive": ["loader", 3], "negative": ["loader", 3], "sigmas": list(levels), **more}
    graph[name] = node("SamplerCustom", latent_image=list(source), **inputs)
    return graph


def test_stock_halves_that_were_joined(comfy, base):
    graph = sigmas(two_guides(comfy, base), 0.45)
    stock(graph, "half", ("noise", 0))
    stock(graph, "other_half", ("other_noise", 0))
    graph["joined"] = join(comfy, ["half", 0], ["other_half", 0])
    graph["sample"]["inputs"]["latent"] = ["half", 0]
    wrong(comfy, graph, "such as a KSampler", "connect the rest of its sigmas")
    graph["sample"]["inputs"] |= {"latent": ["joined", 0], "sigmas": ["split", 1]}
    wrong(comfy, graph, "needs the clean guide", "Pictures 1 and 2 are numbered alike", "Join the clean guides")
    graph["joined"] = node("RepeatLatentBatch", samples=["half", 0], amount=2)
    run = succeed(comfy, save_latent(graph, ["encode", 0], "clean"))
    out, clean = latents(comfy, run), latents(comfy, run, "clean")
    assert torch.equal(out[..., 32:], clean[[0, 0]][..., 32:])


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("LatentFlip", {"flip_method": "x-axis: vertically"}), ("LatentMultiply", {"multiplier": 1.02})],
)
def test_samples_that_are_no_longer_the_noised_ones(comfy, name, inputs):
    """Blending by 2 % and flipping leave the amount of noise as it was."""
    graph = edit(t0=0.45)
    graph["between"] = node(name, samples=["noise", 0], **inputs)
    graph["sample"]["inputs"]["latent"] = ["between", 0]
    wrong(comfy, graph, "not the ones that were noised", "Connect the LATENT of Add VE Noise at t0 directly")


def test_rebatched_after_the_noise(comfy):
    graph = edit(batch=2)
    graph["between"] = node("RebatchLatents", latents=["noise", 0], batch_size=1)
    graph["sample"]["inputs"]["latent"] = ["between", 0]
    wrong(comfy, graph, "Rebatch Latents", "belong before it")


# ---------------------------------------------------------------- noise on noise


def after(graph, source):
    """Probe, sweep and a second Add VE Noise on the same latent; only the first is an output."""
    common = {"model": ["loader", 0], "latent": source, "seed": 1}
    graph["probe"] = node("SDEdit_T0Probe", vae=["loader", 1], t0_values="0.3", **common)
    graph["sweep"] = node("SDEdit_T0Sweep", vae=["loader", 1], t0_values="0.3", steps=2, solver="auto", **common)
    graph["again"] = node("SDEdit_AddVENoise", t0=0.3, **common)
    outputs = {"probe": 2, "sweep": 5, "again": 2}
    return {name: node("PreviewAny", source=[name, slot]) for name, slot in outputs.items()}


@pytest.mark.parametrize("t0", [0.05, 0.2, 0.3, 0.7])
def test_noise_on_a_noised_latent_is_refused(comfy, t0):
    graph = edit(t0=t0)
    shown = after(graph, ["noise", 0])
    for name in ("decode", "save", "sample", "report", "readout"):
        del graph[name]
    for item in shown.values():
        wrong(comfy, {**graph, "shown": item}, "holds noise already", f"t0 {t0:g}", "clean latent")


def test_a_latent_that_a_stock_sampler_finished_is_clean(comfy):
    graph = sigmas(edit(t0=0.36), 0.36)
    stock(graph, "finished", ("noise", 0), ("levels", 0))
    shown = after(graph, ["finished", 0])
    for name in ("decode", "save", "sample", "report"):
        del graph[name]
    for name, item in shown.items():
        run = succeed(comfy, {**graph, "shown": item})
        assert "finished picture" in run.text("shown") and "plain KSampler" in run.text("shown"), name


def test_a_latent_that_we_finished_is_clean(comfy):
    graph = edit()
    graph["shown"] = after(graph, ["sample", 0])["again"]
    words = succeed(comfy, graph).text("shown")
    assert "t0 0.3" in words and "finished picture" not in words


def test_a_plain_ksampler_in_between(comfy):
    """It noises a second time; we cannot stop it, but what comes out is not taken for the noised guide."""
    graph = edit()
    inputs = {"seed": 3, "steps": 2, "cfg": 1.0, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0}
    inputs |= {"model": ["loader", 0], "positive": ["loader", 3], "negative": ["loader", 3]}
    graph["between"] = node("KSampler", latent_image=["noise", 0], **inputs)
    graph["sample"]["inputs"]["latent"] = ["between", 0]
    wrong(comfy, graph, "such as a KSampler", "times the noise")
    del graph["between"]
    graph["sample"]["inputs"]["latent"] = ["noise", 0]
    assert "add_noise disable" in succeed(comfy, graph).text("readout")


def test_strokes_lost_in_the_encoder(comfy, base):
    graph = edit()
    graph["mask"] = half_mask(comfy, base)
    plain, inputs = dict(graph["encode"]), {"pixels": ["guide", 0], "vae": ["loader", 1], "mask": ["mask", 0]}
    graph["encode"] = node("VAEEncodeForInpaint", grow_mask_by=6, **inputs)
    run = succeed(comfy, graph)
    for name in ("readout", "report"):
        assert "VAE Encode (for Inpainting)" in run.text(name) and "strokes are gone" in run.text(name)
    graph["plain"], graph["encode"] = plain, node("SetLatentNoiseMask", samples=["plain", 0], mask=["mask", 0])
    run = succeed(comfy, graph)
    assert "Inpainting" not in run.text("readout") + run.text("report")


# ---------------------------------------------------------------- models and prompts of another kind


def text_model(comfy):
    graph = edit()
    graph["model"] = node("CheckpointLoaderSimple", ckpt_name="tiny_sd.safetensors")
    graph["text"] = node("TestRandomPrompt", seed=1, width=1024, pooled=32)
    graph["encode"]["inputs"]["vae"] = graph["decode"]["inputs"]["vae"] = ["model", 2]
    for name in ("noise", "sample"):
        graph[name]["inputs"]["model"] = ["model", 0]
    return graph


def test_the_empty_conditioning_of_a_score_model_on_a_text_model(tiny_models, comfy):
    graph = text_model(comfy)
    graph["sample"]["inputs"] |= {"positive": ["loader", 3]}
    wrong(comfy, graph, "positive is the empty conditioning", "CLIP Text Encode")
    graph["sample"]["inputs"] |= {"positive": ["text", 0], "negative": ["loader", 3], "cfg": 3.0}
    wrong(comfy, graph, "negative is the empty conditioning", "CLIP Text Encode")
    graph["sample"]["inputs"]["cfg"] = 1.0
    succeed(comfy, graph)
    common = {"model": ["model", 0], "latent": ["encode", 0], "vae": ["model", 2], "t0_values": "0.3", "seed": 1}
    common["positive"] = ["loader", 3]
    for it in (node("SDEdit_T0Probe", **common), node("SDEdit_T0Sweep", steps=2, solver="auto", **common)):
        graph["it"] = it
        graph["save"]["inputs"]["images"] = ["it", 0]
        wrong(comfy, graph, "positive is the empty conditioning", "CLIP Text Encode")
    wrong(comfy, text_model(comfy), "CLIP Text Encode")


def test_the_prompt_of_another_text_model(tiny_models, comfy):
    graph = text_model(comfy)
    graph["text"] = node("TestRandomPrompt", seed=1, width=768, pooled=32)
    graph["sample"]["inputs"]["positive"] = ["text", 0]
    wrong(comfy, graph, "prompt does not fit this MODEL", "CLIP Text Encode")


def test_prompts_and_controlnets_on_a_score_model(tiny_models, comfy):
    graph = edit()
    graph["text"] = node("TestRandomPrompt", seed=1, width=1024, pooled=32)
    graph["sample"]["inputs"]["positive"] = ["text", 0]
    assert "prompt has no effect" in succeed(comfy, graph).text("report")
    graph["net"] = node("ControlNetLoader", control_net_name="tiny_control.safetensors")
    inputs = {
        "strength": 0.8,
        "start_percent": 0.0,
        "end_percent": 1.0,
        "positive": ["text", 0],
        "negative": ["text", 0],
    }
    graph["control"] = node("ControlNetApplyAdvanced", control_net=["net", 0], image=["guide", 0], **inputs)
    graph["sample"]["inputs"]["positive"] = ["control", 0]
    wrong(comfy, graph, "cannot follow a ControlNet", "unconnected")


def patched(comfy, name, **inputs):
    if name not in comfy.json("/object_info"):
        pytest.skip(f"this ComfyUI has no {name}")
    graph = edit()
    graph["patch"] = node(name, model=["loader", 0], **inputs)
    for item in ("noise", "sample"):
        graph[item]["inputs"]["model"] = ["patch", 0]
    return save_latent(graph, ["sample", 0])


def test_patches_that_need_attention(comfy):
    graph = patched(comfy, "SelfAttentionGuidance", scale=0.5, blur_sigma=2.0)
    wrong(comfy, graph, "score model cannot work with SelfAttentionGuidance", "Take that node out")
    sampled = sigmas({**graph, "object": node("SDEdit_ReverseSDE", solver="auto", seed=2)}, 0.36)
    sampled = stock(sampled, "sample", ("noise", 0), ("levels", 0), model=["patch", 0], sampler=["object", 0])
    del sampled["report"]
    wrong(comfy, sampled, "cannot work with SelfAttentionGuidance")
    common = {"model": ["patch", 0], "latent": ["encode", 0], "vae": ["loader", 1], "t0_values": "0.3", "seed": 1}
    for it in (node("SDEdit_T0Probe", **common), node("SDEdit_T0Sweep", steps=2, solver="auto", **common)):
        graph["it"] = it
        graph["save"]["inputs"]["images"] = ["it", 0]
        wrong(comfy, graph, "cannot work with SelfAttentionGuidance")


@pytest.mark.parametrize(
    ("name", "inputs", "idle"),
    [
        ("RenormCFG", {"cfg_trunc": 100.0, "renorm_cfg": 1.0}, False),
        ("FreeU_V2", {"b1": 1.3, "b2": 1.4, "s1": 0.9, "s2": 0.2}, True),
        ("HyperTile", {"tile_size": 64, "swap_size": 1, "max_depth": 0, "scale_depth": False}, True),
        ("PerturbedAttentionGuidance", {"scale": 3.0}, False),
    ],
)
def test_patches_that_run_on_a_score_model(comfy, name, inputs, idle):
    run = succeed(comfy, patched(comfy, name, **inputs))
    assert (f"{name}: no effect" in run.text("report")) is idle
    plain = latents(comfy, succeed(comfy, save_latent(edit(), ["sample", 0])))
    assert float((latents(comfy, run) - plain).abs().max()) < 2e-3
