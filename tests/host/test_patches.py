"""LoRA, ControlNet, model patches, hooks, areas and guiders through the host's own nodes, on tiny files it loads.

Both samplers are given the same noised latent and one step [sigma, 0], which is the model's answer D(x, sigma).
Whatever a patch does to that answer must be the same for the stock sampler and for ours, and not nothing.
"""

import pytest
import torch
from graphs import latents, node, save_latent

TEXT = {"positive": ["text", 0], "negative": ["other_text", 0]}


def start(cfg=3.0, t0=0.6, checkpoint="tiny_sd.safetensors"):
    """A tiny SD2-type model, a noised picture, and one step of both samplers."""
    graph = {
        "model": node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "vae": node("CheckpointLoaderSimple", ckpt_name="tiny_sd.safetensors"),
        "text": node("TestRandomPrompt", seed=1, width=1024, pooled=32),
        "other_text": node("TestRandomPrompt", seed=2, width=1024, pooled=32),
        "third_text": node("TestRandomPrompt", seed=3, width=1024, pooled=32),
        "guide": node("SDEdit_ExampleGuide", name="alpine", width=128, height=128),
        "encode": node("VAEEncode", pixels=["guide", 0], vae=["vae", 2]),
    }
    return both(graph, cfg, t0)


def flow(cfg=1.0, t0=0.6):
    graph = start(cfg, t0)
    graph["model"] = node("UNETLoader", unet_name="tiny_sd3.safetensors", weight_dtype="default")
    graph["vae_loader"] = node("VAELoader", vae_name="tiny_16_channels.safetensors")
    graph["encode"]["inputs"]["vae"] = ["vae_loader", 0]
    graph["guide"]["inputs"] |= {"width": 96, "height": 96}  # its position table is that small
    del graph["vae"]
    return graph


def both(graph, cfg, t0):
    graph["noise"] = node("SDEdit_AddVENoise", model=["model", 0], latent=["encode", 0], t0=t0, seed=1)
    graph["levels"] = node("SDEdit_SigmasFromT0", model=["model", 0], t0=t0, steps=1, spacing="karras")
    graph["euler"] = node("KSamplerSelect", sampler_name="euler")
    graph["stock"] = node(
        "SamplerCustom",
        model=["model", 0],
        add_noise=False,
        noise_seed=0,
        cfg=cfg,
        sampler=["euler", 0],
        sigmas=["levels", 0],
        latent_image=["noise", 0],
        **TEXT,
    )
    graph["ours"] = node(
        "SDEdit_ReverseSDESampler",
        model=["model", 0],
        latent=["noise", 0],
        steps=1,
        solver="ancestral",
        seed=2,
        sigmas=["levels", 0],
        cfg=cfg,
        **TEXT,
    )
    save_latent(graph, ["stock", 0], "stock_out")
    return save_latent(graph, ["ours", 0], "ours_out")


def patched(graph, name, **inputs):
    """The model goes through one more node."""
    graph["patch"] = node(name, model=["model", 0], **inputs)
    for item in graph.values():
        if item is not graph["patch"] and item["inputs"].get("model") == ["model", 0]:
            item["inputs"]["model"] = ["patch", 0]
    return graph


def prompted(graph, positive, negative=None):
    for name in ("stock", "ours"):
        graph[name]["inputs"] |= {"positive": positive, "negative": negative or graph[name]["inputs"]["negative"]}
    return graph


def answers(comfy, graph):
    run = comfy.run(graph)
    assert run.status == "success", run.error
    return latents(comfy, run, "stock_out"), latents(comfy, run, "ours_out")


_plain = {}


def compare(comfy, graph, *, plain=None, changes=True):
    """The two samplers agree with the patch, and the patch does something (or is known to do nothing here)."""
    key = repr(plain)
    if key not in _plain:
        _plain[key] = answers(comfy, plain or start())
    stock, ours = answers(comfy, graph)
    scale = float(stock.abs().max())
    assert bool(torch.isfinite(ours).all())
    assert float((stock - ours).abs().max()) < 2e-5 * scale, float((stock - ours).abs().max()) / scale
    if _plain[key][1].shape == ours.shape:
        moved = float((ours - _plain[key][1]).abs().max()) / scale
        assert (moved > 1e-3) is changes, moved


def test_the_plain_model(tiny_models, comfy):
    stock, ours = answers(comfy, start())
    assert float((stock - ours).abs().max()) < 2e-5 * float(stock.abs().max())


def test_lora(tiny_models, comfy):
    for strength in (1.0, -0.5):
        compare(
            comfy, patched(start(), "LoraLoaderModelOnly", lora_name="tiny_lora.safetensors", strength_model=strength)
        )


@pytest.mark.parametrize("part", [(0.0, 1.0, True), (0.9, 1.0, False)])
def test_controlnet(tiny_models, comfy, part):
    """At t0 0.6 the sampling is 0.4 of the way: a ControlNet for the last tenth has no say in the first step."""
    graph = start()
    graph["net"] = node("ControlNetLoader", control_net_name="tiny_control.safetensors")
    graph["control"] = node(
        "ControlNetApplyAdvanced",
        control_net=["net", 0],
        image=["guide", 0],
        strength=0.8,
        start_percent=part[0],
        end_percent=part[1],
        **TEXT,
    )
    compare(comfy, prompted(graph, ["control", 0], ["control", 1]), changes=part[2])


@pytest.mark.parametrize(
    ("name", "inputs", "changes"),
    [
        ("RescaleCFG", {"multiplier": 0.7}, True),
        (
            "PatchModelAddDownscale",
            dict(
                block_number=1,
                downscale_factor=2.0,
                start_percent=0.0,
                end_percent=1.0,
                downscale_after_skip=True,
                downscale_method="bicubic",
                upscale_method="bicubic",
            ),
            True,
        ),
        ("FreeU_V2", dict(b1=1.3, b2=1.4, s1=0.9, s2=0.2), False),  # its layers are wider than this net's
        ("HyperTile", dict(tile_size=64, swap_size=1, max_depth=0, scale_depth=False), True),
        ("DifferentialDiffusion", {}, False),  # for stock masks; ours have a start time per pixel anyway
        ("ModelSamplingDiscrete", {"sampling": "v_prediction", "zsnr": False}, True),
        ("ModelSamplingDiscrete", {"sampling": "v_prediction", "zsnr": True}, True),
        ("ModelSamplingDiscrete", {"sampling": "x0", "zsnr": False}, True),
        ("ModelSamplingContinuousEDM", {"sampling": "edm", "sigma_max": 80.0, "sigma_min": 0.002}, True),
        ("Mahiro", {}, True),
        ("TCFG", {}, True),
        ("APG", {"eta": 0.5, "norm_threshold": 5.0, "momentum": 0.0}, True),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_model_patches(tiny_models, comfy, name, inputs, changes):
    if name not in comfy.json("/object_info"):
        pytest.skip(f"this ComfyUI has no {name}")
    compare(comfy, patched(start(), name, **inputs), changes=changes)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("ModelSamplingSD3", {"shift": 1.0}),
        ("ModelSamplingAuraFlow", {"shift": 5.0}),
        ("ModelSamplingFlux", {"max_shift": 1.15, "base_shift": 0.5, "width": 1024, "height": 1024}),
        ("CFGZeroStar", {}),
    ],
)
def test_flow_patches(tiny_models, comfy, name, inputs):
    cfg = 3.0 if name == "CFGZeroStar" else 1.0
    compare(comfy, patched(flow(cfg), name, **inputs), plain=flow(cfg))


def test_hooks_and_their_schedule(tiny_models, comfy):
    graph = start()
    graph["hook"] = node("CreateHookLoraModelOnly", lora_name="tiny_lora.safetensors", strength_model=1.0)
    graph["frames"] = node("CreateHookKeyframe", strength_mult=0.5, start_percent=0.0)
    graph["timed"] = node("SetHookKeyframes", hooks=["hook", 0], hook_kf=["frames", 0])
    graph["hooked"] = node(
        "PairConditioningSetProperties",
        positive_NEW=["text", 0],
        negative_NEW=["other_text", 0],
        strength=1.0,
        set_cond_area="default",
        hooks=["timed", 0],
    )
    compare(comfy, prompted(graph, ["hooked", 0], ["hooked", 1]))


def test_prompt_areas_and_masks(tiny_models, comfy):
    graph = start()
    graph["left"] = node("ConditioningSetArea", conditioning=["text", 0], width=64, height=128, x=0, y=0, strength=1.0)
    graph["disc"] = node("SolidMask", value=0.6, width=128, height=128)
    graph["masked"] = node(
        "ConditioningSetMask", conditioning=["third_text", 0], mask=["disc", 0], strength=1.0, set_cond_area="default"
    )
    graph["sum"] = node("ConditioningCombine", conditioning_1=["left", 0], conditioning_2=["masked", 0])
    compare(comfy, prompted(graph, ["sum", 0]))


def test_inpainting_model(tiny_models, comfy):
    """InpaintModelConditioning gives picture and mask to a nine-channel model, and the latent's noise mask to us."""

    def graph(value):
        g = start(checkpoint="tiny_inpaint.safetensors")
        g["mask"] = node("SolidMask", value=value, width=128, height=128)
        g["inpaint"] = node(
            "InpaintModelConditioning", pixels=["guide", 0], vae=["vae", 2], mask=["mask", 0], noise_mask=False, **TEXT
        )
        g["noise"]["inputs"]["latent"] = ["inpaint", 2]
        return prompted(g, ["inpaint", 0], ["inpaint", 1])

    compare(comfy, graph(1.0), plain=graph(0.0))


def test_inpainting_model_with_its_mask_keeps_the_rest(tiny_models, comfy):
    graph = start(checkpoint="tiny_inpaint.safetensors")
    graph["solid"], graph["hole"] = (
        node("SolidMask", value=v, width=w, height=128) for v, w in ((0.0, 128), (1.0, 64))
    )
    graph["mask"] = node("MaskComposite", destination=["solid", 0], source=["hole", 0], x=0, y=0, operation="add")
    graph["inpaint"] = node(
        "InpaintModelConditioning", pixels=["guide", 0], vae=["vae", 2], mask=["mask", 0], noise_mask=True, **TEXT
    )
    graph["noise"]["inputs"]["latent"] = ["inpaint", 2]
    graph["ours"]["inputs"] |= {"positive": ["inpaint", 0], "negative": ["inpaint", 1], "solver": "auto", "steps": 4}
    del graph["stock"], graph["stock_out"], graph["ours"]["inputs"]["sigmas"]
    run = comfy.run(save_latent(graph, ["inpaint", 2], "clean"))
    assert run.status == "success", run.error
    out, clean = latents(comfy, run, "ours_out"), latents(comfy, run, "clean")
    assert torch.equal(out[..., 8:], clean[..., 8:]) and not torch.equal(out[..., :8], clean[..., :8])


@pytest.mark.parametrize("guider", ["CFGGuider", "BasicGuider", "DualCFGGuider", "PerpNegGuider"])
@pytest.mark.parametrize("solver", ["auto", "reverse_diffusion"])
def test_our_sampler_object_with_every_guider(tiny_models, comfy, guider, solver):
    """SamplerCustomAdvanced with our SAMPLER and our noised latent; CFGGuider must give our node's very bits."""
    graph = start()
    for name in ("levels", "ours"):
        graph[name]["inputs"]["steps"] = 5
    given = {
        "CFGGuider": {"cfg": 3.0, **TEXT},
        "BasicGuider": {"conditioning": ["text", 0]},
        "DualCFGGuider": {
            "cond1": ["text", 0],
            "cond2": ["third_text", 0],
            "negative": ["other_text", 0],
            "cfg_conds": 3.0,
            "cfg_cond2_negative": 2.0,
            "style": "regular",
        },
        "PerpNegGuider": {"cfg": 3.0, "neg_scale": 0.8, "empty_conditioning": ["third_text", 0], **TEXT},
    }[guider]
    graph["guider"] = node(guider, model=["model", 0], **given)
    graph["object"] = node("SDEdit_ReverseSDE", solver=solver, seed=2)
    graph["silent"] = node("DisableNoise")
    graph["stock"] = node(
        "SamplerCustomAdvanced",
        noise=["silent", 0],
        guider=["guider", 0],
        sampler=["object", 0],
        sigmas=["levels", 0],
        latent_image=["noise", 0],
    )
    graph["ours"]["inputs"]["solver"] = solver
    if guider == "BasicGuider":
        graph["ours"]["inputs"]["cfg"] = 1.0
    advanced, ours = answers(comfy, graph)
    assert bool(torch.isfinite(advanced).all())
    if guider in ("CFGGuider", "BasicGuider"):
        assert torch.equal(advanced, ours), float((advanced - ours).abs().max())
