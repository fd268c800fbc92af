"""Small prompts in API format, made of a few verbs."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

WORKFLOWS = Path(__file__).parents[2] / "workflows"


def edit(*, t0=0.36, steps=3, size=64, seed=1, sampler_seed=2, guide="alpine", mask=None, batch=1, **sampler):
    """Stroke painting to picture, small and quick; node names say what they are."""
    inputs = {"model": ["loader", 0], "latent": ["noise", 0], "steps": steps, "solver": "auto", "seed": sampler_seed}
    inputs |= sampler
    graph = {
        "loader": node("SDEdit_ScoreModelLoader", model_name="landscape-" + guide),
        "guide": node("SDEdit_ExampleGuide", name=guide, width=size, height=size),
        "encode": node("VAEEncode", pixels=["guide", 0], vae=["loader", 1]),
        "noise": node("SDEdit_AddVENoise", model=["loader", 0], latent=["encode", 0], t0=t0, seed=seed),
        "sample": node("SDEdit_ReverseSDESampler", **inputs),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["loader", 1]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
        "report": node("PreviewAny", source=["sample", 2]),
        "readout": node("PreviewAny", source=["noise", 2]),
    }
    if batch > 1:
        graph["repeat"] = node("RepeatLatentBatch", samples=["encode", 0], amount=batch)
        graph["noise"]["inputs"]["latent"] = ["repeat", 0]
    if mask is not None:
        graph["mask"] = mask
        graph["noise"]["inputs"]["mask"] = ["mask", 0]
    return graph


def node(class_type, **inputs):
    defaults = {
        "SDEdit_ScoreModelLoader": {"weights": "ema", "dtype": "auto"},
        "SDEdit_ScoreModelFromImages": {"palette_freedom": 0.0, "position_aware": False, "size": 64},
    }
    return {"class_type": class_type, "inputs": {**defaults.get(class_type, {}), **inputs}}


def succeed(comfy, graph, **options):
    """Run a prompt to its end."""
    run = comfy.run(graph, **options)
    assert run.status == "success", run.error
    return run


def wrong(comfy, graph, *words, status="error"):
    """Run a prompt that must fail, with these words, and leave the server alive."""
    run = comfy.run(graph)
    assert run.status == status, run.error or run.status
    for word in words:
        assert word in run.error, run.error
    assert comfy.alive()


def save_latent(graph, source, name="latent"):
    graph[name] = node("SaveLatent", samples=source, filename_prefix="t")
    return graph


def pictures(client, run, name="save"):
    """The saved PNG files as one uint8 array (B, H, W, 3)."""
    files = [Image.open(io.BytesIO(client.view(entry))) for entry in run.outputs[name]["images"]]
    return np.stack([np.asarray(f.convert("RGB")) for f in files])


def latents(client, run, name="latent"):
    """The tensor of a SaveLatent node."""
    from safetensors.torch import load

    return load(client.view(run.outputs[name]["latents"][0]))["latent_tensor"]


def put_image(client, base, name, array):
    """Write an input picture (H, W, 3|4) uint8 for LoadImage."""
    Image.fromarray(array).save(base / "input" / name)
    return name


def api_workflows():
    return sorted((WORKFLOWS / "api").glob("*.json"))


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))
