"""Is a device's picture the CPU's picture?  Limits come from the arithmetic, not from what was seen.

**Loop.**  A step of any solver rounds the state at most 16 times, by half a unit in the last place (2^-24) of numbers
up to ``1 + 5 sigma``.  Of an error made at level sigma the run keeps what a posterior keeps of x, at most
``c^2 / (c^2 + sigma^2)``: the product is below 1.3 for the spread c = 0.2 used here, and the corrected solvers weigh
the last change of D by at most 3.  So: ``evaluations * 16 * 4 * 2^-24``.

**Networks in float32.**  A sum of K products in another order is the exact sum of products each off by at most about
log2 K units in the last place, below 16.  So: 16 times what one unit in every weight and in the input does to the
result on the CPU.  TF32 is off for this; with it on, products have 10 bits of mantissa, 8 times finer than bfloat16.

**Half precision.**  The device may be off from the CPU's float32 result by 3 times what the CPU is off in the same
precision: another order of rounding, and the largest of many values.

**Built-in models.**  Weights are softmaxes of squared distances over at most 192 features, each rounded at 2^-24 of
numbers up to ``1 + 5 sigma``, over sigma^2: ``192 * 2^-24 * (4 + (1 + 5 sigma) / sigma)``.
"""

from __future__ import annotations

import contextlib
import copy
import io
import sys
import tempfile
from pathlib import Path

import torch

from sdedit_core import SOLVERS, VESDE, ScoreModel, load_score_model, sdedit
from sdedit_core.cli.main import main as sdedit_command
from sdedit_core.load import builtin_names
from sdedit_core.networks.adm import adm
from sdedit_core.networks.ddpm import ddpm
from sdedit_core.networks.ncsnpp import ncsnpp
from sdedit_core.networks.preconditioning import EDM, VE, VP, Denoiser
from sdedit_core.networks.unet import UNet
from sdedit_core.pictures.io import save_image
from sdedit_core.sampling.brownian import BrownianPath
from sdedit_core.sampling.grids import karras
from sdedit_core.sampling.noise import NoiseStream

from .machine import Machine
from .record import Record

ULP = 2.0**-24
MEAN, STD = 0.5, 0.2
NETWORKS = {
    "NCSN++, VE": (ncsnpp(nf=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,)), VE(sigma_max=50.0)),
    "DDPM, VP": (ddpm(ch=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,)), VP()),
    "ADM, EDM": (adm(channels=32, ch_mult=(1, 2), blocks=1, attention_levels=(1,), head_channels=16), EDM()),
}
LEVELS = (0.05, 1.0, 20.0)


def noise(machine: Machine, record: Record) -> None:
    """Every random number, bit for bit."""
    for stream in ("initial", "path", "corrector", "probe"):
        here, there = (
            NoiseStream((3, 33, 31), seed=7, stream=stream, samples=[4, 0], device=d) for d in ("cpu", machine.device)
        )
        record.check(f"noise, stream {stream}", _unequal(there(5), here(5)), 0, "drawn on the CPU")
    ends = {"sigma_min": 0.01, "sigma_max": 100.0}
    paths = [
        BrownianPath(NoiseStream((3, 8, 8), seed=1, stream="path", batch=2, device=d), **ends)
        for d in ("cpu", machine.device)
    ]
    wrong = 0
    for a, b in ((20.0, 3.0), (3.0, 0.5), (0.5, 0.1), (0.1, 0.0)):
        here, there = (path(a, b) for path in paths)
        wrong += _unequal(there, here)
        there.zero_()  # a solver's to overwrite: the path must not notice
    record.check("noise, the path of a run", wrong, 0, "drawn on the CPU")


def solvers(machine: Machine, record: Record, *, quick: bool) -> None:
    """Every solver with every mask: the CPU's result, and kept pixels bit for bit."""
    size, steps = (16, 6) if quick else (64, 20)
    guide = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    hard = torch.zeros(1, 1, size, size)
    hard[..., size // 4 : size // 2] = 1.0
    soft = torch.linspace(0.0, 1.0, size).expand(1, 1, size, size).contiguous()
    masks = {
        "no mask": {},
        "bridge": {"mask": hard},
        "tilt": {"mask": hard, "mask_mode": "tilt"},
        "soft": {"mask": soft},
    }
    for name, solver in SOLVERS.items():
        for mask, options in masks.items():
            if solver.masks_itself and mask == "soft":
                continue  # refused
            results = []
            for device in ("cpu", machine.device):
                on = {key: v.to(device) if isinstance(v, torch.Tensor) else v for key, v in options.items()}
                model = _gaussian(device, distilled=solver.distilled)
                results.append(sdedit(model, guide.to(device), t0=0.5, steps=steps, solver=name, seed=3, **on))
            here, there = (result.samples.cpu() for result in results)
            limit = results[0].nfe * 16 * 4 * ULP
            record.check(f"solver {name}, {mask}", _apart(there, here), limit, "rounding of the loop")
            if "mask" in options and not solver.masks_itself:
                kept = (options["mask"] == 0.0).expand_as(guide)
                record.check(
                    f"solver {name}, {mask}, kept", _unequal(there[kept], guide[kept]), 0, "pixels not to change"
                )


def networks(machine: Machine, record: Record, *, quick: bool) -> None:
    """D of three networks in each precision, compiled, and item for item."""
    size = 16 if quick else 64
    x0 = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1)) - 0.5
    z = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2))
    for name, (spec, process) in NETWORKS.items():
        plain = _drawn(spec, process)
        wanted = _answers(plain, x0, z)
        limit = 16 * _relative(_answers(_nudged(plain), x0 * (1.0 + 2.0**-23), z), wanted)
        moved = copy.deepcopy(plain).to(machine.device)
        with machine.tf32(False):
            record.check(f"{name}, fp32", _relative(_answers(moved, x0, z, machine), wanted), limit, "order of sums")
            alone = [_answers(moved, x0[i : i + 1], z[i : i + 1], machine) for i in range(3)]
            together = _answers(moved, x0, z, machine)
            alone = [torch.cat(parts) for parts in zip(*alone, strict=True)]
            record.check(f"{name}, item alone as in a batch", _relative(alone, together), limit, "order of sums")
            if quick and machine.device.type == "cpu":
                record.skip(f"{name}, torch.compile", "takes minutes on a CPU: leave out --quick")
            else:
                _compiled(machine, record, name, plain, (x0, z, wanted), limit)
        halves = {"bf16": torch.bfloat16, "fp16": torch.float16}
        for half, dtype in halves.items():
            if half == "fp16" and machine.xla is not None:
                record.skip(f"{name}, fp16", "torch_xla's group norm sums in float16 and overflows")
                continue
            narrow = _drawn(spec, process, dtype=dtype)
            own = _relative(_answers(narrow, x0, z), wanted)
            got = _answers(copy.deepcopy(narrow).to(machine.device), x0, z, machine)
            record.check(f"{name}, {half}", _relative(got, wanted), 3 * own, "3 times the CPU's error in it")
            if half == "bf16" and machine.is_cuda:
                with machine.tf32(True):
                    fine = _relative(_answers(moved, x0, z, machine), wanted)
                record.check(f"{name}, fp32 with TF32", fine, 3 * own / 8, "3 more bits than bf16")


def _compiled(machine: Machine, record: Record, name: str, plain: Denoiser, case: tuple, limit: float) -> None:
    x0, z, wanted = case
    if machine.xla is not None:
        return record.skip(f"{name}, torch.compile", "XLA compiles by itself")
    moved = copy.deepcopy(plain).to(machine.device)
    moved.compile_network()
    try:
        got = _answers(moved, x0, z, machine)
    except ValueError as refused:
        return record.skip(f"{name}, torch.compile", str(refused))
    return record.check(f"{name}, torch.compile", _relative(got, wanted), limit, "order of sums")


def batch(machine: Machine, record: Record) -> None:
    """A whole run: picture 2 of a batch, and picture 2 by itself."""
    guide = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)).to(machine.device)
    for name, solver in SOLVERS.items():
        model = _gaussian(machine.device, distilled=solver.distilled)
        options = {"t0": 0.5, "steps": 6, "solver": name, "seed": 3}
        together = sdedit(model, guide, **options).samples[2:]
        alone = sdedit(model, guide[2:], sample_indices=[2], **options).samples
        # elementwise but for one norm a picture: the same operations on the same numbers
        limit = 11 * 16 * 4 * ULP if name == "predictor_corrector" else 0
        record.check(
            f"solver {name}, item alone as in a batch", _apart(alone.cpu(), together.cpu()), limit, "same operations"
        )


def models(machine: Machine, record: Record, *, quick: bool) -> None:
    """D of the built-in models."""
    x0 = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    x0 = torch.nn.functional.interpolate(x0, (48, 64), mode="bilinear")
    z = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2))
    for name in builtin_names()[: 1 if quick else None]:
        here, there = (load_score_model(name, image_size=48, device=d) for d in ("cpu", machine.device))
        for sigma in (0.1, 1.0, 10.0):
            x = x0 + sigma * z
            with machine.tf32(False):
                apart = _apart(there.denoise(x.to(machine.device), sigma).cpu(), here.denoise(x, sigma))
            limit = 192 * ULP * (4 + (1 + 5 * sigma) / sigma)
            record.check(f"{name}, sigma {sigma:g}", apart, limit, "rounding of distances")


def waits(machine: Machine, record: Record) -> None:
    """How often a step waits for the device: for the copy of its noise, and for nothing else."""
    denoiser = _drawn(*NETWORKS["DDPM, VP"]).to(machine.device)
    schedule = denoiser.preconditioning.schedule()
    x = torch.zeros(2, 3, 16, 16, device=machine.device)
    ends = {"sigma_min": schedule.sigma_min, "sigma_max": schedule.sigma_max}
    for name, solver in SOLVERS.items():
        model = ScoreModel(
            denoiser, schedule=schedule, data_range=(-1.0, 1.0), takes_numbers=True, device=machine.device
        )
        asked: list[float] = []

        def run(solver=solver, model=model, asked=asked) -> None:
            asked.clear()
            stream = NoiseStream(x.shape[1:], seed=1, stream="path", batch=2, device=machine.device)
            path = BrownianPath(stream, **ends)
            with torch.no_grad():
                solver.solve(model.denoise, x, karras(10.0, 0.02, 5), noise=_Asked(path, asked))

        run()  # tables go to the device, algorithms are chosen
        found = machine.waits(run)
        if found is None:
            record.skip(f"solver {name}, waits", "needs CUDA or XLA; tests/core/test_waits.py counts them without")
        else:
            limit = 0 if machine.xla is not None else len(asked)
            record.check(f"solver {name}, waits", found, limit, "one for each copy of noise")


def memory(machine: Machine, record: Record) -> None:
    """Memory that runs out is a sentence, and the device works on afterwards."""
    name = "out of memory is a sentence"
    if not machine.is_cuda:
        return record.skip(name, "needs a CUDA device, whose memory can be limited")
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        guide = Path(folder) / "guide.png"
        save_image(torch.rand(3, 1024, 1024), guide)
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(machine.device).total_memory
        held = torch.cuda.memory_reserved(machine.device)
        torch.cuda.set_per_process_memory_fraction(min(1.0, (held + 2**23) / total), machine.device)
        command = ["edit", str(guide), "-o", str(Path(folder) / "out.png"), "--images", str(guide), "--steps", "2"]
        try:
            with contextlib.redirect_stderr(said):
                code = sdedit_command([*command, "--device", machine.name])
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, machine.device)
    fine = code == 1 and said.getvalue().startswith(f"sdedit: Out of memory on {machine.name}.")
    if not fine:
        sys.stderr.write(said.getvalue())
    works = float(torch.ones(8, device=machine.device).sum()) == 8.0
    return record.check(name, float(not (fine and works)), 0, "exit code 1 and one line")


class _Asked:
    """A path that keeps a list of what it was asked for."""

    def __init__(self, path: BrownianPath, asked: list[float]):
        self._path, self._asked = path, asked

    def __call__(self, sigma: float, sigma_next: float) -> torch.Tensor:
        self._asked.append(sigma)
        return self._path(sigma, sigma_next)

    def corrector(self, sigma: float) -> torch.Tensor:
        self._asked.append(sigma)
        return self._path.corrector(sigma)


def _gaussian(device: torch.device | str, *, distilled: bool) -> ScoreModel:
    """The exact D of Gaussian data (its distilled one: the end of the probability-flow ODE), elementwise."""

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        gain = STD**2 / (STD**2 + sigma * sigma)
        return MEAN + (x - MEAN) * (gain**0.5 if distilled else gain)

    options = {"schedule": VESDE(0.01, 348.0), "takes_numbers": True, "distilled": distilled, "device": device}
    return ScoreModel(denoise, **options)


def _drawn(spec, process, *, dtype: torch.dtype = torch.float32) -> Denoiser:
    """A network whose every weight is drawn, on the CPU."""
    net, g = UNet(spec, dtype=dtype).to(memory_format=torch.channels_last), torch.Generator().manual_seed(0)
    for name, p in net.named_parameters():
        std = 0.1 if p.dim() == 1 else p[0].numel() ** -0.5
        p.data.copy_(torch.randn(p.shape, generator=g) * std + (p.dim() == 1 and name.endswith("weight")))
    return Denoiser(net, process, channels=3, gain=1.0, offset=0.0)


def _nudged(denoiser: Denoiser) -> Denoiser:
    """Every weight one unit in the last place up or down."""
    out, g = copy.deepcopy(denoiser), torch.Generator().manual_seed(3)
    for p in out.parameters():
        p.data = torch.nextafter(p.data, torch.where(torch.rand(p.shape, generator=g) < 0.5, -torch.inf, torch.inf))
    return out


@torch.no_grad()
def _answers(
    denoiser: Denoiser, x0: torch.Tensor, z: torch.Tensor, machine: Machine | None = None
) -> list[torch.Tensor]:
    device = "cpu" if machine is None else machine.device
    return [denoiser((x0 + sigma * z).to(device), sigma).cpu() for sigma in LEVELS]


def _relative(got: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    """Largest difference over the largest value, the worst level."""
    return max(_apart(a, b) / float(b.abs().max()) for a, b in zip(got, wanted, strict=True))


def _apart(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.double() - b.double()).abs().max())


def _unequal(a: torch.Tensor, b: torch.Tensor) -> int:
    return int((a.cpu() != b.cpu()).sum())
