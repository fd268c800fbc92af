"""Score networks: one U-Net, described block by block, and the descriptions of the known families."""

from torch import nn

from .adm import adm
from .compact import CompactSpec, CompactUNet
from .ddpm import ddpm
from .kdiffusion import KDiffusionSpec, KDiffusionUNet
from .lucid import LucidLevel, LucidSpec, LucidUNet
from .ncsnpp import ncsnpp
from .unet import BlockSpec, UNet, UNetSpec

__all__ = [
    "SPECS",
    "BlockSpec",
    "CompactSpec",
    "CompactUNet",
    "KDiffusionSpec",
    "KDiffusionUNet",
    "LucidLevel",
    "LucidSpec",
    "LucidUNet",
    "Spec",
    "UNet",
    "UNetSpec",
    "adm",
    "build_network",
    "ddpm",
    "ncsnpp",
]

Spec = UNetSpec | CompactSpec | LucidSpec | KDiffusionSpec
_NETWORKS = {UNetSpec: UNet, CompactSpec: CompactUNet, LucidSpec: LucidUNet, KDiffusionSpec: KDiffusionUNet}
# by the name that files give them
SPECS = {"unet": UNetSpec, "compact": CompactSpec, "lucid": LucidSpec, "k-diffusion": KDiffusionSpec}


def build_network(spec: Spec, **options) -> nn.Module:
    """The network; options ``operations``, ``dtype`` and ``device`` as in :class:`~.unet.UNet`."""
    return _NETWORKS[type(spec)](spec, **options)
