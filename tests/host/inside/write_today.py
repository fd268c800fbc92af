"""python write_today.py MODELS_FOLDER: random-weight files of today's models, and a short video in ../input.

Each has its model's own architecture and is as small as ComfyUI's detection lets it be: one block of each kind, few
channels where the file says how many.  Where the host's code says how many (Qwen-Image 3072, Z-Image 3840), that many,
in 8 bits.
No text encoders: theirs are fixed at billions of weights.  Run in ComfyUI's own Python and folder.
"""

from pathlib import Path

import write_checkpoint as plain_model

# isort: split
import av
import comfy.model_detection
import comfy.ops
import numpy as np
import torch
from comfy.ldm.flux.model import Flux
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.models.autoencoder import AutoencoderKL
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel
from comfy.ldm.wan.model import WanModel
from comfy.ldm.wan.vae import WanVAE
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file

PLAIN = {"operations": comfy.ops.disable_weight_init, "dtype": torch.bfloat16, "device": "meta"}
PREFIX = "model.diffusion_model."
POOL = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0))


def weights_of(module, prefix="", dtype=torch.bfloat16):
    """Random matrices, scaled by their inputs, out of one pool: made for speed.  Norms 1, biases 0."""
    out = {}
    for name, value in module.state_dict().items():
        if value.ndim > 1:
            count, scale = value.numel(), 0.5 / value[0].numel() ** 0.5
            data = (POOL * scale).to(dtype).repeat(-(-count // POOL.numel()))[:count].reshape(value.shape)
        else:
            ones = name.endswith(("weight", "gamma", "scale", "running_var"))
            data = torch.full(value.shape, 1.0 if ones else 0.0, dtype=torch.bfloat16)
        out[prefix + name] = data.contiguous()
    return out


def kl_vae(channels, **more):
    """The image VAE of SD, SDXL, FLUX.1 and FLUX.2, which is always 128 wide."""
    layout = {"double_z": True, "z_channels": channels, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128}
    layout |= {"ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0, **more}
    with torch.device("meta"):
        return AutoencoderKL(ddconfig=layout, embed_dim=channels)


def sdxl():
    """SDXL's depths and text widths at one width of 320 channels, with a TAESD for VAE."""
    layout = {"num_res_blocks": [2, 2, 2], "channel_mult": [1, 1, 1], "transformer_depth": [0, 0, 2, 2, 10, 10]}
    layout |= {"context_dim": 2048, "transformer_depth_output": [0] * 9, "num_classes": "sequential"}
    unet = plain_model.unet(**layout, adm_in_channels=2816)
    generator = torch.Generator().manual_seed(0)
    weights = plain_model.random_weights(unet, PREFIX, generator)
    weights |= plain_model.random_weights(TAESD(latent_channels=4), "first_stage_model.", generator)
    return weights | {
        "first_stage_model.vae_scale": torch.tensor(0.13025),
        "first_stage_model.vae_shift": torch.tensor(0.0),
    }


def z_image():
    model = NextDiT(
        patch_size=2,
        in_channels=16,
        dim=3840,
        cap_feat_dim=64,
        n_layers=1,
        n_heads=30,
        n_kv_heads=30,
        axes_dims=[32, 48, 48],
        axes_lens=[1536, 512, 512],
        rope_theta=256.0,
        ffn_dim_multiplier=8.0 / 3.0,
        qk_norm=True,
        z_image_modulation=True,
        time_scale=1000.0,
        pad_tokens_multiple=32,
        **PLAIN,
    )
    return weights_of(model, dtype=torch.float8_e4m3fn)


def klein():
    model = Flux(
        image_model="flux2",
        in_channels=128,
        out_channels=128,
        patch_size=1,
        hidden_size=128,
        num_heads=1,
        context_in_dim=64,
        vec_in_dim=None,
        depth=1,
        depth_single_blocks=1,
        axes_dim=[32, 32, 32, 32],
        mlp_ratio=3.0,
        theta=2000,
        global_modulation=True,
        mlp_silu_act=True,
        qkv_bias=False,
        ops_bias=False,
        guidance_embed=False,
        txt_ids_dims=[3],
        **PLAIN,
    )
    return weights_of(model)


def qwen_image():
    return weights_of(QwenImageTransformer2DModel(num_layers=1, **PLAIN), dtype=torch.float8_e4m3fn)


def lightning():
    return lora("transformer_blocks.0.attn.", ("to_q", "to_k", "to_v", "to_out.0"), 3072)


def wan_steps():
    return lora("diffusion_model.blocks.0.self_attn.", ("q", "k", "v", "o"), 128)


def lora(block, matrices, width):
    """Rank 2, on the matrices of attention to the picture."""
    out = {}
    for name in matrices:
        out[f"{block}{name}.lora_down.weight"] = POOL[: 2 * width].reshape(2, width) * 0.5
        out[f"{block}{name}.lora_up.weight"] = POOL[: 2 * width].reshape(width, 2) * 0.5
    return out


def wan(channels=16):
    layout = {"model_type": "t2v", "in_dim": channels, "out_dim": 16, "dim": 128, "ffn_dim": 256, "num_heads": 1}
    return weights_of(WanModel(**layout, num_layers=1, cross_attn_norm=True, **PLAIN))


def wan_from_image():
    """Also reads the first frame: its 16 channels and a mask of 4."""
    return wan(channels=36)


def flux1():
    """FLUX.1 dev with its VAE, as one checkpoint: of one head, where the host reads that from the file."""
    weights = weights_of(flux1_network(heads=1), PREFIX)
    if comfy.model_detection.detect_unet_config(weights, PREFIX)["num_heads"] != 1:  # it counts on 24, always
        weights = weights_of(flux1_network(heads=24), PREFIX, dtype=torch.float8_e4m3fn)
    return weights | weights_of(kl_vae(16), "vae.")


def flux1_network(heads):
    return Flux(
        image_model="flux",
        in_channels=16,
        out_channels=16,
        patch_size=2,
        hidden_size=128 * heads,
        num_heads=heads,
        context_in_dim=64,
        vec_in_dim=32,
        depth=1,
        depth_single_blocks=1,
        axes_dim=[16, 56, 56],
        mlp_ratio=4.0,
        theta=10000,
        qkv_bias=True,
        guidance_embed=True,
        txt_ids_dims=[],
        **PLAIN,
    )


def wan_vae():
    layout = {"dim": 16, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_scales": []}
    return weights_of(WanVAE(**layout, temperal_downsample=[False, True, True], dropout=0.0))


def flux2_vae():
    return weights_of(kl_vae(32, batch_norm_latent=True))


FILES = {
    "checkpoints/sd_xl_base_1.0.safetensors": sdxl,
    "checkpoints/flux1-dev-fp8.safetensors": flux1,
    "diffusion_models/z_image_turbo_bf16.safetensors": z_image,
    "diffusion_models/flux-2-klein-4b.safetensors": klein,
    "diffusion_models/qwen_image_fp8_e4m3fn.safetensors": qwen_image,
    "diffusion_models/wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors": wan,
    "diffusion_models/wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors": wan,
    "diffusion_models/wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors": wan_from_image,
    "diffusion_models/wan2.2_i2v_low_noise_14B_fp8_scaled.safetensors": wan_from_image,
    "loras/Qwen-Image-Lightning-8steps-V1.0.safetensors": lightning,
    "loras/wan2.2_t2v_lightx2v_4steps_lora_v1.1_high_noise.safetensors": wan_steps,
    "loras/wan2.2_t2v_lightx2v_4steps_lora_v1.1_low_noise.safetensors": wan_steps,
    "loras/wan2.2_i2v_lightx2v_4steps_lora_v1_high_noise.safetensors": wan_steps,
    "loras/wan2.2_i2v_lightx2v_4steps_lora_v1_low_noise.safetensors": wan_steps,
    "vae/ae.safetensors": lambda: weights_of(kl_vae(16)),
    "vae/flux2-vae.safetensors": flux2_vae,
    "vae/qwen_image_vae.safetensors": wan_vae,
    "vae/wan_2.1_vae.safetensors": wan_vae,
}


def write_video(path, frames=9, colours=((60, 60, 60), (220, 160, 60))):
    """A square that moves to the right, with PyAV, which ComfyUI's own video nodes use."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=16)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for i in range(frames):
            picture = np.full((64, 96, 3), colours[0], np.uint8)
            picture[16:48, 8 * i : 8 * i + 24] = colours[1]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())


def main():
    folder = Path(plain_model.target)
    for name, make in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(make(), path)
    (folder.parent / "input").mkdir(exist_ok=True)
    write_video(folder.parent / "input" / "video.mp4")
    write_video(folder.parent / "input" / "mask.mp4", colours=((0, 0, 0), (255, 255, 255)))  # where that square is


if __name__ == "__main__":
    main()
