"""Small valid files that the targets start from."""

from __future__ import annotations

import functools
import io
import json
import lzma
import struct
from pathlib import Path

import torch

FIXTURES = Path(__file__).parents[1] / "core" / "checkpoints"


@functools.cache
def fixture(name: str) -> bytes:
    """One of the files of the tests of checkpoints."""
    return lzma.decompress((FIXTURES / f"{name}.xz").read_bytes())


@functools.cache
def own_files() -> tuple[bytes, ...]:
    """Files of our own format: a compact network, one of NCSN++ kind, one with classes, two of people's own codes."""
    from safetensors.torch import save

    from sdedit_core.checkpoints.formats import own
    from sdedit_core.checkpoints.found import Found
    from sdedit_core.networks import CompactSpec, KDiffusionSpec, LucidLevel, LucidSpec, adm, build_network, ncsnpp
    from sdedit_core.networks.preconditioning import EDM, VE, VP

    kinds = (
        (CompactSpec((8, 8), (1, 1), 1, 8, 8, 3), EDM(sigma_max=80.0)),
        (ncsnpp(nf=8, ch_mult=(1, 2), blocks=1, attention_levels=(1,)), VE((0.0, 1.0))),
        (adm(channels=32, ch_mult=(1, 1), blocks=1, attention_levels=(), head_channels=32, num_classes=3), VP()),
        (
            LucidSpec((LucidLevel(8, 8, heads=1, head_channels=4),), embedding_channels=4, embedding_hidden=8),
            VP(beta_schedule="table", levels=3, betas=(0.1, 0.2, 0.1)),
        ),
        (KDiffusionSpec((8, 8), (1, 1), (False, True), 8), EDM(sigma_data=0.4)),
    )
    out, generator = [], torch.Generator().manual_seed(0)
    for spec, process in kinds:
        shapes = build_network(spec, device="meta").state_dict()
        weights = {
            name: torch.randn(meta.shape, generator=generator) * 0.05 + (meta.ndim == 1 and name.endswith("weight"))
            for name, meta in shapes.items()
        }
        found = Found(own.NAME, "small", spec, weights, process, which="EMA", name="small", size=16)
        out.append(save(weights, metadata=own.describe(found, {"file": "none"})))
    return tuple(out)


def split(data: bytes) -> tuple[dict, bytes]:
    """Header and tensors of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(header: str, tensors: bytes, length: int | None = None) -> bytes:
    """A safetensors file of a header's text, whose length may be told wrongly."""
    text = header.encode("utf-8", "surrogatepass")
    return ((len(text) if length is None else length) % (1 << 64)).to_bytes(8, "little") + text + tensors


@functools.cache
def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (24, 18), **options) -> bytes:
    """A small picture with some structure."""
    from PIL import Image

    ramp = Image.linear_gradient("L").resize(size)
    turned = Image.radial_gradient("L").resize(size)
    image = Image.merge("RGBA", (ramp, turned, ramp.transpose(Image.Transpose.FLIP_LEFT_RIGHT), turned))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()
