"""The U-Net of DDPM (Ho et al., NeurIPS 2020), as in the checkpoints that SDEdit's own code uses."""

from __future__ import annotations

from collections.abc import Sequence

from .unet import BlockSpec, UNetSpec


def ddpm(
    *,
    ch: int = 128,
    ch_mult: Sequence[int] = (1, 1, 2, 2, 4, 4),
    blocks: int = 2,
    attention_levels: Sequence[int] = (4,),
    channels: int = 3,
    groups: int = 32,
) -> UNetSpec:
    """Description of a DDPM U-Net; the defaults are the 256 x 256 networks (LSUN, CelebA-HQ).

    Attention follows every block of an attention level, in the encoder and in the decoder.
    """
    attention = set(attention_levels)

    def block(cin: int, cout: int, heads: int, head: int = 0) -> BlockSpec:
        return BlockSpec(
            cin, cout, shortcut=int(cin != cout), heads=heads, head=head,
            groups_in=groups, groups_out=groups, attention_groups=groups,
        )  # fmt: skip

    encoder, skips, c = [], [ch], ch
    for level, mult in enumerate(ch_mult):
        for _ in range(blocks):
            encoder.append(block(c, ch * mult, int(level in attention)))
            c = ch * mult
            skips.append(c)
        if level < len(ch_mult) - 1:
            encoder.append(BlockSpec(c, c, residual=False, resample="down", kernel=3))
            skips.append(c)
    middle = (block(c, c, 1), block(c, c, 0))
    decoder = []
    for level, mult in reversed(list(enumerate(ch_mult))):
        for i in range(blocks + 1):
            head = groups if level == 0 and i == blocks else 0
            decoder.append(block(c + skips.pop(), ch * mult, int(level in attention), head))
            c = ch * mult
        if level:
            decoder.append(BlockSpec(c, c, residual=False, resample="up", kernel=3))
    return UNetSpec(
        channels, channels, ch, tuple(encoder), middle, tuple(decoder),
        embedding_channels=ch, embedding_hidden=4 * ch,
    )  # fmt: skip
