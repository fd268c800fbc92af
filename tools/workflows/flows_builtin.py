"""Workflows that run at once: built-in models, example pictures, nothing to download."""

from __future__ import annotations

import json

from .graph import Graph, Ref
from .layout import BLUE, GREEN, PURPLE, arrange, column
from .parts import begin, chain, example_guide, finish, prefix

SIZE = {"width": 256, "height": 256}
# Three dark trees for the autumn meadow, as somebody would paint them: left, right and foot of each, in 512 units.
TREES = [(88, 441, 123, 205, 158), (161, 410, 184, 256, 207), (379, 430, 410, 225, 440)]


def trees() -> str:
    """The stroke document of the photo edit."""
    strokes = [
        {"tool": "shape", "colour": "#2a3626", "points": [left, foot, top_x, top, right, foot]}
        for left, foot, top_x, top, right in TREES
    ]
    drawing = {"version": 1, "width": 512, "height": 512, "background": "#ffffff", "strokes": strokes}
    return json.dumps(drawing, separators=(",", ":"))


def paint() -> Graph:
    g = begin(
        "01 Paint strokes",
        "## Paint, then Run\n\nPress **Run**: the painting in **Stroke Canvas** becomes a picture. Nothing to "
        "download.\n\n"
        "1. Paint over it, or **Clear** and begin anew: a sky, a mountain, a meadow in a few colours. Details are the "
        "model's work.\n"
        "2. Turn **t0**: 0.2 stays close to your strokes, 0.4 looks more real. 0 gives the strokes back.\n"
        "3. Another **seed** in *Add VE Noise at t0* makes another picture.\n"
        "4. Other moods: choose **lake**, **sunset**, **autumn**, **desert** or **night** in *Score Model Loader*, and "
        "paint in its colours.",
    )
    g.node("canvas", "SDEdit_StrokeCanvas", **SIZE)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-alpine")
    chain(g, Ref("canvas", 0), t0=0.25, steps=12)
    return finish(g, "1. Your painting", [column(400, "canvas", "model")])


def photo_edit() -> Graph:
    g = begin(
        "02 Paint on a photo",
        "## Paint on a photo\n\nThree trees are painted into a meadow. SDEdit makes them belong; **everything "
        "outside the mask comes back bit for bit**.\n\n"
        "- Your own photo: *Load Image* instead of **Example Guide**, into **background**. Paint on it after the first "
        "Run, when the canvas shows it.\n"
        "- The **mask** is what you painted. **GrowMask** gives it a rim, so that the edge may change too.\n"
        "- Strokes still look painted? Raise **t0**, or set **repeats** to 2.\n"
        "- The edit ignores your strokes? Lower **t0**.\n"
        "- For photos of anything else, take a model with a prompt: templates 09 to 13.",
    )
    g.node("photo", "SDEdit_ExampleGuide", name="edit: autumn-conifers", **SIZE)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-autumn")
    g.node("canvas", "SDEdit_StrokeCanvas", **SIZE, strokes=trees(), background=Ref("photo", 2))
    g.node("grow", "GrowMask", mask=Ref("canvas", 1), expand=8)
    g.node("grey", "MaskToImage", mask=Ref("grow", 0))
    g.node("shown", "PreviewImage", title="May change", images=Ref("grey", 0))
    chain(g, Ref("canvas", 0), t0=0.25, steps=16, mask=Ref("grow", 0))
    columns = [column(340, "photo", "model"), column(400, "canvas", "grow", "grey", "shown", shown=300)]
    return finish(g, "1. Photo, strokes and mask", columns)


def strokes() -> Graph:
    g = begin(
        "03 Strokes to picture",
        "## A stroke painting becomes a picture\n\n"
        "1. **Example Guide** holds a stroke painting for every built-in model: **alpine**, **lake**, **sunset**, "
        "**autumn**, **desert**, **night**. Choose the same mood in **Score Model Loader**.\n"
        "2. Your own painting, from any program: *Load Image* instead of Example Guide.\n"
        "3. Turn **t0**: 0.2 stays close to the strokes, 0.4 looks more real.\n"
        "4. Another **seed** in *Add VE Noise at t0* makes another picture; another seed in the sampler changes "
        "details.\n\n"
        "Quicker: width and height 128.",
    )
    example_guide(g, "lake", **SIZE)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-lake")
    chain(g, Ref("guide", 0), t0=0.25, steps=12)
    return finish(g, "1. Guide and model", [column(340, "guide", "shown", "model", shown=300)])


def composite() -> Graph:
    g = begin(
        "04 Composite a patch",
        "## Paste something in\n\nTrees are cut out of one picture and pasted into another with ComfyUI's own "
        "nodes. SDEdit mends the seam and the mountain behind.\n\n"
        "1. **Paste the patch** pastes the patch where the rough mask is.\n"
        "2. **GrowMask** widens the mask, so that the seam may change.\n"
        "3. The blur makes its edge soft: grey pixels start at a lower **t0**, so the change fades out. Nothing is "
        "blended.\n\n"
        "t0 0.15 to 0.25 removes the seam and keeps the patch. Composite before the noise is added, never after.",
    )
    g.node("example", "SDEdit_ExampleGuide", name="composite: autumn-conifers", **SIZE)
    pasting = {"destination": Ref("example", 2), "source": Ref("example", 3), "mask": Ref("example", 1)}
    g.node("paste", "ImageCompositeMasked", title="Paste the patch", **pasting)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-autumn")
    g.node("rough", "PreviewImage", title="Rough composite", images=Ref("paste", 0))
    g.node("grow", "GrowMask", mask=Ref("example", 1), expand=10)
    g.node("grey", "MaskToImage", mask=Ref("grow", 0))
    g.node("blur", "ImageBlur", image=Ref("grey", 0), blur_radius=8, sigma=4.0)
    g.node("soft", "ImageToMask", title="Soft mask", image=Ref("blur", 0))
    g.node("shown", "PreviewImage", title="May change", images=Ref("blur", 0))
    chain(g, Ref("paste", 0), t0=0.2, steps=16, mask=Ref("soft", 0))
    pictures = column(340, "rough", "grow", "grey", "blur", "soft", "shown", rough=300, shown=300)
    return finish(g, "1. Composite and mask", [column(340, "example", "paste", "model"), pictures])


def one_photo() -> Graph:
    g = begin(
        "05 One photo as the model",
        "## One photo is the model\n\nThe score model is made from a single picture, without training; the strokes "
        "are redrawn out of its patches.\n\n"
        "- Put your own photo in: *Load Image* into **Score Model From Images**.\n"
        "- Paint what the photo contains, in its colours.\n"
        "- **palette_freedom** 0 is sharpest; 0.03 lets strokes keep colours the photo does not have.\n"
        "- **position_aware** on: the top of the photo serves the top of the picture.\n"
        "- **t0** 0.3 to 0.5.",
    )
    g.node("guide", "SDEdit_ExampleGuide", name="autumn", **SIZE)
    g.node("model", "SDEdit_ScoreModelFromImages", images=Ref("guide", 2), position_aware=True)
    g.node("photo", "PreviewImage", title="The photo", images=Ref("guide", 2))
    g.node("shown", "PreviewImage", title="Strokes", images=Ref("guide", 0))
    chain(g, Ref("guide", 0), t0=0.36, steps=12)
    return finish(g, "1. Guide and photo", [column(340, "guide", "model"), column(340, "photo", "shown")])


def find_t0() -> Graph:
    g = begin(
        "06 Find your t0",
        "## Find your t0\n\nA photo becomes strokes, as in the SDEdit paper, and the strokes a picture again, at six "
        "t0 with the same random numbers.\n\n"
        "- **t0 Probe** is quick: what is sharp is fixed by the guide, what is blurred will be invented.\n"
        "- **t0 Sweep** shows the edits. **Cancel** when you have seen enough: what is finished comes out.\n"
        "- **picks**: write the number of the picture you like best and queue again to look closer, as in 4 2.\n"
        "- The plot: left, distance to the guide rises; distance to real pictures falls at first and rises again where "
        "the model is on its own. It needs matplotlib in ComfyUI's Python.\n"
        "- **Edit Report** takes the last t0: numbers and a heat map.\n"
        "- Your own: *Load Image* instead of the strokes, or any MODEL with a prompt.\n\n"
        "Quicker: width and height 128.",
    )
    g.node("guide", "SDEdit_ExampleGuide", name="lake", **SIZE)
    g.node("photo", "PreviewImage", title="The photo", images=Ref("guide", 2))
    g.node("strokes", "SDEdit_SimulateStrokes", image=Ref("guide", 2))
    g.node("shown", "PreviewImage", title="Strokes", images=Ref("strokes", 0))
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-lake")
    g.node("encode", "VAEEncode", pixels=Ref("strokes", 0), vae=Ref("model", 1))
    same = {"model": Ref("model", 0), "latent": Ref("encode", 0), "vae": Ref("model", 1), "seed": 1}
    g.node("probe", "SDEdit_T0Probe", **same)
    g.node("survives", "PreviewImage", title="What survives", images=Ref("probe", 0))
    g.node("expected", "PreviewAny", title="Expected change", source=Ref("probe", 2))
    g.node("sweep", "SDEdit_T0Sweep", **same)
    g.node("table", "PreviewAny", title="Table", source=Ref("sweep", 5))
    g.node("save", "SaveImage", title="Sheet", images=Ref("sweep", 0), filename_prefix=prefix(g))
    g.node("plot", "PreviewImage", title="Trade-off", images=Ref("sweep", 1))
    g.node("last", "ImageFromBatch", title="The last picture", image=Ref("sweep", 2), batch_index=5, length=1)
    g.node("report", "SDEdit_EditReport", guide=Ref("strokes", 0), picture=Ref("last", 0))
    g.node("numbers", "PreviewAny", title="Numbers", source=Ref("report", 0))
    g.node("heat", "PreviewImage", title="Where it moved", images=Ref("report", 1))
    first = [column(340, "guide", "photo", "model"), column(340, "strokes", "shown", "encode")]
    return arrange(
        g,
        ("1. Photo, strokes, model", BLUE, first),
        ("2. Before sampling", GREEN, [column(460, "probe", "survives", "expected", survives=330, expected=220)]),
        ("3. The edits", PURPLE, [column(360, "sweep"), column(880, "save", "table", "plot", save=480, table=280)]),
        ("4. One of them", BLUE, [column(520, "last", "report", "numbers", "heat", heat=400)]),
    )


def stock_sampler() -> Graph:
    g = begin(
        "07 Stock sampler from t0",
        "## Stock samplers, exact t0\n\n*Add VE Noise at t0* and *Sigmas from t0* turn ComfyUI's own sampling nodes "
        "into SDEdit: choose any **KSamplerSelect** sampler, or *Reverse SDE (SAMPLER)* for ours.\n\n"
        "- The noise is already in the latent: hence **DisableNoise**.\n"
        "- Right on flow models too (SD3, Flux, ...), where stock AddNoise and DisableNoise start with too little "
        "noise.\n- **t0** is the same in both nodes. Here a built-in model stands in; load your own instead.",
    )
    example_guide(g, "desert", **SIZE)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-desert")
    g.node("encode", "VAEEncode", pixels=Ref("guide", 0), vae=Ref("model", 1))
    g.node("noise", "SDEdit_AddVENoise", model=Ref("model", 0), latent=Ref("encode", 0), t0=0.4, seed=1)
    g.node("levels", "SDEdit_SigmasFromT0", model=Ref("model", 0), t0=0.4, steps=16)
    both = {"positive": Ref("model", 3), "negative": Ref("model", 3)}
    g.node("guider", "CFGGuider", model=Ref("model", 0), cfg=1.0, **both)
    g.node("off", "DisableNoise")
    g.node("which", "KSamplerSelect", sampler_name="dpmpp_2m_sde")
    sampling = {"noise": Ref("off", 0), "guider": Ref("guider", 0), "sampler": Ref("which", 0)}
    sampling |= {"sigmas": Ref("levels", 0), "latent_image": Ref("noise", 0)}
    g.node("sample", "SamplerCustomAdvanced", **sampling)
    g.node("decode", "VAEDecode", samples=Ref("sample", 0), vae=Ref("model", 1))
    g.node("save", "SaveImage", title="Picture", images=Ref("decode", 0), filename_prefix=prefix(g))
    return arrange(
        g,
        ("1. Guide and model", BLUE, [column(340, "guide", "shown", "model", shown=300)]),
        ("2. Noise and levels at t0", GREEN, [column(320, "encode", "noise", "levels")]),
        ("3. ComfyUI's own sampler", PURPLE, [column(320, "guider", "off", "which", "sample")]),
        ("4. Result", BLUE, [column(460, "decode", "save")]),
    )


def own_model() -> Graph:
    g = begin(
        "08 Your own score model",
        "## A score model file\n\nPut a checkpoint into **models/score_models** (NCSN++, DDPM, guided-diffusion, "
        "diffusers folders), press **R**, and choose it in **Score Model Loader**. Until then a built-in model stands "
        "in.\n\n"
        "- **What was loaded** says what was read from the file and what had to be assumed.\n"
        "- Networks want their own size, often 256 x 256. **Fit Image to Model** crops, pads or stretches; **Unfit "
        "Image** puts the result back into the whole picture.\n"
        "- Your own painting: *Load Image* instead of Example Guide.\n"
        "- A 256 px network takes seconds a step on a CPU: use a GPU, or few steps.",
    )
    g.node("guide", "SDEdit_ExampleGuide", name="sunset", width=384, height=256)
    g.node("model", "SDEdit_ScoreModelLoader", model_name="landscape-sunset")
    g.node("info", "PreviewAny", title="What was loaded", source=Ref("model", 2))
    g.node("fit", "SDEdit_FitImage", model=Ref("model", 0), image=Ref("guide", 0))
    g.node("shown", "PreviewImage", title="In the model's size", images=Ref("fit", 0))
    chain(g, Ref("fit", 0), t0=0.36, steps=16)
    g.node("unfit", "SDEdit_UnfitImage", image=Ref("decode", 0), undo=Ref("fit", 2))
    g.nodes["save"]["inputs"]["images"] = Ref("unfit", 0)
    columns = [column(340, "guide", "model", "info"), column(340, "fit", "shown")]
    return finish(g, "1. Guide, model, size", columns, after=("unfit",))


FLOWS = (paint, photo_edit, strokes, composite, one_photo, find_t0, stock_sampler, own_model)
