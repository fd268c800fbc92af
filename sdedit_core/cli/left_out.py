"""A photo edited with itself as the model (--images and --mask): what the mask opens is left out of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

OWN_PHOTO_FREEDOM = 0.03  # palette freedom with a mask left out: an edit keeps its colours and has no rim of others
SAME = 0.03  # RMS in [0, 1] up to which two pictures are one: a JPEG of quality 50 moves a photo by 0.01 to 0.02


def own_photo(
    pictures: Sequence[torch.Tensor], guide: torch.Tensor, mask: torch.Tensor | None
) -> tuple[dict[str, object], torch.Tensor | None]:
    """Options of ``score_model_from_images`` where a picture is the guide's own photo; else none.

    And that photo, (1, 3, H, W) of the guide's size, where it is without the edit: not where it is the guide itself.
    """
    from ..pictures.fit import fit

    leave_out = None if mask is None else masks_for(pictures, guide, mask)
    if leave_out is None:
        return {}, None
    same = next(picture for picture, left in zip(pictures, leave_out, strict=True) if left is not None)
    same = fit(same, width=guide.shape[-1], height=guide.shape[-2])
    untouched = _apart(same, guide, mask > 0) > SAME
    return {"leave_out": leave_out, "palette_freedom": OWN_PHOTO_FREEDOM}, same if untouched else None


def masks_for(
    pictures: Sequence[torch.Tensor], guide: torch.Tensor, mask: torch.Tensor
) -> list[torch.Tensor | None] | None:
    """The mask (H, W) for every picture that is the guide's own photo, None for others; None when there is none such.

    A picture is the guide's own photo when it is the same where the mask keeps the guide, at whatever size.

    Args:
        pictures: (1, 3, H, W) each, in [0, 1], any size.
        guide: (1, 3, H, W) in [0, 1]; mask: (1, 1, H, W) of its size, 1 = change.
    """
    from ..pictures.fit import fit

    height, width = guide.shape[-2:]
    kept = mask <= 0
    if not bool(kept.any()):
        return None
    out = []
    for picture in pictures:
        scale = max(picture.shape[-2:]) / max(height, width)
        like = abs(picture.shape[-1] - width * scale) <= 1 and abs(picture.shape[-2] - height * scale) <= 1
        same = like and _apart(fit(picture, width=width, height=height), guide, kept) < SAME
        out.append(mask[0, 0] if same else None)
    return out if any(item is not None for item in out) else None


def _apart(picture: torch.Tensor, guide: torch.Tensor, kept: torch.Tensor) -> float:
    return float(((picture - guide).square().mean(1, keepdim=True) * kept).sum() / kept.sum()) ** 0.5
