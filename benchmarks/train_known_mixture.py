"""Train on samples of a Gaussian mixture whose denoiser is known exactly; report the learned denoiser's error.

    python benchmarks/train_known_mixture.py [--steps 5000] [--seed 4 --modes 6] [-o mixture.safetensors]

With -o the run is saved every 500 steps; the same command goes on after an interruption.

Shows (1) the error of D against the exact posterior mean, RMS relative to the data's deviation, for sigma 0.1 to 2;
(2) the law of SDEdit's results from one guide: mode probabilities, mean and deviation, learned against exact.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from sdedit_core.edit import sdedit
from sdedit_core.priors.exact import GaussianMixturePrior
from sdedit_core.sde import VESDE
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


def trainer_on(prior: GaussianMixturePrior, *, steps: int, network: str, batch: int) -> Trainer:
    """A trainer on fresh samples of the mixture."""

    def draw(count: int, generator: torch.Generator) -> torch.Tensor:
        return prior.samples(count, generator=generator)

    source = FunctionSource(draw, channels=1, size=(SIDE, SIDE))
    settings = Settings(
        steps=steps, batch=batch, rate=5e-3, flip=False, network=network, decay=0.6, ema=0.04, level_std=1.4
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


def law(trainer: Trainer, prior: GaussianMixturePrior, *, t0: float, count: int = 2000) -> dict[str, float]:
    """SDEdit from one guide with the learned and the exact model: how far apart the two laws are."""
    guide = prior.means.mean(0, keepdim=True).float().expand(count, -1, -1, -1)
    schedule = VESDE(trainer.settings.sigma_min, trainer.settings.sigma_max)
    exact_model = prior.score_model(schedule=schedule)
    learned = sdedit(trainer.score_model(), guide, t0=t0, steps=40, seed=0).samples
    exact = sdedit(exact_model, guide, t0=t0, steps=40, seed=1).samples

    def modes(samples: torch.Tensor) -> torch.Tensor:
        return prior.responsibilities(samples, 0.05).mean(0)

    deviation = exact.std(0).square().mean().sqrt()
    return {
        "sigma": schedule.sigma(t0),
        "mode probability, largest difference": float((modes(learned) - modes(exact)).abs().max()),
        "mean, RMS difference / deviation": float((learned.mean(0) - exact.mean(0)).square().mean().sqrt() / deviation),
        "deviation, ratio - 1": float(learned.std(0).square().mean().sqrt() / deviation - 1),
        "sampling error of a probability": (0.25 / count) ** 0.5,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--network", default="tiny")
    parser.add_argument("--seed", type=int, default=3, help="of the mixture")
    parser.add_argument("--modes", type=int, default=4)
    parser.add_argument("-o", "--output", type=Path, help="keep the model here, and go on from it")
    args = parser.parse_args()
    prior = mixture(args.seed, args.modes)
    trainer, began = trainer_on(prior, steps=args.steps, network=args.network, batch=args.batch), time.process_time()

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
    for t0 in (0.3, 0.4):
        print(f"SDEdit at t0 {t0}: " + ", ".join(f"{k} {v:.4f}" for k, v in law(trainer, prior, t0=t0).items()))


if __name__ == "__main__":
    main()
