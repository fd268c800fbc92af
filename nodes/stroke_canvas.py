"""Stroke Canvas: paint the guide right in the node. The drawing itself lives in the workflow, as vector strokes."""

from __future__ import annotations

import base64
import io

import torch

from .image import check_image, to_core, to_image
from .schema import Node, check_number, socket

PREVIEW_SIDE = 768  # longest side of the pictures that the canvas shows while painting


class StrokeCanvas(Node):
    ID = "SDEdit_StrokeCanvas"
    NAME = "Stroke Canvas"
    FUNCTION = "paint"
    OUTPUTS = (
        (
            "IMAGE",
            "guide",
            "The painting: your strokes on the background picture, or on plain paper. Encode it as the guide.",
        ),
        (
            "MASK",
            "mask",
            "Where you painted (1 = change). Use it when painting on a photo; leave it unconnected for a "
            "whole painting.",
        ),
    )
    DESCRIPTION = (
        "A small canvas to paint the guide for SDEdit on, from scratch or over a photo. The strokes are kept in the "
        "workflow, so a shared workflow brings its painting along and also runs without a browser."
    )
    HAS_INTERMEDIATE_OUTPUT = True  # shows pictures on itself: hosts tell them again when the run was cached
    SEARCH_ALIASES = ["sdedit", "paint", "painter", "draw", "sketch", "scribble", "brush", "stroke painting", "mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core.builtin import EXAMPLE_GUIDES, example_drawing

        side = {"default": 256, "min": 64, "max": 4096, "step": 8}
        without = "Not used when a background is connected: then the painting has the background's size."
        return {
            "required": {
                "width": (
                    "INT",
                    {**side, "tooltip": f"Width in pixels; the built-in models like 128 to 512. {without}"},
                ),
                "height": (
                    "INT",
                    {**side, "tooltip": f"Height in pixels; the built-in models like 128 to 512. {without}"},
                ),
                "strokes": (
                    "STRING",
                    {
                        "default": example_drawing(),
                        "widgetType": "SDEDIT_STROKES",
                        "examples": {name: example_drawing(name) for name in EXAMPLE_GUIDES},  # to start from
                        "tooltip": "Your painting. Alt-click picks a colour, [ and ] change the brush size.",
                    },
                ),
            },
            "optional": {
                "background": socket(
                    "IMAGE", "A picture to paint on. It stays exactly as it is where you don't paint."
                ),
                "palette": socket(
                    "IMAGE", "A picture whose colours the swatches take. Without it, the background's colours."
                ),
            },
        }

    def paint(
        self,
        width: int,
        height: int,
        strokes: str,
        background: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
    ) -> dict:
        from ..sdedit_core.pictures.canvas import paint_drawing, parse_drawing
        from . import host

        try:
            drawing = parse_drawing(strokes)
        except ValueError as problem:
            raise ValueError(f"{self.NAME}: {problem}") from None
        below = None if background is None else to_core(check_image(background, self.NAME, "background"))
        swatches = None if palette is None else to_core(check_image(palette, self.NAME, "palette"))
        if below is None and not drawing.strokes:
            raise ValueError(
                f"{self.NAME}: nothing is painted yet. Paint a few strokes in the node (Cover all, beside Fill, "
                "covers the whole paper), or connect a background."
            )
        if below is None:
            width, height = (int(check_number(v, n, 16, 4096)) for v, n in ((width, "width"), (height, "height")))
        else:
            height, width = below.shape[-2:]
        guide, mask = paint_drawing(drawing, width=width, height=height, background=below, tick=host.check_interrupt)
        shown = {"sdedit_background": _preview(below), "sdedit_palette": _preview(swatches)}
        return {"ui": shown, "result": (to_image(guide), mask[:, 0])}


def _preview(picture: torch.Tensor | None) -> list[str]:
    """The first picture of (B, 3, H, W), made small, as a data URL for the canvas in the browser."""
    if picture is None:
        return []
    from ..sdedit_core.pictures.io import to_pil

    image = to_pil(picture[:1])
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=88)
    return ["data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")]
