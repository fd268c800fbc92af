"""One patch size of the patch prior: which patches there are, their features, and the posterior over them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from einops import rearrange

from .fixed_point import BITS, fixed_point
from .windows import means

_FIT = 1200  # patches used to fit the principal axes
_CELLS = 16  # patches of twice this side or more are averaged down to at least so many cells a side to be compared
_GROUP = 16  # group size of the two-stage search for the largest weights
_SPARE = 8  # patches that are weighed exactly beyond those that count: the search errs by rounding
_NULL = 1e-12  # of the largest variance: an axis with less is noise of the arithmetic
_CHUNK = 6_000_000  # numbers held at once by a temporary; bounds the working memory (24 MB each)


@dataclass(frozen=True)
class PatchLevel:
    """A patch size and where it is used.

    Attributes:
        patch: side in pixels.
        bank_stride: step between bank patches.
        query_stride: step between denoised patches.
        sigma_below: the level serves noise levels up to this one.
        features: numbers that stand for a patch in comparisons (principal axes; the comparison is exact when there
            are at least 3 P P).
    """

    patch: int
    bank_stride: int
    query_stride: int
    sigma_below: float = math.inf
    features: int = 48


def pool_factor(patch: int) -> int:
    """Side of the cells over which patches are averaged before they are compared; divides the patch."""
    return max((f for f in range(1, patch // _CELLS + 1) if patch % f == 0), default=1)


def starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixels of patches that cover 0..length-1, the last one flush with the end."""
    out = list(range(0, length - patch + 1, stride))
    if out[-1] != length - patch:
        out.append(length - patch)
    return out


def patch_view(images: torch.Tensor, patch: int) -> torch.Tensor:
    """(N, 3, H, W) -> strided view (N, H-P+1, W-P+1, 3, P, P), no copy."""
    return rearrange(images.unfold(2, patch, 1).unfold(3, patch, 1), "n c y x p q -> n y x c p q")


def whole_patches(left_out: torch.Tensor, patch: int) -> torch.Tensor:
    """Where a patch may begin that has no pixel of ``left_out`` (H, W): bool (H-P+1, W-P+1)."""
    total = F.pad(left_out.int().cumsum(0).cumsum(1), (1, 0, 1, 0))
    inside = total[patch:, patch:] - total[:-patch, patch:] - total[patch:, :-patch] + total[:-patch, :-patch]
    return inside == 0


def split_mean(patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(K, 3, P, P) -> channel means (K, 3) and the flattened rest (K, 3 P P)."""
    flat = rearrange(patches, "k c p q -> k c (p q)")
    mean = flat.mean(2)
    return mean, rearrange(flat - mean[:, :, None], "k c n -> k (c n)")


class PatchBank:
    """All patches of one size, as places in the shared images plus a short feature vector each."""

    def __init__(
        self,
        images: torch.Tensor,
        sizes: list[tuple[int, int]],
        level: PatchLevel,
        *,
        row_limit: int | None,
        bank_limit: int,
        generator: torch.Generator,
        left_out: torch.Tensor | None = None,
        along: float = 0.0,
    ) -> None:
        """Choose the patches and describe them.

        Args:
            images: uint8 (N, 3, H, W), as large as the largest image.
            sizes: (height, width) of each image within it.
            row_limit: keep at most so many patches of each row (position-aware banks), chosen at random.
            bank_limit: keep at most so many patches in all.
            left_out: bool (N, H, W), pixels that no patch may have; None = every patch may be one.
            along: what it costs a patch to come from another column than it goes to: as much as colours that are off by
                ``along`` (RMS, [0, 1]) when it is moved by the width of an image.  0 = nothing.

        Raises:
            ValueError: every patch has a pixel that is left out.
        """
        self.level = level
        self.along = along * math.sqrt(3.0) * level.patch / images.shape[-1]
        self.pool = pool_factor(level.patch)
        patch, stride = level.patch, level.bank_stride
        places = []
        for number, (height, width) in enumerate(sizes):
            if height < patch or width < patch:
                continue
            ys, xs = torch.tensor(starts(height, patch, stride)), torch.tensor(starts(width, patch, stride))
            grid = torch.cartesian_prod(ys, xs)
            if left_out is not None:
                whole = whole_patches(left_out[number, :height, :width], patch)
                grid = grid[whole[grid[:, 0], grid[:, 1]]]
            places.append(torch.cat([torch.full((len(grid), 1), number), grid], 1))
        chosen = torch.cat(places)
        if len(chosen) == 0:
            raise ValueError(f"No patch of {patch} px is free of what is left out. Leave out less.")
        chosen = chosen[torch.randperm(len(chosen), generator=generator)]
        chosen = chosen[chosen[:, 1].argsort(stable=True)]
        if row_limit is not None:
            _, counts = chosen[:, 1].unique_consecutive(return_counts=True)
            rank = torch.cat([torch.arange(int(c)) for c in counts])
            chosen = chosen[rank < row_limit]
        if len(chosen) > bank_limit:
            kept = torch.randperm(len(chosen), generator=generator)[:bank_limit].sort().values
            chosen = chosen[kept]
        self.places = chosen.to(torch.int32)
        rows, counts = chosen[:, 1].unique_consecutive(return_counts=True)
        self.rows = rows.tolist()
        # row -> the bank numbers that begin and end there: numbers, so that no device is asked for them
        self.spans = dict(zip(self.rows, pairwise([0, *counts.cumsum(0).tolist()]), strict=True))
        self._fit(images, level.features, generator)

    def _fit(self, images: torch.Tensor, features: int, generator: torch.Generator) -> None:
        """Principal axes of the mean-free patches, features and channel means of every patch."""
        patch, count = self.level.patch, len(self.places)
        cells = patch // self.pool
        dimension = 3 * cells**2
        small = images.float() / 255
        if self.pool > 1:
            small = means(small, self.pool)
        view = patch_view(small, (cells - 1) * self.pool + 1)[..., :: self.pool, :: self.pool]

        def cell_means(index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            number, y, x = self.places[index].long().unbind(-1)
            mean, rest = split_mean(view[number, y, x])
            return mean, self.pool * rest

        sample = torch.randperm(count, generator=generator)[:_FIT].sort().values
        _, rest = cell_means(sample)
        self.centre = rest.mean(0)
        if features < dimension:
            rest = rest - self.centre
            wanted = min(features, len(rest))
            self.axes = _principal_axes(rest, wanted, generator)
        else:
            self.axes = None
        step = max(1, _CHUNK // dimension)
        parts = []
        for i in range(0, count, step):
            mean, rest = cell_means(torch.arange(i, min(i + step, count)))
            rest = rest - self.centre
            parts.append((mean, rest if self.axes is None else _project(rest, self.axes)))
        # features and channel means side by side: one matrix product gives all log weights
        self.table = torch.cat([torch.cat([code, mean - 0.5], 1) for mean, code in parts])
        if self.along:
            self.table = torch.cat([self.along * self.places[:, 2:].float(), self.table], 1)
        self.code_norms = 0.5 * self.table[:, :-3].square().sum(1)
        self.mean_norms = 0.5 * self.table[:, -3:].square().sum(1)

    @property
    def nbytes(self) -> int:
        """Bytes held by this bank (the images are shared and not counted)."""
        tensors = [
            self.places,
            self.centre,
            self.table,
            self.code_norms,
            self.mean_norms,
        ]
        tensors += [] if self.axes is None else [self.axes]
        return sum(t.numel() * t.element_size() for t in tensors)

    def to(self, device: torch.device) -> PatchBank:
        """A copy on another device."""
        out = object.__new__(PatchBank)
        out.__dict__.update({k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in self.__dict__.items()})
        return out

    def gather(self, images: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """Patches by number, float (K, 3, P, P) in [0, 1]."""
        number, y, x = self.places[index].long().unbind(-1)
        return patch_view(images, self.level.patch)[number, y, x].float() / 255

    def encode(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Channel means (K, 3) and features (K, d) of patches (K, 3, P, P)."""
        mean, rest = self._reduce(patches)
        rest = rest - self.centre
        return mean, rest if self.axes is None else _project(rest, self.axes)

    def _reduce(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Channel means, and the mean-free rest averaged over pool x pool cells.

        The rest is scaled by ``pool``, so that it is an orthogonal projection of the patch: noise keeps its deviation.
        """
        mean, rest = split_mean(patches)
        if self.pool > 1:
            rest = rearrange(rest, "k (c p q) -> k c p q", c=3, p=self.level.patch)
            rest = self.pool * rearrange(F.avg_pool2d(rest, self.pool), "k c p q -> k (c p q)")
        return mean, rest

    def window(self, first: float, last: float) -> tuple[int, int]:
        """Range of bank numbers whose rows lie in [first, last] (at least the nearest row)."""
        middle = 0.5 * (first + last)
        near = min(self.rows, key=lambda y: abs(y - middle))
        low = min([y for y in self.rows if first <= y <= last] + [near])
        high = max([y for y in self.rows if first <= y <= last] + [near])
        return self.spans[low][0], self.spans[high][1]

    def posterior_mean(
        self,
        images: torch.Tensor,
        queries: torch.Tensor,
        sigma: float,
        palette_freedom: float,
        top: int,
        begin: int,
        end: int,
        columns: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """E[clean patch | noisy patch] for queries (K, 3, P, P), from the bank numbers begin..end-1.

        Model: a bank patch, one colour offset c ~ N(0, tau^2 I) for the whole patch (tau = palette_freedom),
        plus noise of deviation sigma on every number. With n pixels, m channel means, a the mean-free rest:
        log weight = -|a_x - a_i|^2 / (2 sigma^2) - n |m_x - m_i|^2 / (2 (sigma^2 + n tau^2)), and the mean
        of the clean patch moves from m_i towards m_x by n tau^2 / (sigma^2 + n tau^2). Only the ``top``
        heaviest patches are averaged.

        One matrix product finds the candidates; its rounding, which a small sigma would blow up and which changes
        with the number of threads, does not get into the weights: these come from the differences themselves.
        """
        n = self.level.patch**2
        spread = sigma * sigma + n * palette_freedom**2
        pull = n * palette_freedom**2 / spread
        mean, code = self.encode(queries)
        if self.along:
            code = torch.cat([self.along * columns[:, None], code], 1)
        bias = self.code_norms[begin:end] / (sigma * sigma) + self.mean_norms[begin:end] * (n / spread)
        scaled = torch.cat([code / (sigma * sigma), (mean - 0.5) * (n / spread)], 1)
        _, index = _top(torch.addmm(-bias, scaled, self.table[begin:end].t()), top + _SPARE)
        apart = (self.table[begin:end][index] - torch.cat([code, mean - 0.5], 1)[:, None]).square()
        weight = apart[..., :-3].sum(2) / (-2.0 * sigma * sigma) - apart[..., -3:].sum(2) * (0.5 * n / spread)
        best, place = weight.topk(min(top, weight.shape[1]), 1)
        share, index = best.softmax(1), index.gather(1, place)
        keep = int((share > 2e-3).sum(1).max())
        share, index = share[:, :keep], index[:, :keep] + begin
        share = share / share.sum(1, keepdim=True)
        out = torch.empty_like(queries)
        step = max(1, _CHUNK // (3 * n * keep))
        for i in range(0, len(queries), step):
            some = self.gather(images, index[i : i + step].flatten())
            some = rearrange(some, "(k best) c p q -> k best (c p q)", best=keep)
            mixed = share[i : i + step, None] @ some
            out[i : i + step] = rearrange(mixed, "k 1 (c p q) -> k c p q", c=3, p=self.level.patch)
        if pull > 0:
            out = out + (pull * (mean - out.flatten(2).mean(2)))[:, :, None, None]
        return out


def _top(weight: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The ``count`` largest entries of every row (R, N) and their numbers, largest first.

    Exact, but faster than one topk over a long row: the winners lie in the ``count`` groups of largest maximum.
    """
    rows, total = weight.shape
    length = total // _GROUP
    if length < 4 * count:
        return weight.topk(min(count, total), 1)
    head = rearrange(weight[:, : length * _GROUP], "rows (group n) -> rows group n", group=_GROUP)
    group = head.amax(1).topk(count, 1).indices
    number = (group[:, None] + length * torch.arange(_GROUP, device=weight.device)[:, None]).flatten(1)
    if length * _GROUP < total:
        tail = torch.arange(length * _GROUP, total, device=weight.device).expand(rows, -1)
        number = torch.cat([number, tail], 1)
    best, place = weight.gather(1, number).topk(count, 1)
    return best, number.gather(1, place)


def _project(rest: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    """(K, D) @ (D, d) to about 2^-20 of each row's largest number, the same for every number of threads.

    The axes are multiples of 2^-20; with the rows rounded to 20 bits too, a sum of D < 2^13 products is exact (see
    :mod:`.fixed_point`).
    """
    if rest.device.type == "mps":  # has no float64
        return rest @ axes
    largest = rest.abs().amax(1, keepdim=True)
    scale = torch.ldexp(torch.ones_like(largest), BITS - torch.frexp(largest)[1].clamp_min(-100))
    return ((rest * scale).round_().double() @ axes.double()).div_(scale).float()


def _principal_axes(data: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Leading right singular vectors (D, count) of data (N, D), by seeded subspace iteration.

    In float64 and rounded to 2^-20, which takes away what the number of threads does to the last digits. Axes along
    which the data do not vary are 0: rounding alone would choose them, so another one on every processor.
    """
    basis = torch.randn(data.shape[1], min(count + 8, *data.shape), generator=generator).double()
    data = data.double()
    for _ in range(3):
        basis = torch.linalg.qr(data @ basis).Q
        basis = torch.linalg.qr(data.t() @ basis).Q
    inner = data @ basis
    energy, rotation = torch.linalg.eigh(inner.t() @ inner)
    rotation = rotation * (energy > _NULL * energy[-1])
    axes = (basis @ rotation.flip(1))[:, :count]
    return fixed_point(axes).float().contiguous()
