"""Fit Image to Model: into the size a model wants."""

from __future__ import annotations

import torch

from .image import untouched_to_core, untouched_to_image
from .masks import check_mask
from .schema import Node, check_number, choice, decimal, integer, socket

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
        "Brings a picture and its mask to the size a model needs: cropped, padded, stretched, or cropped around the "
        "mask so that a small thing is worked on large. Unfit Image puts the result back into the original picture."
    )
    SEARCH_ALIASES = [
        "sdedit",
        "resize image",
        "crop to multiple",
        "pad image",
        "model size",
        "letterbox",
        "round size",
        "crop around mask",
        "inpaint crop",
        "crop and stitch",
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
                    "outermost pixels around it. stretch: keep everything, change the proportions. around mask: only "
                    "the part that may change, with some context; a small part is enlarged to the model's size.",
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
                "context": decimal(
                    0.5,
                    0.0,
                    4.0,
                    "For around mask: how much is shown to the model around the part that may change, on every side, "
                    "as a share of that part's longer side.",
                    step=0.05,
                    round=0.01,
                ),
                "crop_size": integer(
                    0,
                    0,
                    4096,
                    "For around mask with the size native: a smaller part is enlarged to about a square of this side "
                    "in pixels; a larger one keeps its scale. 0 = what the model is used to: 512 for SD 1.5, 1024 for "
                    "most others, 640 for video. Built-in models then enlarge nothing.",
                    step=8,
                ),
            },
        }

    def fit(
        self,
        model: object,
        image: torch.Tensor,
        method: str,
        mask: torch.Tensor | None = None,
        size: str = _SIZES[0],
        context: float = 0.5,
        crop_size: int = 0,
    ) -> tuple:
        from ..sdedit_core.pictures.fit import AROUND, fit_image
        from ..sdedit_core.sde import whole_number
        from . import host

        if size not in _SIZES:
            raise ValueError(f"Unknown size {size!r}; expected one of {', '.join(_SIZES)}.")
        context, side = check_number(context, "context", 0.0, 4.0), whole_number(crop_size)
        if side is None or not 0 <= side <= 4096:
            raise ValueError(f"crop_size must be a whole number of pixels from 0 to 4096, got {crop_size!r}.")
        native, multiple = host.picture_size(model)
        window = {}
        if method == AROUND:
            window = {"context": context}
            if size == "native" and (side or native is None):
                window["enlarge"] = side or host.usual_side(model)
        picture = untouched_to_core(image, self.NAME, "image")
        if mask is not None:
            mask = check_mask(mask)
            mask = mask.reshape(-1, 1, *mask.shape[-2:])
        own = native if size == "native" and "enlarge" not in window else None
        fitted = fit_image(picture, mask, method=method, size=own, multiple=multiple, **window)
        info = fitted.text
        if method == AROUND:
            info += "" if mask is not None else "\nno mask is connected: this is the whole picture"
        elif size == "native" and native is None:
            info += "\nthis model has no size of its own" + f", only the multiple {multiple}" * (multiple > 1)
        return untouched_to_image(fitted.image, picture, image), fitted.mask[:, 0], fitted.undo, info
