"""How far apart two pictures are: faithfulness, in the paper's unit and in everybody else's.

The paper's faithfulness is the L2 *norm* between guide and output over all pixels in [0, 1] (its tables) and the
squared norm (its figure 3); both are reported.  Sources: Meng et al., SDEdit (ICLR 2022), section 5; Wang et al.,
Image Quality Assessment: From Error Visibility to Structural Similarity (2004).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from einops import repeat

from ..pictures.check import check_pair
from ..sampling.masks import check_mask

SSIM_WINDOW, SSIM_SIGMA, SSIM_K1, SSIM_K2 = 11, 1.5, 0.01, 0.03


@dataclass(frozen=True)
class Distance:
    """Distances between two pictures over some pixels, values in [0, 1]; all NaN where there is no pixel.

    Attributes:
        pixels: number of pixels compared.
        l2: the paper's norm, sqrt(sum of squared differences) over pixels and channels.
        l2_squared: its square, as in the paper's figure 3.
        rmse: root mean squared difference of one value.
        psnr: in decibels, infinite for equal pictures.
        ssim: mean structural similarity, 1 for equal pictures.
    """

    pixels: int
    l2: float
    l2_squared: float
    rmse: float
    psnr: float
    ssim: float

    def to_dict(self) -> dict:
        """For JSON: infinite and undefined numbers become None."""
        return {k: v if isinstance(v, int) or math.isfinite(v) else None for k, v in asdict(self).items()}


def may_change(mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Boolean (B|1,1,H,W): True where an edit may change the picture at all, i.e. where the mask is above 0."""
    return check_mask(mask, image) > 0.0


def squared_l2(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Sum of squared differences of every item, (B,) float64; only where the mask is above 0 when there is one."""
    check_pair(a, b)
    difference = (a - b).double().square()
    if mask is not None:
        difference = difference * may_change(mask, a)
    return difference.flatten(1).sum(1)


def ssim_map(
    a: torch.Tensor, b: torch.Tensor, *, inside: torch.Tensor | None = None, value_range: float = 1.0
) -> torch.Tensor:
    """Structural similarity at every pixel, (B,H,W) float64, mean over channels.

    Gaussian window of 11 px and deviation 1.5, K1 0.01, K2 0.03 (Wang et al., 2004); borders are replicated, so
    that every pixel has a value.  With ``inside`` (B|1,1,H,W), windows see its pixels only and values outside it
    mean nothing: what happens across a mask's border then does not leak in.
    """
    check_pair(a, b)
    taps = torch.arange(SSIM_WINDOW, dtype=torch.float64, device=a.device) - SSIM_WINDOW // 2
    window = torch.exp(-0.5 * (taps / SSIM_SIGMA) ** 2)
    window = window / window.sum()
    channels, pad = a.shape[1], SSIM_WINDOW // 2

    def blur(image: torch.Tensor) -> torch.Tensor:
        image = F.pad(image, (pad, pad, pad, pad), mode="replicate")
        image = F.conv2d(image, repeat(window, "k -> c 1 k 1", c=channels), groups=channels)
        return F.conv2d(image, repeat(window, "k -> c 1 1 k", c=channels), groups=channels)

    a, b = a.double(), b.double()
    weight = torch.ones_like(a[:1]) if inside is None else inside.double().expand(-1, channels, -1, -1)
    total = blur(weight).clamp_min(1e-12)

    def mean(image: torch.Tensor) -> torch.Tensor:
        return blur(image * weight) / total

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    cov = mean(a * b) - mean_a * mean_b
    c1, c2 = (SSIM_K1 * value_range) ** 2, (SSIM_K2 * value_range) ** 2
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (light * (2 * cov + c2) / (var_a + var_b + c2)).mean(1)


def distances(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor | None = None) -> list[Distance]:
    """Distances of every item of two batches (B,C,H,W) in [0, 1]; only where the mask is above 0 when there is one."""
    check_pair(a, b)
    if mask is None:
        mask = torch.ones(1, 1, *a.shape[-2:], device=a.device)
    inside = may_change(mask, a).expand(a.shape[0], 1, -1, -1)
    sums, similarity = squared_l2(a, b, inside.float()), ssim_map(a, b, inside=inside)
    out = []
    for total, local, where in zip(sums.tolist(), similarity, inside[:, 0], strict=True):
        pixels = int(where.sum())
        if pixels == 0:
            out.append(Distance(0, *(math.nan,) * 5))
            continue
        mse = total / (pixels * a.shape[1])
        psnr = math.inf if mse == 0.0 else -10.0 * math.log10(mse)
        out.append(Distance(pixels, math.sqrt(total), total, math.sqrt(mse), psnr, float(local[where].mean())))
    return out


def regions(a: torch.Tensor, b: torch.Tensor, mask: torch.Tensor | None = None) -> list[dict[str, Distance]]:
    """Per item: {"whole": ...}, and with a mask also "inside" (may change) and "outside" (kept)."""
    out = [{"whole": item} for item in distances(a, b)]
    if mask is not None:
        change = may_change(mask, a).float()
        for name, where in (("inside", change), ("outside", 1.0 - change)):
            for item, value in zip(out, distances(a, b, where), strict=True):
                item[name] = value
    return out
