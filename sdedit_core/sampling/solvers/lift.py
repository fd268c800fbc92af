"""Per-pixel start levels: every pixel p starts its own reverse SDE at sigma_p = sigma(t0(p)).

Given is y(p) = guide(p) + sigma_p z(p); wanted is p(x0 | x0 + diag(sigma_p) z = y).  The run starts at the highest
level, to which all pixels are lifted by independent noise.  Above its own level a pixel follows the Brownian
bridge down to y(p), below it the reverse SDE.  So every pixel always carries exactly the noise that the network is
told, and sigma_p = 0 is an exactly kept pixel.
"""

from __future__ import annotations

import torch

from .base import Callback, Denoise, Noise, Step, evaluate, step_pairs
from .mca import FINISH_SLOPE, check_finish, check_slope, finish_gain, step_slope


def lift(
    denoise: Denoise,
    x: torch.Tensor,
    sigmas: list[float],
    *,
    noise: Noise,
    anchor: torch.Tensor,
    levels: torch.Tensor,
    callback: Callback | None = None,
    slope: float | None = None,
    finish: str = "posterior",
    correct: bool = True,
    lowest: float = 0.0,
) -> torch.Tensor:
    """Martingale-corrected ancestral steps (plain ancestral ones without ``correct``) with a level per pixel.

    Args:
        x: state at sigmas[0] for all pixels; ``anchor`` plus noise of variance ``sigmas[0]^2 - levels^2``.
        anchor: y, each pixel at its own level.
        levels: sigma_p, broadcastable to x, float64, between 0 and sigmas[0].
        slope, finish: as in :func:`~sdedit_core.sampling.solvers.mca.mca`; each pixel's own level is its start.
        lowest: the lowest level that the model knows.  Below it D is not asked at a pixel's own level s; by Tweedie's
            formula y moves by s^2 times the score there, which ``(s / lowest)^2 (D - y)`` stands in for, and so a
            pixel tends to y as s does to 0.  Pixels at ``lowest`` and above are not concerned.

    Steps that no pixel takes part in yet cost no evaluation.
    """
    check_slope(slope)
    check_finish(finish)
    pairs = step_pairs(sigmas)
    x, last, b_last, whole = x.clone(), None, None, 1.0
    highest = float(levels.max())  # read here once: a GPU is not waited for inside the loop
    for i, sigma, sigma_next in pairs:
        started = levels > sigma_next
        start = levels.clamp(max=sigma)
        b = torch.where(started, 1.0 - (sigma_next / start.clamp(min=1e-300)) ** 2, 0.0)
        below = (sigma * sigma - levels**2).clamp(min=1e-300)
        r = torch.where(started, 0.0, (sigma_next * sigma_next - levels**2) / below)
        # The share of the old state: 1 - b on the way down, r on the bridge, none where the pixel starts here.
        keep = torch.where(started, torch.where(levels >= sigma, 1.0 - b, 0.0), r)
        z_std = torch.where(started, sigma_next * b.sqrt(), (r * (sigma * sigma - sigma_next * sigma_next)).sqrt())
        keep, rest, b_x, z_std = (v.to(x) for v in (keep, 1.0 - b - keep, b, z_std))
        if highest > sigma_next:
            d = evaluate(denoise, x, sigma)
            if last is None:
                last = d.clone()
            else:
                gain = torch.zeros_like(b_last)
                if correct and sigma_next == 0.0:
                    gain = _finish(b_last, whole, slope or FINISH_SLOPE, finish)
                elif correct:
                    gain = _gain(b_last, slope or step_slope((sigma / levels.clamp(min=sigma)).to(b_last)))
                innovation = torch.sub(d, last, out=last).mul_(gain.to(x))
                x.add_(innovation)
                last = innovation.add_(d)
            b_last, whole = b, 1.0 - (sigma_next / sigma) ** 2
        x.mul_(keep).addcmul_(anchor, rest)
        if last is not None:
            x.addcmul_(last, b_x)
        if sigma_next == 0.0 and lowest > 0.0:
            x = torch.lerp(anchor, x, (levels / lowest).clamp(max=1.0).square().to(x))
        if sigma_next > 0.0:
            x.addcmul_(noise(sigma, sigma_next).to(x.dtype), z_std)
        if callback is not None:
            callback(Step(i, len(pairs), sigma, sigma_next, x, anchor if last is None else last))
    return x


def lifted_start(
    x: torch.Tensor, *, clean: torch.Tensor, guide: torch.Tensor, levels: torch.Tensor, top: float, xi: torch.Tensor
) -> torch.Tensor:
    """The anchor y of a start state ``x = clean + top z``: every pixel at its own level, drawn from the same noise.

    ``y = clean + q (x - clean) + s sqrt(1 - q) xi`` with ``q = (s / top)^2`` and s the pixel's level is a point of the
    Brownian bridge between clean and x: y holds noise of std s, and x - y is independent of it.  Pixels of level 0
    get the guide.

    Args:
        levels: sigma_p, broadcastable to x, float64, between 0 and ``top``.
        xi: unit normals of x's shape, independent of z.
    """
    q = ((levels / top) ** 2).clamp(max=1.0)  # a level may be above top by rounding
    anchor = torch.addcmul(clean, x - clean, q.to(x)).addcmul_(xi, (levels * (1.0 - q).sqrt()).to(x))
    return torch.where((levels > 0.0).to(x.device), anchor, guide)


def _gain(b: torch.Tensor, slope: float | torch.Tensor) -> torch.Tensor:
    """kappa of :mod:`.mca` for a b (and slope) per pixel; 0 where b is, as one that has just started has no last D."""
    return ((1.0 - slope * b) ** -0.5 - 1.0) / slope


def _finish(b: torch.Tensor, whole: float, slope: float, finish: str) -> torch.Tensor:
    """The finish of :mod:`.mca`, less where a pixel started inside the last step, whose b is ``whole``."""
    return b * (finish_gain(whole, slope, finish) / whole)
