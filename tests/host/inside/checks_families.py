"""ComfyUI's own model classes with tiny random networks: SDXL in all its kinds, Flux, Wan video.  Run by run.py."""

import comfy.supported_models
import torch
from checks import add_noise, comfy, euler, frames_module, guide, node, sample, z_of

SDXL = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "use_spatial_transformer": True,
    "transformer_depth": [0, 1],
    "transformer_depth_output": [0, 0, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": 64,
    "use_linear_in_transformer": True,
    "legacy": False,
    "num_heads": -1,
    "num_head_channels": 16,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
}
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 1280,
    "context_in_dim": 64,
    "hidden_size": 128,
    "mlp_ratio": 2.0,
    "num_heads": 1,
    "depth": 1,
    "depth_single_blocks": 1,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
}
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 128,
    "ffn_dim": 128,
    "num_heads": 1,
    "num_layers": 1,
    "patch_size": (1, 2, 2),
    "freq_dim": 32,
    "in_dim": 16,
    "out_dim": 16,
    "text_dim": 64,
    "window_size": (-1, -1),
    "qk_norm": True,
    "cross_attn_norm": True,
    "eps": 1e-6,
}
LTX_AV = {
    "image_model": "ltxav",
    "in_channels": 128,
    "audio_in_channels": 128,
    "cross_attention_dim": 64,
    "audio_cross_attention_dim": 64,
    "attention_head_dim": 32,
    "audio_attention_head_dim": 32,
    "num_attention_heads": 2,
    "audio_num_attention_heads": 2,
    "caption_channels": 64,
    "num_layers": 1,
    "connector_num_attention_heads": 2,
    "connector_attention_head_dim": 32,
    "connector_num_layers": 1,
}
EDM = {"edm_mean": torch.zeros(1), "edm_std": torch.ones(1)}
FAMILIES = {
    "SDXL": ("SDXL", SDXL, {}, (2, 4, 16, 16)),
    "SDXL v": ("SDXL", SDXL, {"v_pred": torch.zeros(1)}, (2, 4, 16, 16)),
    "SDXL v zero SNR": ("SDXL", SDXL, {"v_pred": torch.zeros(1), "ztsnr": torch.zeros(1)}, (2, 4, 16, 16)),
    "Playground 2.5": ("SDXL", SDXL, EDM, (2, 4, 16, 16)),
    "SDXL EDM v": ("SDXL", SDXL, {"edm_vpred.sigma_max": torch.tensor(120.0)}, (2, 4, 16, 16)),
    "Flux": ("Flux", FLUX, {}, (2, 16, 16, 16)),
    "Wan": ("WAN21_T2V", WAN, {}, (2, 16, 3, 8, 8)),
    "Wan 2.2": ("WAN22_T2V", WAN | {"in_dim": 48, "out_dim": 48}, {}, (2, 48, 3, 8, 8)),  # a timestep for every frame
}
_made = {}


AUDIO_VIDEO = ("LTXAV", LTX_AV, {}, (3, 128, 3, 4, 4))  # several latents in one: not for the checks of one


def family(name, described=None):
    """(MODEL, clean latent) of a family, one of FAMILIES unless it is described."""
    if name not in _made:
        config_name, settings, marks, shape = described or FAMILIES[name]
        config = getattr(comfy.supported_models, config_name)(dict(settings))
        config.unet_config |= {key: settings[key] for key in ("num_heads", "num_head_channels") if key in settings}
        config.set_inference_dtype(torch.float32, None)
        inner = config.get_model(dict(marks), "")
        generator = torch.Generator().manual_seed(0)
        for key, value in inner.diffusion_model.state_dict().items():
            if value.is_floating_point():
                wide = value.ndim > 1
                value.copy_(
                    torch.randn(value.shape, generator=generator) * (0.5 / value[0].numel() ** 0.5 if wide else 0.1)
                )
                value.add_(float(key.endswith(("norm.weight", "scale"))))
        device = comfy.model_management.get_torch_device()
        inner.eval()
        _made[name] = comfy.model_patcher.ModelPatcher(inner, load_device=device, offload_device=device), guide(*shape)
    return _made[name]


def prompt(seed=1):
    generator = torch.Generator().manual_seed(seed)
    pooled = torch.randn(1, 1280, generator=generator)
    return [[torch.randn(1, 8, 64, generator=generator), {"pooled_output": pooled}]]


def stock(m, noise, latent, sigmas, *, cfg=1.0):
    guider = comfy.samplers.CFGGuider(m)
    guider.set_conds(prompt(), prompt(2))
    guider.set_cfg(cfg)
    return guider.sample(noise, latent, euler(), sigmas, disable_pbar=True, seed=0)


def ours(m, latent, **more):
    return sample(m, latent, **{"positive": prompt(), "negative": prompt(2), **more})


def check_noised_states_of_real_model_classes_are_the_hosts():
    for name in FAMILIES:
        m, g = family(name)
        latent, sigma, _ = add_noise(m, g, t0=0.55)
        level = torch.tensor(
            [frames_module.frame_of(m.get_model_object("model_sampling")).from_ve(sigma)], dtype=torch.float32
        )
        assert torch.equal(stock(m, z_of(g), g, level), latent["samples"]), name


def check_one_step_of_real_model_classes_is_the_hosts():
    for name in FAMILIES:
        m, g = family(name)
        for cfg in (1.0, 3.0):
            latent = add_noise(m, g, t0=0.55)[0]
            sigmas = node("SigmasFromT0", model=m, t0=0.55, steps=1, spacing="karras")[0]
            theirs = stock(m, torch.zeros_like(g), latent["samples"], sigmas, cfg=cfg)
            found = ours(m, latent, solver="ancestral", sigmas=sigmas, cfg=cfg)[0]["samples"]
            error = float((found - theirs).abs().max() / theirs.abs().max())
            assert error < 2e-5 and bool(torch.isfinite(found).all()), (name, cfg, error)
            assert not torch.allclose(found, g, atol=0.05), name


def check_edits_with_real_model_classes():
    """A masked batch, an item of it alone, t0 0 and t0 1."""
    for name in FAMILIES:
        m, g = family(name)
        mask = torch.zeros(1, *g.shape[-2:])
        mask[..., : g.shape[-2] // 2, :] = 1.0
        latent = add_noise(m, g, t0=0.5, mask=mask)[0]
        whole = ours(m, latent, steps=4, repeats=2)[0]["samples"]
        assert torch.equal(whole[..., g.shape[-2] // 2 :, :], g[..., g.shape[-2] // 2 :, :]), name
        assert bool(torch.isfinite(whole).all()) and not torch.equal(whole, g), name
        alone = {**latent, "samples": latent["samples"][1:], "batch_index": [1]}
        one = ours(m, alone, steps=4, repeats=2)[0]["samples"]
        assert torch.allclose(one[0], whole[1], rtol=1e-3, atol=1e-3 * float(whole.abs().max())), name
        assert torch.equal(ours(m, add_noise(m, g, t0=0.0)[0])[0]["samples"], g), name
        assert bool(torch.isfinite(ours(m, add_noise(m, g, t0=1.0)[0], steps=4)[0]["samples"]).all()), name


def check_ksampler_with_real_model_classes():
    """Sigmas from t0 and stock euler are KSampler at the same start and noise, difference 0.0."""
    for name in FAMILIES:
        m, g = family(name)
        sigmas = node("SigmasFromT0", model=m, t0=0.6, steps=4, spacing="karras")[0]
        found = stock(m, z_of(g), g, sigmas, cfg=2.0)
        sampler = comfy.samplers.KSampler(m, 4, m.load_device, "euler", "karras", 1.0, m.model_options)
        more = {"latent_image": g, "sigmas": sigmas, "disable_pbar": True, "seed": 0}
        theirs = sampler.sample(z_of(g), prompt(), prompt(2), 2.0, **more)
        assert torch.equal(found, theirs), name
