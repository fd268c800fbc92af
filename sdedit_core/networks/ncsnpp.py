"""NCSN++ and DDPM++ (Song et al., Score-Based Generative Modeling through SDEs, ICLR 2021, appendix H)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .unet import BlockSpec, UNetSpec

SKIP_SCALE = 1.0 / math.sqrt(2.0)


def norm_groups(channels: int) -> int:
    """Groups of every norm in NCSN++: at least 4 channels each, at most 32 groups."""
    return min(channels // 4, 32)


def ncsnpp(
    *,
    nf: int = 128,
    ch_mult: Sequence[int] = (1, 1, 2, 2, 2, 2, 2),
    blocks: int = 2,
    attention_levels: Sequence[int] = (4,),
    fir: bool = True,
    fourier: bool = True,
    skips: bool = True,
    residual_input: bool = False,
    channels: int = 3,
) -> UNetSpec:
    """Description of an NCSN++ / DDPM++ with BigGAN blocks; the defaults are the 256 x 256 networks of the paper.

    Args:
        nf: base channels.
        ch_mult: their multiple per resolution.
        blocks: residual blocks per resolution.
        attention_levels: resolutions (0 is full size) with attention, besides the middle.
        fir: [1,3,3,1] resampling.
        fourier: Fourier features (VE) or sinusoidal embedding (VP).
        skips: image pyramids at input and output (output_skip, input_skip).
        residual_input: instead, the residual input pyramid of the CIFAR-10 networks.
    """
    attention = set(attention_levels)
    pyramid = "sum" if skips else "residual" if residual_input else ""

    def block(cin: int, cout: int, **options) -> BlockSpec:
        shortcut = 1 if cin != cout or options.get("resample") else 0
        groups = {"groups_in": norm_groups(cin), "groups_out": norm_groups(cout), "attention_groups": norm_groups(cout)}
        return BlockSpec(cin, cout, fir=fir, shortcut=shortcut, scale=SKIP_SCALE, **groups, **options)

    encoder, skip_channels, c = [], [nf], nf
    for level, mult in enumerate(ch_mult):
        for _ in range(blocks):
            encoder.append(block(c, nf * mult, heads=int(level in attention)))
            c = nf * mult
            skip_channels.append(c)
        if level < len(ch_mult) - 1:
            encoder.append(block(c, c, resample="down", pyramid=pyramid))
            skip_channels.append(c)
    middle = (block(c, c, heads=1), block(c, c))
    decoder = []
    for level, mult in reversed(list(enumerate(ch_mult))):
        for i in range(blocks + 1):
            last = i == blocks
            head = norm_groups(nf * mult) if last and (skips or level == 0) else 0
            cin = c + skip_channels.pop()
            decoder.append(block(cin, nf * mult, heads=int(last and level in attention), head=head))
            c = nf * mult
        if level:
            decoder.append(block(c, c, resample="up"))
    return UNetSpec(
        channels,
        channels,
        nf,
        tuple(encoder),
        middle,
        tuple(decoder),
        embedding="fourier" if fourier else "sinusoidal",
        embedding_channels=2 * nf if fourier else nf,
        embedding_hidden=4 * nf,
    )
