"""python write_checkpoint.py TARGET: a tiny SD2-type checkpoint with random weights that Load Checkpoint reads.

One U-Net level of 320 channels (ComfyUI recognises nothing narrower) and a TAESD as VAE; no text encoder.
Run in ComfyUI's own Python and folder.
"""

import sys
from pathlib import Path

target = sys.argv[1]
sys.argv = [sys.argv[0], "--cpu"]
sys.path.insert(0, str(Path.cwd()))

import comfy.options

comfy.options.enable_args_parsing()

import comfy.ops
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file


def random_weights(module: torch.nn.Module, prefix: str, generator: torch.Generator) -> dict:
    out = {}
    for name, value in module.state_dict().items():
        if value.ndim > 1:
            value = torch.randn(value.shape, generator=generator) * (0.5 / value[0].numel() ** 0.5)
        else:
            value = torch.full(value.shape, 1.0 if name.endswith("weight") else 0.0)
        out[prefix + name] = value.half().contiguous()
    return out


UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [1],
    "channel_mult": [1],
    "use_spatial_transformer": True,
    "transformer_depth": [1],
    "transformer_depth_output": [0, 0],
    "transformer_depth_middle": -2,
    "context_dim": 1024,
    "use_linear_in_transformer": True,
    "legacy": False,
    "num_heads": -1,
    "num_head_channels": 64,
}


def unet(**changes) -> UNetModel:
    return UNetModel(**{**UNET, **changes}, operations=comfy.ops.disable_weight_init, dtype=torch.float32)


def main() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = random_weights(unet(), "model.diffusion_model.", generator)
    weights |= random_weights(TAESD(latent_channels=4), "first_stage_model.", generator)
    weights |= {"first_stage_model.vae_scale": torch.tensor(0.18215), "first_stage_model.vae_shift": torch.tensor(0.0)}
    save_file(weights, target)


if __name__ == "__main__":
    main()
