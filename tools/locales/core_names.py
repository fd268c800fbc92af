"""What ComfyUI's own nodes are called in its translated interface, asked from its front end.

python tools/make.py core-names FOLDER   FOLDER is comfyui_frontend_package/static/assets of an installed ComfyUI
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

NAMES = Path(__file__).parent / "core_names.json"  # English name, as our texts have it -> language -> name
NODES = {
    "Batch Latents": "LatentBatch",
    "CLIP Text Encode": "CLIPTextEncode",
    "Concat AV Latent": "LTXVConcatAVLatent",
    "DisableNoise": "DisableNoise",
    "FluxGuidance": "FluxGuidance",
    "Grow Mask": "GrowMask",
    "KSampler": "KSampler",
    "KSampler (Advanced)": "KSamplerAdvanced",
    "KSamplerSelect": "KSamplerSelect",
    "Latent From Batch": "LatentFromBatch",
    "Load Checkpoint": "CheckpointLoaderSimple",
    "Load Diffusion Model": "UNETLoader",
    "Load Image": "LoadImage",
    "Load Latent": "LoadLatent",
    "Preview as Text": "PreviewAny",
    "RandomNoise": "RandomNoise",
    "Rebatch Latents": "RebatchLatents",
    "SamplerCustom": "SamplerCustom",
    "SamplerCustomAdvanced": "SamplerCustomAdvanced",
    "Self-Attention Guidance": "SelfAttentionGuidance",
    "Separate AV Latent": "LTXVSeparateAVLatent",
    "SplitSigmas": "SplitSigmas",
    "Upscale Image": "ImageScale",
    "VAE Decode": "VAEDecode",
    "VAE Encode": "VAEEncode",
    "VAE Encode (for Inpainting)": "VAEEncodeForInpaint",
}


def core_names(language: str) -> dict[str, str]:
    """English name -> the name that ComfyUI shows; a language that it does not have shows the English one."""
    known = json.loads(NAMES.read_text(encoding="utf-8"))
    return {english: names.get(language, english) for english, names in known.items()}


def main(arguments: list[str]) -> None:
    from .texts import languages

    parser = argparse.ArgumentParser(prog="make.py core-names", description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="comfyui_frontend_package/static/assets")
    folder, shown = parser.parse_args(arguments).folder, {}
    for path in folder.glob("nodeDefs-*.js.map"):
        found = json.loads(path.read_text(encoding="utf-8"))
        shown[Path(found["sources"][0]).parent.name] = json.loads(found["sourcesContent"][0])
    table = {
        english: {lang: shown[lang][node]["display_name"] for lang in languages() if node in shown.get(lang, {})}
        for english, node in NODES.items()
    }
    NAMES.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
