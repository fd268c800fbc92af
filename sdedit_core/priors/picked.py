"""Several patch priors as one: every picture is explained by the one that knows its colours at their height."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange

from .patch import check_picture_size
from .sized import SizedPatchPrior

_CELLS = 8  # cells on a side in which colours are compared
_NOISE = 0.03  # noise that the mean colour of a cell may have: above it there are fewer, larger cells


class PickedPatchPrior:
    """Denoiser out of several; which one works on a picture follows from the picture and sigma alone.

    Args:
        priors: one for each group of references.
        groups: the references of every prior, (N, 3, h, w) in [0, 1], small ones will do.
    """

    def __init__(self, priors: Sequence[SizedPatchPrior], groups: Sequence[torch.Tensor]):
        self.priors = list(priors)
        self._groups = [torch.cat([group, group.flip(-1)]) for group in groups]
        self._tick: Callable[[], None] | None = None

    @property
    def tick(self) -> Callable[[], None] | None:
        """Called several times during one evaluation; it may raise to stop it."""
        return self._tick

    @tick.setter
    def tick(self, value: Callable[[], None] | None) -> None:
        self._tick = value
        for prior in self.priors:
            prior.tick = value

    def pick(self, picture: torch.Tensor, sigma: float) -> int:
        """Number of the prior for a picture (3, H, W) with noise of deviation sigma.

        Every cell of the picture is compared with all cells of a group's references at about its height; the mean
        over cells of the smallest squared distances decides.
        """
        side = min(picture.shape[1:])
        count = max(1, min(_CELLS, int(_NOISE * side / max(sigma, 1e-6))))
        here = F.adaptive_avg_pool2d(picture.float().cpu(), count)
        apart = []
        for group in self._groups:
            there = F.adaptive_avg_pool2d(group, count)
            padded = F.pad(there, (0, 0, 1, 1), mode="replicate").unfold(2, 3, 1)  # (N, 3, rows, columns, neighbours)
            rows = rearrange(padded, "n c y x near -> y (n x near) c")
            far = torch.cdist(rearrange(here, "c y x -> y x c"), rows, compute_mode="donot_use_mm_for_euclid_dist")
            apart.append(float(far.amin(2).square().mean()))
        return apart.index(min(apart))

    def denoise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """E[x0 | x] for x (B, 3, H, W), sigma (B,) or one for all; see :meth:`.PatchPrior.denoise`."""
        check_picture_size(x)
        levels = torch.as_tensor(sigma, dtype=torch.float64).flatten()
        if len(levels) not in (1, x.shape[0]):
            raise ValueError(f"Expected one sigma per sample ({x.shape[0]}) or one for all, got {len(levels)}.")
        out = torch.empty_like(x)
        for i, level in enumerate(levels.expand(x.shape[0])):
            prior = self.priors[self.pick(x[i], float(level))]
            out[i : i + 1] = prior.denoise(x[i : i + 1], level[None])
        return out

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return sum(prior.nbytes for prior in self.priors)

    def summary(self) -> dict[str, object]:
        """What is known before a picture has come."""
        return {"kind": f"{len(self.priors)} patch priors, picked by the picture's colours", **self.priors[0].summary()}
