"""``sdedit train``: arguments in, a model file out."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from .common import say

SHOWN, FEW = 10, 100  # files named in a message; pictures below which a hint is given

NETWORKS_HELP = "tiny, local, layout, base, large, ncsnpp-tiny, ncsnpp-small, ncsnpp (default %(default)s)"


def add_parser(commands) -> None:
    """Add the ``train`` sub-command to the ``sdedit`` command line."""
    p = commands.add_parser("train", help="train a score model on a folder of images")
    p.add_argument("images", metavar="IMAGES", help="folder with images")
    p.add_argument("-o", "--output", required=True, metavar="FILE", help="model to write (.safetensors)")
    p.add_argument("--size", type=int, default=128, metavar="PX", help="side of the squares (default %(default)s)")
    p.add_argument("--crops", type=int, default=1, metavar="N", help="squares cut from an oblong image (default 1)")
    p.add_argument("--network", default="base", metavar="NAME", help=NETWORKS_HELP)
    p.add_argument("--steps", type=int, default=20_000, help="optimisation steps in all (default %(default)s)")
    p.add_argument("--batch", type=int, default=64, help="pictures per step (default %(default)s)")
    p.add_argument("--accumulate", type=int, default=1, metavar="N", help="cut a batch into N parts to save memory")
    p.add_argument(
        "--reference", type=int, default=0, metavar="N", help="average each target over N pictures (default: off)"
    )
    p.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (default %(default)s)")
    p.add_argument("--ema", type=float, default=0.06, help="relative width of the weight average (default %(default)s)")
    p.add_argument(
        "--sigma-max", type=float, default=348.0, help="of the VE schedule, for pixels in [0, 1] (default %(default)s)"
    )
    p.add_argument("--no-flip", dest="flip", action="store_false", help="do not mirror images")
    p.add_argument(
        "--precision", choices=("auto", "fp32", "bf16"), default="auto", help="auto: bf16 on CUDA, else fp32"
    )
    p.add_argument("--compile", action="store_true", help="compile the network (quicker steps after a slow start)")
    p.add_argument(
        "--save-every", type=int, default=1000, metavar="N", help="steps between saves (default %(default)s)"
    )
    p.add_argument("--sheet-every", type=int, default=0, metavar="N", help="steps between sample sheets, 0 = none")
    p.add_argument("--report-every", type=int, default=100, metavar="N", help="steps between reports")
    p.add_argument("--stop-after", type=float, metavar="SECONDS", help="save and stop; the same command goes on later")
    p.add_argument("--seed", type=int, default=0, help="decides everything random (default %(default)s)")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default %(default)s)")
    p.set_defaults(run=run_train)


def run_train(args: argparse.Namespace) -> None:
    """Train, or go on training when the output's state file exists.  ValueError for bad input."""
    import torch

    from ..training.architectures import network_spec
    from ..training.process import interrupts, memory, processes
    from ..training.run import Run, check_model_path
    from ..training.settings import Settings
    from ..training.trainer import Trainer

    began = time.monotonic()
    check_model_path(args.output)
    multiple = network_spec(args.network, channels=3).size_multiple
    if args.size < multiple or args.size % multiple:
        raise ValueError(f"The network {args.network!r} needs a --size in multiples of {multiple}, got {args.size}.")
    with processes(args.device) as (device, rank, world):
        precision = args.precision
        if precision == "auto":
            precision = "bf16" if device.type == "cuda" else "fp32"
        settings = Settings(
            steps=args.steps,
            batch=args.batch,
            accumulate=args.accumulate,
            rate=args.rate,
            ema=args.ema,
            sigma_max=2 * args.sigma_max,
            flip=args.flip,
            reference=args.reference,
            precision=precision,
            seed=args.seed,
            network=args.network,
        )
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True
        source, guides = _source(args, device, rank)
        trainer = Trainer(source, settings, device=device, rank=rank, world=world, compile=args.compile)
        run = Run(trainer, args.output, guides=guides if args.sheet_every else None)
        resumed = run.resume()
        if rank == 0:
            count = sum(p.numel() for p in trainer.network.parameters())
            say(f"{count:,} parameters on {device}, {precision}; data RMS {trainer.preconditioning.sigma_data:g}")
            if resumed:
                say(f"going on at step {trainer.step}")
        with interrupts() as interrupted, memory():

            def stop() -> bool:
                late = args.stop_after is not None and time.monotonic() - began > args.stop_after
                return late or interrupted()

            run.go(
                report=_report if rank == 0 else None,
                stop=stop,
                report_every=args.report_every,
                save_every=args.save_every,
                sheet_every=args.sheet_every,
            )
        if rank == 0:
            done = trainer.step >= settings.steps
            say(f"wrote {run.model}" if done else f"stopped at step {trainer.step}, state in {run.state}")


def _source(args: argparse.Namespace, device, rank: int):
    """The training source and the guides of the sample sheets."""
    import torch.nn.functional as F

    from ..training.folder import load_folder
    from ..training.sources import TensorSource

    size = args.size
    folder = load_folder(args.images, size=size, crops=args.crops, progress=_reading() if rank == 0 else None)
    pictures = folder.pictures
    if rank == 0:
        for line in folder.left_out[:SHOWN]:
            say(f"left out: {line}")
        if len(folder.left_out) > SHOWN:
            say(f"left out: {len(folder.left_out) - SHOWN} more files that cannot be read")
        if folder.enlarged:
            say(f"smaller than {size} px and enlarged, the model learns their blur: {folder.enlarged} of the files")
        say(f"{len(pictures)} {'picture' if len(pictures) == 1 else 'pictures'} of {size} x {size}")
        if len(pictures) < FEW:
            say("so few pictures are learned by heart; sdedit edit --images makes a model of a few without training")
    some = pictures[:: max(1, len(pictures) // 4)][:4].float() / 255
    coarse = F.interpolate(some, scale_factor=1 / 8, mode="area")
    return TensorSource(pictures.to(device)), F.interpolate(coarse, size=some.shape[-2:], mode="nearest")


def _reading() -> Callable[[int, int], None]:
    """Says every five seconds how far reading is."""
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 5:
            last = now
            say(f"reading pictures: {done} of {total}")

    return progress


def _report(progress) -> None:
    levels = "  ".join(f"{name} {loss:.3f}" for name, loss in progress.by_level.items())
    say(
        f"step {progress.step}/{progress.steps}  loss {progress.loss:.4f}  {progress.per_second:.0f} pictures/s  "
        f"{_time_left(progress)}  |  {levels}"
    )


def _time_left(progress) -> str:
    """'3 h 20 min left' at the present speed; pictures of all steps so far tell how many one step takes."""
    pictures = progress.pictures / progress.step * (progress.steps - progress.step)
    minutes = math.ceil(pictures / max(1e-9, progress.per_second) / 60)
    return f"{minutes // 60} h {minutes % 60} min left" if minutes >= 60 else f"{minutes} min left"
