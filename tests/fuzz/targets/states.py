"""State dicts of other programs with odd names, shapes and kinds, the JSON beside them, and states of a training."""

from __future__ import annotations

import functools
import io
import json
import math
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load, save

from sdedit_core.networks import CompactSpec
from sdedit_core.training import architectures
from sdedit_core.training.files import read_tensors
from sdedit_core.training.settings import Settings
from sdedit_core.training.sources import TensorSource
from sdedit_core.training.trainer import Trainer

from .. import mutate, seeds
from ..case import Case, Target
from . import models

STATES = ("edm_song.safetensors", "edm_adm.safetensors", "diffusers_ncsnpp.bin", "ddpmpp_vp.pth", "ncsnpp_residual.pth",
          "cd_lsun.pt", "lucid_v.pt", "kdiffusion_slim.safetensors")  # fmt: skip
OPTIONS = ("sde", "sigma_min", "sigma_max", "data_range", "image_size", "num_heads", "num_head_channels", "fir", "name",
           "use_new_attention_order", "noise_schedule", "prediction", "skip_rescale",
           "levels", "sigma_data")  # fmt: skip


@functools.cache
def state(name: str) -> dict[str, torch.Tensor]:
    """The raw weights of a fixture."""
    data = seeds.fixture(name)
    if name.endswith(".safetensors"):
        return load(data)
    content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    return dict(content.get("model", content))


def named(rng: Random) -> Case:
    """A state dict in which some tensors are others, as safetensors or as a PyTorch file, plain or wrapped."""
    tensors = dict(state(rng.choice(STATES)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        _change(rng, tensors)
    call = models.call(rng, {rng.choice(OPTIONS): _option(rng)} if rng.random() < 0.2 else None)
    if rng.random() < 0.5:
        plain = {k: v.clone().contiguous() for k, v in tensors.items()}
        return Case({"a.safetensors": save(plain)}, call)
    out, how = io.BytesIO(), rng.randrange(5)
    wrapped = {
        1: {"model": tensors, "step": 3}, 2: {"state_dict": tensors, "ema": tensors}, 3: [tensors, {}, 1, 2, tensors],
        4: {"model": tensors, "ema": {"shadow_params": list(tensors.values())[: rng.choice((3, 10_000))]}},
    }.get(how, tensors)  # fmt: skip
    torch.save(wrapped, out)
    return Case({"a.pth": out.getvalue()}, call)


def _change(rng: Random, tensors: dict[str, torch.Tensor]) -> None:
    name = rng.choice(list(tensors))
    tensor, how = tensors[name], rng.randrange(11)
    if how == 0:
        del tensors[name]
    elif how == 1:
        parts = name.split(".")
        i = rng.randrange(len(parts))
        parts[i] = rng.choice(("0", "1", "99", "600", "9" * 5000, "-1", "x", "", "weight", "\u0663", "1e3"))
        tensors[".".join(parts)] = tensors.pop(name)
    elif how == 2:
        tensors[mutate.text(rng).encode("ascii", "replace").decode()] = tensor
    elif how == 3:
        tensors[name] = tensor.flatten()
    elif how == 4:
        tensors[name] = tensor[None]
    elif how == 5 and tensor.dim():
        tensors[name] = tensor[: rng.choice((0, 1, 3))]
    elif how == 6:
        tensors[name] = tensor.to(rng.choice((torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool)))
    elif how == 7:
        tensors[name] = tensor * rng.choice((math.nan, math.inf, 1e30, 1e5, 0.0))
    elif how == 8:
        tensors[name] = torch.tensor(1.0)
    elif how == 9:
        tensors[name] = torch.zeros(rng.choice(((1, 0), (3, 3), (2, 2, 2, 2, 2), (128,), (6, 16, 3, 3))))
    else:
        tensors[name] = torch.cat([tensor.flatten()] * 2)


def _option(rng: Random):
    return rng.choice((mutate.value(rng), "ve", "vp", "edm", "consistency", [0, 1], [-1, 1], 2, 0.5, True, 64))


def beside(rng: Random) -> Case:
    """Configurations of diffusers and sidecars."""
    config = json.loads((seeds.FIXTURES / "diffusers_ncsnpp.config.json").read_text())
    config.pop("scheduler", None)
    scheduler = {"_class_name": "ScoreSdeVeScheduler", "num_train_timesteps": 200, "sigma_max": 50.0, "sigma_min": 0.01}
    if rng.random() < 0.4:
        scheduler = {"_class_name": "DDPMScheduler", "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear",
                     "num_train_timesteps": 100, "prediction_type": "epsilon"}  # fmt: skip
        if rng.random() < 0.3:
            scheduler |= {"trained_betas": [0.001, 0.01, 0.02, 0.01], "rescale_betas_zero_snr": rng.random() < 0.5}
        elif rng.random() < 0.3:
            scheduler = {"_class_name": "EDMEulerScheduler", "sigma_max": 50.0, "prediction_type": "v_prediction"}
    how = rng.randrange(6)
    files = {"diffusion_pytorch_model.bin": seeds.fixture("diffusers_ncsnpp.bin")}
    if how < 2:
        config = mutate.changed(rng, config, 2)
    elif how < 4:
        scheduler = mutate.changed(rng, scheduler, 2)
    elif how == 4:
        sidecar = {rng.choice(OPTIONS): _option(rng) for _ in range(rng.randint(1, 2))}
        files["diffusion_pytorch_model.json"] = mutate.written(rng, sidecar).encode("utf-8", "surrogatepass")
    files["config.json"] = mutate.written(rng, config).encode("utf-8", "surrogatepass")
    files["scheduler_config.json"] = mutate.written(rng, scheduler).encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        files["config.json"] = mutate.broken(rng, files["config.json"])
    return Case(files, models.call(rng))


def run(case: Case, folder: Path):
    return models.load(folder / next(iter(case.files)), case.call)


def plain_named() -> Case:
    return Case({"a.safetensors": seeds.fixture("edm_song.safetensors")}, {"edit": True, "t0": 0.5, "solver": "auto"})


def plain_beside() -> Case:
    return Case(
        {"diffusion_pytorch_model.bin": seeds.fixture("diffusers_ncsnpp.bin")},
        {"edit": True, "t0": 0.5, "solver": "auto"},
    )


@functools.cache
def trainer() -> Trainer:
    """A training of a network of a few weights."""
    architectures.NETWORKS["fuzz"] = lambda channels: CompactSpec((4, 4), (1, 1), 0, 4, 4, channels)
    pictures = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = Trainer(TensorSource(pictures), Settings(steps=10, batch=2, network="fuzz"))
    made.train_step()
    return made


@functools.cache
def saved() -> bytes:
    tensors, meta = trainer().state()
    return save({k: v.contiguous() for k, v in tensors.items()}, metadata={"sdedit_training": json.dumps(meta)})


def interrupted(rng: Random) -> Case:
    """The state of a training that is gone on with."""
    table, tensors = seeds.split(saved())
    meta, how = json.loads(table["__metadata__"]["sdedit_training"]), rng.randrange(6)
    if how < 3:
        table["__metadata__"]["sdedit_training"] = mutate.written(rng, mutate.changed(rng, meta, 2))
    elif how == 3:
        tensors = mutate.floats(rng, tensors) if rng.random() < 0.3 else tensors
        meta["step"], meta["pictures"] = rng.choice((0, 1, 5, 10, 1 << 52)), rng.randrange(99)
        table["__metadata__"]["sdedit_training"] = json.dumps(meta)
    elif how == 4:
        table = mutate.changed(rng, table, 1)
    data = seeds.join(mutate.dumped(table), tensors)
    return Case({"a.state.safetensors": mutate.broken(rng, data, most=1) if how == 5 else data})


def go_on(case: Case, folder: Path) -> list[torch.Tensor]:
    made = trainer()
    made.restore(*read_tensors(folder / "a.state.safetensors", "sdedit_training"))
    return list(made.network.parameters())


def plain_interrupted() -> Case:
    return Case({"a.state.safetensors": saved()})


TARGETS = (
    Target("states", named, run, share=1, plain=plain_named),
    Target("sidecars", beside, run, share=1, plain=plain_beside),
    Target("training", interrupted, go_on, share=3, plain=plain_interrupted),
)
