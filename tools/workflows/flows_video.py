"""Workflows for videos."""

from __future__ import annotations

from . import model_files as files
from .graph import Graph, Ref
from .layout import arrange, column, stage
from .parts import NOISE_SHARE, begin, prefix, prompt
from .subgraph import Blueprint

SIZE = {"width": 832, "height": 480}
FRAMES = 81
DIAL = {"t0": 0.92, "unit": NOISE_SHARE}
STEPS, HAND_OVER = 20, 3  # the first level below 0.88, where Wan 2.2 was divided (0.875 for text to video)
EXPERTS = ("high", "low")
# Two clocks: Time-to-Move (arXiv 2511.08633) starts Wan 2.2 at step 3 of 50 outside of what is dragged and at step 7
# inside, which with the shift of 5 are noise shares of 0.987 and 0.968.
WEAK, STRONG, DRAG_HAND_OVER = 0.98, 0.96, 6  # the first level below 0.9, where image to video was divided
TEXT_TO_VIDEO = ((files.WAN_HIGH, files.WAN_LORA_HIGH), (files.WAN_LOW, files.WAN_LORA_LOW))
IMAGE_TO_VIDEO = ((files.WAN_IMAGE_HIGH, files.WAN_IMAGE_LORA_HIGH), (files.WAN_IMAGE_LOW, files.WAN_IMAGE_LORA_LOW))


def _models(g: Graph, experts: tuple = TEXT_TO_VIDEO) -> Blueprint:
    """Both experts, each with its bypassed LoRA and its shift, text encoder and VAE."""
    inner = Graph("Wan 2.2 models")
    for noise, (parts, lora) in zip(EXPERTS, experts, strict=True):
        files.load_model(inner, parts, lora=lora, key=f"_{noise}", title=f"{noise.capitalize()} noise model")
    clip, vae = files.load_text_and_vae(inner, files.WAN_HIGH)
    rows = [[f"{part}_{noise}" for part in ("model", "lora", "shift")] for noise in EXPERTS]
    arrange(inner, *(column(340, *keys) for keys in rows), column(340, "clip", "vae"))
    names = {f"{noise} noise": [(f"model_{noise}", "unet_name")] for noise in EXPERTS}
    names |= {"text encoder": [("clip", "clip_name")], "vae": [("vae", "vae_name")]}
    outputs = {f"{noise} noise": Ref(f"shift_{noise}", 0) for noise in EXPERTS} | {"clip": clip, "vae": vae}
    words = "Both experts of Wan 2.2, the text encoder and the VAE. Open it for the 4-step LoRAs, bypassed at first."
    return Blueprint(inner.name, words, inner, {}, names, outputs, place=g.name)


def _sdedit(g: Graph) -> Blueprint:
    """From a video to a video: frames, size, noise, the two experts one after the other."""
    inner = Graph("SDEdit").node("frames", "GetVideoComponents")
    inner.node("cut", "ImageFromBatch", title="First frames: 4 n + 1", image=Ref("frames", 0), length=FRAMES)
    fitted = {"upscale_method": "lanczos", **SIZE, "crop": "center"}
    inner.node("fit", "ImageScale", title="Size", image=Ref("cut", 0), **fitted)
    inner.node("encode", "VAEEncode", pixels=Ref("fit", 0))
    inner.node("noise", "SDEdit_AddVENoise", latent=Ref("encode", 0), seed=1, **DIAL)
    inner.node("levels", "SDEdit_SigmasFromT0", steps=STEPS, spacing="uniform t", **DIAL)
    inner.node("split", "SplitSigmas", title="Hand over at step", sigmas=Ref("levels", 0), step=HAND_OVER)
    shared = {"cfg": 3.5, "seed": 1}
    first = {"latent": Ref("noise", 0), "sigmas": Ref("split", 0)}
    inner.node("high", "SDEdit_ReverseSDESampler", title="High noise", **first, **shared)
    second = {"latent": Ref("high", 0), "sigmas": Ref("split", 1)}
    inner.node("low", "SDEdit_ReverseSDESampler", title="Low noise", **second, **shared)
    inner.node("decode", "VAEDecode", samples=Ref("low", 0))
    inner.node("join", "CreateVideo", images=Ref("decode", 0), audio=Ref("frames", 1), fps=Ref("frames", 2))
    middle = column(320, "encode", "noise", "levels", "split")
    arrange(
        inner, column(300, "frames", "cut", "fit"), middle, column(340, "high", "low"), column(240, "decode", "join")
    )
    sockets = {
        "video": [("frames", "video")],
        "high noise": [(node, "model") for node in ("noise", "levels", "high")],
        "low noise": [("low", "model")],
        "vae": [("encode", "vae"), ("decode", "vae")],
        **{side: [("high", side), ("low", side)] for side in ("positive", "negative")},
    }
    dials = {
        "t0": [("noise", "t0"), ("levels", "t0")],
        "steps": [("levels", "steps")],
        "hand over at": [("split", "step")],
        "seed": [(node, "seed") for node in ("noise", *EXPERTS)],
        "cfg": [(node, "cfg") for node in EXPERTS],
        "length": [("cut", "length")],
        "width": [("fit", "width")],
        "height": [("fit", "height")],
    }
    outputs = {"video": Ref("join", 0), "read-out": Ref("noise", 2), "report": Ref("low", 2)}
    words = "Video to video: open it for the frames, Add VE Noise at t0 and the two Reverse SDE Samplers."
    return Blueprint("SDEdit", words, inner, sockets, dials, outputs, place=g.name)


def wan_video() -> Graph:
    g = begin(
        "14 Wan 2.2, video to video",
        "## Video to video, two experts\n\nGet the **Files**, load a video, say what it becomes, **Run**.\n\n"
        "- **t0** is a noise share. **hand over at** step 2 for t0 0.9, 3 for 0.92, 5 for 0.95.\n"
        "- **Below 0.88**: inside SDEdit bypass *High noise* (**Ctrl+B**), step 0.\n"
        "- **4 steps**: in the models un-bypass both LoRAs; steps 4, hand over 1, cfg 1; in SDEdit few_step, eta 0.",
    )
    g.node("video", "LoadVideo", file="video.mp4")
    g.inside("models", _models(g))
    high, low, clip, vae = (Ref("models", slot) for slot in range(4))
    texts = prompt(g, "a mountain lake in winter, snow on the shore, low sun", clip, "")
    ends = {"high noise": high, "low noise": low, "vae": vae}
    g.inside("sdedit", _sdedit(g), video=Ref("video", 0), **ends, **texts)
    g.node("report", "PreviewAny", title="Report", source=Ref("sdedit", 2))
    g.collapsed.add("report")
    g.node("save", "SaveVideo", video=Ref("sdedit", 0), filename_prefix=prefix(g))
    g.note("files", None, None, files.where_files_go(g), "Files")
    left, right = ["video", ("positive", "negative"), "models"], ["save", "files", "report"]
    titles = ("1. Video and prompt", "2. Models and SDEdit", "3. Result")
    return stage(g, titles, left, ["about", "sdedit"], right, positive=115, negative=115, models=222)


def _two_clocks(g: Graph) -> Blueprint:
    """A rough animation and a mask for each of its frames: a t0 map for each, and the first frame to begin with."""
    inner, fitted = Graph("SDEdit"), {"upscale_method": "lanczos", **SIZE, "crop": "center"}
    for name in ("rough", "cutout"):
        inner.node(name, "GetVideoComponents")
        inner.node(f"{name}_cut", "ImageFromBatch", title="First frames: 4 n + 1", image=Ref(name, 0), length=FRAMES)
        inner.node(f"{name}_fit", "ImageScale", title="Size", image=Ref(f"{name}_cut", 0), **fitted)
    inner.node("mask", "ImageToMask", image=Ref("cutout_fit", 0))
    clocks = {"t0_1": STRONG, "base_t0": WEAK, "unit": NOISE_SHARE}
    inner.node("map", "SDEdit_T0Map", title="Two clocks", mask_1=Ref("mask", 0), **clocks)
    inner.node("encode", "VAEEncode", pixels=Ref("rough_fit", 0))
    begun = {"t0": WEAK, "unit": NOISE_SHARE}
    inner.node("noise", "SDEdit_AddVENoise", latent=Ref("encode", 0), mask=Ref("map", 0), seed=1, **begun)
    inner.node("first", "ImageFromBatch", title="First frame", image=Ref("rough_fit", 0), length=1)
    inner.node("start", "WanImageToVideo", start_image=Ref("first", 0), **SIZE, length=FRAMES)
    inner.node("levels", "SDEdit_SigmasFromT0", steps=STEPS, spacing="uniform t", **begun)
    inner.node("split", "SplitSigmas", title="Hand over at step", sigmas=Ref("levels", 0), step=DRAG_HAND_OVER)
    shared = {"cfg": 3.5, "seed": 1, "positive": Ref("start", 0), "negative": Ref("start", 1)}
    first = {"latent": Ref("noise", 0), "sigmas": Ref("split", 0)}
    inner.node("high", "SDEdit_ReverseSDESampler", title="High noise", **first, **shared)
    second = {"latent": Ref("high", 0), "sigmas": Ref("split", 1)}
    inner.node("low", "SDEdit_ReverseSDESampler", title="Low noise", **second, **shared)
    inner.node("decode", "VAEDecode", samples=Ref("low", 0))
    inner.node("join", "CreateVideo", images=Ref("decode", 0), audio=Ref("rough", 1), fps=Ref("rough", 2))
    arrange(
        inner,
        column(300, "rough", "rough_cut", "rough_fit", "first"),
        column(300, "cutout", "cutout_cut", "cutout_fit", "mask"),
        column(320, "map", "encode", "noise"),
        column(320, "start", "levels", "split"),
        column(340, "high", "low"),
        column(240, "decode", "join"),
    )
    sockets = {
        "rough": [("rough", "video")],
        "cut-out": [("cutout", "video")],
        "high noise": [(node, "model") for node in ("map", "noise", "levels", "high")],
        "low noise": [("low", "model")],
        "vae": [("encode", "vae"), ("start", "vae"), ("decode", "vae")],
        **{side: [("start", side)] for side in ("positive", "negative")},
    }
    frames = [(f"{name}_fit", side) for name in ("rough", "cutout") for side in ("width", "height")]
    dials = {
        "t0 cut-out": [("map", "t0_1")],
        "t0 around": [(node, "base_t0" if node == "map" else "t0") for node in ("map", "noise", "levels")],
        "steps": [("levels", "steps")],
        "hand over at": [("split", "step")],
        "seed": [(node, "seed") for node in ("noise", *EXPERTS)],
        "cfg": [(node, "cfg") for node in EXPERTS],
        "length": [("rough_cut", "length"), ("cutout_cut", "length"), ("start", "length")],
        **{side: [end for end in frames if end[1] == side] + [("start", side)] for side in ("width", "height")},
    }
    outputs = {"video": Ref("join", 0), "read-out": Ref("noise", 2), "report": Ref("low", 2), "clocks": Ref("map", 3)}
    words = "Two clocks in one video: open it for the t0 map of the frames, Add VE Noise at t0 and the two samplers."
    return Blueprint("SDEdit", words, inner, sockets, dials, outputs, place=g.name)


def drag() -> Graph:
    g = begin(
        "16 Wan 2.2, drag a cut-out",
        "## Drag a cut-out\n\nIn any video editor cut something out of a photo and move it: **Rough animation**, its "
        "first frame the photo. White where the cut-out is: **Cut-out**. Get the **Files**, say what happens, **Run**."
        "\n\n"
        "- **t0 cut-out**: higher moves more freely, lower keeps closer to your path.\n"
        "- **t0 around**: never below it; lower keeps the rest stiller.\n"
        "- **hand over at**: the first level below 0.9.",
    )
    g.node("cutout", "LoadVideo", title="Cut-out", file="mask.mp4")
    g.node("rough", "LoadVideo", title="Rough animation", file="video.mp4")
    g.inside("models", _models(g, IMAGE_TO_VIDEO))
    high, low, clip, vae = (Ref("models", slot) for slot in range(4))
    texts = prompt(g, "a paper boat drifts to the other shore, small waves around it", clip, "")
    ends = {"high noise": high, "low noise": low, "vae": vae, "cut-out": Ref("cutout", 0)}
    g.inside("sdedit", _two_clocks(g), rough=Ref("rough", 0), **ends, **texts)
    g.node("report", "PreviewAny", title="Report", source=Ref("sdedit", 2))
    g.collapsed |= {"report", "files", "negative"}
    g.node("save", "SaveVideo", video=Ref("sdedit", 0), filename_prefix=prefix(g))
    g.note("files", None, None, files.where_files_go(g), "Files")
    left, right = ["rough", ("cutout", "positive"), "negative"], ["save", "models", ("files", "report")]
    titles = ("1. Videos and prompt", "2. SDEdit", "3. Models and result")
    # a node grows to the shape of its video: this is room for 3 to 2; Nodes 2.0 makes none lower than 330
    return stage(g, titles, left, ["about", "sdedit"], right, rough=523, cutout=330, positive=330)


FLOWS = (wan_video, drag)
