"""The device that is measured: how to wait for it, time it, read its peak memory and count what waits for it."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import torch


class Machine:
    """A device by name: "cpu", "cuda", "cuda:1", "mps", or "xla" (torch_xla).  SystemExit when it is not there."""

    def __init__(self, name: str):
        self.name, self.xla = name, None
        if name == "xla":
            try:
                import torch_xla
            except ImportError as missing:
                raise SystemExit("--device xla needs torch_xla of the same release as torch.") from missing
            self.xla, self.device = torch_xla, torch_xla.device()
            return
        self.device = torch.device(name)
        if self.device.type == "cuda":
            if not torch.cuda.is_available():
                raise SystemExit(
                    f"This PyTorch ({torch.__version__}) sees no CUDA device. --device cpu tries the script."
                )
            torch.cuda.set_device(self.device)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def wait(self) -> None:
        """Until all that was asked of the device is done."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()
        elif self.xla is not None:
            self.xla.sync(wait=True)

    def milliseconds(self, run: Callable, *, rounds: int, warm: int = 2) -> tuple[float, float]:
        """(least, median) time of ``run()``.  CUDA: between two events on the device; else by the clock, waited for.

        The first ``warm`` calls are not counted: they load kernels, choose algorithms and fill caches.
        """
        for _ in range(warm):
            run()
        times = []
        for _ in range(rounds):
            self.wait()
            if self.is_cuda:
                first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                first.record()
                run()
                last.record()
                last.synchronize()
                times.append(first.elapsed_time(last))
            else:
                begin = time.perf_counter()
                run()
                self.wait()
                times.append(1e3 * (time.perf_counter() - begin))
        return min(times), statistics.median(times)

    def issued(self, run: Callable, *, rounds: int) -> float:
        """Milliseconds until ``run()`` returns, which on a GPU is before it is done: what the CPU has to do."""
        best = float("inf")
        for _ in range(rounds):
            self.wait()
            begin = time.perf_counter()
            run()
            best = min(best, time.perf_counter() - begin)
        self.wait()
        return 1e3 * best

    def peak(self, run: Callable) -> float | None:
        """MB that ``run()`` takes at its peak beyond what is held now, in PyTorch's allocator; None but on CUDA."""
        if not self.is_cuda:
            return None
        self.wait()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        run()
        self.wait()
        return (torch.cuda.max_memory_allocated(self.device) - before) / 2**20

    def waits(self, run: Callable) -> int | None:
        """How often ``run()`` waits for the device: all waits on CUDA, values read back on XLA; None elsewhere."""
        if self.xla is not None:
            from torch_xla.debug import metrics

            def reads() -> int:
                return (metrics.metric_data("TransferFromDeviceTime") or (0,))[0]

            before = reads()
            run()
            return reads() - before
        if not self.is_cuda:
            return None
        self.wait()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                run()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sum("synchronizing CUDA operation" in str(w.message) for w in seen)

    @contextlib.contextmanager
    def tf32(self, on: bool) -> Iterator[None]:
        """Convolutions and matrix products with 10 bits of mantissa, or with all 23 of float32."""
        places = torch.backends.cudnn, torch.backends.cuda.matmul
        before = [place.allow_tf32 for place in places]
        try:
            for place in places:
                place.allow_tf32 = on
            yield
        finally:
            for place, value in zip(places, before, strict=True):
                place.allow_tf32 = value

    def facts(self) -> dict[str, object]:
        """What a figure means nothing without."""
        found: dict[str, object] = {
            "device": self.name,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "threads": torch.get_num_threads(),
        }
        if self.is_cuda:
            card = torch.cuda.get_device_properties(self.device)
            found |= {
                "card": card.name,
                "memory_gb": round(card.total_memory / 2**30, 1),
                "capability": f"{card.major}.{card.minor}",
                "cuda": torch.version.cuda,
                "hip": torch.version.hip,
                "cudnn": torch.backends.cudnn.version(),
                "tf32 of convolutions by default": torch.backends.cudnn.allow_tf32,
                "tf32 of matrix products by default": torch.backends.cuda.matmul.allow_tf32,
            }
        if self.xla is not None:
            found["torch_xla"] = self.xla.__version__
        return found
