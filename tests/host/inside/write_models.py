"""python write_models.py MODELS_FOLDER: tiny files with random weights that ComfyUI's own loaders read.

Beside tiny_sd.safetensors of write_checkpoint.py: a LoRA and a ControlNet for it, its inpainting sister with nine input
channels, and an SD3-type flow model with 16 channels and a VAE for it.  Run in ComfyUI's own Python and folder.
"""

from pathlib import Path

import write_checkpoint as plain_model  # sets up the host

# isort: split
import comfy.cldm.cldm
import comfy.ops
import torch
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file

SD3 = {
    "input_size": None,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "depth": 1,
    "adm_in_channels": 32,
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 1024, "out_features": 64}},
    "num_patches": 36,
    "pos_embed_max_size": 6,
    "pos_embed_scaling_factor": None,
}


def lora(generator):
    """Rank 2 on every attention and feed-forward matrix, strong enough to be seen."""
    out = {}
    for name, value in plain_model.unet().state_dict().items():
        if value.ndim == 2 and "transformer_blocks" in name:
            key = f"diffusion_model.{name.removesuffix('.weight')}"
            out[key + ".lora_A.weight"] = torch.randn(2, value.shape[1], generator=generator) * 0.1
            out[key + ".lora_B.weight"] = torch.randn(value.shape[0], 2, generator=generator) * 0.1
    return out


def main():
    folder, generator = Path(plain_model.target), torch.Generator().manual_seed(1)
    plain = {"operations": comfy.ops.disable_weight_init, "dtype": torch.float32}

    def save(weights, name):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, path)

    save(lora(generator), "loras/tiny_lora.safetensors")
    options = {
        key: value for key, value in plain_model.UNET.items() if key not in ("out_channels", "transformer_depth_output")
    }
    control = comfy.cldm.cldm.ControlNet(hint_channels=3, **options, **plain)
    save(plain_model.random_weights(control, "", generator), "controlnet/tiny_control.safetensors")
    taesd = plain_model.random_weights(TAESD(latent_channels=4), "first_stage_model.", generator)
    taesd |= {"first_stage_model.vae_scale": torch.tensor(0.18215), "first_stage_model.vae_shift": torch.tensor(0.0)}
    inpaint = plain_model.random_weights(plain_model.unet(in_channels=9), "model.diffusion_model.", generator)
    save(inpaint | taesd, "checkpoints/tiny_inpaint.safetensors")
    save(
        plain_model.random_weights(MMDiT(**SD3, **plain), "model.diffusion_model.", generator),
        "diffusion_models/tiny_sd3.safetensors",
    )
    deep = plain_model.random_weights(TAESD(latent_channels=16), "", generator)
    save(
        deep | {"vae_scale": torch.tensor(1.5305), "vae_shift": torch.tensor(0.0609)},
        "vae/tiny_16_channels.safetensors",
    )


if __name__ == "__main__":
    main()
