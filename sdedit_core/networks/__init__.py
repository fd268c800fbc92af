"""Score networks: one U-Net, described block by block, and the descriptions of the known families."""

from torch import nn

from .adm import adm
from .compact import CompactSpec, CompactUNet
from .ddpm import ddpm
from .ncsnpp import ncsnpp
from .unet import BlockSpec, UNet, UNetSpec

__all__ = [
    "BlockSpec",
    "CompactSpec",
    "CompactUNet",
    "Spec",
    "UNet",
    "UNetSpec",
    "adm",
    "build_network",
    "ddpm",
    "ncsnpp",
]

Spec = UNetSpec | CompactSpec


def build_network(spec: Spec, **options) -> nn.Module:
    """The network; options ``operations``, ``dtype`` and ``device`` as in :class:`~.unet.UNet`."""
    return CompactUNet(spec, **options) if isinstance(spec, CompactSpec) else UNet(spec, **options)
