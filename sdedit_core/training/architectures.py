"""Networks that can be trained: a name or a description, and fresh weights."""

from __future__ import annotations

import torch
from torch import nn

from ..networks import CompactSpec, Spec, build_network, layers, ncsnpp
from ..networks import compact as compact_layers
from ..networks.unet import Head


def _compact(widths, blocks, attention, head_channels, embedding, **options):
    def make(channels: int) -> Spec:
        return CompactSpec(widths, blocks, attention, head_channels, embedding, channels, **options)

    return make


def _ncsnpp(**options):
    return lambda channels: ncsnpp(channels=channels, **options)


NETWORKS = {
    "tiny": _compact((32, 64), (1, 1), 1, 32, 64),
    "local": _compact((32, 64, 64), (1, 2, 2), 0, 32, 64, coordinates=False),
    "layout": _compact((48, 96, 128), (1, 2, 2), 1, 32, 128),
    "base": _compact((96, 128, 160, 192), (2, 2, 2, 1), 2, 32, 128),
    "large": _compact((128, 256, 256, 384), (3, 3, 3, 2), 2, 64, 256),
    "ncsnpp-tiny": _ncsnpp(nf=32, ch_mult=(1, 2), blocks=1, attention_levels=()),
    "ncsnpp-small": _ncsnpp(nf=64, ch_mult=(1, 2, 2, 2), blocks=2, attention_levels=(2,)),
    "ncsnpp": _ncsnpp(nf=128, ch_mult=(1, 2, 2, 2, 2), blocks=2, attention_levels=(3,)),
}
"""Name -> description for a number of image channels."""


def network_spec(name: str, *, channels: int) -> Spec:
    """The description behind a name; ValueError for an unknown name."""
    if name not in NETWORKS:
        raise ValueError(f"Unknown network {name!r}; expected one of {', '.join(NETWORKS)}.")
    return NETWORKS[name](channels)


def fresh_network(spec: Spec, *, seed: int, device: str | torch.device = "cpu") -> nn.Module:
    """A float32 network with weights from ``seed`` alone, ready to train.

    Weights have the deviation fan_in^-1/2; the last layer of every residual branch and of the output starts at 0, so
    that the network starts as a smooth, shallow one (Song et al. 2021, appendix H; Karras et al. 2022).
    """
    network = build_network(spec)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                fan_in = module.weight[0].numel()
                module.weight.normal_(0.0, fan_in**-0.5, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, layers.Fourier):
                module.weight.normal_(0.0, 16.0, generator=generator)
        for module in network.modules():
            for layer in _last_layers(module):
                layer.weight.zero_()
    network.requires_grad_(True)
    for module in network.modules():
        if isinstance(module, layers.Fourier):
            module.requires_grad_(False)
    return network.train().to(device=device, memory_format=torch.channels_last)


def _last_layers(module: nn.Module) -> list[nn.Module]:
    """Layers of this module (not of its children) whose weights start at 0."""
    if isinstance(module, layers.ResBlock):
        return [module.conv1]
    if isinstance(module, compact_layers.Block):
        return [module.conv1, module.modulate]
    if isinstance(module, layers.Attention | compact_layers.Attention):
        return [module.proj]
    if isinstance(module, Head):
        return [module.conv]
    if isinstance(module, compact_layers.CompactUNet):
        return [module.conv_out]
    return []
