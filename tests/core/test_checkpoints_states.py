"""One unwrapping for all families: averages are taken when they are there, in whatever form trainers keep them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.reading import read_file
from sdedit_core.checkpoints.states import any_state, choose_state, strip

_spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("test_checkpoints_golden.py"))
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)
TABLES = ("betas", "cumprod", "cumprod_prev", "_variance", "_clipped", "_coef1", "_coef2", "loss_weight")  # lucidrains
FROZEN = (
    *TABLES,
    "sigmas",
    "all_modules.0.W",
    "time_proj.weight",
    "map_noise.freqs",
    "resample_filter",
    "timestep_embed.weight",
    ".kernel",
)


def states(name, folder):
    """(path to write to, right weights, wrong ones) of a golden file, as plain state dicts."""
    path = golden.unpack(name, folder)
    file = next(path.glob("diffusion*")) if path.is_dir() else path
    if file.suffix == ".safetensors":
        content = load_file(file)
        file.unlink()
        file = file.with_suffix(".bin")
        path = path if path.is_dir() else file
    else:
        content = read_file(file).content
    right = {k: v.clone() for k, v in choose_state(content, "ema")[0].items()}  # the file is written over
    raw = {k: v if k.endswith(FROZEN) else torch.zeros_like(v) for k, v in right.items()}
    return path, file, right, raw


def prefixed(state):
    return {f"module.{k}": v for k, v in state.items()}


def wrappings(right, raw):
    trained = {k: v for k, v in right.items() if not k.endswith(FROZEN)}
    yield "plain dict", {"model": raw, "ema": right, "step": 3}
    yield "prefixes", {"model": prefixed(raw), "ema": right}
    yield "prefixes in both", {"state_dict": prefixed(raw), "model_ema": prefixed(right)}
    yield "parameters alone", {"model": raw, "ema": trained}
    yield "wrapped once more", {"model": raw, "ema": {"state_dict": right, "decay": 0.999}}
    yield "shadow_params", {"model": prefixed(raw), "ema": {"shadow_params": list(trained.values()), "num_updates": 7}}
    yield "a bare list", {"net": raw, "ema": list(trained.values())}
    yield "a trainer's list", [raw, {"state": {}}, 3, 4, right]
    yield "the average alone", {"ema": right, "step": 1}


# lucid_old.pt is of a release that is told by what its trainer wrote beside the weights
@pytest.mark.parametrize("name", [name for name in golden.NAMES if name != "lucid_old.pt"])
def test_every_family_takes_the_average(name, tmp_path):
    path, file, right, raw = states(name, tmp_path)
    options = golden.OVERRIDES.get(name, {})
    for how, content in wrappings(right, raw):
        torch.save(content, file)
        model = load_checkpoint(path, **options)
        assert model.info.weights == "EMA", how
        assert golden.difference(model, name, "ema") < 1e-5, how
        if how == "the average alone":
            continue
        last = load_checkpoint(path, weights="raw", **options)
        assert last.info.weights.startswith("raw"), how
        assert golden.difference(last, name, "ema") > 1e-2, how


@pytest.mark.parametrize("name", ["ddpm.ckpt", "ncsnpp_ve.pth", "edm_song.safetensors"])
def test_an_average_that_is_not_understood_is_said(name, tmp_path):
    path, file, right, raw = states(name, tmp_path)
    first = next(iter(right.values()))
    for ema, words in (
        ({"weird": [first, {"x": first}]}, "form that this version does not know"),
        ({"shadow_params": [first]}, "a list of 1 tensors"),
        ({"shadow_params": [torch.zeros(1)] * sum(not k.endswith(FROZEN) for k in right)}, "do not fit the network"),
    ):
        torch.save({"model": raw, "ema": ema}, file)
        with pytest.raises(ValueError, match=words) as caught:
            load_checkpoint(path)
        assert 'weights="raw"' in str(caught.value)
        assert load_checkpoint(path, weights="raw").info.weights.startswith("raw")
    torch.save({"model": right, "ema": {"decay": 0.99}, "opt": None}, file)  # settings, no weights
    assert load_checkpoint(path).info.weights == "the file's only set"


def test_where_there_is_no_state_there_is_none():
    for content in (None, 3, [], {}, {"model": 3}, {"ema": []}, [1, 2], {"a": {"b": {}}}):
        assert any_state(content) is None and choose_state(content, "ema") is None
    assert strip({"module.a": torch.zeros(1), "b": torch.zeros(1)}).keys() == {"module.a", "b"}
