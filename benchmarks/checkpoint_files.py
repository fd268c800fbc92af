"""What a file of a gigabyte costs: time and peak memory of ``info``, ``convert`` and loading with one evaluation.

    python benchmarks/checkpoint_files.py [--folder DIR] [--size 64]

It writes two files of a DDPM with random weights, a training file (weights, their average and Adam's two states) and a
.safetensors, and runs each task in a process of its own; memory is the peak above that after the imports, with what
the system mapped of the file (Linux).
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

TASKS = ("info", "load", "load and first evaluation", "convert")
TASK = """
import contextlib, io, json, sys, time
import torch
import sdedit_core.checkpoints.convert, sdedit_core.cli.main, sdedit_core.load, sdedit_core.sampling.solvers
from sdedit_core.builtin import list_priors
list_priors()
task, path, target, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
def peak():
    lines = open("/proc/self/status").read().splitlines()  # not getrusage, which starts with the parent's peak
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
before, start = peak(), time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()) as out:
    if task == "info":
        assert sdedit_core.cli.main.main(["info", path]) == 0
    elif task == "convert":
        assert sdedit_core.cli.main.main(["convert", path, "-o", target]) == 0
    else:
        model = sdedit_core.load.load_score_model(path)
        if task != "load":
            with torch.inference_mode():
                model.denoise(torch.rand(1, 3, size, size), 1.0)
print(json.dumps({"seconds": time.perf_counter() - start, "MB": peak() - before}))
"""


def wide(file: Path, numbers: int) -> dict[str, torch.Tensor]:
    """The small DDPM of the tests with as many times its channels as make about that many numbers, at random."""
    state = torch.load(io.BytesIO(lzma.decompress(file.read_bytes())), map_location="cpu", weights_only=True)
    times = round((numbers / sum(t.numel() for t in state.values())) ** 0.5)
    widened = {}
    for key, value in state.items():
        shape = [n * times if i < 2 and n not in (1, 3) else n for i, n in enumerate(value.shape)]
        widened[key] = torch.randn(shape) * 0.02
    return widened


def write(folder: Path) -> list[Path]:
    """A training file (weights, average, Adam's two states) and a .safetensors, of a gigabyte each."""
    golden = Path(__file__).parents[1] / "tests" / "core" / "checkpoints" / "ddpm.ckpt.xz"
    state = wide(golden, 1 << 26)
    adam = {i: {"step": 7, "exp_avg": t.clone(), "exp_avg_sq": t.clone()} for i, t in enumerate(state.values())}
    content = {"optimizer": {"state": adam}, "model": state, "ema": {k: t.clone() for k, t in state.items()}, "step": 7}
    paths = [folder / "training.pth", folder / "weights.safetensors"]
    torch.save(content, paths[0])
    del content, adam, state
    save_file(wide(golden, 1 << 28), paths[1])
    return paths


def main() -> None:
    """Write the files, run the tasks, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="where to write the files; by default a temporary folder")
    parser.add_argument("--size", type=int, default=64, help="of the evaluation's picture (default %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        say("| file | task | seconds | MB above the imports |\n|---|---|---:|---:|")
        for path in write(Path(folder)):
            for task in TASKS:
                target = Path(folder) / "converted.safetensors"
                command = [sys.executable, "-c", TASK, task, str(path), str(target), str(args.size)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                figures = json.loads(done.stdout.splitlines()[-1])
                size = f"{path.suffix}, {path.stat().st_size / 1e9:.2f} GB"
                say(f"| {size} | {task} | {figures['seconds']:.2f} | {figures['MB']:.0f} |")


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
