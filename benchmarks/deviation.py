"""Prediction and bounds of the deviation from the guide, against exact laws.

    python benchmarks/deviation.py

Part 1: the 2-evaluation predictor on Gaussian mixtures (2, 16 and 256 dimensions): predicted RMS change over many
noised guides, against a run (measured) and against draws from the exact posterior (exact), which below t0 0.1 is
wider: near sigma_min a run ends, wholly or in part, in the mean of what is left.
Part 2: the strict bound, and proposition 1 of the paper as printed and repaired (docs/choosing-t0.md), on an exact
Gaussian: how often each is violated, paper's own step, 4000 runs per t0, delta 0.05.
"""

from __future__ import annotations

import argparse

import torch
from law.problems import PROBLEMS, Mixture

from sdedit_core import SOLVERS, VESDE, ScoreModel, perturb
from sdedit_core.measure.bound import ScoreRecorder, bounds, chi2_tail
from sdedit_core.measure.deviation import predict_deviation
from sdedit_core.priors.exact import GaussianPrior
from sdedit_core.sampling.grids import sigma_grid


def mixture_model(problem: Mixture) -> ScoreModel:
    """A mixture as a score model on states (B,1,1,d)."""

    def denoise(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        flat = problem.denoise(x.flatten(1).double(), float(sigma[0]))
        return flat.reshape(x.shape).to(x.dtype)

    return ScoreModel.from_denoiser(denoise, schedule=VESDE(0.01, 348.0), data_range=None, channels=1)


def guides(problem: Mixture, kind: str, n: int) -> torch.Tensor:
    """n guides (n,1,1,d): "data" = draws of the data, "stroke" = shrunken mean of two draws, off the data."""
    g = torch.Generator().manual_seed(21)
    x = problem.sample(n, g)
    if kind == "stroke":
        x = 0.4 * (x + problem.sample(n, g))
    return x.float().reshape(n, 1, 1, -1)


def exact_rms(problem: Mixture, model: ScoreModel, guide: torch.Tensor, t0: float) -> float:
    """RMS change of exact posterior draws from the same noised guides."""
    state = perturb(model, guide, t0, seed=0)
    g = torch.Generator().manual_seed(5)
    x0 = torch.cat([problem.posterior(x, state.sigma).sample(1, g) for x in state.samples.flatten(1).double()])
    return float((x0 - guide.flatten(1)).square().mean().sqrt())


def run(model: ScoreModel, guide: torch.Tensor, t0: float, *, steps: int, solver: str) -> tuple:
    """(samples, record) of a run from the noised guide of seed 0, with plain normals on the way."""
    g, record = torch.Generator().manual_seed(9), ScoreRecorder()
    levels = sigma_grid(model.schedule, model.schedule.sigma(t0), steps, grid=SOLVERS[solver].grid)
    x = perturb(model, guide, t0, seed=0).samples

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        d = model.denoise(x, sigma)
        record(x, sigma, d)
        return d

    samples = SOLVERS[solver].solve(denoise, x, levels, noise=lambda a, b: torch.randn(guide.shape, generator=g))
    return samples, record


def predictor(args: argparse.Namespace) -> float:
    """Print the table; returns the worst relative error against the run."""
    worst = 0.0
    print(f"{'problem':8s}{'guide':8s}{'t0':>6s}{'predicted':>11s}{'exact':>9s}{'error':>8s}{'run':>9s}{'error':>8s}")
    for name in ("gm2", "gm16", "gm256"):
        problem = PROBLEMS[name]()
        model = mixture_model(problem)
        for kind in ("data", "stroke"):
            guide = guides(problem, kind, args.starts)
            for t0 in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
                predicted = predict_deviation(model, guide, t0, seed=0).rms
                exact = exact_rms(problem, model, guide, t0)
                measured = run(model, guide, t0, steps=args.steps, solver="auto")[0]
                measured = float((measured - guide).square().mean().sqrt())
                error, other = predicted / exact - 1.0, predicted / measured - 1.0
                worst = max(worst, abs(other))
                print(
                    f"{name:8s}{kind:8s}{t0:6.2f}{predicted:11.4f}{exact:9.4f}{error:+8.1%}{measured:9.4f}{other:+8.1%}"
                )
    print(f"worst error against the run: {worst:.1%}")
    return worst


BOUNDED = tuple(round(0.05 * k, 2) for k in range(1, 19))
DELTA, D = 0.05, 192


def violations(args: argparse.Namespace) -> None:
    """Print every bound on an exact Gaussian, how often it is violated, and where it says nothing."""
    model = GaussianPrior(mean=0.5, std=0.25).score_model()
    guide = 0.5 + 0.25 * torch.randn(args.runs, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    tail = chi2_tail(D, DELTA)
    furthest = torch.maximum(guide.abs(), (1.0 - guide).abs()).double().square().flatten(1).sum(1)
    print(f"\nGaussian data, std 0.25, d {D}, {args.runs} runs per t0, C = largest along the run, delta {DELTA}")
    print("mean squared distance and bounds; runs that violate each; * = vacuous: more than two pictures in [0, 1] can")
    print(f"{'t0':>5s}" + "".join(f"{n:>12s}" for n in ("measured", "printed", "repaired", "strict")), end="")
    print(f"{'violations of printed, repaired, strict':>44s}")
    for t0 in BOUNDED:
        samples, record = run(model, guide, t0, steps=50, solver="reverse_diffusion")
        sigma = model.schedule.sigma(t0)
        found = bounds(record, guide=guide, samples=samples, sigma=sigma, delta=DELTA)
        c = torch.tensor([norms for _, norms in record.levels], dtype=torch.float64).square().amax(0)
        printed = sigma**2 * (c * sigma**2 + tail)
        repaired = (c.sqrt() * sigma**2 + sigma * (2.0 * tail) ** 0.5) ** 2
        measured, strict = (torch.tensor(values, dtype=torch.float64) for values in (found.measured, found.strict))
        columns = (printed, repaired, strict)
        numbers = "".join(f"{float(b.mean()):11.4g}{'*' if bool((b >= furthest).all()) else ' '}" for b in columns)
        broken = [int((measured > bound).sum()) for bound in columns]
        print(f"{t0:5.2f}{float(measured.mean()):11.4g} {numbers}{broken!s:>44s}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=1000, help="noised guides per case")
    parser.add_argument("--steps", type=int, default=40, help="of the run that the prediction is compared with")
    parser.add_argument("--only", choices=("prediction", "bounds"), help="one of the two parts")
    parser.add_argument("--runs", type=int, default=4000, help="for the bounds")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.only != "bounds":
        predictor(args)
    if args.only != "prediction":
        violations(args)


if __name__ == "__main__":
    main()
