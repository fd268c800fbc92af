"""What other nodes do to a guide that SDEdit needs, seen in the latent: hints in a read-out, never an error."""

from __future__ import annotations

import torch

FEW = 9  # places: fewer are no area
EVEN = 0.1  # spread under the mask, as a share of the picture's
STOCK = (
    "next: Reverse SDE Sampler. A stock sampler must not add noise of its own: SamplerCustom with Sigmas from t0 and "
    "add_noise off, or KSampler (Advanced) with add_noise disable; a plain KSampler would noise the guide again."
)
_LOST = (
    "Under the noise mask the guide is one even colour. If it comes from VAE Encode (for Inpainting), that node "
    "has painted the masked area grey and your strokes are gone: use VAE Encode, and give the mask to Add VE Noise at "
    "t0."
)


def lost_strokes(guide: torch.Tensor, mask: torch.Tensor, *, pixels: bool) -> list[str]:
    """A hint when the guide looks like the work of VAE Encode (for Inpainting), with the noise mask it gave along.

    Args:
        guide: (B, C, h, w); videos get no hint.
        mask: (B, 1, h, w).
        pixels: the LATENT is a picture in [-1, 1].  Then that grey is exactly 0, which 8-bit pictures never have; other
            latents show it as an even area only.
    """
    if guide.ndim != 4 or not bool(((mask == 0.0) | (mask == 1.0)).all()):
        return []
    found = _is_grey if pixels else _is_even
    return [_LOST] if any(found(one, where) for one, where in zip(guide, mask[:, 0] > 0.0, strict=True)) else []


def _is_grey(guide: torch.Tensor, where: torch.Tensor) -> bool:
    grey = (guide == 0.0).all(0)
    inside, outside = int((grey & where).sum()), int((grey & ~where).sum())
    return inside >= max(FEW, 0.25 * int(where.sum())) and outside <= 0.01 * inside


def _is_even(guide: torch.Tensor, where: torch.Tensor) -> bool:
    """Away from the mask's rim, where the VAE has mixed in the surroundings."""
    inside = -torch.nn.functional.max_pool2d(-where.float()[None], 5, stride=1, padding=2)[0] > 0.0
    if int(inside.sum()) < FEW or bool(where.all()):
        return False
    spread, all_over = guide[:, inside].std(1).mean(), guide[:, ~where].std(1).mean()
    return bool(spread < EVEN * all_over)
