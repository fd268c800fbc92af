"""A guide beside its edit: what the edit did, in numbers that a reader can check."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from .bound import Bounds
from .deviation import Deviation
from .metrics import Distance, regions


@dataclass
class Comparison:
    """Distances per item and region, with what is known of the run; see :func:`compare`."""

    items: list[dict[str, Distance]]
    t0: float | None = None
    sigma: float | None = None
    noise_share: float | None = None
    nfe: int | None = None
    seconds: float | None = None
    predicted: Deviation | None = None
    bounds: Bounds | None = None
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For a read-out: one line per item and region, then the run, the prediction and the bound."""
        out = []
        run = [f"t0 {self.t0:g}"] if self.t0 is not None else []
        run += [f"sigma {self.sigma:.4g}"] if self.sigma is not None else []
        run += [f"noise share {self.noise_share:.3g}"] if self.noise_share is not None else []
        run += [f"{self.nfe} evaluations"] if self.nfe is not None else []
        run += [f"{self.seconds:.2f} s"] if self.seconds is not None else []
        if run:
            out.append(", ".join(run))
        out.append(
            f"{'distance to the guide':24s}{'L2':>9s}{'L2^2':>11s}{'RMSE':>9s}{'PSNR':>9s}{'SSIM':>8s}{'pixels':>10s}"
        )
        for i, item in enumerate(self.items):
            for name, d in item.items():
                label = f"{name}" if len(self.items) == 1 else f"{i}: {name}"
                out.append(f"{label:24s}" + _numbers(d))
        if self.predicted is not None:
            out.append(f"expected before sampling: RMS change {self.predicted.rms:.4f}, measured {self._rms():.4f}")
        if self.bounds is not None:
            out += self.bounds.lines()
        return out + self.notes

    def _rms(self) -> float:
        """RMS change over the batch where it may change, to set beside the prediction."""
        found = [item.get("inside", item["whole"]) for item in self.items]
        found = [d for d in found if d.pixels]
        return math.sqrt(sum(d.rmse**2 for d in found) / len(found)) if found else 0.0

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict:
        """For JSON; numbers that are infinite or undefined are None."""
        predicted = None if self.predicted is None else {"rms": self.predicted.rms, "l2": self.predicted.l2}
        return {
            "t0": self.t0,
            "sigma": self.sigma,
            "noise_share": self.noise_share,
            "nfe": self.nfe,
            "seconds": self.seconds,
            "items": [{name: d.to_dict() for name, d in item.items()} for item in self.items],
            "predicted": predicted,
            "bounds": None if self.bounds is None else self.bounds.to_dict(),
            "notes": list(self.notes),
        }


def _numbers(d: Distance) -> str:
    if not d.pixels:
        return f"{'no pixel':>9s}"
    psnr = "equal" if math.isinf(d.psnr) else f"{d.psnr:.2f}"
    return f"{d.l2:9.3f}{d.l2_squared:11.3f}{d.rmse:9.4f}{psnr:>9s}{d.ssim:8.4f}{d.pixels:10d}"


def compare(
    guide: torch.Tensor,
    picture: torch.Tensor,
    *,
    mask: torch.Tensor | None = None,
    t0: float | None = None,
    sigma: float | None = None,
    noise_share: float | None = None,
    nfe: int | None = None,
    seconds: float | None = None,
    predicted: Deviation | None = None,
    bounds: Bounds | None = None,
) -> Comparison:
    """Compare a guide with its edit.

    Args:
        guide: (B,3,H,W) in [0, 1].
        picture: its edit, as it will be seen (clamped).
        mask: (B|1,1,H,W), 1 = may change; adds the regions "inside" and "outside".
        t0: of the run, as far as it is known; this and what follows come from a sweep's ``Cell``.
        sigma: sigma(t0).
        noise_share: that of sigma.
        nfe: number of evaluations.
        seconds: duration of the run.
        predicted: the change expected before sampling.
        bounds: the bound along the run.

    Raises:
        ValueError: the pictures are not of one size.
    """
    found = Comparison(regions(guide, picture, mask), t0, sigma, noise_share, nfe, seconds, predicted, bounds)
    if mask is not None:
        outside = [item["outside"] for item in found.items]
        if any(d.pixels and d.l2 > 0.0 for d in outside):
            found.notes.append(
                "The kept region differs from the guide. SDEdit keeps it bit for bit: was the picture resized, "
                "saved as JPEG, or decoded by a VAE?"
            )
    return found
