"""How fast is the trainer on this machine?  Run it before a long training run, to choose its settings.

python benchmarks/training_speed.py                  # on a GPU
python benchmarks/training_speed.py --device cpu --network tiny --size 32 --batch 8
"""

from __future__ import annotations

import argparse
import time

import torch

from sdedit_core.training import Settings, TensorSource, Trainer


def clock(device: torch.device) -> float:
    """Seconds, after everything that was started has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def training(device: torch.device, args: argparse.Namespace, *, compile: bool) -> None:
    """Print pictures per second, milliseconds a step and memory of the real training step."""
    precision = "bf16" if device.type == "cuda" else "fp32"
    shape, generator = (args.batch, 3, args.size, args.size), torch.Generator().manual_seed(0)
    source = TensorSource(torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).to(device))
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
    parser.add_argument("--compile", action="store_true", help="also the compiled network")
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    training(device, args, compile=False)
    if args.compile:
        training(device, args, compile=True)


if __name__ == "__main__":
    main()
