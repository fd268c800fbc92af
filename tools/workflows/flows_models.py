"""Workflows with a prompt: strokes, masked edits and composites with the models of today, one workflow a model."""

from __future__ import annotations

from . import model_files as files
from .graph import Graph, Ref
from .layout import stage
from .parts import NOISE_SHARE, any_model, begin, compare, drawing, example, prompt, save

SIZE = {"width": 1024, "height": 1024}
NOT_THIS = "painting, drawing, text"
LAKE = "photo of a snow peak over a mountain lake, calm water, clear sky"
PEAK = "photo of a lake with a high snow peak and its reflection"
MOON = "photo of the moon over a calm mountain lake at night, its light on the water"
SUNSET = "photo of the sun setting over the sea, glowing clouds, calm water"
MEADOW = "photo of a snow peak above a green meadow, blue sky"
FEW = {"solver": "few_step", "cfg": 1.0}
OWN = (
    "\n\nGet the **Files**, paint, say in **Prompt** what it is, **Run**.\n\n"
    "- Your photo: *Load Image* into **background**. Only what you paint may change.\n"
)
DIAL = "- **t0** is a noise share: 0.45 keeps much of your strokes, 0.7 little.\n"


def _edit(
    g: Graph,
    words: str,
    model: tuple[Ref, Ref, Ref],
    *,
    painting: str = "",
    on: str = "",
    pasted: str = "",
    not_this: str | None = None,
    guidance: float | None = None,
    **options: object,
) -> Graph:
    """A painting, strokes on a photo, or a patch pasted in; prompt; SDEdit."""
    model, clip, vae = model
    mask = Ref("canvas", 1)
    if painting:
        g.node("canvas", "SDEdit_StrokeCanvas", **SIZE, strokes=drawing(painting))
    elif on:
        example(g, f"edit: {on}", slot=2, title="Photo", strokes=drawing(f"edit-{on}"), **SIZE)
    else:
        example(g, f"composite: {pasted}", title="Composite", **SIZE)
        mask = Ref("guide", 1)
    texts = prompt(g, words, clip, not_this)
    prompts = ["positive"] + ["negative"] * (not_this is not None)
    if guidance is not None:
        g.node("guidance", "FluxGuidance", conditioning=Ref("positive", 0), guidance=guidance)
        texts["positive"] = Ref("guidance", 0)
        g.collapsed.add("guidance")
    part = any_model(g, negative=not_this is not None, grow=16, **options)
    g.inside("sdedit", part, image=Ref("canvas", 0), mask=mask, model=model, vae=vae, **texts)
    save(g, Ref("sdedit", 0))
    compare(g, Ref("canvas", 0))
    g.node("report", "PreviewAny", title="Report", source=Ref("sdedit", 2))
    g.collapsed |= {"report", "files"}
    g.note("files", None, None, files.where_files_go(g), "Files")
    left = ["canvas", *(["guide"] if "guide" in g.nodes else [])]
    folded = [("files", "report"), *(key for key in ("guidance", "lora") if key in g.nodes)]
    titles = ("1. Paint", "2. Prompt and SDEdit", "3. Picture")
    return stage(
        g, titles, left, ["about", *prompts, "sdedit"], ["save", "models", *folded], positive=104, negative=104
    )


def sdxl() -> Graph:
    g = begin(
        "09 SDXL, strokes and masks",
        "## SDXL, SD 1.5 and the like" + OWN + "- **t0** is what *denoise* is with the schedulers normal, simple "
        "and sgm_uniform: 0.4 to 0.7. All **steps** are run.\n- SD 1.5: 512 x 512, cfg 7, its file.",
    )
    model = files.load_checkpoint(g, files.SDXL)
    return _edit(g, PEAK, model, on="lake-peak", not_this=NOT_THIS, t0=0.6, steps=25, cfg=7.0)


def _distilled(name: str, parts: files.Parts, steps: int, prompt: str, **what: str) -> Graph:
    g = begin(
        f"{name}, strokes and masks",
        f"## {name[3:]}, {steps} steps"
        + OWN
        + DIAL
        + f"- Distilled: cfg 1, and all {steps} **steps** are run at any t0.",
    )
    model = files.load_parts(g, parts)
    return _edit(g, prompt, model, t0=0.7, unit=NOISE_SHARE, steps=steps, **what, **FEW)


def z_image() -> Graph:
    return _distilled("10 Z-Image-Turbo", files.Z_IMAGE_TURBO, 8, LAKE, painting="lake")


def klein() -> Graph:
    return _distilled("11 FLUX.2 Klein", files.KLEIN_4B, 4, MOON, on="night-moon")


def qwen_image() -> Graph:
    g = begin(
        "12 Qwen-Image, strokes and masks",
        "## Qwen-Image"
        + OWN
        + DIAL
        + "- **Lightning**: select its LoRA, **Ctrl+B**; steps 8, cfg 1; inside SDEdit few_step, eta 0.",
    )
    model, clip, vae = files.load_parts(g, files.QWEN_IMAGE)
    g.node("lora", "LoraLoaderModelOnly", title="Lightning LoRA", model=model, lora_name=files.LIGHTNING.name)
    g.files["lora"] = files.LIGHTNING.entry()
    g.bypassed.add("lora")
    g.collapsed.add("lora")
    options = {"t0": 0.7, "unit": NOISE_SHARE, "steps": 20, "cfg": 4.0, "not_this": ""}
    return _edit(g, SUNSET, (Ref("lora", 0), clip, vae), painting="sunset", **options)


def flux1() -> Graph:
    g = begin(
        "13 FLUX.1 and SD 3.5, strokes and masks",
        "## Flow models in one file" + OWN + DIAL + "- **FLUX.1**: cfg 1, no negative, **FluxGuidance**.\n"
        "- **SD 3.5**: take FluxGuidance out, cfg 4 to 5, and inside SDEdit a prompt at *negative*.",
    )
    model = files.load_checkpoint(g, files.FLUX1)
    options = {"t0": 0.7, "unit": NOISE_SHARE, "steps": 20, "cfg": 1.0}
    return _edit(g, MEADOW, model, pasted="alpine-peak", guidance=3.5, **options)


FLOWS = (sdxl, z_image, klein, qwen_image, flux1)
