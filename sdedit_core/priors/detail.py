"""Detail that a blend of overlapping patches loses: given back, so that it has the energy that the patches have.

The mean of patches that disagree is smooth.  Where the finest band of the blend has less energy than the finest bands
of its patches have on (weighted) average, it is made stronger; where the patches agree nothing is changed.  Compare the
variance-preserving blend of Heitz and Neyret, High-performance by-example noise (2018).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .windows import mean_around, means

_MOST = 1.6  # largest gain
_NEAR = 4  # pixels on each side over which energies are compared


def finest(pictures: torch.Tensor) -> torch.Tensor:
    """What a mean over 3 x 3 pixels takes away from (N, C, H, W)."""
    return pictures - means(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3)


def energy(patches: torch.Tensor) -> torch.Tensor:
    """Of the finest band of patches (N, 3, P, P): (N, 1, P, P)."""
    return finest(patches).square().mean(1, keepdim=True)


def with_detail(blend: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The blend (3, H, W) with a finest band of the energy ``wanted`` (1, H, W), where it has less."""
    band = finest(blend[None])
    both = mean_around(torch.cat([wanted[None], band.square().mean(1, keepdim=True)], 1), _NEAR)
    gain = (both[:, :1] / both[:, 1:].clamp_min(1e-12)).sqrt().clamp(1.0, _MOST)
    return blend + (gain[0] - 1.0) * band[0]
