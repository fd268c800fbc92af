"""Train on samples of a Gaussian mixture whose denoiser is known exactly; report the learned denoiser's error.

    python benchmarks/train_known_mixture.py [--steps 4000] [--seed 4 --modes 6] [-o mixture.safetensors]

The defaults take 11 minutes of one CPU core to train, and 2 to report.
With -o the run is saved every 500 steps; the same command goes on after an interruption.

Shows (1) the error of D against the exact posterior mean, RMS relative to the data's deviation, for sigma 0.1 to 2;
(2) the law of SDEdit's results from several guides: mode probabilities, mean and deviation, against the closed form.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from sdedit_core.edit import perturb, sdedit
from sdedit_core.model import ScoreModel
from sdedit_core.priors.exact import GaussianMixturePrior
from sdedit_core.training import FunctionSource, Run, Settings, Trainer

SIDE = 8
SIGMAS = (0.1, 0.2, 0.5, 1.0, 2.0)


def mixture(seed: int = 3, modes: int = 4) -> GaussianMixturePrior:
    """Smooth 8 x 8 pictures with a different spread and weight each; the defaults are those of the figures."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(modes, 1, 3, 3, generator=generator) * 0.6
    means = torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=True)
    stds, weights = torch.tensor([0.10, 0.20, 0.15, 0.25]), torch.tensor([0.1, 0.2, 0.3, 0.4])
    repeat = torch.arange(modes) % len(stds)
    return GaussianMixturePrior(means=means, stds=stds[repeat], weights=weights[repeat])


def trainer_on(
    prior: GaussianMixturePrior, *, steps: int, network: str, batch: int, reference: int = 0, seed: int = 0
) -> Trainer:
    """A trainer on fresh samples of the mixture."""

    def draw(count: int, generator: torch.Generator) -> torch.Tensor:
        return prior.samples(count, generator=generator)

    source = FunctionSource(draw, channels=1, size=(SIDE, SIDE))
    settings = Settings(
        steps=steps,
        batch=batch,
        rate=5e-3,
        flip=False,
        network=network,
        reference=reference,
        seed=seed,
        decay=1.0,
        ema=0.06,
        level_std=1.4,
    )
    return Trainer(source, settings)


def errors(trainer: Trainer, prior: GaussianMixturePrior, *, count: int = 2048) -> dict[float, float]:
    """RMS of D - D_exact over fresh noised samples, relative to the data's deviation."""
    generator = torch.Generator().manual_seed(99)
    model, out = trainer.score_model(), {}
    for sigma in SIGMAS:
        clean = prior.samples(count, generator=generator).float()
        x = clean + sigma * torch.randn(clean.shape, generator=generator)
        exact = prior.denoise(x.double(), torch.full((count,), sigma, dtype=torch.float64))
        deviation = (clean - clean.mean(0)).square().mean().sqrt()
        out[sigma] = float((model.denoise(x, sigma) - exact).square().mean().sqrt() / deviation)
    return out


def guides(prior: GaussianMixturePrior) -> dict[str, torch.Tensor]:
    """The point between all modes, where a small error decides which one wins; and each mode as 2 x 2 blocks."""
    coarse = torch.nn.functional.avg_pool2d(prior.means.float(), SIDE // 2)
    strokes = torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE))
    return {"middle": prior.means.mean(0, keepdim=True).float()} | {
        f"strokes {k + 1}": strokes[k : k + 1] for k in range(len(strokes))
    }


def law(model: ScoreModel, prior: GaussianMixturePrior, guide: torch.Tensor, *, t0: float, count: int) -> list[float]:
    """SDEdit's results from one guide, against the exact law of x0 given the same noised guides.

    Returns the largest difference of a mode's probability and its standard error; the RMS difference of the means in
    deviations of the exact law, and what chance alone gives; the ratio of the deviations - 1.
    """
    guide = guide.expand(count, -1, -1, -1)
    noised = perturb(model, guide, t0, seed=0)
    x, sigma = noised.samples.double(), torch.full((count,), noised.sigma, dtype=torch.float64)
    samples = sdedit(model, guide, t0=t0, steps=40, seed=0).samples.double()
    found, wanted = prior.responsibilities(samples, 0.05), prior.responsibilities(x, sigma)
    gap = found - wanted
    worst = int(gap.mean(0).abs().argmax())
    gain = prior.var / (prior.var + noised.sigma**2)
    means = prior.means + gain.view(-1, 1, 1, 1) * (x[:, None] - prior.means)
    inner = (gain * noised.sigma**2).view(1, -1, 1, 1, 1) + means.square()  # E x0^2 of every mode
    weights = wanted.view(count, -1, 1, 1, 1)
    mean, square = (weights * means).sum(1), (weights * inner).sum(1)
    deviation = (square.mean(0) - mean.mean(0).square()).mean().sqrt()
    error = samples - mean
    return [
        float(gap.mean(0)[worst].abs()),
        float(gap[:, worst].std() / count**0.5),
        float(error.mean(0).square().mean().sqrt() / deviation),
        float((error.var(0).mean() / count).sqrt() / deviation),
        float(samples.std(0).square().mean().sqrt() / deviation - 1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--reference", type=int, default=8192, help="pictures over which each target is averaged")
    parser.add_argument("--network", default="tiny")
    parser.add_argument("--train-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=3, help="of the mixture")
    parser.add_argument("--modes", type=int, default=4)
    parser.add_argument("--count", type=int, default=2000, help="results of SDEdit per guide and t0")
    parser.add_argument("-o", "--output", type=Path, help="keep the model here, and go on from it")
    args = parser.parse_args()
    prior = mixture(args.seed, args.modes)
    trainer = trainer_on(
        prior,
        steps=args.steps,
        network=args.network,
        batch=args.batch,
        reference=args.reference,
        seed=args.train_seed,
    )
    began = time.process_time()

    def report(p) -> None:
        seconds = time.process_time() - began
        print(f"step {p.step}  loss {p.loss:.4f}  {p.per_second:.0f} pictures/s  {seconds:.0f} CPU-s", flush=True)

    every = max(1, args.steps // 10)
    if args.output is None:
        trainer.run(every=every, report=report)
    else:
        run = Run(trainer, args.output)
        run.resume()
        run.go(report=report, report_every=every, save_every=500)
    print(f"{time.process_time() - began:.0f} CPU-seconds")
    for sigma, error in errors(trainer, prior).items():
        print(f"sigma {sigma:<5g} RMS error of D {100 * error:.2f} % of the data's deviation")
    learned = trainer.score_model()
    exact = prior.score_model(schedule=learned.schedule)
    print("SDEdit: guide, t0, model: mode probability off by (+- standard error), mean off by, in deviations (chance)")
    for name, guide in guides(prior).items():
        for t0 in (0.3, 0.4, 0.5):
            for kind, model in (("learned", learned), ("exact", exact)):
                p, p_error, mean, chance, spread = law(model, prior, guide, t0=t0, count=args.count)
                print(
                    f"{name:10s} {t0}  {kind:8s} {p:.3f} (+- {p_error:.3f})  {mean:.3f} ({chance:.3f})  "
                    f"deviation {100 * spread:+.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()
