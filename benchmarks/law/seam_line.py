"""Ways of holding a hard mask's kept region on the exact line: relative W2 and jump at the seam (1 = exact)."""

from __future__ import annotations

import torch

from .line import F64, SIZE, LineMixture
from .masked import NO_CLIP, HardLine, Masked, Solve, bridge, hard_gaussian, ignore, mca, tilt
from .think import Think, think

CONTEXT = 4  # pixels of the line on each side of the edit that a crop shows
ROWS = 20_000  # of the methods that are not affine


def thinking(settings: Think, evaluations: int, *, clip: float = 2.0) -> Solve:
    """K inner Langevin steps; ``sigmas`` must have as many levels as ``settings.steps`` says."""
    count = settings.steps(evaluations)[1]

    def run(denoise, guide, s, sigmas, noise):
        x = guide + sigmas[0] * noise(0.0, 0.0)
        more = {"wander": lambda sigma, k: noise(sigma, sigma), "settings": settings, "thinking": count, "clip": clip}
        return think(denoise, x, sigmas, noise=noise, guide=guide, change=s > 0, **more)

    return run


def crop(inside: Solve, *, context: int = CONTEXT) -> Solve:
    """Work on the edit and ``context`` pixels around it alone, with the exact denoiser of such pieces; paste back."""

    def run(denoise, guide, s, sigmas, noise):
        data: LineMixture = denoise.__self__  # the piece's own law is a marginal of the line's
        on = (s > 0).nonzero().flatten()
        w = slice(max(int(on[0]) - context, 0), min(int(on[-1]) + context + 1, SIZE))
        piece = LineMixture(data.mean[:, w], data.cov[:, w, w])
        out = guide.expand(noise(0.0, 0.0).shape).clone()
        out[:, w] = inside(piece.denoise, guide[:, w], s[w], sigmas, lambda a, b: noise(a, b)[:, w])
        return torch.where(s > 0, out, guide)

    return run


def drift(x: torch.Tensor) -> torch.Tensor:
    """What a VAE may do to colours and detail, as in the photos: gain, shift, a little blur."""
    side = torch.nn.functional.pad(x[:, None], (1, 1), mode="replicate")[:, 0]
    return 1.06 * (0.8 * x + 0.1 * (side[:, :-2] + side[:, 2:])) - 0.04


def through_drift(inside: Solve, *, match: bool) -> Solve:
    """A VAE's drift after the run; with ``match``, gain and shift that the kept pixels show are taken back."""

    def run(denoise, guide, s, sigmas, noise):
        out = drift(inside(denoise, guide, s, sigmas, noise))
        return torch.where(s > 0, matched(out, guide, s > 0) if match else out, guide)

    return run


def pasted_matched(solve: Solve) -> Solve:
    """Everything edited, matched by the pixels that are kept, and pasted."""

    def run(denoise, guide, s, sigmas, noise):
        out = solve(denoise, guide + sigmas[0] * noise(0.0, 0.0), sigmas, noise=noise)
        return torch.where(s > 0, matched(out, guide, s > 0), guide)

    return run


def matched(x: torch.Tensor, guide: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Least squares over the kept pixels, as ``match_colours`` (a line's values are no colours: no linear light)."""
    guide = guide.expand(x.shape)
    kept, before = x[:, ~change], guide[:, ~change]
    mean, mean_before = kept.mean(1, keepdim=True), before.mean(1, keepdim=True)
    spread = (kept - mean).square().sum(1, keepdim=True)
    gain = (((kept - mean) * (before - mean_before)).sum(1, keepdim=True) / spread).clamp(0.8, 1.25)
    return gain * (x - mean) + mean_before


METHODS: dict[str, Solve] = {
    "bridge": bridge(mca),
    "tilt": tilt(mca, clip=NO_CLIP),
    "crop, bridge": crop(bridge(mca)),
    "crop, tilt": crop(tilt(mca, clip=NO_CLIP)),
    "no mask in the loop, pasted": ignore(mca),
}
SAMPLED: dict[str, Solve] = {
    "no mask in the loop, pasted, colour match": pasted_matched(mca),
    "tilt, then a VAE's drift": through_drift(tilt(mca), match=False),
    "tilt, then a VAE's drift, colour match": through_drift(tilt(mca), match=True),
}


def affine(name: str, t0: float, evaluations: int) -> Masked:
    """A method of ``METHODS``, exactly."""
    return hard_gaussian(t0, evaluations, METHODS[name])


def sampled(name: str, t0: float, evaluations: int, *, rows: int = ROWS) -> Masked:
    """A method of ``SAMPLED``, by the mean and covariance of ``rows`` samples."""
    line = HardLine.at(t0, evaluations)
    g = torch.Generator().manual_seed(5)
    guide = line.guide.expand(rows, SIZE)

    def noise(a: float, b: float) -> torch.Tensor:
        return torch.randn(rows, SIZE, dtype=F64, generator=g)

    out = SAMPLED[name](line.data.denoise, guide, line.levels, line.sigmas, noise)
    return line.judge(out.mean(0), out.T.cov())


def thought(settings: Think, t0: float, evaluations: int) -> Masked:
    """Inner Langevin steps, exactly."""
    levels = settings.steps(evaluations)[0]
    return hard_gaussian(t0, levels, thinking(settings, evaluations, clip=NO_CLIP))
