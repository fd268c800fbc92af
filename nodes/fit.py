"""Fit Image to Model and Unfit Image: into the size a model wants, and back into the picture."""

from __future__ import annotations

import torch

from .options import CATEGORY

UNDO = "SDEDIT_UNDO"
_SIZES = ("native", "nearest")


class FitImage:
    ID = "SDEdit_FitImage"
    NAME = "Fit Image to Model"
    CATEGORY = CATEGORY
    FUNCTION = "fit"
    RETURN_TYPES = ("IMAGE", "MASK", UNDO, "STRING")
    RETURN_NAMES = ("image", "mask", "undo", "info")
    OUTPUT_TOOLTIPS = (
        "The picture in a size the model works on. Bit for bit the same when it fits already.",
        "The mask, fitted alike. Without one: 1 (may change) on the picture, 0 (keep) on padding.",
        "The way back: connect it to Unfit Image, with the result.",
        "What was done, in words. Connect Preview as Text to read it.",
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
                "model": (
                    "MODEL",
                    {"tooltip": "The model that will work on the picture; it says which sizes it takes."},
                ),
                "image": ("IMAGE", {"tooltip": "The guide or photo in its own size, or a batch of one size."}),
                "method": (
                    list(METHODS),
                    {
                        "default": METHODS[0],
                        "tooltip": "crop: keep the middle, cut the sides off. pad: keep everything, repeat the "
                        "outermost pixels around it. stretch: keep everything, change the proportions.",
                    },
                ),
            },
            "optional": {
                "mask": (
                    "MASK",
                    {"tooltip": "What may change (1) and what is kept (0). It is fitted like the picture."},
                ),
                "size": (
                    list(_SIZES),
                    {
                        "default": _SIZES[0],
                        "tooltip": "native: the size the model was made for, when it has one; best for networks. "
                        "nearest: keep your size and only round it to the multiple that the model needs.",
                    },
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
        picture = _to_core(image, self.NAME, "image")
        if mask is not None:
            mask = mask[None] if mask.ndim == 2 else mask
            mask = mask.detach()[:, None]
        fitted = fit_image(picture, mask, method=method, size=native if size == "native" else None, multiple=multiple)
        info = fitted.text
        if size == "native" and native is None:
            info += "\nthis model has no size of its own" + f", only the multiple {multiple}" * (multiple > 1)
        return _from_core(fitted.image, picture, image), fitted.mask[:, 0], fitted.undo, info


class UnfitImage:
    ID = "SDEdit_UnfitImage"
    NAME = "Unfit Image"
    CATEGORY = CATEGORY
    FUNCTION = "unfit"
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)
    OUTPUT_TOOLTIPS = ("The original picture, in its own size, with the result at its place.",)
    DESCRIPTION = (
        "Puts a result back into the picture that Fit Image to Model took it from, at its place and in its size. "
        "What was cropped away comes back, what was padded goes."
    )
    SEARCH_ALIASES = ["sdedit", "uncrop", "paste back", "stitch", "undo resize", "unpad", "restore size"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "The result, in the size that Fit Image to Model gave it."}),
                "undo": (UNDO, {"tooltip": "The undo output of the Fit Image to Model that made the guide."}),
            },
            "optional": {
                "original": (
                    "IMAGE",
                    {
                        "tooltip": "Another version of the original to paste into, of the same size. Without it the "
                        "picture that was fitted is used."
                    },
                ),
            },
        }

    def unfit(self, image: torch.Tensor, undo: object, original: torch.Tensor | None = None) -> tuple:
        from ..sdedit_core.pictures.fit import Undo, unfit_image

        if not isinstance(undo, Undo):
            raise ValueError(f"{self.NAME}: undo must come from Fit Image to Model, got {type(undo).__name__}.")
        result = _to_core(image, self.NAME, "image")
        other = None if original is None else _to_core(original, self.NAME, "original")
        return (_from_core(unfit_image(result, undo, other), result, image),)


def _to_core(image: torch.Tensor, where: str, what: str) -> torch.Tensor:
    """IMAGE (B, H, W, 3) -> (B, 3, H, W), values untouched; ValueError for anything else."""
    from ..sdedit_core.pictures.check import check_picture

    if not isinstance(image, torch.Tensor) or image.ndim != 4 or image.shape[0] < 1:
        shape = tuple(image.shape) if isinstance(image, torch.Tensor) else type(image).__name__
        raise ValueError(f"{where} needs at least one picture as {what} (batch, height, width, 3), got {shape}.")
    picture = image.detach().movedim(-1, 1)
    check_picture(picture, f"{what} of {where}")
    return picture


def _from_core(picture: torch.Tensor, before: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) -> IMAGE; the very IMAGE that came in when nothing was done to it."""
    return image if picture is before else picture.movedim(1, -1).contiguous()
