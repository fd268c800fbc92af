"""Tiny random-weight score networks as files, written by the pack itself."""

import torch

from pack import part


def core(name):
    return part(f"sdedit_core.{name}")


def write(path, spec, preconditioning, **about):
    from safetensors.torch import save_file

    networks, found_module, own = core("networks"), core("checkpoints.found"), core("checkpoints.formats.own")
    generator = torch.Generator().manual_seed(0)
    weights = {
        key: torch.randn(value.shape, generator=generator) * 0.05 + (value.ndim == 1 and key.endswith("weight"))
        for key, value in networks.UNet(spec).state_dict().items()
    }
    found = found_module.Found(own.NAME, "tiny test network", spec, weights, preconditioning, name=path.stem, **about)
    save_file({k: v.contiguous() for k, v in weights.items()}, path, metadata=own.describe(found, {"file": "none"}))


def write_all(folder):
    """tiny_ve.safetensors: VE in [0, 1]; tiny_classes.safetensors: VP in [-1, 1] with 10 classes."""
    networks, precond = core("networks"), core("networks.preconditioning")
    ve = networks.ncsnpp(nf=8, ch_mult=(1, 2), blocks=1, attention_levels=(1,))
    write(
        folder / "tiny_ve.safetensors", ve, precond.VE(data_range=(0.0, 1.0), sigma_min=0.01, sigma_max=50.0), size=32
    )
    adm = networks.adm(channels=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,), head_channels=32, num_classes=10)
    write(folder / "tiny_classes.safetensors", adm, precond.VP(), size=32)
