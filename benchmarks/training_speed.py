"""How fast are renderer and trainer on this machine?  Run it before a long training run, to choose its settings.

python benchmarks/training_speed.py                  # on a GPU
python benchmarks/training_speed.py --device cpu --network tiny --size 32 --batch 8 --pool 16
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from random import Random

import torch

from sdedit_core.builtin.scenes import render_batch
from sdedit_core.builtin.scenes.noise import StreamNoise
from sdedit_core.pictures.sheet import contact_sheet
from sdedit_core.training import Settings, Size, Trainer
from sdedit_core.training.scene_source import SceneSource
from sdedit_core.training.variety import varied_scene


def clock(device: torch.device) -> float:
    """Seconds, after everything that was started has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def rendering(device: torch.device, size: int, count: int) -> torch.Tensor:
    """Print pictures per second of one batch, warmed up; return the pictures."""
    random, generator = Random(0), torch.Generator(device=device).manual_seed(0)
    best = float("inf")
    for _ in range(3):
        began = clock(device)
        scenes = [varied_scene(random) for _ in range(count)]
        noise = StreamNoise(count, generator)
        pictures = render_batch(scenes, height=size, width=size, device=device, noise=noise)
        best = min(best, clock(device) - began)
    print(f"rendering {size} px, {count} together: {count / best:.0f} pictures/s", flush=True)
    return pictures


def training(device: torch.device, args: argparse.Namespace, *, compile: bool) -> None:
    """Print pictures per second, milliseconds a step and memory of the real training step."""
    precision = "bf16" if device.type == "cuda" else "fp32"
    source = SceneSource((Size(args.size, args.size),), pool=args.pool, slots=4, refresh=0, device=device)
    settings = Settings(steps=10**6, batch=args.batch, precision=precision, network=args.network)
    trainer = Trainer(source, settings, device=device, compile=compile)
    began = clock(device)
    for _ in range(4):
        trainer.train_step()
    warm = clock(device)
    for _ in range(args.steps):
        trainer.train_step()
    seconds = clock(device) - warm
    memory = f", {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB" if device.type == "cuda" else ""
    print(
        f"training {args.network}, {args.size} px, batch {args.batch}, {precision}{', compiled' if compile else ''}: "
        f"{args.batch * args.steps / seconds:.0f} pictures/s, {1e3 * seconds / args.steps:.1f} ms a step, "
        f"start {warm - began:.1f} s{memory}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--network", default="base")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--pool", type=int, default=512)
    parser.add_argument("--render-batches", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--compile", action="store_true", help="also the compiled network")
    parser.add_argument("--sheet", metavar="FILE", help="write some rendered pictures")
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    for count in args.render_batches:
        pictures = rendering(device, args.size, count)
    if args.sheet:
        shown = [picture[None].cpu() for picture in pictures[:24]]
        contact_sheet(shown, [""] * len(shown), columns=6).save(Path(args.sheet))
    training(device, args, compile=False)
    if args.compile:
        training(device, args, compile=True)


if __name__ == "__main__":
    main()
