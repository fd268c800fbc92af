"""Masks as they come in, 1 = change, whatever their shape and type; and what one lets change, in words."""

from __future__ import annotations

import torch

from .schema import is_plain

FAR = 2.0  # sums of masks go above 1 and are cut; values beyond this are no mask at all


def check_mask(mask: torch.Tensor) -> torch.Tensor:
    """A MASK or noise mask as float32 (batch, height, width) or with more axes before these; ValueError otherwise."""
    if not is_plain(mask):
        raise ValueError(f"The mask must be a MASK (batch, height, width), got {_kind(mask)}. Connect another mask.")
    if not 2 <= mask.ndim <= 5 or 0 in mask.shape:
        raise ValueError(
            f"The mask has shape {tuple(mask.shape)}, expected one picture or more (batch, height, width). Look at "
            "the node it comes from, or leave the mask unconnected."
        )
    if mask.ndim == 4 and mask.shape[1] != 1:
        raise ValueError(
            f"The mask has shape {tuple(mask.shape)}, expected (batch, 1, height, width): it is a picture or has "
            "several channels. Make it a mask with Convert Image to Mask."
        )
    mask = mask.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(mask).all()):
        raise ValueError("The mask has NaN or infinite values. Look at the node it comes from.")
    low, high = float(mask.min()), float(mask.max())
    if low < -1.0 or high > FAR:
        raise ValueError(
            f"The mask's values run from {low:.4g} to {high:.4g}, expected 0 (keep) to 1 (change). Divide them by "
            "their largest value, or connect another mask."
        )
    return mask[None] if mask.ndim == 2 else mask


def _kind(mask: object) -> str:
    return f"a tensor of {mask.dtype}" if isinstance(mask, torch.Tensor) else type(mask).__name__


def one_for_each(mask: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The mask, one for all or one for each of samples of this shape, with its axes as ComfyUI takes them.

    For a video a batch of masks is for frames; where there is one frame they are the items' own.
    """
    if len(shape) == 5 and shape[2] > 1 and mask.ndim < 5:
        return for_frames(mask, shape[2])
    if len(shape) == 4 or mask.ndim < 5:
        mask = mask.reshape(-1, 1, *mask.shape[-2:])
    masks, pictures = mask.shape[0], shape[0]
    if pictures % masks:
        raise ValueError(
            f"There are {masks} masks for {pictures} picture{'s' * (pictures > 1)}, and it is not clear which belongs "
            "to which. Connect a single mask for all, or one mask for each picture."
        )
    if len(shape) == 3:
        return mask.flatten(1, -2)
    return mask[:, :, None] if len(shape) == 5 and mask.ndim == 4 else mask


def for_frames(mask: torch.Tensor, frames: int) -> torch.Tensor:
    """Masks for the frames of a picture as masks for the frames of its latent: as it is where there are as many.

    A video VAE makes one latent frame of the first frame and one each of the r that follow, 1 + r (frames - 1) in all;
    such a latent frame may change as much as the one of them that may change most.  The host would mix neighbours.
    """
    flat = mask.reshape(-1, *mask.shape[-2:])
    count = flat.shape[0]
    if count <= frames or (count - 1) % (frames - 1):
        return mask
    groups = flat[1:].reshape(frames - 1, -1, *flat.shape[-2:])
    return torch.cat([flat[:1], groups.amax(1)])


def describe_mask(mask: torch.Tensor) -> str:
    """One sentence on what a mask lets change."""
    share, soft = float((mask > 0.0).float().mean()), float(((mask > 0.0) & (mask < 1.0)).float().mean())
    if share == 0.0:
        text = "mask: empty (all 0), so nothing may change and the guide will come back"
        if tuple(mask.shape[-2:]) == (64, 64):
            text += "; Load Image gives such a 64 x 64 mask for pictures without transparency"
        return text
    if share == 1.0 and soft == 0.0:
        return "mask: all 1, so everything may change"
    text = f"mask: {100.0 * share:.3g} % of the picture may change (1 = change, 0 = keep)"
    return text + f", {100.0 * soft:.3g} % is soft and starts at its own lower t0" * (soft > 0.0)
