"""A patch prior that follows the size of the picture: the references are scaled to it before they are cut up.

A mountain in the references then is as large, relative to the picture, as a mountain in the guide, whether the
picture has 128 or 512 pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from .patch import PatchPrior, check_picture_size


class SizedPatchPrior:
    """Denoiser that builds a :class:`PatchPrior` for the short side of each picture it meets.

    Args:
        make: ``make(short_side) -> PatchPrior``, pixels.
        keep: how many sizes stay in memory, the most recently used ones.
    """

    def __init__(self, make: Callable[[int], PatchPrior], *, keep: int = 2):
        self._make, self._keep = make, keep
        self._ready: OrderedDict[int, PatchPrior] = OrderedDict()
        self.tick: Callable[[], None] | None = None

    def at(self, short_side: int) -> PatchPrior:
        """The prior for pictures whose short side is ``short_side`` pixels (built on first use)."""
        if short_side in self._ready:
            self._ready.move_to_end(short_side)
        else:
            self._ready[short_side] = self._make(short_side)
            while len(self._ready) > self._keep:
                self._ready.popitem(last=False)
        prior = self._ready[short_side]
        prior.tick = self.tick
        return prior

    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x] for x (B,3,H,W), sigma (B,); see :meth:`PatchPrior.denoise`."""
        check_picture_size(x)
        return self.at(min(x.shape[-2:])).denoise(x, sigma)

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return sum(prior.nbytes for prior in self._ready.values())

    def summary(self) -> dict[str, object]:
        """What is known before a picture has come: references are scaled to its short side."""
        return {"kind": "patch prior", "size": "follows the picture"}
