"""Workflows with a prompt: strokes, masked edits and composites with the models of today, one workflow a model."""

from __future__ import annotations

from . import model_files as files
from .graph import Graph, Ref
from .layout import BLUE, GREEN, PURPLE, arrange, column
from .parts import NOISE_SHARE, begin, chain, example_guide, prompt

SIZE = {"width": 1024, "height": 1024}
NOT_THIS = "painting, drawing, text"
LAKE = "photo of a snow peak over a mountain lake, calm water, clear sky"
PEAK = "photo of a lake with a high snow peak and its reflection"
MOON = "photo of the moon over a calm mountain lake at night, its light on the water"
SUNSET = "photo of the sun setting over the sea, glowing clouds, calm water"
MEADOW = "photo of a snow peak above a green meadow, blue sky"
FEW = {"solver": "few_step", "cfg": 1.0}
GUIDES = (
    "\n\n- **Example Guide**: strokes (*lake*, *sunset*), a masked edit (*edit: ...*) or a composite (*composite: "
    "...*). Its mask is all white for strokes.\n"
    "- **Your own**: *Stroke Canvas*, or *Load Image* with the **Mask Editor**. White may change. Without a mask "
    "disconnect *GrowMask*.\n"
)
DIAL = "- **t0** is a **noise share**: 0.45 keeps much of your strokes, 0.7 little.\n"


def _edit(
    g: Graph,
    guide: str,
    words: str,
    model: tuple[Ref, Ref, Ref],
    *,
    loaders: tuple[str, ...],
    not_this: str | None = None,
    guidance: float | None = None,
    **options: object,
) -> Graph:
    """Guide with a mask, prompt, the SDEdit chain, the old pixels back; laid out in three groups."""
    model, clip, vae = model
    example_guide(g, guide, title="The guide", **SIZE)
    g.node("grow", "GrowMask", mask=Ref("guide", 1), expand=16)
    texts = prompt(g, words, clip, not_this)
    if guidance is not None:
        g.node("guidance", "FluxGuidance", conditioning=Ref("positive", 0), guidance=guidance)
        texts["positive"] = Ref("guidance", 0)
    prompts = [key for key in ("positive", "negative", "guidance") if key in g.nodes]
    chain(g, Ref("guide", 0), model=model, vae=vae, mask=Ref("grow", 0), **texts, **options)
    pasting = {"destination": Ref("guide", 0), "source": Ref("decode", 0), "mask": Ref("grow", 0)}
    g.node("paste", "ImageCompositeMasked", title="Old pixels back", **pasting)
    g.nodes["save"]["inputs"]["images"] = Ref("paste", 0)
    g.note("files", None, None, files.where_files_go(g), "Files")
    first = [column(380, "about", "guide", "shown", shown=300), column(340, "files", *loaders, files=230)]
    second = [column(320, "grow", "encode", "noise", "readout"), column(330, *prompts, "sample")]
    third = [column(420, "decode", "paste", "save", "report", save=400, report=200)]
    return arrange(
        g, ("1. Guide and model", BLUE, first), ("2. Prompt and SDEdit", GREEN, second), ("3. Result", PURPLE, third)
    )


def sdxl() -> Graph:
    g = begin(
        "09 SDXL, strokes and masks",
        "## SDXL, SD 1.5 and the like" + GUIDES + "- **t0** is what *denoise* is with the schedulers normal, simple "
        "and sgm_uniform: 0.4 to 0.7. All **steps** are run.\n- SD 1.5: 512 x 512, cfg 7, its file.",
    )
    model = files.load_checkpoint(g, files.SDXL)
    return _edit(g, "edit: lake-peak", PEAK, model, loaders=("model",), not_this=NOT_THIS, t0=0.6, steps=25, cfg=7.0)


def _distilled(name: str, parts: files.Parts, steps: int, guide: str, prompt: str, loaders: tuple[str, ...]) -> Graph:
    g = begin(
        f"{name}, strokes and masks",
        f"## {name[3:]}, {steps} steps"
        + GUIDES
        + DIAL
        + f"- Distilled: solver **few_step**, cfg 1. All {steps} **steps** are run at any t0.",
    )
    model = files.load_model(g, parts), *files.load_text_and_vae(g, parts)
    return _edit(g, guide, prompt, model, loaders=loaders, t0=0.7, unit=NOISE_SHARE, steps=steps, **FEW)


def z_image() -> Graph:
    loaders = ("model", "shift", "clip", "vae")
    return _distilled("10 Z-Image-Turbo", files.Z_IMAGE_TURBO, 8, "lake", LAKE, loaders)


def klein() -> Graph:
    return _distilled("11 FLUX.2 Klein", files.KLEIN_4B, 4, "edit: night-moon", MOON, ("model", "clip", "vae"))


def qwen_image() -> Graph:
    g = begin(
        "12 Qwen-Image, strokes and masks",
        "## Qwen-Image" + GUIDES + DIAL + "- **Lightning, 8 steps**: select the LoRA, **Ctrl+B**, then steps 8, cfg "
        "1, solver **few_step**, eta 0.",
    )
    parts = files.QWEN_IMAGE
    model = files.load_model(g, parts, lora=files.LIGHTNING), *files.load_text_and_vae(g, parts)
    loaders = ("model", "lora", "shift", "clip", "vae")
    options = {"t0": 0.7, "unit": NOISE_SHARE, "steps": 20, "cfg": 4.0}
    return _edit(g, "sunset", SUNSET, model, loaders=loaders, not_this="", **options)


def flux1() -> Graph:
    g = begin(
        "13 FLUX.1 and SD 3.5, strokes and masks",
        "## Flow models in one file" + GUIDES + DIAL + "- **FLUX.1**: cfg 1, no negative, **FluxGuidance**.\n"
        "- **SD 3.5**: take FluxGuidance out, connect *negative*, cfg 4 to 5.",
    )
    model = files.load_checkpoint(g, files.FLUX1)
    options = {"t0": 0.7, "unit": NOISE_SHARE, "steps": 20, "cfg": 1.0}
    return _edit(g, "composite: alpine-peak", MEADOW, model, loaders=("model",), guidance=3.5, **options)


FLOWS = (sdxl, z_image, klein, qwen_image, flux1)
