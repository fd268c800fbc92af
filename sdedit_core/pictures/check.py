"""What a picture is: checks that say what came and what was expected."""

from __future__ import annotations

import torch


def check_picture(image: torch.Tensor, what: str = "picture") -> None:
    """ValueError unless the image is (B, 3, H, W), floating point and finite."""
    if not isinstance(image, torch.Tensor):
        raise ValueError(f"The {what} must be a tensor (batch, 3, height, width), got {type(image).__name__}.")
    if image.ndim != 4 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(
            f"The {what} must be floating point (batch, 3, height, width), got {image.dtype} {tuple(image.shape)}."
        )
    if image.shape[1] != 3:
        raise ValueError(
            f"The {what} must have 3 colour channels, got {image.shape[1]}. Drop an alpha channel or convert grey to "
            "RGB first."
        )
    if not bool(torch.isfinite(image).all()):
        raise ValueError(f"The {what} has NaN or infinite values. Look at where it comes from.")


def check_pair(first: torch.Tensor, second: torch.Tensor) -> None:
    """ValueError unless both are (B, C, H, W) of one shape, without NaN or infinite values."""
    for name, image in (("first", first), ("second", second)):
        if not isinstance(image, torch.Tensor) or image.dim() != 4:
            shape = tuple(image.shape) if isinstance(image, torch.Tensor) else type(image).__name__
            raise ValueError(f"The {name} picture must have shape (batch, channels, height, width), got {shape}.")
        if not bool(torch.isfinite(image).all()):
            raise ValueError(f"The {name} picture contains NaN or infinite values.")
    if first.shape != second.shape:
        raise ValueError(
            f"Two pictures of one size are needed, got {tuple(first.shape)} and {tuple(second.shape)}. Resize one of "
            "them first."
        )
