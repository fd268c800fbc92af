"""An edit that fades into the photo that it was made of."""

from __future__ import annotations

import torch

from .distance import paste_weight


def faded_into(photo: torch.Tensor, edit: torch.Tensor, mask: torch.Tensor, feather: int) -> torch.Tensor:
    """The edit, which at the edge of the mask goes over into the photo, inside of it; outside it stays as it is.

    Args:
        photo: (1, 3, H, W), the photo without the edit.
        edit: (N, 3, H, W).
        mask: (1, 1, H, W), above 0 where the edit is.
        feather: pixels over which it fades, 0 to 256 (see :func:`.distance.paste_weight`); 0 = not at all.

    Raises:
        ValueError: for another feather.
    """
    region = mask > 0
    return torch.where(region, torch.lerp(photo, edit, paste_weight(region, feather)), edit)
