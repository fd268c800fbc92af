"""A patch prior that follows the size of the picture: the references are scaled to it before they are cut up.

A mountain in the references then is as large, relative to the picture, as a mountain in the guide, whether the
picture has 128 or 512 pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from .patch import PatchPrior, check_picture_size
from .small_network import SmallNetwork


class SizedPatchPrior:
    """Denoiser that builds a :class:`PatchPrior` for the short side of each picture it meets.

    Args:
        make: ``make(side) -> PatchPrior``, pixels.
        keep: how many sizes stay in memory, the most recently used ones.
        cover: how many times the shorter side the references may be at most.  1 = references as large as the shorter
            side.  More: as large as the longer one, so that an oblong picture sees a part of them and not all of them
            squeezed together.
        network: that of the priors, for :meth:`summary`.
    """

    def __init__(
        self,
        make: Callable[[int], PatchPrior],
        *,
        keep: int = 2,
        cover: float = 1.0,
        network: SmallNetwork | None = None,
    ):
        self._make, self._keep, self._cover, self._network = make, keep, cover, network
        self._ready: OrderedDict[int, PatchPrior] = OrderedDict()
        self.tick: Callable[[], None] | None = None

    def at(self, side: int) -> PatchPrior:
        """The prior whose references have ``side`` pixels (built on first use)."""
        if side in self._ready:
            self._ready.move_to_end(side)
        else:
            self._ready[side] = self._make(side)
            while len(self._ready) > self._keep:
                self._ready.popitem(last=False)
        prior = self._ready[side]
        prior.tick = self.tick
        return prior

    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x] for x (B,3,H,W), sigma (B,); see :meth:`PatchPrior.denoise`."""
        check_picture_size(x)
        short, long = sorted(x.shape[-2:])
        return self.at(min(long, round(self._cover * short))).denoise(x, sigma)

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return sum(prior.nbytes for prior in self._ready.values())

    def summary(self) -> dict[str, object]:
        """What is known before a picture has come: references are scaled to its short side."""
        out = {"kind": "patch prior", "size": "follows the picture"}
        if self._network is not None:
            out["outlines"] = f"drawn by a network of {self._network.count / 1e6:.1f} million numbers"
        return out
