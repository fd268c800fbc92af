"""Unfit Image: back from the size a model wanted into the picture."""

from __future__ import annotations

import torch

from .fit_image import UNDO
from .image import untouched_to_core, untouched_to_image
from .schema import Node, integer, socket, switch

FEATHER = 4


class UnfitImage(Node):
    ID = "SDEdit_UnfitImage"
    NAME = "Unfit Image"
    FUNCTION = "unfit"
    OUTPUTS = (("IMAGE", "image", "The original picture, in its own size, with the result at its place."),)
    DESCRIPTION = (
        "Puts a result back into the picture that Fit Image to Model took it from, at its place and in its size. "
        "What was cropped away comes back, what was padded goes, and where the mask was 0 every pixel is the "
        "original's own."
    )
    SEARCH_ALIASES = [
        "sdedit",
        "uncrop",
        "paste back",
        "stitch",
        "undo resize",
        "unpad",
        "restore size",
        "colour match",
    ]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "image": socket("IMAGE", "The result, in the size that Fit Image to Model gave it."),
                "undo": socket(UNDO, "The undo output of the Fit Image to Model that made the guide."),
            },
            "optional": {
                "original": socket(
                    "IMAGE",
                    "Another version of the original to paste into, of the same size. Without it the "
                    "picture that was fitted is used.",
                ),
                "feather": integer(
                    FEATHER,
                    0,
                    256,
                    "Pixels inside the part that may change over which the seam is hidden. With an original "
                    "connected the result fades into it; else only the step in colour is spread, and no stroke shows "
                    "again. 0 = a hard edge.",
                ),
                "colour_match": switch(
                    False,
                    "Give the result the colours that the kept part had before: takes back what a VAE did to them. "
                    "Needs a mask in Fit Image to Model.",
                ),
            },
        }

    def unfit(
        self,
        image: torch.Tensor,
        undo: object,
        original: torch.Tensor | None = None,
        feather: int = FEATHER,
        colour_match: bool = False,
    ) -> tuple:
        from ..sdedit_core.pictures.fit import Undo, unfit_image

        if not isinstance(undo, Undo):
            raise ValueError(f"{self.NAME}: undo must come from Fit Image to Model, got {type(undo).__name__}.")
        result = untouched_to_core(image, self.NAME, "image")
        other = None if original is None else untouched_to_core(original, self.NAME, "original")
        whole = unfit_image(result, undo, other, feather=feather, match=bool(colour_match))
        return (untouched_to_image(whole, result, image),)
