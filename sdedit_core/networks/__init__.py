"""Score networks: one U-Net, described block by block, and the descriptions of the known families."""

from .adm import adm
from .build import Spec, build_network, spec_from_dict
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
    "spec_from_dict",
]
