"""What a file is that cannot be used here: in a sentence or two, with why not, and what to do instead.

Told by the first bytes, or by the names and shapes of the tensors.  Known neighbours of score models are listed here;
what is none of them is refused without a list of what it nearly was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ..sde import short

_HOST = "load it with the host's own checkpoint loader, whose MODEL these nodes take as well."
_NOT_MODEL = "that is one part of a latent model, and no score model. Choose the file of a whole diffusion model."
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
_HEIF = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"hevc")


def by_bytes(head: bytes) -> str | None:
    """What a file that is no checkpoint is, from its first bytes (some hundred); None when they do not say it."""
    lower = head[:400].lstrip().lower()
    if lower.startswith(b"version https://git-lfs"):
        return (
            "this is a Git LFS pointer: a note that stands for the weights, which were not downloaded. "
            "Run git lfs pull in that folder, or download the file itself from its web page."
        )
    if lower.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page that was saved in place of the file. Download the file itself, by its download link."
    if head[4:8] == b"ftyp":
        kind = "a HEIC or AVIF picture" if head[8:12] in _HEIF else "a video"
        return f"this is {kind}, no checkpoint. Pictures go in as guides; a model needs a file of weights."
    if head.startswith(_PICTURES):
        return "this is a picture or a sound, no checkpoint. Pictures go in as guides; a model needs a file of weights."
    if head.startswith(b"GGUF"):
        return "this is a GGUF file of quantised weights, which no score model comes in. Use the .safetensors of it."
    if head.startswith(b"\x89HDF"):
        return "this is an HDF5 file (Keras, TensorFlow); only PyTorch's files are read. Convert it to .safetensors."
    if head.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"BZh")):
        return "this is a compressed archive. Unpack it, and choose the file of weights in it."
    return None


def by_tensors(state: Mapping[str, Tensor]) -> str | None:
    """What a state dict is that these readers cannot use; None for all others."""
    return next((text for fits, text in _KINDS if fits(state)), None)


def unknown(content: Any, state: Mapping[str, Tensor] | None) -> str:
    """For files that nothing fits, in two sentences."""
    if state is None:
        return (
            f"holds no weights by name ({_what(content)}), so no network can be made of it. "
            "Choose the file with the model's state dict, or save that one from the training."
        )
    first = ", ".join(short(key) for key in list(state)[:2])
    return (
        f"is of no family that is known here: its {len(state):,} tensors begin with {first}. docs/checkpoints.md lists "
        f"what loads; if it is a latent model, {_HOST}"
    )


def _what(content: Any) -> str:
    if isinstance(content, Mapping):
        names = [str(key)[:30] for key in list(content)[:4]]
        return f"a table of {', '.join(names)}" if names else "an empty table"
    return f"a {type(content).__name__}"


def _part(*parts: str) -> Callable[[Mapping[str, Tensor]], bool]:
    return lambda state: any(part in key for key in state for part in parts)


def _start(*starts: str) -> Callable[[Mapping[str, Tensor]], bool]:
    return lambda state: any(key.startswith(starts) for key in state)


def _both(one: Callable, other: Callable) -> Callable[[Mapping[str, Tensor]], bool]:
    return lambda state: one(state) and other(state)


def _classifier(state: Mapping[str, Tensor]) -> bool:
    return "input_blocks.0.0.weight" in state and not any(key.startswith("output_blocks.") for key in state)


def _takes_more(state: Mapping[str, Tensor]) -> bool:
    """An ADM or diffusers network of 3 channels (or 6 with the variance) that is given a second picture."""
    for first, last in (("input_blocks.0.0.weight", "out.2.weight"), ("conv_in.weight", "conv_out.weight")):
        if first in state and last in state and state[first].dim() == state[last].dim() == 4:
            return state[first].shape[1] == 6 and state[last].shape[0] in (3, 6) and not _latent(state)
    return False


def _narrow(state: Mapping[str, Tensor]) -> bool:
    """An unconditional U-Net on the 4 channels of Stable Diffusion's latents."""
    for first, last in (("input_blocks.0.0.weight", "out.2.weight"), ("conv_in.weight", "conv_out.weight")):
        if first in state and last in state and "time_embed" in " ".join(state):
            return state[first].dim() == 4 and state[first].shape[1] == 4 and state[last].shape[0] in (4, 8)
    return False


_latent = _part(
    "model.diffusion_model.", "first_stage_model.", ".transformer_blocks.", ".encoder_kv.", "add_embedding.linear_1"
)
_KINDS: tuple[tuple[Callable[[Mapping[str, Tensor]], bool], str], ...] = (
    (
        _part(".lora_up.", ".lora_down.", ".lora_A.", ".lora_B.", "lora_unet_", ".hada_w1", ".lokr_w"),
        "is a LoRA: changes to another model's weights, which are no model by themselves. Load that model with the "
        "host's loader and put the LoRA on it there.",
    ),
    (
        _part("control_model.", "input_hint_block", "controlnet_cond_embedding", "controlnet_down_blocks"),
        "is a ControlNet, which steers a latent model and is no score model. Use it with the host's ControlNet nodes.",
    ),
    (
        _start("model.diffusion_model.", "diffusion_model.", "first_stage_model.", "cond_stage_model."),
        f"is a latent model (Stable Diffusion's kind), which works on a VAE's latents and not on pixels; {_HOST}",
    ),
    (
        _latent,
        f"is a latent text-to-image network (cross-attention to text), which works on a VAE's latents; {_HOST}",
    ),
    (
        _part("double_blocks.", "joint_blocks.", "x_embedder.proj", "adaLN_modulation", "patch_embed.proj"),
        f"is a diffusion transformer, which works on a VAE's latents and not on pixels; {_HOST}",
    ),
    (
        _part("text_model.encoder.layers.", ".SelfAttention.q.weight", "text_projection", "model.embed_tokens.weight"),
        f"is a text encoder: {_NOT_MODEL}",
    ),
    (
        _both(_part("encoder.conv_in.weight", "encoder.down"), _part("decoder.conv_in.weight", "decoder.up")),
        f"is a VAE: {_NOT_MODEL}",
    ),
    (
        _start("emb_params", "string_to_param", "clip_l", "clip_g"),
        "is a textual inversion: a word for a text encoder, and no score model. Use its name in a prompt.",
    ),
    (
        _part("emb_noise.weight", ".emb_gain", ".emb_linear.weight", "out_gain"),
        "is an EDM2 network (magnitude-preserving layers, most of them on latents), which is not supported. "
        "Use one of EDM's own networks (docs/checkpoints.md).",
    ),
    (
        _both(_start("begin_conv."), _start("refine1.", "res1.")),
        "is an NCSN network of 2019 or 2020 (v1 or v2, RefineNet), which is not supported. "
        "Use an NCSN++ network of score_sde_pytorch, which took its place.",
    ),
    (
        _both(_part("inner_model."), _part("mapping.", "timestep_embed.")),
        "is a k-diffusion network (image_v1, v2 or an image transformer), which is not supported. "
        "docs/checkpoints.md lists the families that load.",
    ),
    (
        _classifier,
        "is a classifier of guided-diffusion (an encoder only, no output_blocks), which judges pictures and makes "
        "none. Choose the diffusion model that it belongs to, e.g. 256x256_diffusion.pt.",
    ),
    (
        _takes_more,
        "is a super-resolution or inpainting network: it is given a second picture (6 channels in), which an edit "
        "does not have. Choose a model of the whole picture, e.g. 256x256_diffusion_uncond.pt.",
    ),
    (_narrow, f"is a network of 4 channels, which works on a VAE's latents and not on pixels; {_HOST}"),
    (
        _part("conv_first.weight", ".rdb1.conv1.weight", "upsampler.0.weight"),
        "is a picture upscaler (ESRGAN, SwinIR), and no score model. Use it with the host's upscale nodes.",
    ),
    (
        _part("synthesis.b4.", "g_mapping", "convs.0.conv.modulation"),
        "is a GAN's generator, which has no noise levels and so no score. Choose a diffusion model's file.",
    ),
)
