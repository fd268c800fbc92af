"""Workflows that run at once: built-in models, example pictures, nothing to download."""

from __future__ import annotations

import json

from .graph import Graph, Ref
from .layout import SMALL, arrange, column, stage
from .parts import (
    DIALS,
    INSIDE,
    READINGS,
    around_mask,
    begin,
    compare,
    drawing,
    example,
    landscape,
    prefix,
    sample,
    save,
)
from .subgraph import Blueprint

SIZE = {"width": 512, "height": 512}
# Three dark trees for the autumn meadow, as somebody would paint them: left, right and foot of each, in 512 units.
TREES = [(88, 441, 123, 205, 158), (161, 410, 184, 256, 207), (379, 430, 410, 225, 440)]
IMAGE = Ref("sdedit", 0)


def trees() -> str:
    """The stroke document of the photo edit."""
    strokes = [
        {"tool": "shape", "colour": "#2a3626", "points": [left, foot, top_x, top, right, foot]}
        for left, foot, top_x, top, right in TREES
    ]
    picture = {"version": 1, "width": 512, "height": 512, "background": "#ffffff", "strokes": strokes}
    return json.dumps(picture, separators=(",", ":"))


def paint() -> Graph:
    g = begin(
        "01 Paint strokes",
        "## Paint, then Run\n\nPress **Run**: the painting becomes a picture. Nothing to download.\n\n"
        "1. Paint on, or **Clear** and begin anew: sky, mountain, meadow.\n"
        "2. Turn **t0**: 0.2 keeps your strokes, 0.4 looks more real.\n"
        "3. Another **seed**, another picture.\n"
        "4. A lake, a sunset, the night: **model** picks the mood by your colours.\n"
        "5. Only a part of a photo: template 02.",
    )
    g.node("canvas", "SDEdit_StrokeCanvas", **SIZE)
    g.inside("sdedit", landscape(g, None, t0=0.27, steps=12), image=Ref("canvas", 0))
    save(g, IMAGE)
    compare(g, Ref("canvas", 0))
    return stage(g, ("1. Paint", "2. SDEdit", "3. Picture"), ["canvas"], ["about", "sdedit"], ["save"], side=SMALL)


def photo_edit() -> Graph:
    g = begin(
        "02 Paint on a photo",
        "## Paint on a photo\n\nThree trees are painted into a meadow. **Run** makes them belong; the rest "
        "comes back bit for bit.\n\n"
        "- Your photo: *Load Image* into **background**.\n"
        "- **grow mask**: a rim around your strokes that may change too.\n"
        "- Still looks painted? Raise **t0**. Ignores your strokes? Lower it.\n"
        "- This model knows landscapes. For all else: templates 09 to 13.",
    )
    example(g, "edit: autumn-conifers", slot=2, title="Photo", strokes=trees(), **SIZE)
    part = landscape(g, "autumn", t0=0.25, steps=16, grow=8)
    g.inside("sdedit", part, image=Ref("canvas", 0), mask=Ref("canvas", 1))
    save(g, IMAGE)
    compare(g, Ref("canvas", 0))
    titles = ("1. Photo and strokes", "2. SDEdit", "3. Picture")
    return stage(g, titles, ["canvas", "guide"], ["about", "sdedit"], ["save"], side=SMALL)


def strokes() -> Graph:
    g = begin(
        "03 Strokes to picture",
        "## A painting becomes a picture\n\n"
        "1. Open **Painting** and choose another: alpine, lake, sunset, autumn, desert, night.\n"
        "2. Your own, from any program: *Load Image* into **background**.\n"
        "3. Turn **t0**: 0.2 keeps the strokes, 0.4 looks more real.\n"
        "4. Another **seed**, another picture.",
    )
    example(g, "night", title="Painting", **SIZE)
    g.inside("sdedit", landscape(g, None, t0=0.27, steps=12), image=Ref("canvas", 0))
    save(g, IMAGE)
    compare(g, Ref("canvas", 0))
    return stage(
        g, ("1. Painting", "2. SDEdit", "3. Picture"), ["canvas", "guide"], ["about", "sdedit"], ["save"], side=SMALL
    )


def composite() -> Graph:
    g = begin(
        "04 Composite a patch",
        "## Paste something in\n\nTrees are cut out of one picture and pasted into another. **Run** mends the seam.\n\n"
        "- Your own: two *Load Image* and a mask into **Paste the patch**, and the mask into **SDEdit**.\n"
        "- **feather**: how far around the patch may change, less and less.\n"
        "- **t0** 0.15 to 0.25 mends the seam and keeps the patch.\n"
        "- Only a window around the mask is worked on; all else comes back as it was.",
    )
    g.node("example", "SDEdit_ExampleGuide", title="Example", name="composite: autumn-conifers", **SIZE)
    pasting = {"destination": Ref("example", 2), "source": Ref("example", 3), "mask": Ref("example", 1)}
    g.node("paste", "ImageCompositeMasked", title="Paste the patch", **pasting)
    g.collapsed |= {"example", "paste"}
    g.node("rough", "PreviewImage", title="Rough composite", images=Ref("paste", 0))
    part = around_mask(g, "autumn", t0=0.2, steps=16, feather=16)
    g.inside("sdedit", part, image=Ref("paste", 0), mask=Ref("example", 1))
    save(g, IMAGE)
    compare(g, Ref("paste", 0))
    titles = ("1. Paste", "2. SDEdit", "3. Picture")
    return stage(g, titles, ["rough", ("example", "paste")], ["about", "sdedit"], ["save"], side=SMALL)


def one_photo() -> Graph:
    g = begin(
        "05 One photo as the model",
        "## One photo is the model\n\nNo training: the strokes are redrawn out of the patches of one photo.\n\n"
        "- Your photo: *Load Image* into **photo**. Paint what it contains, in its colours.\n"
        "- **palette freedom** 0 is sharpest; 0.03 keeps colours the photo lacks.\n"
        "- **t0** 0.3 to 0.5.",
    )
    example(g, "autumn", title="Example", **SIZE)
    inner = Graph("SDEdit").node("model", "SDEdit_ScoreModelFromImages", position_aware=True)
    sample(inner, None, Ref("model", 0), Ref("model", 1), t0=0.36, steps=12)
    arrange(inner, column(340, "model"), column(320, "encode", "noise"), column(340, "sample"), column(220, "decode"))
    sockets = {"image": [("encode", "pixels")], "photo": [("model", "images")]}
    dials = {
        **DIALS,
        "palette freedom": [("model", "palette_freedom")],
        "position aware": [("model", "position_aware")],
    }
    outputs = {"image": Ref("decode", 0), **READINGS}
    part = Blueprint("SDEdit", INSIDE, inner, sockets, dials, outputs, place=g.name)
    g.inside("sdedit", part, image=Ref("canvas", 0), photo=Ref("guide", 2))
    g.node("photo", "PreviewImage", title="The photo", images=Ref("guide", 2))
    save(g, IMAGE)
    compare(g, Ref("canvas", 0))
    titles = ("1. Strokes", "2. SDEdit", "3. Picture")
    return stage(g, titles, ["canvas", "guide"], ["about", "sdedit"], ["save", "photo"], side=SMALL, photo=230)


def find_t0() -> Graph:
    g = begin(
        "06 Find your t0",
        "## Find your t0\n\nA photo becomes strokes, and the strokes a picture again, at six t0.\n\n"
        "- **What survives**: what is sharp is fixed, what is blurred will be invented.\n"
        "- **The edits**: the number you like best into **picks**, then **Run** again to look closer, as in 4 2.\n"
        "- **Trade-off**: to the right less like the strokes; more like a photo, up to a point.\n"
        "- Your own: *Load Image* into **background**.",
    )
    example(g, "lake", slot=2, title="Photo", width=256, height=192)
    g.node("strokes", "SDEdit_SimulateStrokes", image=Ref("canvas", 0))
    g.collapsed.add("strokes")
    g.node("shown", "PreviewImage", title="Strokes", images=Ref("strokes", 0))
    inner = Graph("Find t0").node("model", "SDEdit_ScoreModelLoader", model_name="landscape-lake")
    inner.node("encode", "VAEEncode", vae=Ref("model", 1))
    same = {"model": Ref("model", 0), "latent": Ref("encode", 0), "vae": Ref("model", 1), "seed": 1}
    inner.node("probe", "SDEdit_T0Probe", **same)
    inner.node("sweep", "SDEdit_T0Sweep", **same)
    arrange(inner, column(340, "model", "encode"), column(340, "probe"), column(360, "sweep"))
    dials = {
        "model": [("model", "model_name")],
        "t0 values": [("probe", "t0_values"), ("sweep", "t0_values")],
        "picks": [("sweep", "picks")],
        "steps": [("sweep", "steps")],
        "seed": [("probe", "seed"), ("sweep", "seed")],
    }
    outputs = {"survives": Ref("probe", 0), "sheet": Ref("sweep", 0), "plot": Ref("sweep", 1)}
    outputs |= {"pictures": Ref("sweep", 2), "t0": Ref("sweep", 6), "report": Ref("sweep", 5)}
    words = "The edit at several t0 side by side. Open it for t0 Probe, t0 Sweep and their other inputs."
    part = Blueprint("Find t0", words, inner, {"image": [("encode", "pixels")]}, dials, outputs, place=g.name)
    g.inside("sdedit", part, image=Ref("strokes", 0))
    g.node("survives", "PreviewImage", title="What survives", images=Ref("sdedit", 0))
    g.node("save", "SaveImage", title="The edits", images=Ref("sdedit", 1), filename_prefix=prefix(g))
    g.node("plot", "PreviewImage", title="Trade-off", images=Ref("sdedit", 2))
    left, right = [("canvas", "shown"), "survives", ("guide", "strokes")], ["save", "plot"]
    titles = ("1. Photo and strokes", "2. Find t0", "3. The edits")
    return stage(g, titles, left, ["about", "sdedit"], right, canvas=512, shown=512, survives=332, plot=350)


def stock_sampler() -> Graph:
    g = begin(
        "07 Stock sampler from t0",
        "## Stock samplers, exact t0\n\n*Add VE Noise at t0* and *Sigmas from t0* turn ComfyUI's own sampling into "
        "SDEdit: any **KSamplerSelect** sampler, or *Reverse SDE (SAMPLER)* for ours. **t0** is the same in both "
        "nodes. The noise is in the latent already: hence *DisableNoise*. Right on flow models too.",
    )
    example(g, "desert", title="Painting", **SIZE)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-desert")
    g.node("encode", "VAEEncode", pixels=Ref("canvas", 0), vae=Ref("model", 1))
    g.node("noise", "SDEdit_AddVENoise", model=Ref("model", 0), latent=Ref("encode", 0), t0=0.3, seed=1)
    g.node("levels", "SDEdit_SigmasFromT0", model=Ref("model", 0), t0=0.3, steps=16)
    both = {"positive": Ref("model", 3), "negative": Ref("model", 3)}
    g.node("guider", "CFGGuider", model=Ref("model", 0), cfg=1.0, **both)
    g.node("off", "DisableNoise")
    g.node("which", "KSamplerSelect", sampler_name="dpmpp_2m_sde")
    sampling = {"noise": Ref("off", 0), "guider": Ref("guider", 0), "sampler": Ref("which", 0)}
    sampling |= {"sigmas": Ref("levels", 0), "latent_image": Ref("noise", 0)}
    g.node("sample", "SamplerCustomAdvanced", title="Custom sampler", **sampling)
    g.node("decode", "VAEDecode", samples=Ref("sample", 0), vae=Ref("model", 1))
    save(g, Ref("decode", 0))
    compare(g, Ref("canvas", 0))
    g.collapsed |= {"model", "encode", "guider", "off", "sample", "decode"}
    middle = ["encode", "noise", "levels", "which", "off", "guider", "sample", "decode"]
    titles = ("1. Painting and model", "2. ComfyUI's own sampler", "3. Picture")
    return stage(g, titles, ["canvas", ("guide", "model")], middle, ["save", "about"], side=SMALL)


def own_model() -> Graph:
    g = begin(
        "08 Your own score model",
        "## A score model file\n\nPut a checkpoint into **models/score_models** (NCSN++, DDPM, guided-diffusion, "
        "diffusers folders), press **R**, choose it in **model**. Until then a built-in one stands in.\n\n"
        "- **What was loaded** says what was read from the file and what was assumed.\n"
        "- Networks want their own size: Fit Image crops, Unfit Image puts the result back. Both are inside.\n"
        "- A 256 px network takes seconds a step on a CPU.",
    )
    g.node("canvas", "SDEdit_StrokeCanvas", width=512, height=384, strokes=drawing("sunset"))
    inner = Graph("SDEdit").node("model", "SDEdit_ScoreModelLoader", model_name="landscape-sunset")
    inner.node("fit", "SDEdit_FitImage", model=Ref("model", 0))
    sample(inner, Ref("fit", 0), Ref("model", 0), Ref("model", 1), t0=0.36, steps=16)
    inner.node("unfit", "SDEdit_UnfitImage", image=Ref("decode", 0), undo=Ref("fit", 2))
    first, last = column(340, "model", "fit"), column(240, "decode", "unfit")
    arrange(inner, first, column(320, "encode", "noise"), column(340, "sample"), last)
    dials = {"model": [("model", "model_name")], "weights": [("model", "weights")], **DIALS, "fit": [("fit", "method")]}
    outputs = {"image": Ref("unfit", 0), "info": Ref("model", 2), **READINGS}
    part = Blueprint("SDEdit", INSIDE, inner, {"image": [("fit", "image")]}, dials, outputs, place=g.name)
    g.inside("sdedit", part, image=Ref("canvas", 0))
    g.node("info", "PreviewAny", title="What was loaded", source=Ref("sdedit", 1))
    save(g, IMAGE)
    compare(g, Ref("canvas", 0))
    titles = ("1. Paint", "2. Model and SDEdit", "3. Picture")
    return stage(g, titles, ["canvas"], ["about", "sdedit"], ["save", "info"], side=SMALL, info=180)


def widen() -> Graph:
    g = begin(
        "15 Widen a photo",
        "## More than the photo shows\n\nThe photo is stretched and blurred as a rough guess of what lies beside it. "
        "**Run** makes a picture of that; the photo itself comes back as it was.\n\n"
        "- Your photo: *Load Image* in place of **Photo**. This model knows landscapes; for all else connect the "
        "**rough** picture and its mask to the SDEdit of 09 to 13.\n"
        "- **left**, **right** and so on: new pixels.\n"
        "- **t0** up: something else may appear there.\n"
        "- To say what: a *Stroke Canvas* behind **Widen**.",
    )
    g.node("photo", "SDEdit_ExampleGuide", title="Photo", name="edit: autumn-conifers", width=384, height=384)
    g.collapsed.add("photo")
    g.inside("widen", _widened(g), image=Ref("photo", 2))
    g.node("rough", "PreviewImage", title="Rough", images=Ref("widen", 0))
    part = around_mask(g, "autumn", t0=0.5, steps=12, feather=16)
    g.inside("sdedit", part, image=Ref("widen", 0), mask=Ref("widen", 1))
    save(g, IMAGE)
    compare(g, Ref("widen", 0))
    titles = ("1. Photo", "2. SDEdit", "3. Picture")
    return stage(g, titles, ["rough", "widen", "photo"], ["about", "sdedit"], ["save"], side=SMALL)


def _widened(g: Graph) -> Blueprint:
    """The photo on a larger sheet, around it itself, stretched and blurred; and a mask of what is new."""
    inner = Graph("Widen").node("pad", "ImagePadForOutpaint", left=96, right=96, feathering=0)
    inner.node("size", "GetImageSize", image=Ref("pad", 0))
    sides = {"width": Ref("size", 0), "height": Ref("size", 1)}
    inner.node("stretch", "ImageScale", title="Stretch", upscale_method="bilinear", **sides, crop="disabled")
    inner.node("blur", "ImageBlur", image=Ref("stretch", 0), blur_radius=16, sigma=8.0)
    inner.node("paste", "ImageCompositeMasked", title="Photo on it", destination=Ref("blur", 0), x=96)
    arrange(inner, column(300, "pad", "size"), column(300, "stretch", "blur"), column(300, "paste"))
    sockets = {"image": [("pad", "image"), ("stretch", "image"), ("paste", "source")]}
    dials = {"left": [("pad", "left"), ("paste", "x")], "right": [("pad", "right")]}
    dials |= {"top": [("pad", "top"), ("paste", "y")], "bottom": [("pad", "bottom")]}
    words = "The photo on a larger sheet, a stretched and blurred copy of itself around it. Open it for the parts."
    outputs = {"rough": Ref("paste", 0), "mask": Ref("pad", 1)}
    return Blueprint("Widen", words, inner, sockets, dials, outputs, place=g.name)


FLOWS = (paint, photo_edit, strokes, composite, one_photo, find_t0, stock_sampler, own_model, widen)
