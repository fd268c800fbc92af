"""Contact sheets: labelled pictures on one page."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont

from .io import to_pil


def contact_sheet(
    images: Sequence[torch.Tensor],
    labels: Sequence[str],
    *,
    columns: int | None = None,
    title: str = "",
    cell: int = 256,
    paper: tuple[int, int, int] = (24, 24, 27),
    ink: tuple[int, int, int] = (228, 228, 231),
) -> Image.Image:
    """Labelled sheet of pictures, each (1,3,H,W) in [0, 1], each scaled to ``cell`` pixels wide."""
    if not images or len(images) != len(labels):
        raise ValueError(f"A sheet needs as many labels as pictures, got {len(images)} and {len(labels)}.")
    columns = columns or len(images)
    pictures = [to_pil(image) for image in images]
    pictures = [p.resize((cell, max(1, round(p.height * cell / p.width))), Image.Resampling.LANCZOS) for p in pictures]
    gap, text = max(6, cell // 32), max(13, cell // 14)
    font, big = ImageFont.load_default(size=text), ImageFont.load_default(size=round(text * 1.25))
    label_height, head = round(text * 1.7), round(text * 2.4) if title else 0
    row_height = max(p.height for p in pictures) + label_height
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (gap + columns * (cell + gap), head + gap + rows * (row_height + gap)), paper)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((gap, gap), title, font=big, fill=ink)
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(i, columns)
        x, y = gap + column * (cell + gap), head + gap + row * (row_height + gap)
        sheet.paste(picture, (x, y))
        draw.text((x + 2, y + picture.height + round(text * 0.2)), label, font=font, fill=ink)
    return sheet
