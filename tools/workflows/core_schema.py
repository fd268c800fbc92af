"""Writes core_nodes.json: what those of ComfyUI's own nodes take that the workflows use, from a running ComfyUI."""

import argparse
import json
import urllib.request
from pathlib import Path

USED = """
CheckpointLoaderSimple CLIPLoader CLIPTextEncode CreateVideo FeatherMask FluxGuidance GetImageSize GetVideoComponents
GrowMask ImageBlur ImageToMask ImageCompositeMasked ImageCrop ImageFromBatch ImagePadForOutpaint
ImageScale KSampler KSamplerSelect LoadImage LoadVideo LoraLoaderModelOnly LotusConditioning MaskComposite MaskToImage
ModelSamplingAuraFlow ModelSamplingSD3 PreviewAny PreviewImage
SamplerCustom SamplerCustomAdvanced CFGGuider BasicGuider DisableNoise RandomNoise SaveImage SaveVideo
SetLatentNoiseMask SolidMask SplitSigmas UNETLoader VAEDecode VAEEncode VAELoader WanImageToVideo
""".split()
FILES = {"ckpt_name", "clip_name", "file", "image", "lora_name", "unet_name", "vae_name"}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make.py core-schema", description=__doc__)
    parser.add_argument("address", help="of the running ComfyUI: http://127.0.0.1:8188")
    with urllib.request.urlopen(parser.parse_args(arguments).address.rstrip("/") + "/object_info") as answer:
        info = json.load(answer)
    kept = {}
    for name in USED:
        node = info[name]
        sections = {key: node["input"][key] for key in ("required", "optional") if node["input"].get(key)}
        inputs = {key: {n: _short(n, e) for n, e in entries.items()} for key, entries in sections.items()}
        kept[name] = {
            "input": inputs,
            "output": node["output"],
            "output_name": node["output_name"],
            "output_node": node["output_node"],
        }
    path = Path(__file__).parent / "core_nodes.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _short(name: str, entry: list) -> list:
    """An input without its tooltip; file lists emptied, they differ on every machine."""
    options = {k: v for k, v in (entry[1] if len(entry) > 1 else {}).items() if k not in ("tooltip", "image_upload")}
    return [[] if name in FILES and isinstance(entry[0], list) else entry[0], options]
