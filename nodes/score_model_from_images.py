"""Score Model From Images: a few pictures become a model, without training."""

from __future__ import annotations

import torch

from .image import check_image
from .loaded import OUTPUTS, loaded
from .masks import check_mask
from .schema import Node, check_number, decimal, integer, socket, switch


class ScoreModelFromImages(Node):
    ID = "SDEdit_ScoreModelFromImages"
    NAME = "Score Model From Images"
    FUNCTION = "build"
    OUTPUTS = OUTPUTS
    DESCRIPTION = (
        "Makes a score model out of one or a few pictures, without training: patches of your pictures become what the "
        "model believes pictures are made of. One good photo is enough to turn strokes into something like it."
    )
    SEARCH_ALIASES = ["sdedit", "patch prior", "training free model", "model from photo", "texture", "single image"]

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return {
            "required": {
                "images": socket(
                    "IMAGE", "One picture or a batch of a few that show what your result should be made of."
                ),
                "palette_freedom": decimal(
                    0.0,
                    0.0,
                    0.5,
                    "0 = only the colours of the pictures, and the sharpest result. 0.03 lets "
                    "strokes keep colours that the pictures do not have, and costs some detail.",
                    step=0.005,
                    round=0.001,
                    display="slider",
                ),
                "position_aware": switch(
                    False,
                    "On: what is at the top of the pictures is used at the top only (sky stays up). "
                    "Good for landscapes and portraits that share a layout. Off: anything may appear anywhere.",
                ),
                "size": integer(
                    0,
                    0,
                    1024,
                    "Short side of the pictures inside the model, in pixels. 0 = follow the size of the "
                    "guide. Smaller than the guide: finer texture. Large sizes need minutes and memory.",
                    step=8,
                    advanced=True,
                ),
            },
            "optional": {
                "more_images": socket("IMAGE", "More pictures, of another size if you like."),
                "flip": switch(
                    True,
                    "Also use the mirror images. Switch off when left and right matter, as for text.",
                    advanced=True,
                ),
                "mask": socket(
                    "MASK",
                    "White = leave this out of the model. For a photo that is edited with itself as the model: connect "
                    "the mask of the edit, or the model knows what was there before and takes the edit back. Counts "
                    "for images, not for more_images.",
                ),
            },
        }

    def build(
        self,
        images: torch.Tensor,
        palette_freedom: float,
        position_aware: bool,
        size: int,
        more_images: torch.Tensor | None = None,
        flip: bool = True,
        mask: torch.Tensor | None = None,
    ) -> tuple:
        from ..sdedit_core.load import score_model_from_images

        pictures, leave_out = list(check_image(images, self.NAME, "images").permute(0, 3, 1, 2)), None
        if mask is not None:
            leave_out = one_for_each_picture(check_mask(mask), len(pictures))
        if more_images is not None:
            more = list(check_image(more_images, self.NAME, "more_images").permute(0, 3, 1, 2))
            pictures += more
            leave_out = None if leave_out is None else leave_out + [None] * len(more)
        model = score_model_from_images(
            pictures,
            palette_freedom=check_number(palette_freedom, "palette_freedom", 0.0, 0.5),
            position_aware=bool(position_aware),
            flip=bool(flip),
            image_size=int(check_number(size, "size", 0, 1024)) or None,
            leave_out=leave_out,
        )
        return loaded(model)


def one_for_each_picture(mask: torch.Tensor, count: int) -> list[torch.Tensor]:
    """The mask (H, W) of each picture, out of one for all or one for each; ValueError for another number."""
    masks = mask.reshape(-1, *mask.shape[-2:])
    if len(masks) not in (1, count):
        raise ValueError(
            f"Score Model From Images has {len(masks)} masks for {count} pictures, and it is not clear which belongs "
            "to which. Connect a single mask for all, or one mask for each picture."
        )
    return list(masks) if len(masks) == count else [masks[0]] * count
