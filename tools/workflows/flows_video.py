"""Workflows for videos."""

from __future__ import annotations

from . import model_files as files
from .graph import Graph, Ref
from .layout import BLUE, GREEN, PURPLE, arrange, column
from .parts import NOISE_SHARE, begin, prefix, prompt

SIZE = {"width": 832, "height": 480}
FRAMES = 81
DIAL = {"t0": 0.92, "unit": NOISE_SHARE}
STEPS, HAND_OVER = 20, 3  # the first level below 0.88, where Wan 2.2 was divided (0.875 for text to video)


def wan_video() -> Graph:
    g = begin(
        "14 Wan 2.2, video to video",
        "## Video to video, two experts\n\nChoose your video in **Load Video**, say in **Prompt** what it should "
        "become.\n\n"
        "- **t0** is a **noise share**, twice the same: in *Add VE Noise* and *Sigmas from t0*.\n"
        "- **SplitSigmas** hands over to the low-noise expert near 0.88: step 2 for t0 0.9, 3 for 0.92, 5 for 0.95.\n"
        "- **t0 below 0.88**: low noise alone. Bypass *High noise* (**Ctrl+B**), step 0.\n"
        "- **4 steps**: un-bypass both LoRAs; steps 4, split 1, cfg 1, few_step, eta 0.",
    )
    g.node("video", "LoadVideo", file="video.mp4")
    g.node("frames", "GetVideoComponents", video=Ref("video", 0))
    g.node("cut", "ImageFromBatch", title="First frames: 4 n + 1", image=Ref("frames", 0), length=FRAMES)
    fitted = {"upscale_method": "lanczos", **SIZE, "crop": "center"}
    g.node("fit", "ImageScale", title="Size", image=Ref("cut", 0), **fitted)
    high = files.load_model(g, files.WAN_HIGH, lora=files.WAN_LORA_HIGH, key="_high", title="High noise model")
    low = files.load_model(g, files.WAN_LOW, lora=files.WAN_LORA_LOW, key="_low", title="Low noise model")
    clip, vae = files.load_text_and_vae(g, files.WAN_HIGH)
    texts = prompt(g, "a mountain lake in winter, snow on the shore, low sun", clip, "")
    g.node("encode", "VAEEncode", pixels=Ref("fit", 0), vae=vae)
    g.node("noise", "SDEdit_AddVENoise", model=high, latent=Ref("encode", 0), seed=1, **DIAL)
    g.node("readout", "PreviewAny", title="t0 in words", source=Ref("noise", 2))
    g.node("levels", "SDEdit_SigmasFromT0", model=high, steps=STEPS, spacing="uniform t", **DIAL)
    g.node("split", "SplitSigmas", title="Hand over at step", sigmas=Ref("levels", 0), step=HAND_OVER)
    texts |= {"cfg": 3.5, "seed": 1}
    first = {"model": high, "latent": Ref("noise", 0), "sigmas": Ref("split", 0)}
    g.node("sample_high", "SDEdit_ReverseSDESampler", title="High noise", **first, **texts)
    second = {"model": low, "latent": Ref("sample_high", 0), "sigmas": Ref("split", 1)}
    g.node("sample_low", "SDEdit_ReverseSDESampler", title="Low noise", **second, **texts)
    g.node("report", "PreviewAny", title="Report", source=Ref("sample_low", 2))
    g.node("decode", "VAEDecode", samples=Ref("sample_low", 0), vae=vae)
    g.node("join", "CreateVideo", images=Ref("decode", 0), audio=Ref("frames", 1), fps=Ref("frames", 2))
    g.node("save", "SaveVideo", video=Ref("join", 0), filename_prefix=prefix(g))
    g.note("files", None, None, files.where_files_go(g), "Files")
    models = [f"{part}_{noise}" for noise in ("high", "low") for part in ("model", "lora", "shift")]
    heights = {"join": 130, "readout": 140, "report": 140, "save": 358}  # a tall video makes the last one longer
    return arrange(
        g,
        (
            "1. Video, models, prompt",
            BLUE,
            [
                column(340, "about", "video", "frames"),
                column(300, *models, "cut"),
                column(300, "files", "clip", "vae", "positive", "negative", files=330),
            ],
        ),
        (
            "2. SDEdit",
            GREEN,
            [
                column(300, "fit", "encode", "noise", "levels", "split"),
                column(310, "sample_high", "sample_low", sample_high=500, sample_low=500),
            ],
        ),
        ("3. Result", PURPLE, [column(340, "decode", "join", "readout", "report", "save", **heights)]),
    )


FLOWS = (wan_video,)
