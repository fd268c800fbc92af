"""Clouds of a painting: light and long, with sky above and below; they have no outline of the brush.

With the sky s of :mod:`.sky`, what is not sky, has it close above and below, is lighter than it and goes on for a while
along the row is a cloud, c in [0, 1]: not a sun or a moon, which end too soon, nor a tower, with no sky below.  Its
border with the sky is softened as those of the sky's bands are, but over a short way:

    D' = D + c' (G(C(D)) - C(D)),

G a mean of sky and clouds alone, c' the clouds and what is close to them, but not thin ones, which would fade from step
to step.  This is for skies that the references lack: in one that they have, they have the clouds as well.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .windows import largest_around, mean_around, mean_beside, mean_of

_THICK, _LONG = 10, 5  # shorter side over half the most thickness, and over the least length
_LIGHTER = 0.03  # than the sky around, mean of the colours
_AROUND = 12  # shorter side over half the width over which that is looked at
_CLOSE, _SOFT = 32, 100  # shorter side over how far around a cloud it is softened, and over half the width of a mean
_THIN = 36  # shorter side over half the thickness of a cloud that would fade


def clouds_of(painted: torch.Tensor, sky: torch.Tensor) -> torch.Tensor:
    """c of a cartoon (3, H, W) with its sky (1, H, W): (1, H, W), 0 or 1."""
    side = min(painted.shape[1:])
    thick, half = max(1, side // _THICK), max(1, side // _LONG // 2)
    above = F.max_pool2d(F.pad(sky, (0, 0, thick, 0)), (thick + 1, 1), 1)
    below = F.max_pool2d(F.pad(sky, (0, 0, 0, thick)), (thick + 1, 1), 1)
    around = mean_of(painted, sky, max(1, side // _AROUND))
    light = (painted - around).mean(0, keepdim=True) > _LIGHTER
    light = (light & (sky < 0.5)).float()
    thin = light * (above > 0.5) * (below > 0.5)
    out = (mean_beside(thin, half) > 1.0 - 0.5 / (2 * half + 1)).float()
    inner = (mean_around(light, 1) > 0.95).float()
    out = inner * thin * (mean_beside(out, half) > 0)
    for _ in range(max(1, side // _THICK)):  # over the whole of it, not over a bridge to a sun
        out = inner * largest_around(out, 1)
    return light * largest_around(out, 2)


def softened(shown: torch.Tensor, sky: torch.Tensor, clouds: torch.Tensor) -> torch.Tensor:
    """c' (G(C) - C) of a cartoon (3, H, W)."""
    side = min(shown.shape[1:])
    close = max(1, side // _CLOSE)
    both, thin = torch.maximum(sky, clouds), max(1, side // _THIN)
    thick = largest_around(-largest_around(-clouds, thin), thin)
    share = both * mean_around(largest_around(thick, close), max(1, close // 2))
    return share * (mean_of(shown, both, max(1, side // _SOFT)) - shown)
