"""What is done with a file of weights in all targets of checkpoints: it is loaded, and at times used."""

from __future__ import annotations

from pathlib import Path

import torch

from sdedit_core import sdedit
from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint

SOLVERS = ("auto", "sde_2m", "ancestral", "reverse_diffusion")


def load(path: Path, call: dict) -> list[torch.Tensor]:
    """Load a file, and by ``call``: make an edit of two steps with it, or convert it and load that."""
    model = load_checkpoint(path, **call.get("options", {}))
    out = [model.schedule.sigma(t) for t in (0.0, 0.5, 1.0)]
    out = [torch.tensor(out)]
    if call.get("convert"):
        target = path.with_name("converted.safetensors")
        convert_checkpoint(path, target, overrides=call.get("options", {}))
        model = load_checkpoint(target)
    side = max(16, model.size_multiple)
    if call.get("edit") and side <= 64 and model.channels <= 4:
        low, high = model.data_range
        guide = torch.rand(1, model.channels, side, side, generator=torch.Generator().manual_seed(0))
        label = torch.tensor([0]) if model.num_classes else None
        result = sdedit(model, guide * (high - low) + low, t0=call["t0"], steps=2, solver=call["solver"], y=label)
        out += [result.samples, result.denoised]
    return out


def call(rng, options: dict | None = None) -> dict:
    """What to do with a file when it can be loaded."""
    out = {"edit": rng.random() < 0.3, "t0": rng.choice((0.0, 0.3, 0.7, 1.0)), "solver": rng.choice(SOLVERS)}
    out["convert"] = rng.random() < 0.1
    return out | ({"options": options} if options else {})
