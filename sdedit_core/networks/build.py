"""From a description to a network, whichever kind it describes."""

from __future__ import annotations

from torch import nn

from .compact import CompactSpec, CompactUNet
from .unet import UNet, UNetSpec

Spec = UNetSpec | CompactSpec


def spec_from_dict(data: dict) -> Spec:
    """Inverse of ``to_dict`` of both kinds; ValueError for anything that is not a sane description."""
    if not isinstance(data, dict):
        raise ValueError(f"A network is described by a table, got {type(data).__name__}.")
    kind = data.get("kind", "unet")
    if kind not in ("unet", "compact"):
        raise ValueError(f'A network is of the kind "unet" or "compact", got {kind!r}.')
    return CompactSpec.from_dict(data) if kind == "compact" else UNetSpec.from_dict(data)


def build_network(spec: Spec, **options) -> nn.Module:
    """The network; options ``operations``, ``dtype`` and ``device`` as in :class:`~.unet.UNet`."""
    return CompactUNet(spec, **options) if isinstance(spec, CompactSpec) else UNet(spec, **options)
