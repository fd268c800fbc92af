"""What a picture has and the references lack: kept once the noise is too small to explain it away.

Let P be the posterior mean over the reference patches.  In x - P there is noise of deviation sigma, and the departure
of the picture from the references.  Two estimators with a closed form take the noise away, on overlapping blocks in the
DCT over colour and space:

    D = P + S(x - P),    c -> c (1 - (3 sigma)^2 / c^2)_+ (1 - reach(sigma)^2 / e^2)_+,  e^2 the block's mean of c^2.

The first factor is the nonnegative garrote, the second the positive-part James-Stein rule for the block as a whole.  A
picture that follows the references to within ``reach`` is drawn on to them, S = 0 and D = P; one that does not is left
alone when the noise has become small against the distance.  Both thresholds vanish with sigma, so D(x, sigma) -> x for
every x, as it does for the score of any density (Tweedie: D = x + sigma^2 score).

Sources: James and Stein (1961); Gao, Wavelet shrinkage denoising using the nonnegative garrote (1998); Yaroslavsky et
al., Transform domain image restoration methods (2001), on denoising by overlapping DCT blocks.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import einsum

_BLOCK = 8  # side of a block in pixels
_STEP = 4  # between blocks
_NOISE = 3.0  # a coefficient below so many sigma is taken for noise
_FAR = 0.2  # distance, RMS over a block, from which a picture is foreign to the references
_LEVEL = 0.01  # sigma at which half of that distance is enough
_LEAST = 1e-8  # below, D is x to the precision of float32, also where P is nearly x


def reach(sigma: float) -> float:
    """RMS of x - P over a block, up to which the references explain it.

    Edits on their way down from t0 0.25 to 0.6 stay within it (12 steps, six moods, all but 1 % of the blocks at the
    lowest level); photos of another mood lie at 0.11 to 0.25.  It falls to 0 with sigma.
    """
    return 2.0 * sigma + _FAR * sigma / (sigma + _LEVEL)


def with_departure(x: torch.Tensor, mean: torch.Tensor, sigma: float) -> torch.Tensor:
    """D = P + S(x - P) for a picture x and its P ``mean``, both (3, H, W) with sides of at least 16, sigma > 0.

    In every block the RMS of D - x is at most that of 3 sigma + reach(sigma).
    """
    noise, far = _NOISE * max(sigma, _LEAST), reach(max(sigma, _LEAST))
    pad, (height, width) = _BLOCK - _STEP, x.shape[1:]
    more = [pad + (_BLOCK - 2 * pad - side) % _STEP for side in (width, height)]
    residual = F.pad((x - mean)[:, None], (pad, more[0], pad, more[1]), mode="reflect")
    power = F.avg_pool2d(residual.square().mean(0, keepdim=True), _BLOCK, _STEP)
    if not bool((power > far**2).any()):  # as in most evaluations: nothing departs, nothing to compute
        return mean
    colours, axes = _axes(3).to(x), _axes(_BLOCK).to(x)
    basis = einsum(axes, axes, "a y, b x -> a b y x").reshape(_BLOCK**2, 1, _BLOCK, _BLOCK)
    code = F.conv2d(einsum(colours, residual, "k c, c one h w -> k one h w"), basis, stride=_STEP)
    kept = 1.0 - noise**2 / code.square().clamp_min(noise**2)
    code = code * kept * (1.0 - far**2 / power.clamp_min(far**2))
    out = F.conv_transpose2d(code, basis, stride=_STEP)[:, 0, pad : pad + height, pad : pad + width]
    return torch.add(mean, einsum(colours, out, "k c, k h w -> c h w"), alpha=(_STEP / _BLOCK) ** 2)


def _axes(count: int) -> torch.Tensor:
    """The orthonormal DCT-II, (frequency, place)."""
    k, i = torch.arange(count, dtype=torch.float64)[:, None], torch.arange(count, dtype=torch.float64)
    out = torch.cos(math.pi * (i + 0.5) * k / count) * math.sqrt(2.0 / count)
    out[0] /= math.sqrt(2.0)
    return out
