"""Per-pixel start levels: every pixel p starts its own reverse SDE at sigma_p = sigma(t0(p)).

Given is y(p) = guide(p) + sigma_p z(p); wanted is p(x0 | x0 + diag(sigma_p) z = y).  The run starts at the highest
level, to which all pixels are lifted by independent noise.  Above its own level a pixel follows the Brownian
bridge down to y(p), below it the reverse SDE.  So every pixel always carries exactly the noise that the network is
told, and sigma_p = 0 is an exactly kept pixel.
"""

from __future__ import annotations

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs
from .mca import check_finish, finish_gain


def lift(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    anchor: torch.Tensor,
    levels: torch.Tensor,
    callback: Callback | None = None,
    slope: float = 0.7,
    finish: str = "posterior",
    correct: bool = True,
) -> torch.Tensor:
    """Martingale-corrected ancestral steps (plain ancestral ones without ``correct``) with a level per pixel.

    Args:
        x: state at sigmas[0] for all pixels; ``anchor`` plus noise of variance ``sigmas[0]^2 - levels^2``.
        anchor: y, each pixel at its own level.
        levels: sigma_p, broadcastable to x, float64, between 0 and sigmas[0].
        slope, finish: as in :func:`~sdedit_core.sampling.solvers.mca.mca`.

    Steps that no pixel takes part in yet cost no evaluation.
    """
    check_finish(finish)
    pairs = step_pairs(sigmas)
    x, last, b_last, whole = x.clone(), None, None, 1.0
    for i, t, s in pairs:
        started = levels > s
        start = levels.clamp(max=t)
        b = torch.where(started, 1.0 - (s / start.clamp(min=1e-300)) ** 2, 0.0)
        r = torch.where(started, 0.0, (s * s - levels**2) / (t * t - levels**2).clamp(min=1e-300))
        # The share of the old state: 1 - b on the way down, r on the bridge, none where the pixel starts here.
        keep = torch.where(started, torch.where(levels >= t, 1.0 - b, 0.0), r)
        z_std = torch.where(started, s * b.sqrt(), (r * (t * t - s * s)).sqrt())
        keep, rest, b_x, z_std = (v.to(x) for v in (keep, 1.0 - b - keep, b, z_std))
        if bool(started.any()):
            d = evaluate(denoise, x, t)
            if last is None:
                last = d.clone()
            else:
                gain = torch.zeros_like(b_last)
                if correct:
                    gain = _finish(b_last, whole, slope, finish) if s == 0.0 else _gain(b_last, slope)
                innovation = torch.sub(d, last, out=last).mul_(gain.to(x))
                x.add_(innovation)
                last = innovation.add_(d)
            b_last, whole = b, 1.0 - (s / t) ** 2
        x.mul_(keep).addcmul_(anchor, rest)
        if last is not None:
            x.addcmul_(last, b_x)
        if s > 0.0:
            x.addcmul_(noise(t, s).to(x.dtype), z_std)
        if callback is not None:
            callback(Step(i, len(pairs), t, s, x, anchor if last is None else last))
    return x


def _gain(b: torch.Tensor, slope: float) -> torch.Tensor:
    """kappa of :mod:`.mca` for a b per pixel; 0 where b is, as a pixel that has just started has no last D."""
    return ((1.0 - slope * b) ** -0.5 - 1.0) / slope


def _finish(b: torch.Tensor, whole: float, slope: float, finish: str) -> torch.Tensor:
    """The finish of :mod:`.mca`, less where a pixel started inside the last step, whose b is ``whole``."""
    return b * (finish_gain(whole, slope, finish) / whole)
