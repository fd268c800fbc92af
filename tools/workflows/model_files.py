"""Files of today's models, by the names and addresses that ComfyUI's own templates give them, and their loaders."""

from __future__ import annotations

from dataclasses import dataclass

from .graph import Graph, Ref
from .layout import arrange, column
from .subgraph import Blueprint

HUB = "https://huggingface.co/"
SPLIT = "/resolve/main/split_files/"
KLEIN, QWEN, WAN = "Comfy-Org/flux2-klein", "Comfy-Org/Qwen-Image_ComfyUI", "Comfy-Org/Wan_2.2_ComfyUI_Repackaged"
ZIMAGE, FLUX2 = "Comfy-Org/z_image_turbo", "Comfy-Org/flux2-dev"


@dataclass(frozen=True)
class File:
    """A file of weights: its name, the folder of ``models`` that it belongs into, and where it is to be had."""

    name: str
    directory: str
    place: str  # what precedes the name in its address, without the hub

    @property
    def url(self) -> str:
        return HUB + self.place + self.name

    def entry(self) -> dict:
        """As the front end reads it from a node's properties, to offer the download of what is missing."""
        return {"name": self.name, "url": self.url, "directory": self.directory}


def split_file(name: str, directory: str, repository: str) -> File:
    """A file of a repository that keeps each kind in a folder of its own."""
    return File(name, directory, f"{repository}{SPLIT}{directory}/")


SDXL = File("sd_xl_base_1.0.safetensors", "checkpoints", "stabilityai/stable-diffusion-xl-base-1.0/resolve/main/")
FLUX1 = File("flux1-dev-fp8.safetensors", "checkpoints", "Comfy-Org/flux1-dev/resolve/main/")


@dataclass(frozen=True)
class Parts:
    """A model in parts, its text encoder's kind, and the shift that ComfyUI's template sets behind the loader."""

    model: File
    text: File
    kind: str
    vae: File
    shift: tuple[str, float] | None = None


QWEN3_4B = "qwen_3_4b.safetensors"
Z_IMAGE_TURBO = Parts(
    split_file("z_image_turbo_bf16.safetensors", "diffusion_models", ZIMAGE),
    split_file(QWEN3_4B, "text_encoders", ZIMAGE),
    "lumina2",
    split_file("ae.safetensors", "vae", ZIMAGE),
    ("ModelSamplingAuraFlow", 3.0),
)
KLEIN_4B = Parts(
    split_file("flux-2-klein-4b.safetensors", "diffusion_models", KLEIN),
    split_file(QWEN3_4B, "text_encoders", KLEIN),
    "flux2",
    split_file("flux2-vae.safetensors", "vae", FLUX2),
)
QWEN_IMAGE = Parts(
    split_file("qwen_image_fp8_e4m3fn.safetensors", "diffusion_models", QWEN),
    split_file("qwen_2.5_vl_7b_fp8_scaled.safetensors", "text_encoders", QWEN),
    "qwen_image",
    split_file("qwen_image_vae.safetensors", "vae", QWEN),
    ("ModelSamplingAuraFlow", 3.1),
)
LIGHTNING = File("Qwen-Image-Lightning-8steps-V1.0.safetensors", "loras", "lightx2v/Qwen-Image-Lightning/resolve/main/")
WAN_HIGH, WAN_LOW, WAN_IMAGE_HIGH, WAN_IMAGE_LOW = (
    Parts(
        split_file(f"wan2.2_{task}_{noise}_noise_14B_fp8_scaled.safetensors", "diffusion_models", WAN),
        split_file("umt5_xxl_fp8_e4m3fn_scaled.safetensors", "text_encoders", "Comfy-Org/Wan_2.1_ComfyUI_repackaged"),
        "wan",
        split_file("wan_2.1_vae.safetensors", "vae", WAN),
        ("ModelSamplingSD3", 5.0),
    )
    for task in ("t2v", "i2v")
    for noise in ("high", "low")
)
WAN_LORA_HIGH, WAN_LORA_LOW, WAN_IMAGE_LORA_HIGH, WAN_IMAGE_LORA_LOW = (
    split_file(f"wan2.2_{task}_lightx2v_4steps_lora_{version}_{noise}_noise.safetensors", "loras", WAN)
    for task, version in (("t2v", "v1.1"), ("i2v", "v1"))
    for noise in ("high", "low")
)


def load_checkpoint(g: Graph, file: File) -> tuple[Ref, Ref, Ref]:
    """Load Checkpoint; MODEL, CLIP and VAE of it."""
    g.node("models", "CheckpointLoaderSimple", ckpt_name=file.name)
    g.files["models"] = file.entry()
    return Ref("models", 0), Ref("models", 1), Ref("models", 2)


def load_model(g: Graph, parts: Parts, *, lora: File | None = None, key: str = "", title: str = "") -> Ref:
    """Load Diffusion Model, a bypassed LoRA, the shift; the MODEL.  ``key`` is added to the names of the nodes."""
    name = "model" + key
    g.node(name, "UNETLoader", title=title, unet_name=parts.model.name)
    g.files[name] = parts.model.entry()
    model = Ref(name, 0)
    if lora is not None:
        g.node("lora" + key, "LoraLoaderModelOnly", model=model, lora_name=lora.name)
        g.files["lora" + key] = lora.entry()
        g.bypassed.add("lora" + key)
        model = Ref("lora" + key, 0)
    if parts.shift is not None:
        kind, shift = parts.shift
        g.node("shift" + key, kind, model=model, shift=shift)
        model = Ref("shift" + key, 0)
    return model


def load_text_and_vae(g: Graph, parts: Parts) -> tuple[Ref, Ref]:
    """Load CLIP and Load VAE; CLIP and VAE."""
    g.node("clip", "CLIPLoader", clip_name=parts.text.name, type=parts.kind)
    g.node("vae", "VAELoader", vae_name=parts.vae.name)
    g.files |= {"clip": parts.text.entry(), "vae": parts.vae.entry()}
    return Ref("clip", 0), Ref("vae", 0)


def load_parts(g: Graph, parts: Parts) -> tuple[Ref, Ref, Ref]:
    """Model, text encoder and VAE as one node that shows the names of the files; MODEL, CLIP and VAE."""
    inner = Graph("Models")
    model, (clip, vae) = load_model(inner, parts), load_text_and_vae(inner, parts)
    shift = ["shift"] if "shift" in inner.nodes else []
    arrange(inner, column(340, "model", *shift), column(340, "clip", "vae"))
    names = {"model": [("model", "unet_name")], "text encoder": [("clip", "clip_name")], "vae": [("vae", "vae_name")]}
    words = "The model, its text encoder and its VAE. Open it for the loaders."
    outputs = {"model": model, "clip": clip, "vae": vae}
    g.inside("models", Blueprint("Models", words, inner, {}, names, outputs, place=g.name))
    return Ref("models", 0), Ref("models", 1), Ref("models", 2)


def where_files_go(g: Graph) -> str:
    """The words of a note: each file of the workflow with its folder of ``models`` and its address."""
    parts = [node["part"].graph for node in g.nodes.values() if "part" in node]
    found = [file for graph in (g, *parts) for file in graph.files.values()]
    links = [f"- {file['directory']}/ [{file['name']}]({file['url']})" for file in found]
    return "\n".join(["Into **ComfyUI/models**:", "", *links])
