"""The process around a training run: its place among several, signals that end it, memory that runs out."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import torch


def usable_device(name: str) -> torch.device:
    """The torch device of that name; ValueError, in the words of the option --device, when it cannot be used here."""
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).item()  # also read: the device "meta" holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"--device {name} cannot be used here: {str(error).splitlines()[0]}") from None
    return found


@contextlib.contextmanager
def processes(name: str) -> Iterator:
    """(device, rank, world); joins the group when started by torchrun, and leaves it."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    device = usable_device(name)
    if world == 1:
        yield device, 0, 1
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device, rank, world
    finally:
        torch.distributed.destroy_process_group()


@contextlib.contextmanager
def memory() -> Iterator[None]:
    """ValueError with advice when the device has too little memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise ValueError(
            f"The device has too little memory ({str(error).splitlines()[0]}) Use --accumulate 2 (or 4, 8): the same "
            "batch in smaller parts; or a smaller --batch, --size or --network."
        ) from None


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and the termination signal ask the run to save and stop; a second Ctrl-C ends it at once.

    Under torchrun one Ctrl-C arrives twice, from the terminal and from torchrun: signals close together are one.
    """
    asked: float | None = None

    def ask(number, frame) -> None:
        nonlocal asked
        now = time.monotonic()
        if asked is None:
            asked = now
        elif now - asked > 3:
            raise KeyboardInterrupt

    old = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked is not None
    finally:
        for s, handler in old.items():
            signal.signal(s, handler)
