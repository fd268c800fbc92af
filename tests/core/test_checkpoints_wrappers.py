"""Whatever a trainer wraps around a network, it is the same network: one way for all families."""

from __future__ import annotations

import golden
import pytest
import torch
from families import found, state_of

from sdedit_core.checkpoints.states import RAW, choose_state

NAMES = [
    "adm_cond.pt", "ddpm.ckpt", "edm_song.safetensors", "edm_adm.safetensors", "diffusers_ddpm.safetensors",
    "ncsnpp_ve.pth", "improved_uncond.pt", "edm_imagenet.pt",
]  # fmt: skip


def _under(prefix, state):
    return {f"{prefix}{key}": value for key, value in state.items()}


def _other(state):
    return {key: torch.zeros_like(value) for key, value in state.items()}


def _lightning(state):
    return {"state_dict": {**_under("net.", _other(state)), **_under("net_ema.", state)}, "epoch": 3}


def _counted(state):
    return {"ema.decay": torch.tensor(0.99), "ema.num_updates": torch.tensor(4), **_under("ema.", state)}


WRAPPERS = {
    "compiled": (lambda s: _under("_orig_mod.", s), False),
    "compiled and parallel": (lambda s: _under("module._orig_mod.", s), False),
    "Lightning, model.": (lambda s: {"state_dict": _under("model.", s), "epoch": 3}, False),
    "Lightning, net., compiled": (lambda s: {"state_dict": _under("net._orig_mod.", s), "epoch": 3}, False),
    "Lightning with an average beside": (_lightning, True),
    "params_ema": (lambda s: {"params": _other(s), "params_ema": s}, True),
    "params_ema, compiled": (lambda s: {"params": _under("_orig_mod.", _other(s)), "params_ema": s}, True),
    "a plain table": (lambda s: {"model": _other(s), "ema": s, "step": 7}, True),
    "a plain table with a number": (lambda s: {"model": _other(s), "ema": {"decay": 0.99, **s}}, True),
    "ema_pytorch": (
        lambda s: {
            "model": _other(s),
            "ema": {"step": torch.tensor(4), **_under("online_model.", _other(s)), **_under("ema_model.", s)},
        },
        True,
    ),
    "an averaged model": (lambda s: {"n_averaged": torch.tensor(3), **_under("module.", s)}, False),
    "beside each other": (lambda s: {**_under("model.", _other(s)), **_counted(s)}, True),
    "names without dots": (
        lambda s: {
            **_under("model.", _other(s)),
            **{"model_ema.decay": torch.tensor(0.9)},
            **{f"model_ema.{key.replace('.', '')}": value for key, value in s.items()},
        },
        True,
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_wrapper_around_every_family(name, wrapper):
    state, (wrap, averaged) = state_of(name), WRAPPERS[wrapper]
    content = wrap(state)
    got, which = choose_state(content, "ema")
    assert set(got) == set(state) and all(torch.equal(got[key], state[key]) for key in state)
    assert (which == "EMA") == averaged
    raw, kind = choose_state(content, "raw")
    assert set(raw) == set(state) and (kind == RAW) == averaged
    assert all(not value.any() for value in raw.values()) == averaged
    options = golden.OVERRIDES.get(name, {})
    one, other = found(state, name, **options), found(content, name, **options)
    assert one.spec == other.spec and one.preconditioning == other.preconditioning
    assert all(torch.equal(other.weights[key], value) for key, value in one.weights.items())
