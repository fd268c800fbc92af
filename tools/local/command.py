"""The command: renders landscapes and trains a network on parts of them; the same command again goes on."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from landscapes.moods import MOODS
from sdedit_core.pictures.files import make_folder
from sdedit_core.training import Progress, Run, Settings, Trainer
from sdedit_core.training.architectures import network_spec
from sdedit_core.training.process import interrupts
from trained.clock import say
from trained.pictures import CHUNK, check_space, chunks
from trained.workers import do

from .crops import Crops

MODEL = "landscape-local.safetensors"
SIZE, SIDE = 256, 64  # pixels of a picture, and of a part of it
LEVELS = (-1.6, 1.0)  # mean and deviation of ln sigma: from 0.02 to 0.5 for pixels in [0, 1]
EVERY, SAVE = 250, 1000  # steps between two lines, two saves

HELP = """Renders landscapes and trains a small network on parts of them: outlines and texture, for small noise levels.

    python tools/make.py local-builtin local/ --minutes 60     # as often as it takes

The same command goes on where the last one stopped; what it wrote is in the FOLDER.  With the same number of threads
the result is a function of the options alone, however often it was stopped.
"""


def main(arguments: list[str]) -> int:
    """Run the command; 2 with a sentence when an argument is wrong or something cannot be done."""
    parser = argparse.ArgumentParser(
        prog="local-builtin", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where all files go; made when it is not there")
    parser.add_argument("--steps", type=int, default=34_000, metavar="N", help="in all (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="parts a step (default %(default)s)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (default %(default)s)")
    parser.add_argument("--count", type=int, default=800, metavar="N", help="pictures (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides pictures and training")
    parser.add_argument("--minutes", type=float, metavar="MINUTES", help="stop after so many; the rest another time")
    parser.add_argument("--network", default="local", metavar="NAME", help="as for sdedit train (default %(default)s)")
    args = parser.parse_args(arguments)
    try:
        _train(args)
    except ValueError as error:
        parser.error(str(error))
    return 0


def _train(args: argparse.Namespace) -> None:
    began = time.monotonic()
    settings = Settings(
        steps=args.steps,
        batch=args.batch,
        rate=args.rate,
        weight_decay=0.01,
        level_mean=LEVELS[0],
        level_std=LEVELS[1],
        level_tail=0.0,
        seed=args.seed,
        network=args.network,
    )
    if args.count < 1:
        raise ValueError(f"--count must be at least 1, got {args.count}.")
    spec = network_spec(args.network, channels=3)  # says what is wrong with the name before anything is rendered
    if SIDE % spec.size_multiple:
        raise ValueError(f"The network {args.network!r} takes sides in multiples of {spec.size_multiple}, not {SIDE}.")
    folder = make_folder(args.folder)
    pictures = make_folder(folder / f"pictures-{SIZE}")
    jobs = chunks(pictures, count=args.count, size=SIZE, seed=args.seed, moods=MOODS)
    check_space(args.count, SIZE, pictures)
    with interrupts() as asked:

        def over() -> bool:
            return asked() or (args.minutes is not None and time.monotonic() - began > 60.0 * args.minutes)

        for number, job in enumerate(jobs):
            if over():
                say(time.monotonic() - began, f"stopped: {number * CHUNK} of {args.count} pictures are rendered")
                return
            do(job)
        source = Crops(jobs, side=SIDE, at_once=len(jobs), device=torch.device("cpu"))
        run = Run(Trainer(source, settings), folder / MODEL)
        if run.resume():
            say(time.monotonic() - began, f"going on at step {run.trainer.step}")

        def report(progress: Progress) -> None:
            say(
                time.monotonic() - began,
                f"step {progress.step} of {progress.steps}  loss {progress.loss:.4f}  rate {progress.rate:.2g}  "
                f"{progress.per_second:.0f} parts/s",
            )

        run.go(report=report, stop=over, report_every=EVERY, save_every=SAVE)
    say(time.monotonic() - began, f"step {run.trainer.step} of {args.steps}; wrote {run.model}")
