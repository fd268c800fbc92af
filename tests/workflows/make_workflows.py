"""Maintainer tool: writes workflows/*.json and workflows/api/*.json.  Layout and words of the workflows live here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from graph import Graph, Ref

BLUE, GREEN, PURPLE = "#3f789e", "#3f9e5a", "#7a5a9e"
TOP, HEIGHT = 60, 1090  # first row of nodes; height of the groups


def sdedit(g: Graph, x: int, *, model: str = "model", mask: Ref | None = None, t0: float, steps: int = 12) -> None:
    """The part that every workflow shares: encode, noise, sample, decode, with both read-outs, in two groups."""
    g.group("2. SDEdit", (x - 20, 0), (760, HEIGHT), GREEN)
    g.node("encode", "VAEEncode", (x, TOP), (320, 80), pixels=g.guide, vae=Ref(model, 1))
    noise = {"mask": mask} if mask else {}
    g.node(
        "noise",
        "SDEdit_AddVENoise",
        (x, TOP + 170),
        (320, 270),
        model=Ref(model, 0),
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
        model=Ref(model, 0),
        latent=Ref("noise", 0),
        steps=steps,
        seed=1,
    )
    g.node("report", "PreviewAny", (x + 380, TOP + 650), (330, 280), title="Report", source=Ref("sample", 2))
    g.group("3. Result", (x + 770, 0), (480, HEIGHT), PURPLE)
    g.node("decode", "VAEDecode", (x + 790, TOP), (220, 80), samples=Ref("sample", 0), vae=Ref(model, 1))
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
    sdedit(g, 400, t0=0.36)
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
    g.group("1. Guide and photo", (-20, 0), (380, HEIGHT), BLUE)
    g.node("guide", "SDEdit_ExampleGuide", (0, TOP), (340, 190), name="autumn", width=256, height=256)
    g.node("photo", "PreviewImage", (0, TOP + 270), (340, 240), title="The photo", images=Ref("guide", 2))
    g.node(
        "model",
        "SDEdit_ScoreModelFromImages",
        (0, TOP + 590),
        (340, 280),
        images=Ref("guide", 2),
        position_aware=True,
    )
    g.guide = Ref("guide", 0)
    sdedit(g, 400, t0=0.4)
    return g


WORKFLOWS = (strokes, one_photo)


def main() -> None:
    for make in WORKFLOWS:
        make().write()


if __name__ == "__main__":
    main()
