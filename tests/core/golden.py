"""The checkpoints of the original implementations in ``checkpoints/``, and what their networks made of noise."""

from __future__ import annotations

import lzma
from pathlib import Path

import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent / "checkpoints"
EXPECTED = load_file(HERE / "expected.safetensors")
OVERRIDES = {
    "adm_cond.pt": {"num_head_channels": 16},
    "improved_cond.pt": {
        "num_heads": 4, "num_heads_upsample": 2, "noise_schedule": "cosine", "levels": 4000, "rescale_timesteps": False,
    },
    "improved_uncond.pt": {"levels": 400},
    "cd_lsun.pt": {"num_head_channels": 16},
    "edm_imagenet.pt": {"num_head_channels": 16},
    "ddpmpp_bare.pth": {"sde": "subvp", "skip_rescale": False},
    "edm_ncsnpp.safetensors": {"sde": "ve"},  # its metadata say so, but those of a wrapped copy do not
    "edm_skip.safetensors": {"sde": "vp"},
    "kdiffusion.pth": {"sigma_data": 0.6162},  # its configuration says so, which a copy of its weights lacks
    "lucid_edm.pt": {"sde": "edm"},  # its own names say so, but those of a wrapped copy do not
}  # fmt: skip
NAMES = sorted({k.split("/")[0] for k in EXPECTED})


def unpack(name: str, folder: Path) -> Path:
    """The checkpoint, with its config.json and scheduler where it has them, as a user would have it."""
    stem, suffix = name.split(".", 1)
    config = HERE / f"{stem}.config.json"
    path = folder / (f"diffusion_pytorch_model.{suffix}" if config.exists() else name)
    if config.exists():
        (folder / "config.json").write_bytes(config.read_bytes())
        if (scheduler := HERE / f"{stem}.scheduler_config.json").exists():
            (folder / "scheduler_config.json").write_bytes(scheduler.read_bytes())
    path.write_bytes(lzma.decompress((HERE / f"{name}.xz").read_bytes()))
    return folder if config.exists() else path


def expectation(name: str, which: str):
    """(x, sigma, y, the original's denoised image on the stored grid); inputs are those of "ema" where not stored"""
    get = lambda key: EXPECTED.get(f"{name}/{which}/{key}", EXPECTED.get(f"{name}/ema/{key}"))  # noqa: E731
    sigma = get("sigma")
    x0, z = get("x0").float() / 16, get("z").float() / 12
    return x0 + sigma.float()[:, None, None, None] * z, sigma, get("y"), get("D")


def difference(model, name: str, which: str) -> float:
    """Largest difference to the original, relative to its maximum, the worst over the noise levels."""
    x, sigma, y, wanted = expectation(name, which)
    with torch.inference_mode():
        got = model.denoise(x, sigma.float(), y)[:, :, ::2, ::3]
    scale = wanted.abs().amax(dim=(1, 2, 3))
    return float(((got - wanted).abs().amax(dim=(1, 2, 3)) / scale).max())
