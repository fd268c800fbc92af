"""ADM, the U-Net of guided diffusion (Dhariwal and Nichol, NeurIPS 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from .unet import BlockSpec, UNetSpec


def adm(
    *,
    channels: int = 256,
    ch_mult: Sequence[float] = (1, 1, 2, 2, 4, 4),
    blocks: int = 2,
    attention_levels: Sequence[int] = (3, 4, 5),
    head_channels: int = 64,
    num_classes: int = 0,
    learn_sigma: bool = True,
    image_channels: int = 3,
) -> UNetSpec:
    """Description of an ADM network; the defaults are the unconditional 256 x 256 one (552.8 M parameters).

    With ``learn_sigma`` the output has twice the channels: noise, then the variance (unused here).
    """
    attention = set(attention_levels)
    width = [int(channels * m) for m in ch_mult]

    def block(cin: int, cout: int, attend: bool, head: int = 0, resample: str = "") -> BlockSpec:
        heads = max(cout // head_channels, 1) if attend else 0
        return BlockSpec(
            cin, cout, shortcut=int(cin != cout), scale_shift=True, heads=heads, head=head, resample=resample
        )

    encoder, skips, c = [], [width[0]], width[0]
    for level, w in enumerate(width):
        for _ in range(blocks):
            encoder.append(block(c, w, level in attention))
            c = w
            skips.append(c)
        if level < len(width) - 1:
            encoder.append(block(c, c, False, resample="down"))
            skips.append(c)
    middle = (block(c, c, True), block(c, c, False))
    decoder = []
    for level, w in reversed(list(enumerate(width))):
        for i in range(blocks + 1):
            head = 32 if level == 0 and i == blocks else 0
            decoder.append(block(c + skips.pop(), w, level in attention, head))
            c = w
        if level:
            decoder.append(block(c, c, False, resample="up"))
    return UNetSpec(
        image_channels, image_channels * (2 if learn_sigma else 1), width[0],
        tuple(encoder), middle, tuple(decoder),
        embedding_channels=channels, embedding_hidden=4 * channels, embedding_endpoint=False,
        num_classes=num_classes, eps=1e-5,
    )  # fmt: skip
