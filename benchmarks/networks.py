"""Our NCSN++ against diffusers' UNet2DModel: same weights, same input, interleaved in one run.

    python benchmarks/networks.py                  # 256 x 256, one thread, fp32 and bf16, 3 rounds
    python benchmarks/networks.py --size 128 --rounds 5 --threads 2
    python benchmarks/networks.py --no-bf16         # the table of docs/checkpoints.md

Reports CPU seconds of one forward (minimum and median over the rounds), the ratio, the largest difference to
diffusers' fp32 result, the peak memory of each in a process of its own, and the time of PyTorch's convolutions alone
with our time as a multiple of it (fp32 may be below 1: Winograd's algorithm needs fewer multiplications; "ours, no
Winograd" leaves it out).
Needs ``pip install diffusers``.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from sdedit_core.checkpoints.load import build, recognise
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.reading import RawFile
from sdedit_core.networks import winograd

NO_WINOGRAD = "ours, no Winograd"
MAX_THREADS = winograd.MAX_THREADS
NCSNPP_256 = {
    "sample_size": 256, "center_input_sample": True, "time_embedding_type": "fourier", "norm_num_groups": None,
    "mid_block_scale_factor": 2**0.5, "attention_head_dim": None, "norm_eps": 1e-6, "layers_per_block": 2,
    "block_out_channels": (128, 128, 256, 256, 256, 256, 256),
    "down_block_types": ("SkipDownBlock2D",) * 4 + ("AttnSkipDownBlock2D",) + ("SkipDownBlock2D",) * 2,
    "up_block_types": ("SkipUpBlock2D",) * 2 + ("AttnSkipUpBlock2D",) + ("SkipUpBlock2D",) * 4,
}  # fmt: skip


def theirs() -> torch.nn.Module:
    """diffusers' network with random weights; every layer drawn, none left at its initial 0."""
    from diffusers import UNet2DModel

    net = UNet2DModel(**NCSNPP_256).eval().requires_grad_(False)
    g = torch.Generator().manual_seed(0)
    for name, p in net.named_parameters():
        if name.startswith("time_proj"):
            continue
        std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
        p.copy_(torch.randn(p.shape, generator=g) * std + (1.0 if p.dim() == 1 and name.endswith("weight") else 0.0))
    return net


def ours(net: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """Our network with the same weights, through the loader's own path."""
    raw = RawFile(Path("memory"), dict(net.state_dict()), "memory", config=dict(NCSNPP_256))
    return build(recognise(raw, Overrides(), "ema"), dtype=dtype, device="cpu").network


def forward(kind: str, net: torch.nn.Module, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """The score times sigma, whichever network it is."""
    if kind == "diffusers":
        return net(x, sigma).sample * sigma
    if kind == "diffusers bf16":
        with torch.autocast("cpu", torch.bfloat16):
            return net(x, sigma).sample.float() * sigma
    winograd.MAX_THREADS = 0 if kind == NO_WINOGRAD else MAX_THREADS
    return net(2 * x - 1, sigma.log())


def convolution_floor(net: torch.nn.Module, run, dtype: torch.dtype) -> float:
    """CPU seconds of the network's convolutions alone (PyTorch's own, channels-last), nothing else."""
    calls = []

    def record(module, inputs, _):
        calls.append((module, inputs[0].shape))

    hooks = [m.register_forward_hook(record) for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    run()
    for hook in hooks:
        hook.remove()
    total = 0.0
    for module, shape in calls:
        x = torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)
        w = module.weight.to(dtype).contiguous(memory_format=torch.channels_last)

        b = module.bias.to(dtype)

        def convolve(x=x, w=w, b=b, padding=module.padding):
            return torch.nn.functional.conv2d(x, w, b, padding=padding)

        convolve()
        total += min(_timed(convolve) for _ in range(2))
    return total


def _timed(run) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-bf16", action="store_true")
    parser.add_argument("--memory", metavar="KIND", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    x = torch.rand(1, 3, args.size, args.size, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.5])
    x = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    kinds = ["diffusers", NO_WINOGRAD, "ours"] + ([] if args.no_bf16 else ["diffusers bf16", "ours bf16"])
    reference = theirs()
    with torch.inference_mode():
        if args.memory:
            half = torch.bfloat16 if args.memory.endswith("bf16") else torch.float32
            net = reference if args.memory.startswith("diffusers") else ours(reference, half)
            del reference
            gc.collect()
            _reset_peak()
            forward(args.memory, net, x, sigma)
            print(_peak_so_far())
            return
        nets = {k: reference if k.startswith("diffusers") else None for k in kinds}
        nets["ours"] = nets[NO_WINOGRAD] = ours(reference, torch.float32)
        if "ours bf16" in kinds:
            nets["ours bf16"] = ours(reference, torch.bfloat16)
        results = {k: forward(k, nets[k], x, sigma) for k in kinds}
        times: dict[str, list[float]] = {k: [] for k in kinds}
        for _ in range(args.rounds):
            for k in kinds:
                times[k].append(_timed(lambda k=k: forward(k, nets[k], x, sigma)))
        floors = {
            k: convolution_floor(
                reference, lambda: forward("diffusers", reference, x, sigma), torch.bfloat16 if "bf16" in k else x.dtype
            )
            for k in kinds
            if k.startswith("ours")
        }
    scale = results["diffusers"].abs().max()
    print(f"NCSN++ {args.size} x {args.size}, batch 1, {args.threads} thread(s), PyTorch {torch.__version__}")
    print(f"{'':18}{'min s':>8}{'median':>8}{'ratio':>8}{'max diff':>10}{'peak MB':>9}{'convolutions':>17}")
    for k in kinds:
        peer = times["diffusers bf16" if k.endswith("bf16") else "diffusers"]
        ratio = statistics.median(peer) / statistics.median(times[k])
        difference = float((results[k] - results["diffusers"]).abs().max() / scale)
        peak = _peak(k, args)
        floor = f"{floors[k]:.2f} s ({min(times[k]) / floors[k]:.2f}x)" if k in floors else ""
        print(
            f"{k:18}{min(times[k]):8.2f}{statistics.median(times[k]):8.2f}{ratio:8.2f}{difference:10.1e}{peak:>9}"
            f"{floor:>17}"
        )


def _reset_peak() -> None:
    """Forget the peak that building the network left behind (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def _peak_so_far() -> int:
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if "VmHWM" in line)
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _peak(kind: str, args: argparse.Namespace) -> str:
    command = [sys.executable, __file__, "--memory", kind, "--size", str(args.size), "--threads", str(args.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else "?"


if __name__ == "__main__":
    main()
