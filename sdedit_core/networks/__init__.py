"""Score networks: one U-Net, described block by block, and the descriptions of the known families."""

from .adm import adm
from .ddpm import ddpm
from .ncsnpp import ncsnpp
from .unet import BlockSpec, UNet, UNetSpec

__all__ = ["BlockSpec", "UNet", "UNetSpec", "adm", "ddpm", "ncsnpp"]
