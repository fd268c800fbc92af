"""What people train with: diffusers, denoising-diffusion-pytorch, k-diffusion."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import torch

from .case import SIDE, Case, discrete, filled, noisy, stand_in


def from_diffusers(root: Path) -> Iterator[Case]:
    """diffusers' UNet2DModel with its schedulers."""
    import diffusers

    usual = {"sample_size": SIDE, "layers_per_block": 1, "block_out_channels": (16, 32), "norm_num_groups": 8,
             "attention_head_dim": 8, "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
             "up_block_types": ("AttnUpBlock2D", "UpBlock2D")}  # fmt: skip
    resnet = {"down_block_types": ("ResnetDownsampleBlock2D", "AttnDownBlock2D"), "downsample_type": "resnet",
              "up_block_types": ("AttnUpBlock2D", "ResnetUpsampleBlock2D"), "upsample_type": "resnet"}  # fmt: skip
    shift = {"resnet_time_scale_shift": "scale_shift"}
    rows = [
        ("attention", {}, {}), ("residual resampling, scale-shift", {**resnet, **shift}, {}),
        ("5 classes", {"num_class_embeds": 5}, {}), ("2 layers, 3 levels", {
            "layers_per_block": 2, "block_out_channels": (16, 16, 32), "down_block_types": ("DownBlock2D",) * 3,
            "up_block_types": ("UpBlock2D",) * 3}, {}),
        ("Google's DDPM settings", {"freq_shift": 1, "flip_sin_to_cos": False, "downsample_padding": 0}, {}),
        ("attention's norm of 4 groups", {**resnet, "attn_norm_num_groups": 4}, {}),
        ("no attention in the middle", {"add_attention": False}, {}), ("one head", {"attention_head_dim": None}, {}),
        ("middle scaled", {"mid_block_scale_factor": 1.5}, {}), ("pixels centred", {"center_input_sample": True}, {}),
        ("v, cosine", {}, {"prediction_type": "v_prediction", "beta_schedule": "squaredcos_cap_v2"}),
        ("x0, scaled linear", {}, {"prediction_type": "sample", "beta_schedule": "scaled_linear"}),
        ("sigmoid betas", {}, {"beta_schedule": "sigmoid"}), ("250 levels", {}, {"num_train_timesteps": 250}),
        ("v, zero SNR", {}, {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}),
        ("betas of its own", {},
         {"trained_betas": [0.001 + 0.0002 * i for i in range(100)], "num_train_timesteps": 100}),
    ]  # fmt: skip
    for seed, (words, options, noise) in enumerate(rows, 500):
        net = filled(diffusers.UNet2DModel(**{**usual, **options}), seed)
        scheduler = diffusers.DDPMScheduler(**noise)
        y = torch.tensor([4, 0]) if "num_class_embeds" in options else None
        call = lambda x, t, net=net, y=y: net(x, t, class_labels=y).sample  # noqa: E731
        kind = {"v_prediction": "v", "sample": "x0"}.get(noise.get("prediction_type", ""), "eps")
        levels = len(scheduler.betas)
        x, sigma, wanted = discrete(call, scheduler.betas, [levels // 25, levels * 8 // 10], seed, kind=kind)
        said = {"_class_name": "DDPMScheduler", **scheduler.config}
        yield Case("diffusers", words, dict(net.state_dict()), x, sigma, wanted, y,
                   name="diffusion_pytorch_model.bin", config=dict(net.config), scheduler=said)  # fmt: skip
    for seed, kind in enumerate(("epsilon", "v_prediction"), 540):
        net = filled(diffusers.UNet2DModel(**usual), seed)
        scheduler = diffusers.EDMEulerScheduler(prediction_type=kind)
        sigma = torch.tensor([0.3, 12.0], dtype=torch.float64)
        x = noisy(seed, sigma)
        parts = []
        for one, level in zip(x.split(1), sigma.float(), strict=True):
            out = net(scheduler.precondition_inputs(one, level), scheduler.precondition_noise(level)).sample
            parts.append(scheduler.precondition_outputs(one, out, level))
        said = {"_class_name": "EDMEulerScheduler", **scheduler.config}
        yield Case("diffusers", f"EDMEulerScheduler, {kind}", dict(net.state_dict()), x, sigma, torch.cat(parts),
                   name="diffusion_pytorch_model.bin", config=dict(net.config), scheduler=said)  # fmt: skip


def lucidrains(root: Path) -> Iterator[Case]:
    """denoising-diffusion-pytorch: what its trainer saves, without the optimiser's state."""
    path = root / "denoising-diffusion-pytorch" / "denoising_diffusion_pytorch"
    package = types.ModuleType("denoising_diffusion_pytorch")
    package.__path__ = [str(path)]  # without what the package imports beside the network
    sys.modules[package.__name__] = package

    needs = ("torchvision", "torchvision.transforms", "accelerate", "scipy", "scipy.optimize", "ema_pytorch")
    stand_in(needs)
    code = importlib.import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch")
    usual = {"dim": 16, "dim_mults": (1, 2), "attn_heads": 2, "attn_dim_head": 8}
    kinds = {"pred_noise": "eps", "pred_v": "v", "pred_x0": "x0"}
    rows = [(f"{kinds[o]}, {s}", {}, {"objective": o, "beta_schedule": s})
            for o, s in itertools.product(kinds, ("linear", "cosine", "sigmoid"))]  # fmt: skip
    rows += [
        ("full attention everywhere", {"full_attn": (True, True)}, {}), ("4 levels", {"dim_mults": (1, 2, 2, 4)}, {}),
        ("4 heads of 32", {"attn_heads": 4, "attn_dim_head": 32}, {}), ("other first channels", {"init_dim": 24}, {}),
        ("heads by level", {"attn_heads": (1, 4), "attn_dim_head": (16, 8)}, {}),
        ("self-conditioned", {"self_condition": True}, {}), ("400 levels", {}, {"timesteps": 400}),
        ("clipped loss weights", {}, {"min_snr_loss_weight": True}),
        ("steeper sigmoid", {}, {"schedule_fn_kwargs": {"tau": 0.7}}),
    ]  # fmt: skip
    for seed, (words, options, process) in enumerate(rows, 600):
        net = code.Unet(**{**usual, **options})
        process = {"objective": "pred_v", "beta_schedule": "sigmoid", "timesteps": 1000, **process}
        whole = filled(code.GaussianDiffusion(net, image_size=SIDE, **process), seed)
        table = getattr(code, f"{process['beta_schedule']}_beta_schedule")
        betas = table(process["timesteps"], **process.get("schedule_fn_kwargs", {}))
        levels = [process["timesteps"] // 25, process["timesteps"] * 8 // 10]
        x, sigma, wanted = discrete(net, betas, levels, seed, kind=kinds[process["objective"]])
        average = {"ema_model." + k: v for k, v in whole.state_dict().items()}
        raw = {k: v + 1.0 if v.dim() > 1 else v for k, v in whole.state_dict().items()}
        content = {"step": 7, "model": raw, "ema": average, "version": code.__version__}
        yield Case("denoising-diffusion-pytorch", words, content, x, sigma, wanted, name="model-7.pt")


def kdiffusion(root: Path) -> Iterator[Case]:
    """k-diffusion's image_v1: what its trainer saves, without the optimiser's state."""
    for name in ("k_diffusion", "k_diffusion.models"):  # without what the packages import beside the network
        package = types.ModuleType(name)
        package.__path__ = [str(root / "k-diffusion" / name.replace(".", "/"))]
        sys.modules[name] = package
    needs = ("torchvision", "torchvision.transforms", "torchvision.datasets", "dctorch", "dctorch.functional", "scipy",
             "scipy.integrate", "torchdiffeq", "torchsde", "skimage", "skimage.transform")  # fmt: skip
    stand_in(needs)
    layers, unet = (importlib.import_module(f"k_diffusion.{name}") for name in ("layers", "models.image_v1"))
    wrapper = importlib.import_module("k_diffusion.augmentation").KarrasAugmentWrapper
    sigma = torch.tensor([0.3, 20.0], dtype=torch.float64)
    usual = {"channels": (32, 64), "depths": (1, 2), "self_attn_depths": (False, True), "patch_size": 1,
             "has_variance": False, "skip_stages": 0, "sigma_data": 0.5}  # fmt: skip
    rows = [
        ("attention at the bottom", {}), ("attention everywhere", {"self_attn_depths": (True, True)}),
        ("no attention, 3 levels", {"channels": (32, 32, 64), "depths": (2, 1, 1), "self_attn_depths": (False,) * 3}),
        ("pixels folded by 2", {"patch_size": 2}), ("with a variance", {"has_variance": True}),
        ("a first stage that does not run", {"channels": (32, 32, 64), "depths": (1, 1, 1), "skip_stages": 1,
                                             "self_attn_depths": (False, False, True)}),
        ("data of spread 1", {"sigma_data": 1.0}), ("128 channels", {"channels": (64, 128)}),
    ]  # fmt: skip
    for seed, (words, options) in enumerate(rows, 700):
        model = {**usual, **options}
        net = unet.ImageDenoiserModelV1(
            3, 32, model["depths"], model["channels"], model["self_attn_depths"], patch_size=model["patch_size"],
            mapping_cond_dim=9, skip_stages=model["skip_stages"], has_variance=model["has_variance"],
        )  # fmt: skip
        net = filled(wrapper(net), seed)
        kind = layers.DenoiserWithVariance if model["has_variance"] else layers.Denoiser
        x = noisy(seed, sigma)
        state = dict(net.state_dict())
        config = {"model": {"type": "image_v1", "input_channels": 3, "sigma_min": 0.01, "sigma_max": 80.0, **model}}
        content = {"config": config, "model": {k: v * 0.5 for k, v in state.items()}, "model_ema": state, "step": 7}
        wanted = kind(net, sigma_data=model["sigma_data"])(x, sigma.float())
        yield Case("k-diffusion", words, content, x, sigma, wanted, name="net.pth")
