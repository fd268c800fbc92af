"""A score model from a handful of images: the closed-form denoiser of their patches, at several scales.

No training and no weights.  Clean images are modelled by their patches: a patch of the picture is one of the
patches of the given images, up to a change of colour of deviation ``palette_freedom``.  Under that model the
posterior mean E[x0 | x] of a patch is a softmax average (see :meth:`.PatchBank.posterior_mean`); overlapping patches
are blended with a smooth window.  Large patches serve large noise levels, small patches small ones.  What a picture has
and no patch explains is kept once the noise is small against it (see :mod:`.departure`), so D tends to x as sigma does
to 0.

The blend of overlapping posteriors is not the gradient of one density: use it for pictures, not to measure
the order of solvers.  Related: Kamb and Ganguli (2024) on local denoisers; EPLL, Zoran and Weiss (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from einops import rearrange

from ..sampling.noise import mix64
from .areas import Areas
from .calm import MOST, with_calm
from .departure import with_departure
from .detail import energy, with_detail
from .given import (
    Stack,
    check_freedom,
    check_images,
    opening_of,
    resized,
    stacked,
    with_copies,
    with_room,
    within_opening,
)
from .levels import default_levels
from .melted import with_sky
from .outlined import with_outlines
from .palette import SURE, Cartoons, share_of_areas, with_palette
from .patch_bank import PatchBank, PatchLevel, patch_view, starts
from .scene import Scene
from .small_network import SmallNetwork

_BLEND = 0.16  # half width, in log sigma, of the zone where two patch sizes are mixed
_HORIZON = 0.58  # row of the horizon, as a share of the height, in pictures that have one
_OF_PATCHES = 0.2  # of the palette freedom: that of the mean colour of a patch, where areas keep theirs
_FINE = 0.06  # patch sizes that serve noise levels up to this one have the finest detail
_LEAST = 1e-3  # below this noise level the nearest patch is the same
_MANY = 8  # so many images offer a match also for large patches


class PatchPrior:
    """Denoiser of a few images.  Build it with :meth:`from_images`.

    Attributes:
        native_size: short side of the reference images in pixels; pictures of about this size look best.
        tick: called several times during one evaluation; it may raise to stop it.  None = nothing is called.
    """

    def __init__(
        self,
        given: Stack,
        levels: Sequence[PatchLevel],
        *,
        native: int,
        seed: int,
        row_limit: int | None,
        bank_limit: int,
        palette_freedom: float,
        position_aware: bool,
        row_window: float,
        top: int,
        window_power: float,
        tick: Callable[[], None] | None,
        along: float = 0.0,
        detail: bool = False,
        flat: bool = False,
        network: SmallNetwork | None = None,
    ) -> None:
        self.along, self.detail, self.flat, self.network = along, detail, flat, network
        self.images, self.sizes, self.left_out = given
        self.levels = tuple(levels)
        self.seed, self.row_limit, self.bank_limit = seed, row_limit, bank_limit
        self.palette_freedom, self.position_aware = palette_freedom, position_aware
        self.row_window, self.top, self.window_power = row_window, top, window_power
        self.tick = tick
        self.native_size = native
        self._banks: dict[tuple[int, torch.device], PatchBank] = {}
        self._images: dict[torch.device, torch.Tensor] = {self.images.device: self.images}

    @classmethod
    def from_images(
        cls,
        images: torch.Tensor | Sequence[torch.Tensor],
        *,
        palette_freedom: float = 0.0,
        position_aware: bool = False,
        flip: bool = True,
        size: int | None = None,
        seed: int = 0,
        levels: Sequence[PatchLevel] | None = None,
        row_window: float = 0.16,
        row_limit: int = 600,
        bank_limit: int = 60_000,
        top: int = 24,
        window_power: float | None = None,
        tick: Callable[[], None] | None = None,
        leave_out: Sequence[torch.Tensor | None] | None = None,
        along: float = 0.0,
        detail: bool = False,
        flat: bool = False,
        network: SmallNetwork | None = None,
    ) -> PatchPrior:
        """Take the images.  The bank of a patch size is built when its noise level first occurs.

        Args:
            images: (N, 3, H, W) in [0, 1], or a list of (3, H, W) or (1, 3, H, W) of any sizes of at least 16 px.
            palette_freedom: 0 keeps the colours of the images; 0.02 to 0.03 keeps those of the strokes (softer).
            position_aware: a patch is only compared with patches at a similar height in the image (sky stays up).
            flip: mirror images are added.
            size: short side in pixels that the images are resized to first; None leaves them as they are.
            seed: decides which patches are kept.
            levels: patch sizes, small to large; the default follows the size of the images, and with
                ``position_aware`` their number (larger patches from 8 images on).
            row_window: half width of the height window, as a share of the image's height.
            row_limit: patches kept per row (only when ``position_aware``).
            bank_limit: patches kept in all.
            top: patches that are averaged.
            window_power: overlapping patches are blended with sin^power: larger is sharper and shows more seams; the
                default goes with the patch sizes.
            tick: see the class.
            along: what it costs a patch to come from another column of an image than it goes to, see
                :class:`.PatchBank`; a little of it keeps a flat painted strip from becoming one patch again and again.
            detail: give back the fine detail that a blend of patches loses, see :mod:`.detail`.
            flat: guides are painted in flat strokes, so that their shapes are sure (see :mod:`.palette`); else they are
                like photos.  Without ``palette_freedom`` it is all the same.
            network: draws outlines at small noise, see :mod:`.outlined`, and with it a painted sky melts, see
                :mod:`.sky`; without ``palette_freedom`` it is not asked.
            leave_out: a mask (H, W) or None for each image, any size; where it is above 0 nothing of the image becomes
                part of the model.  Patches are smaller then, and smaller copies of the image come with it (not with
                ``position_aware``), for what is pasted in.  Patch sizes of which too few places are left are not used,
                nor those that are large against what is left out: what is painted there would be outvoted by what is
                around it.

        Raises:
            ValueError: no images, wrong channels, NaN, values outside [0, 1], images below 16 px, a patch that does
                not fit into the images, a negative ``palette_freedom``, masks that leave nothing.
        """
        palette_freedom = check_freedom(palette_freedom)
        clean = [resized(image, size) for image in check_images(images)]
        given = stacked(clean, leave_out, flip=flip)
        native = min(min(s) for s in given.sizes)
        opening = None if given.left_out is None else opening_of(given.left_out, given.sizes)
        many = position_aware and len(clean) >= _MANY
        if levels is None:
            levels = default_levels(native, dense=not position_aware, many=many, opening=opening)
        chosen = tuple(levels)
        for level in chosen:
            if level.patch > native:
                raise ValueError(
                    f"A patch of {level.patch} px does not fit into images of {native} px. Use larger images or "
                    "smaller levels."
                )
        if opening is not None:
            chosen = with_room(within_opening(chosen, opening, native), given.left_out, given.sizes)
            if not position_aware:  # a smaller copy has everything at another height
                given = stacked(*with_copies(clean, leave_out), flip=flip)
        return cls(
            given,
            chosen,
            native=native,
            seed=int(seed),
            row_limit=row_limit if position_aware else None,
            bank_limit=bank_limit,
            palette_freedom=palette_freedom,
            position_aware=position_aware,
            row_window=row_window,
            top=top,
            window_power=window_power if window_power is not None else 5.0 if many else 10.0,
            tick=tick,
            along=along,
            detail=detail,
            flat=flat,
            network=network,
        )

    def bank(self, index: int, device: torch.device | None = None) -> PatchBank:
        """The bank of ``levels[index]`` on a device (default: where the images came from), built on first use."""
        device = self.images.device if device is None else device
        if (index, device) not in self._banks:
            if device != self.images.device:
                self._banks[index, device] = self.bank(index).to(device)
            else:
                if self.tick is not None:
                    self.tick()
                self._banks[index, device] = PatchBank(
                    self.images,
                    self.sizes,
                    self.levels[index],
                    row_limit=self.row_limit,
                    bank_limit=self.bank_limit,
                    generator=torch.Generator().manual_seed(mix64(self.seed, index) >> 1),
                    left_out=self.left_out,
                    along=self.along,
                )
        return self._banks[index, device]

    @property
    def nbytes(self) -> int:
        """Bytes held by the images (uint8), by the banks built so far, and by the network, on all devices."""
        images = sum(image.numel() for image in self._images.values())
        network = 0 if self.network is None else self.network.nbytes
        return images + network + sum(bank.nbytes for bank in self._banks.values())

    def summary(self) -> dict[str, object]:
        """What the prior consists of, for info text."""
        out = {
            "kind": "patch prior",
            "images": len(self.sizes),
            "native_size": self.native_size,
            "patch_sizes": [level.patch for level in self.levels],
            "palette_freedom": self.palette_freedom,
            "position_aware": self.position_aware,
        }
        if self.left_out is not None:
            pixels = sum(h * w for h, w in self.sizes)
            out["left_out"] = f"{float(self.left_out.sum()) / pixels:.1%} of the pixels"
        return out

    @torch.no_grad()
    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x = x0 + sigma z]; tends to x as sigma does to 0, for every x.

        A sample does not depend on the rest of the batch, nor on the number of threads.

        Args:
            x: (B, 3, H, W) float32, H and W at least 16.
            sigma: (B,) or one number for all.

        Raises:
            ValueError: another shape, a smaller picture, or sigmas of another count.
        """
        check_picture_size(x)
        levels = torch.as_tensor(sigma, dtype=torch.float64).flatten().tolist()
        if len(levels) not in (1, x.shape[0]):
            raise ValueError(f"Expected one sigma per sample ({x.shape[0]}) or one for all, got {len(levels)}.")
        levels = levels * x.shape[0] if len(levels) == 1 else levels
        out = torch.empty_like(x)
        for i, level in enumerate(levels):
            picture = x[i].float()
            if level > 0:
                mean = self._with_palette(picture, max(level, _LEAST))
                out[i] = with_departure(picture, mean, level)
            else:
                out[i] = picture
        return out

    __call__ = denoise

    def _with_palette(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """The posterior mean, with the painter's colours where there is a freedom of palette."""
        freedom, share = self.palette_freedom * _OF_PATCHES, 0.0
        if self.flat and freedom > 0:  # what areas leave to do
            share = share_of_areas(min(x.shape[1:]), sigma, self.palette_freedom)
            freedom = max(freedom, self.palette_freedom * (1.0 - share))
        found = self._explained(x, sigma, freedom)
        if self.palette_freedom == 0:
            return found
        seen = Cartoons.of(x, found, sigma)
        mean = with_palette(x, found, sigma, self.palette_freedom, flat=self.flat, seen=seen)
        asked, known = self.network is not None and sigma <= SURE, self.flat and sigma <= MOST
        if not asked and not known:
            return mean
        areas = Areas(seen.painted)
        drawn = None
        if asked:
            if self.tick is not None:
                self.tick()
            drawn = self.network(x, sigma)
            scene = Scene.of(seen, drawn, sigma)
            mean = with_outlines(mean, drawn, seen, areas, scene, sigma)
        if known:
            explain = partial(self._explained, sigma=sigma, freedom=0.0)
            mean = with_calm(x, mean, seen, areas, explain, sigma=sigma, share=share, drawn=drawn)
        return with_sky(mean, drawn, seen, scene, sigma) if asked else mean

    def _explained(self, x: torch.Tensor, sigma: float, freedom: float) -> torch.Tensor:
        """The posterior mean over the reference patches, of the one or two sizes in charge of this noise level."""
        if x.device not in self._images:
            self._images[x.device] = self.images.to(x.device)
        images = self._images[x.device]
        fitting = [i for i, level in enumerate(self.levels) if level.patch <= min(x.shape[1:])]
        if not fitting:
            raise ValueError(
                f"A picture of {x.shape[2]} x {x.shape[1]} px is smaller than every patch ({self.levels[0].patch} px "
                "and more). Enlarge it, or give smaller levels."
            )
        out, left = None, 1.0
        for index in fitting:
            share = 1.0
            if index != fitting[-1]:
                t = (math.log(self.levels[index].sigma_below / sigma) + _BLEND) / (2 * _BLEND)
                t = min(1.0, max(0.0, t))
                share = t * t * (3 - 2 * t)
            share = min(share, left)
            if share > 0:
                part = self._blend(images, self.bank(index, x.device), x, sigma, freedom) * share
                out = part if out is None else out + part
            left -= share
            if left <= 0:
                break
        return out

    def _blend(
        self, images: torch.Tensor, bank: PatchBank, x: torch.Tensor, sigma: float, freedom: float
    ) -> torch.Tensor:
        """Denoise overlapping patches of ``x`` (3, H, W) with one bank and blend them."""
        patch, stride = bank.level.patch, bank.level.query_stride
        height, width = x.shape[1:]
        ys, xs = starts(height, patch, stride), starts(width, patch, stride)
        columns = torch.tensor(xs, device=x.device)
        queries = patch_view(x[None], patch)[0]
        ramp = torch.sin(math.pi * (torch.arange(patch, device=x.device) + 0.5) / patch) ** self.window_power + 5e-3
        window = ramp[:, None] * ramp[None]
        fine = self.detail and bank.level.sigma_below <= _FINE
        total = torch.zeros(5 if fine else 4, height, width, device=x.device)
        rows_at_once = 1
        if not self.position_aware:
            rows_at_once = max(1, 4_000_000 // (len(bank.places) * len(xs)))
        for i in range(0, len(ys), rows_at_once):
            if self.tick is not None:
                self.tick()
            some = ys[i : i + rows_at_once]
            begin, end = 0, len(bank.places)
            if self.position_aware:
                begin, end = self._rows(bank, some[0], height)
            here = torch.tensor(some, device=x.device)
            noisy = rearrange(queries[here[:, None], columns[None]], "y x c p q -> (y x) c p q")
            there = None
            if bank.along:
                there = (columns + 0.5 * (self.images.shape[3] - width)).clamp(0, self.images.shape[3] - patch)
                there = there.float().repeat(len(some))
            mean = bank.posterior_mean(images, noisy, sigma, freedom, self.top, begin, end, there)
            parts = [mean, energy(mean), torch.ones_like(mean[:, :1])] if fine else [mean, torch.ones_like(mean[:, :1])]
            mean = torch.cat(parts, 1) * window
            _scatter(total, rearrange(mean, "(y x) c p q -> y x c p q", y=len(some)), (some, xs), (here, columns))
        blend = total[:-1] / total[-1:]
        return with_detail(blend[:3], blend[3:]) if fine else blend

    def _rows(self, bank: PatchBank, y: int, height: int) -> tuple[int, int]:
        """Bank range for a query at row y of a picture of some height.

        A picture taller than the images sees them stretched, a lower one a strip of them around the horizon.
        """
        patch, native = bank.level.patch, self.images.shape[2]
        if height < native:
            scaled = y + _HORIZON * (native - height)
        else:
            scaled = y / max(1, height - patch) * (native - patch)
        reach = self.row_window * native * min(1.0, 0.5 + 2.0 * patch / native)
        return bank.window(scaled - reach, scaled + reach)


def _scatter(
    total: torch.Tensor,
    patches: torch.Tensor,
    places: tuple[list[int], list[int]],
    index: tuple[torch.Tensor, torch.Tensor],
) -> None:
    """Add patches (Y, X, 4, P, P) to ``total`` (4, H, W) at these rows and columns, as numbers and on the device."""
    patch, (ys, xs) = patches.shape[-1], index
    if patch * patch < len(ys) * len(xs):
        pixels = rearrange(patches, "y x c p q -> p q c y x")
        for dy in range(patch):
            for dx in range(patch):
                total[:, (ys + dy)[:, None], (xs + dx)[None]] += pixels[dy, dx]
        return
    for i, y in enumerate(places[0]):
        for j, x in enumerate(places[1]):
            total[:, y : y + patch, x : x + patch] += patches[i, j]


def check_picture_size(x: torch.Tensor) -> None:
    """ValueError unless x is (B, 3, H, W) with H and W of at least 16."""
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"A patch prior denoises colour pictures (B, 3, H, W), got {tuple(x.shape)}.")
    if min(x.shape[2:]) < 16:
        raise ValueError(
            f"A patch prior needs pictures of at least 16 x 16 px, got {x.shape[3]} x {x.shape[2]}. Enlarge it."
        )
