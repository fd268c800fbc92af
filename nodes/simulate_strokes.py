"""Simulate Strokes: a photo as a stroke painting, as in the paper's experiments; no model needed."""

from __future__ import annotations

import torch

from .image import check_image, same_size, to_core, to_image
from .schema import Node, check_number, integer, socket


class SimulateStrokes(Node):
    ID = "SDEdit_SimulateStrokes"
    NAME = "Simulate Strokes"
    FUNCTION = "simulate"
    OUTPUTS = (
        (
            "IMAGE",
            "strokes",
            "The stroke painting, a guide for SDEdit. With an original: strokes only where image differs from it.",
        ),
        ("MASK", "mask", "Where image differs from original (1 = change), widened by grow. All 1 without an original."),
    )
    DESCRIPTION = (
        "Turns a photo into a stroke painting as the SDEdit paper does for its experiments: a median filter, then very "
        "few colours. With an original connected, also the mask of what was painted or pasted."
    )
    SEARCH_ALIASES = ["sdedit", "stroke painting", "posterize", "median filter", "quantize colours", "difference mask"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "image": socket("IMAGE", "The photo, or the photo with something painted or pasted on it."),
                "colours": integer(
                    6,
                    2,
                    256,
                    "Colours that are left, chosen for each picture. The paper uses 6, and 3 to 50 to "
                    "compare: more colours are easier to make real.",
                ),
                "kernel": integer(
                    0,
                    0,
                    511,
                    "Window of the median in pixels, odd; details smaller than half of it vanish. 0 = "
                    "the paper's 23 px at 256 px, scaled to this size. 1 = off.",
                ),
            },
            "optional": {
                "original": socket(
                    "IMAGE", "The photo before it was changed, in the same size: gives the mask of the change."
                ),
                "grow": integer(
                    4, 0, 512, "Pixels by which the mask is widened, so that the edit can fit its surroundings."
                ),
            },
        }

    def simulate(
        self, image: torch.Tensor, colours: int, kernel: int, original: torch.Tensor | None = None, grow: int = 4
    ) -> tuple:
        from ..sdedit_core.pictures.strokes import difference_mask, simulate_strokes
        from . import host

        kernel = int(check_number(kernel, "kernel", 0, 511))
        if kernel and kernel % 2 == 0:
            raise ValueError(f"{self.NAME}: kernel must be odd, got {kernel}. Set it to {kernel + 1}, or 0 for auto.")
        if original is None:
            before, after = None, to_core(check_image(image, self.NAME))
        else:
            after, before = same_size(self.NAME, image, original, ("image", "original"))
        out = []
        for one in after.split(1):
            host.check_interrupt()
            out.append(simulate_strokes(one, colours=colours, kernel=kernel or None))
        strokes = torch.cat(out)
        if before is None:
            return to_image(strokes), torch.ones_like(strokes[:, 0])
        mask = difference_mask(before, after, grow=grow)
        return to_image(torch.where(mask > 0.0, strokes, before)), mask[:, 0]
