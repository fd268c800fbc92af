"""How real a set of pictures looks: sliced Wasserstein distance over Laplacian-pyramid patches.

Karras et al., Progressive Growing of GANs (ICLR 2018), section 5: 7 x 7 patches of every level of a Laplacian
pyramid, normalised per channel and level, projected on random directions; the distance between two sets is the mean
1-Wasserstein distance of the projections.  The unit is one standard deviation of the reference at that level.

One thing differs from the paper: there every set is divided by its own deviation, which hides how much detail a set
has. Pictures flattened to four colours may then, at the finest level, rank above those of eight. Here both sets are
divided by the reference's (``whiten="own"`` gives the paper's). Each set is centred by its own mean, so a tint of the
whole set is not seen. The distance sees missing detail, texture, edges and grain; it does not know what things are:
for that there is KID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat

PATCH = 7
SMALLEST = 16
SMALLEST_STD = 1e-4
WHITEN = ("reference", "own")


@dataclass(frozen=True)
class RealismDistance:
    """``levels``: height in pixels of a pyramid level -> distance there; ``mean`` over the levels. 0 = same."""

    levels: dict[int, float]

    @property
    def mean(self) -> float:
        return sum(self.levels.values()) / len(self.levels)


def _blur(x: torch.Tensor) -> torch.Tensor:
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=x.dtype, device=x.device) / 16.0
    c = x.shape[1]
    x = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), repeat(taps, "k -> c 1 k 1", c=c), groups=c)
    return F.conv2d(x, repeat(taps, "k -> c 1 1 k", c=c), groups=c)


def laplacian_pyramid(images: torch.Tensor) -> list[torch.Tensor]:
    """Band-pass levels of (N,C,H,W), fine to coarse; the last one is the low-pass rest, 16 to 31 px on its short side.

    Burt and Adelson (1983); the sum of all levels, each enlarged, is the image.
    """
    levels = []
    while min(images.shape[-2:]) >= 2 * SMALLEST:
        down = _blur(images)[..., ::2, ::2]
        up = torch.zeros_like(images)
        up[..., ::2, ::2] = down
        levels.append(images - 4.0 * _blur(up))
        images = down
    return [*levels, images]


def patches(level: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """``count`` random 7 x 7 patches of one image (1,C,H,W), or all of them when there are fewer: (M, C*49)."""
    h, w = level.shape[-2:]
    rows, columns = h - PATCH + 1, w - PATCH + 1
    view = level[0].unfold(1, PATCH, 1).unfold(2, PATCH, 1)  # (C, rows, columns, 7, 7)
    places = torch.randperm(rows * columns, generator=generator)[:count].to(level.device)
    return rearrange(view[:, places // columns, places % columns], "c n i j -> n (c i j)")


class SlicedWasserstein:
    """Distance of picture sets to one reference set; everything of the reference is computed once.

    Args:
        reference: (N,C,H,W) in [0, 1], or a sequence of (1,C,H,W) which is read one by one; 8 or more are sensible.
        patches_per_level: patches taken from a set at every level, spread evenly over its pictures.
        directions: random projections.
        seed: of the projections and the patch positions; the same seed gives the same number.
        whiten: "reference" divides both sets by the deviation of the reference, "own" each by its own as in the paper.

    Raises ValueError for another ``whiten``.

    A distance between finite sets is never quite 0: compare with that of other real pictures (the *floor*).
    """

    def __init__(
        self,
        reference: torch.Tensor | Sequence[torch.Tensor],
        *,
        patches_per_level: int = 8192,
        directions: int = 256,
        seed: int = 0,
        whiten: str = "reference",
    ):
        if whiten not in WHITEN:
            raise ValueError(f"whiten must be one of {', '.join(WHITEN)}, got {whiten!r}.")
        self.patches_per_level, self.seed, self.reference = patches_per_level, int(seed), reference
        self.whiten = whiten
        self.shape: tuple[int, ...] | None = None
        self._levels = []
        generator = torch.Generator().manual_seed(self.seed)
        for _, features in self._features(reference, "reference", generator):
            axes = torch.randn(features.shape[1], directions, generator=generator)
            axes = (axes / axes.norm(dim=0)).to(features.device)
            mean, std = _moments(features, self.shape[0])
            self._levels.append((axes, std, _project(features, mean, std, axes)))

    def __call__(self, images: torch.Tensor | Sequence[torch.Tensor]) -> RealismDistance:
        """Distance of a set of pictures of the reference's size: (N,C,H,W) or a sequence of (1,C,H,W)."""
        found = {}
        for height, features, axes, known_std, expected in self._with_axes(images):
            mean, own_std = _moments(features, self.shape[0])
            std = own_std if self.whiten == "own" else known_std
            found[height] = wasserstein(_project(features, mean, std, axes), expected)
        return RealismDistance(found)

    def channel_projections(
        self, images: torch.Tensor | Sequence[torch.Tensor] | None = None, *, patches: int, directions: int
    ) -> list[ChannelProjections]:
        """Per pyramid level, some patches of every picture on some of the directions, not yet whitened.

        For work with subsets of the pictures, whose moments are their own. None means the reference.
        """
        out = []
        for _, features, axes, _, _ in self._with_axes(images):
            count = len(self.reference if images is None else images)
            split = rearrange(features, "(n p) (c f) -> n p c f", n=count, c=self.shape[0])
            split = split[:, : max(1, patches // count)]
            parts = rearrange(axes[:, :directions], "(c f) k -> c f k", c=self.shape[0])
            values = torch.einsum("npcf,cfk->npck", split, parts)
            moments = split.mean((1, 3)), split.square().mean((1, 3))
            out.append(ChannelProjections(values.cpu(), *(m.cpu() for m in moments), parts.sum(1).cpu()))
        return out

    def _with_axes(self, images: torch.Tensor | Sequence[torch.Tensor] | None) -> list[tuple]:
        """(height, patches of a set, directions, deviation and sorted projections of the reference) of every level."""
        own = images is None
        generator = torch.Generator().manual_seed(self.seed + (not own))
        levels = self._features(self.reference if own else images, "reference" if own else "pictures", generator)
        return [(*level, *known) for level, known in zip(levels, self._levels, strict=True)]

    def _features(
        self, images: torch.Tensor | Sequence[torch.Tensor], what: str, generator: torch.Generator
    ) -> list[tuple[int, torch.Tensor]]:
        """(height, patches) of every pyramid level of a set."""
        if len(images) == 0:
            raise ValueError(f"The realism distance needs at least one picture, got none ({what}).")
        each = max(1, self.patches_per_level // len(images))
        found: dict[int, list[torch.Tensor]] = {}
        for image in images:
            image = image.reshape(1, *image.shape[-3:]).float()
            shape = tuple(image.shape[1:])
            if min(shape[-2:]) < SMALLEST or not bool(torch.isfinite(image).all()):
                raise ValueError(
                    f"The realism distance needs {what} of at least {SMALLEST} x {SMALLEST} px and no NaN, got {shape}."
                )
            self.shape = shape if self.shape is None else self.shape
            if shape != self.shape:
                raise ValueError(
                    f"All pictures and references must have one size to be compared, got {shape} after {self.shape} "
                    "(channels, height, width)."
                )
            for level in laplacian_pyramid(image):
                found.setdefault(int(level.shape[-2]), []).append(patches(level, each, generator))
        return [(height, torch.cat(parts)) for height, parts in found.items()]


@dataclass(frozen=True)
class ChannelProjections:
    """Patches of a set on random directions, apart by channel: what whitening for any subset is made of.

    ``values`` (N, patches, C, K); ``mean`` and ``square`` (N, C) of the pixels; ``ones`` (C, K), where a constant
    patch of 1 would lie.
    """

    values: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    ones: torch.Tensor

    def moments(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation (C,) of these pictures; some may repeat."""
        mean = self.mean[index].mean(0)
        return mean, (self.square[index].mean(0) - mean**2).clamp_min(0.0).sqrt().clamp_min(SMALLEST_STD)

    def sorted(self, index: torch.Tensor, std: torch.Tensor | None = None) -> torch.Tensor:
        """The values of these pictures less their mean, over ``std`` (C,) or their own, sorted by direction: (K, M)."""
        mean, own = self.moments(index)
        std = own if std is None else std
        values = torch.einsum("npck,c->knp", self.values[index], 1.0 / std) - ((mean / std) @ self.ones)[:, None, None]
        return values.flatten(1).sort(dim=1).values


def _moments(features: torch.Tensor, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (C,) of the pixels of a set of patches (M, C 49)."""
    split = rearrange(features, "m (c f) -> m c f", c=channels)
    return split.mean((0, 2)), split.std((0, 2), correction=0).clamp_min(SMALLEST_STD)


def _project(features: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    """Patches less ``mean``, over ``std`` (C,), on the axes, each axis sorted: (directions, M)."""
    split = rearrange(features, "m (c f) -> m c f", c=len(mean))
    white = (split - mean[:, None]) / std[:, None]
    return (white.flatten(1) @ axes).T.sort(dim=1).values


def wasserstein(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mean over rows of the 1-Wasserstein distance of two sorted samples; quantiles where their sizes differ."""
    n = max(a.shape[1], b.shape[1])
    a, b = (F.interpolate(x[None], size=n, mode="nearest-exact")[0] if x.shape[1] != n else x for x in (a, b))
    return float((a - b).abs().mean())
