"""Workflows with a prompt: any checkpoint that ComfyUI loads."""

from __future__ import annotations

from .graph import Graph, Ref
from .layout import column
from .parts import NOISE_SHARE, begin, chain, example_guide, finish, prompt

SIZE = {"width": 1024, "height": 1024}
NOT_THIS = "painting, drawing, text"
HUB = "https://huggingface.co/"
SDXL = ("sd_xl_base_1.0.safetensors", HUB + "stabilityai/stable-diffusion-xl-base-1.0/resolve/main/")
FLUX = ("flux1-dev-fp8.safetensors", HUB + "Comfy-Org/flux1-dev/resolve/main/")


def _load(g: Graph, which: tuple[str, str]) -> tuple[Ref, Ref]:
    """Load Checkpoint with the address of its file, for the front end to offer; CLIP and VAE of it."""
    name, folder = which
    g.node("model", "CheckpointLoaderSimple", ckpt_name=name)
    g.files["model"] = {"name": name, "url": folder + name, "directory": "checkpoints"}
    return Ref("model", 1), Ref("model", 2)


def _paste_back(g: Graph, original: Ref, mask: Ref) -> None:
    """The old pixels back outside the mask: a VAE is not exact."""
    g.node(
        "paste", "ImageCompositeMasked", title="Paste back", destination=original, source=Ref("decode", 0), mask=mask
    )
    g.nodes["save"]["inputs"]["images"] = Ref("paste", 0)


def _columns(*prompts: str) -> list:
    return [column(340, "guide", "shown"), column(340, "model", *prompts)]


def strokes() -> Graph:
    g = begin(
        "09 Any checkpoint, strokes",
        "## Strokes and a prompt, with any checkpoint\n\nThe same three nodes on SD 1.5, SDXL and the like: choose "
        "your file in **Load Checkpoint**, set width and height to the size it likes (512 or 1024).\n\n"
        "- **t0** is what *denoise* is with the schedulers normal, simple and sgm_uniform; with karras and others it "
        "is not. 0.5 to 0.75 is usual for strokes.\n"
        "- All **steps** are run, whatever t0 is.\n"
        "- LoRA, ControlNet and the other model nodes go where they always go.\n"
        "- Paint your own: **Stroke Canvas** instead of Example Guide.",
    )
    example_guide(g, "lake", **SIZE)
    clip, vae = _load(g, SDXL)
    words = prompt(g, "photo of a snow peak over a mountain lake, calm water, clear sky", clip, NOT_THIS)
    chain(g, Ref("guide", 0), t0=0.65, steps=25, vae=vae, cfg=6.0, **words)
    return finish(g, "1. Guide, model, prompt", _columns("positive", "negative"))


def masked_edit() -> Graph:
    g = begin(
        "10 Any checkpoint, masked edit",
        "## Edit a region, with any checkpoint\n\nWhite in the mask may change; the latent outside comes back bit for "
        "bit.\n\n- Your own picture: *Load Image*, then paint and mask in its **Mask Editor**; or paint on it in "
        "**Stroke Canvas**, which gives the mask as well.\n"
        "- The prompt says what the strokes should become.\n"
        "- A mask is scaled down to the latent, so its edge turns soft: those pixels start at a lower t0.\n"
        "- The VAE itself is not exact. **Paste back** lays the result over the picture with the same mask, "
        "so that the old pixels are kept.",
    )
    example_guide(g, "edit: lake-peak", title="Painted", **SIZE)
    clip, vae = _load(g, SDXL)
    words = prompt(g, "photo of a lake with a high snow peak and its reflection", clip, NOT_THIS)
    chain(g, Ref("guide", 0), t0=0.6, steps=25, vae=vae, mask=Ref("guide", 1), cfg=6.0, **words)
    _paste_back(g, Ref("guide", 0), Ref("guide", 1))
    return finish(g, "1. Picture, model, prompt", _columns("positive", "negative"), after=("paste",))


def composite() -> Graph:
    g = begin(
        "11 Any checkpoint, composite",
        "## Make a pasted thing belong\n\nA peak is cut out of one picture and pasted into another; the checkpoint "
        "mends the seam, the light and the edges.\n\n"
        "- Your own: *Load Image* twice, the mask from the **Mask Editor**.\n"
        "- **GrowMask** lets the seam change; raise it for larger pictures.\n"
        "- **t0** 0.3 to 0.45 keeps the pasted thing and mends around it, more repaints it.\n"
        "- The prompt describes the whole picture, not only the patch.",
    )
    g.node("guide", "SDEdit_ExampleGuide", name="composite: alpine-peak", **SIZE)
    pasting = {"destination": Ref("guide", 2), "source": Ref("guide", 3), "mask": Ref("guide", 1)}
    g.node("rough", "ImageCompositeMasked", title="Rough composite", **pasting)
    g.node("shown", "PreviewImage", title="Rough composite, seen", images=Ref("rough", 0))
    g.node("grow", "GrowMask", mask=Ref("guide", 1), expand=24)
    clip, vae = _load(g, SDXL)
    words = prompt(g, "photo of a snow peak above a green meadow, blue sky", clip, NOT_THIS)
    chain(g, Ref("rough", 0), t0=0.4, steps=25, vae=vae, mask=Ref("grow", 0), cfg=6.0, **words)
    _paste_back(g, Ref("rough", 0), Ref("grow", 0))
    columns = [column(340, "guide", "rough", "shown"), column(340, "grow", "model", "positive", "negative")]
    return finish(g, "1. Composite, model, prompt", columns, after=("paste",))


def flow_model() -> Graph:
    g = begin(
        "12 Any checkpoint, flow model",
        "## Flux, SD3 and other flow models\n\nThe same three nodes: the noise is added as the flow model wants it, "
        "and **t0 in words** shows its own noise level, which is the noise share.\n\n"
        "- **Flux**: cfg 1, no negative, strength of the prompt in **FluxGuidance**.\n"
        "- **SD3.5** and others with real guidance: take FluxGuidance out, connect *negative*, cfg 4 to 5.\n"
        "- Files in parts: *Load Diffusion Model*, *DualCLIPLoader* and *Load VAE* instead of Load Checkpoint.\n"
        "- **t0** is a **noise share** here (**unit**), because flow models shift their time: 0.7 means the same on "
        "all of them. Go down for more of your strokes.",
    )
    example_guide(g, "sunset", **SIZE)
    clip, vae = _load(g, FLUX)
    prompt(g, "photo of the sun setting over the sea, glowing clouds, calm water", clip)
    g.node("guidance", "FluxGuidance", conditioning=Ref("positive", 0), guidance=3.5)
    chain(g, Ref("guide", 0), t0=0.7, unit=NOISE_SHARE, steps=20, vae=vae, cfg=1.0, positive=Ref("guidance", 0))
    return finish(g, "1. Guide, model, prompt", _columns("positive", "guidance"))


FLOWS = (strokes, masked_edit, composite, flow_model)
