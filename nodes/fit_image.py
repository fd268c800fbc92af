"""Fit Image to Model: into the size a model wants."""

from __future__ import annotations

import torch

from .image import untouched_to_core, untouched_to_image
from .masks import check_mask
from .schema import Node, choice, socket

UNDO = "SDEDIT_UNDO"
_SIZES = ("native", "nearest")


class FitImage(Node):
    ID = "SDEdit_FitImage"
    NAME = "Fit Image to Model"
    FUNCTION = "fit"
    OUTPUTS = (
        ("IMAGE", "image", "The picture in a size the model works on. Bit for bit the same when it fits already."),
        ("MASK", "mask", "The mask, fitted alike. Without one: 1 (may change) on the picture, 0 (keep) on padding."),
        (UNDO, "undo", "The way back: connect it to Unfit Image, with the result."),
        ("STRING", "info", "What was done, in words. Connect Preview as Text to read it."),
    )
    DESCRIPTION = (
        "Brings a picture and its mask to the size a model needs: cropped, padded or stretched. Unfit Image puts the "
        "result back into the original picture."
    )
    SEARCH_ALIASES = [
        "sdedit",
        "resize image",
        "crop to multiple",
        "pad image",
        "model size",
        "letterbox",
        "round size",
    ]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        from ..sdedit_core.pictures.fit import METHODS

        return {
            "required": {
                "model": socket("MODEL", "The model that will work on the picture; it says which sizes it takes."),
                "image": socket("IMAGE", "The guide or photo in its own size, or a batch of one size."),
                "method": choice(
                    list(METHODS),
                    "crop: keep the middle, cut the sides off. pad: keep everything, repeat the "
                    "outermost pixels around it. stretch: keep everything, change the proportions.",
                    default=METHODS[0],
                ),
            },
            "optional": {
                "mask": socket("MASK", "What may change (1) and what is kept (0). It is fitted like the picture."),
                "size": choice(
                    list(_SIZES),
                    "native: the size the model was made for, when it has one; best for networks. "
                    "nearest: keep your size and only round it to the multiple that the model needs.",
                    default=_SIZES[0],
                ),
            },
        }

    def fit(
        self, model: object, image: torch.Tensor, method: str, mask: torch.Tensor | None = None, size: str = _SIZES[0]
    ) -> tuple:
        from ..sdedit_core.pictures.fit import fit_image
        from . import host

        if size not in _SIZES:
            raise ValueError(f"Unknown size {size!r}; expected one of {', '.join(_SIZES)}.")
        native, multiple = host.picture_size(model)
        picture = untouched_to_core(image, self.NAME, "image")
        if mask is not None:
            mask = check_mask(mask)
            mask = mask.reshape(-1, 1, *mask.shape[-2:])
        fitted = fit_image(picture, mask, method=method, size=native if size == "native" else None, multiple=multiple)
        info = fitted.text
        if size == "native" and native is None:
            info += "\nthis model has no size of its own" + f", only the multiple {multiple}" * (multiple > 1)
        return untouched_to_image(fitted.image, picture, image), fitted.mask[:, 0], fitted.undo, info
