"""Maintainer tool: writes workflows/*.json and workflows/api/*.json.  Layout and words of the workflows live here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from graph import Graph, Ref

BLUE, GREEN, PURPLE = "#3f789e", "#3f9e5a", "#7a5a9e"
TOP, HEIGHT = 60, 1140  # first row of nodes; height of the groups


def sdedit(
    g: Graph,
    x: int,
    *,
    t0: float,
    steps: int = 12,
    mask: Ref | None = None,
    model: Ref | None = None,
    vae: Ref | None = None,
    **prompt: object,
) -> None:
    """The part that every workflow shares: encode, noise, sample, decode, with both read-outs, in two groups."""
    model, vae = model or Ref("model", 0), vae or Ref("model", 1)
    g.group("2. SDEdit", (x - 20, 0), (760, HEIGHT), GREEN)
    g.node("encode", "VAEEncode", (x, TOP), (320, 80), pixels=g.guide, vae=vae)
    noise = {"mask": mask} if mask else {}
    g.node(
        "noise",
        "SDEdit_AddVENoise",
        (x, TOP + 170),
        (320, 270),
        model=model,
        latent=Ref("encode", 0),
        t0=t0,
        seed=1,
        **noise,
    )
    g.node("readout", "PreviewAny", (x, TOP + 530), (320, 240), title="t0 in words", source=Ref("noise", 2))
    g.node(
        "sample",
        "SDEdit_ReverseSDESampler",
        (x + 380, TOP),
        (330, 560),
        model=model,
        latent=Ref("noise", 0),
        steps=steps,
        seed=1,
        **prompt,
    )
    g.node("report", "PreviewAny", (x + 380, TOP + 650), (330, 280), title="Report", source=Ref("sample", 2))
    g.group("3. Result", (x + 770, 0), (480, HEIGHT), PURPLE)
    g.node("decode", "VAEDecode", (x + 790, TOP), (220, 80), samples=Ref("sample", 0), vae=vae)
    g.node(
        "save",
        "SaveImage",
        (x + 790, TOP + 170),
        (440, 560),
        title="Picture",
        images=Ref("decode", 0),
        filename_prefix="SDEdit/" + g.name,
    )


def strokes() -> Graph:
    g = Graph("stroke_painting_to_picture")
    g.note(
        "about",
        (-420, 0),
        (380, 560),
        "## Strokes become a picture\n\nQueue it: nothing to download.\n\n"
        "1. **Example Guide** gives a stroke painting. Replace it by *Load Image* with your own painting; use the "
        "colours of the mood.\n"
        "2. **Score Model Loader** has a built-in model for each mood: change both to **lake**, **sunset**, "
        "**autumn**, **desert** or **night**.\n"
        "3. Turn **t0**: 0.3 stays close to the strokes, 0.5 looks more real. 0 returns the strokes.\n"
        "4. Another **seed** in *Add VE Noise* makes another picture; another seed in the sampler changes details.\n\n"
        "Quicker: width and height 128.",
    )
    g.group("1. Guide and model", (-20, 0), (380, HEIGHT), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="alpine", width=256, height=256)
    g.node("model", "SDEdit_ScoreModelLoader", (0, TOP + 590), (340, 420), model_name="landscape-alpine")
    g.node("strokes", "PreviewImage", (0, TOP + 270), (340, 240), title="Strokes", images=Ref("guide", 0))
    g.guide = Ref("guide", 0)
    sdedit(g, 400, t0=0.34)
    return g


def one_photo() -> Graph:
    g = Graph("one_photo_as_prior")
    g.note(
        "about",
        (-420, 0),
        (380, 560),
        "## One photo is the model\n\nThe score model is made from a single picture, without training; the strokes "
        "are redrawn out of its patches.\n\n"
        "- Put your own photo in: *Load Image* into **Score Model From Images**.\n"
        "- Paint what the photo contains, in its colours.\n"
        "- **palette_freedom** 0 is sharpest; 0.03 lets strokes keep colours the photo does not have.\n"
        "- **position_aware** on: the top of the photo serves the top of the picture.\n"
        "- **t0** 0.3 to 0.5.",
    )
    g.group("1. Guide and photo", (-20, 0), (740, HEIGHT), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="autumn", width=256, height=256)
    g.node("photo", "PreviewImage", (360, TOP), (340, 400), title="The photo", images=Ref("guide", 2))
    g.node("strokes", "PreviewImage", (360, TOP + 480), (340, 400), title="Strokes", images=Ref("guide", 0))
    g.node(
        "model",
        "SDEdit_ScoreModelFromImages",
        (0, TOP + 280),
        (340, 280),
        images=Ref("guide", 2),
        position_aware=True,
    )
    g.guide = Ref("guide", 0)
    sdedit(g, 760, t0=0.36)
    return g


def photo_edit() -> Graph:
    g = Graph("edit_a_photo_with_strokes")
    g.note(
        "about",
        (-420, 0),
        (380, 560),
        "## Paint on a picture\n\nThree trees are painted into a meadow. SDEdit makes them belong; **everything "
        "outside the mask comes back bit for bit**.\n\n"
        "- **mask**: white may change, black is kept. Grey starts at a lower t0 and changes less.\n"
        "- Your own: *Load Image*, open it in the **Mask Editor**, draw with the paint pen and mask what you drew. "
        "Leave a little room around the strokes.\n"
        "- Strokes still look painted? Raise **t0**, or set **repeats** to 2.\n"
        "- The edit ignores your strokes? Lower **t0**.",
    )
    g.group("1. Picture, strokes and mask", (-20, 0), (740, HEIGHT), BLUE)
    name = "edit: autumn-conifers"
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name=name, width=256, height=256)
    g.node("painted", "PreviewImage", (360, TOP), (340, 340), title="Painted", images=Ref("guide", 0))
    g.node("grey", "MaskToImage", (360, TOP + 420), (340, 40), mask=Ref("guide", 1))
    g.node("shown", "PreviewImage", (360, TOP + 540), (340, 340), title="May change", images=Ref("grey", 0))
    g.node("model", "SDEdit_ScoreModelLoader", (0, TOP + 280), (340, 420), model_name="landscape-autumn")
    g.guide = Ref("guide", 0)
    sdedit(g, 760, t0=0.3, mask=Ref("guide", 1), steps=16)
    return g


def composite() -> Graph:
    g = Graph("composite_a_patch")
    g.note(
        "about",
        (-420, 0),
        (380, 560),
        "## Paste something in\n\nTrees are cut out of one picture and pasted into another with ComfyUI's own "
        "nodes. SDEdit mends the seam and the mountain behind.\n\n"
        "1. **ImageCompositeMasked** pastes the patch where the rough mask is.\n"
        "2. **GrowMask** widens the mask, so that the seam may change.\n"
        "3. The blur makes its edge soft: grey pixels start at a lower **t0**, so the change fades out. Nothing is "
        "blended.\n\n"
        "t0 0.25 to 0.35 removes the seam and keeps the patch. Composite before the noise is added, never after.",
    )
    g.group("1. Composite and mask", (-20, 0), (740, HEIGHT), BLUE)
    name = "composite: autumn-conifers"
    g.node("example", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name=name, width=256, height=256)
    g.node(
        "paste",
        "ImageCompositeMasked",
        (0, TOP + 270),
        (340, 180),
        destination=Ref("example", 2),
        source=Ref("example", 3),
        mask=Ref("example", 1),
    )
    g.node("model", "SDEdit_ScoreModelLoader", (0, TOP + 540), (340, 420), model_name="landscape-autumn")
    x = 360
    g.node("rough", "PreviewImage", (x, TOP), (340, 250), title="Rough composite", images=Ref("paste", 0))
    g.node("grow", "GrowMask", (x, TOP + 320), (340, 90), mask=Ref("example", 1), expand=10)
    g.node("grey", "MaskToImage", (x, TOP + 460), (340, 40), mask=Ref("grow", 0))
    g.node("blur", "ImageBlur", (x, TOP + 550), (340, 90), image=Ref("grey", 0), blur_radius=8, sigma=4.0)
    g.node("soft", "ImageToMask", (x, TOP + 690), (340, 60), title="Soft mask", image=Ref("blur", 0))
    g.node("shown", "PreviewImage", (x, TOP + 800), (340, 260), title="May change", images=Ref("blur", 0))
    g.guide = Ref("paste", 0)
    sdedit(g, 760, t0=0.3, mask=Ref("soft", 0), steps=16)
    return g


def _prompt(g: Graph, x: int, positive: str, clip: Ref, negative: str = "") -> dict:
    g.node("positive", "CLIPTextEncode", (x, TOP + 350), (340, 160), title="Prompt", text=positive, clip=clip)
    g.node("negative", "CLIPTextEncode", (x, TOP + 590), (340, 140), title="Not this", text=negative, clip=clip)
    return {"positive": Ref("positive", 0), "negative": Ref("negative", 0)}


def checkpoint() -> Graph:
    g = Graph("any_checkpoint_strokes_to_picture")
    g.note(
        "about",
        (-420, 0),
        (380, 620),
        "## Strokes and a prompt, with any checkpoint\n\nThe same three nodes on SD 1.5, SDXL and the like: choose "
        "your file in **Load Checkpoint**, set width and height to the size it likes (512 or 1024).\n\n"
        "- **t0** is what *denoise* is with the schedulers normal, simple and sgm_uniform; with karras and others it "
        "is not. 0.5 to 0.75 is usual for strokes.\n"
        "- All **steps** are run, whatever t0 is.\n"
        "- LoRA, ControlNet and the other model nodes go where they always go.",
    )
    g.group("1. Guide, model, prompt", (-20, 0), (740, HEIGHT), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="lake", width=1024, height=1024)
    g.node("strokes", "PreviewImage", (0, TOP + 270), (340, 360), title="Strokes", images=Ref("guide", 0))
    g.node("model", "CheckpointLoaderSimple", (360, TOP), (340, 120), ckpt_name="sd_xl_base_1.0.safetensors")
    words = "photo of a snow peak over a mountain lake, calm water, clear sky"
    prompt = _prompt(g, 360, words, Ref("model", 1), "painting, drawing, text")
    g.guide = Ref("guide", 0)
    sdedit(g, 760, t0=0.65, steps=25, vae=Ref("model", 2), cfg=6.0, **prompt)
    return g


def checkpoint_edit() -> Graph:
    g = Graph("any_checkpoint_masked_edit")
    g.note(
        "about",
        (-420, 0),
        (380, 620),
        "## Edit a region, with any checkpoint\n\nWhite in the mask may change; the latent outside comes back bit for "
        "bit.\n\n- Put your own picture and mask in: *Load Image* and its **Mask Editor**.\n"
        "- The prompt says what the strokes should become.\n"
        "- A mask is scaled down to the latent, so its edge turns soft: those pixels start at a lower t0.\n"
        "- The VAE itself is not exact. To keep the old pixels too, paste the result over the picture with "
        "*ImageCompositeMasked* and the same mask, as done here.",
    )
    g.group("1. Picture, model, prompt", (-20, 0), (740, HEIGHT), BLUE)
    name = "edit: lake-peak"
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name=name, width=1024, height=1024)
    g.node("strokes", "PreviewImage", (0, TOP + 270), (340, 360), title="Painted", images=Ref("guide", 0))
    g.node("model", "CheckpointLoaderSimple", (360, TOP), (340, 120), ckpt_name="sd_xl_base_1.0.safetensors")
    words = "photo of a lake with a high snow peak and its reflection"
    prompt = _prompt(g, 360, words, Ref("model", 1), "painting, drawing, text")
    g.guide = Ref("guide", 0)
    sdedit(g, 760, t0=0.6, steps=25, vae=Ref("model", 2), mask=Ref("guide", 1), cfg=6.0, **prompt)
    x = 760 + 790 + 220 + 20
    g.node(
        "paste",
        "ImageCompositeMasked",
        (x, TOP),
        (200, 150),
        destination=Ref("guide", 0),
        source=Ref("decode", 0),
        mask=Ref("guide", 1),
    )
    g.nodes["save"]["inputs"]["images"] = Ref("paste", 0)
    g.nodes["save"]["at"], g.nodes["save"]["size"] = (760 + 790, TOP + 240), (440, 560)
    return g


def flow_model() -> Graph:
    g = Graph("stock_sampler_from_t0")
    g.note(
        "about",
        (-420, 0),
        (380, 620),
        "## Stock samplers, exact t0\n\n*Add VE Noise at t0* and *Sigmas from t0* turn ComfyUI's own sampling nodes "
        "into SDEdit: choose any **KSamplerSelect** sampler, or *Reverse SDE (SAMPLER)* for ours.\n\n"
        "- The noise is already in the latent: hence **DisableNoise**.\n"
        "- Right on flow models too (SD3, Flux, ...), where stock AddNoise and DisableNoise start with too little "
        "noise.\n- **t0** is the same in both nodes. Here a built-in model stands in; load your own instead.",
    )
    g.group("1. Guide and model", (-20, 0), (380, HEIGHT), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="desert", width=256, height=256)
    g.node("strokes", "PreviewImage", (0, TOP + 270), (340, 240), title="Strokes", images=Ref("guide", 0))
    g.node("model", "SDEdit_ScoreModelLoader", (0, TOP + 590), (340, 420), model_name="landscape-desert")
    g.group("2. Noise and levels at t0", (380, 0), (360, HEIGHT), GREEN)
    g.node("encode", "VAEEncode", (400, TOP), (320, 80), pixels=Ref("guide", 0), vae=Ref("model", 1))
    latent = {"model": Ref("model", 0), "latent": Ref("encode", 0)}
    g.node("noise", "SDEdit_AddVENoise", (400, TOP + 170), (320, 270), **latent, t0=0.4, seed=1)
    g.node("levels", "SDEdit_SigmasFromT0", (400, TOP + 530), (320, 230), model=Ref("model", 0), t0=0.4, steps=16)
    g.group("3. ComfyUI's own sampler", (760, 0), (760, HEIGHT), PURPLE)
    both = {"positive": Ref("model", 3), "negative": Ref("model", 3)}
    g.node("guider", "CFGGuider", (780, TOP), (320, 150), model=Ref("model", 0), cfg=1.0, **both)
    g.node("off", "DisableNoise", (780, TOP + 240), (320, 40))
    g.node("which", "KSamplerSelect", (780, TOP + 370), (320, 90), sampler_name="dpmpp_2m_sde")
    g.node(
        "sample",
        "SamplerCustomAdvanced",
        (780, TOP + 550),
        (320, 340),
        noise=Ref("off", 0),
        guider=Ref("guider", 0),
        sampler=Ref("which", 0),
        sigmas=Ref("levels", 0),
        latent_image=Ref("noise", 0),
    )
    g.node("decode", "VAEDecode", (1140, TOP), (220, 80), samples=Ref("sample", 0), vae=Ref("model", 1))
    picture = {"images": Ref("decode", 0), "filename_prefix": "SDEdit/" + g.name}
    g.node("save", "SaveImage", (1140, TOP + 170), (360, 460), title="Picture", **picture)
    return g


def t0_sweep() -> Graph:
    g = Graph("t0_sweep")
    height = HEIGHT + 250  # t0 Probe and t0 Sweep grow by their live picture while they run
    g.note(
        "about",
        (-420, 0),
        (380, 620),
        "## Find your t0\n\nA photo becomes strokes, as in the SDEdit paper, and the strokes a picture again, at six "
        "t0 "
        "with the same random numbers.\n\n"
        "- **t0 Probe** is quick: what is sharp is fixed by the guide, what is blurred will be invented.\n"
        "- **t0 Sweep** shows the edits. **Cancel** when you have seen enough: what is finished comes out.\n"
        "- The plot: left, distance to the guide rises and distance to real pictures falls. It needs matplotlib in "
        "ComfyUI's Python.\n"
        "- **Edit Report** takes the last t0: numbers and a heat map.\n"
        "- Your own: *Load Image* instead of the strokes, or any MODEL with a prompt.\n\n"
        "Quicker: width and height 128.",
    )
    g.group("1. Photo, strokes, model", (-20, 0), (740, height), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="lake", width=256, height=256)
    g.node("photo", "PreviewImage", (0, TOP + 270), (340, 340), title="The photo", images=Ref("guide", 2))
    g.node("strokes", "SDEdit_SimulateStrokes", (360, TOP), (340, 190), image=Ref("guide", 2))
    g.node("shown", "PreviewImage", (360, TOP + 270), (340, 340), title="Strokes", images=Ref("strokes", 0))
    g.node("model", "SDEdit_ScoreModelLoader", (0, TOP + 690), (340, 350), model_name="landscape-lake")
    g.node("encode", "VAEEncode", (360, TOP + 690), (340, 80), pixels=Ref("strokes", 0), vae=Ref("model", 1))
    g.group("2. Before sampling", (740, 0), (480, height), GREEN)
    same = {"model": Ref("model", 0), "latent": Ref("encode", 0), "vae": Ref("model", 1), "seed": 1}
    g.node("probe", "SDEdit_T0Probe", (760, TOP), (440, 280), **same)
    g.node("survives", "PreviewImage", (760, TOP + 620), (440, 340), title="What survives", images=Ref("probe", 0))
    g.node("expected", "PreviewAny", (760, TOP + 1040), (440, 240), title="Expected change", source=Ref("probe", 2))
    g.group("3. The edits", (1240, 0), (1000, height), PURPLE)
    g.node("sweep", "SDEdit_T0Sweep", (1260, TOP), (380, 520), **same)
    g.node("table", "PreviewAny", (1260, TOP + 880), (380, 400), title="Table", source=Ref("sweep", 5))
    picture = {"images": Ref("sweep", 0), "filename_prefix": "SDEdit/" + g.name}
    g.node("save", "SaveImage", (1660, TOP), (560, 460), title="Sheet", **picture)
    g.node("plot", "PreviewImage", (1660, TOP + 550), (560, 480), title="Trade-off", images=Ref("sweep", 1))
    g.group("4. One of them", (2260, 0), (480, height), BLUE)
    g.node("last", "ImageFromBatch", (2280, TOP), (440, 110), image=Ref("sweep", 2), batch_index=5, length=1)
    both = {"guide": Ref("strokes", 0), "picture": Ref("last", 0)}
    g.node("report", "SDEdit_EditReport", (2280, TOP + 200), (440, 130), **both)
    g.node("numbers", "PreviewAny", (2280, TOP + 420), (440, 180), title="Numbers", source=Ref("report", 0))
    g.node("heat", "PreviewImage", (2280, TOP + 690), (440, 340), title="Where it moved", images=Ref("report", 1))
    return g


WORKFLOWS = (strokes, photo_edit, composite, one_photo, t0_sweep, flow_model, checkpoint, checkpoint_edit)


def main() -> None:
    for make in WORKFLOWS:
        make().write()


if __name__ == "__main__":
    main()
