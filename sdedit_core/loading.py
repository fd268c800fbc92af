"""``load_score_model``: one door for built-in priors and files."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from .score_model import ModelInfo, ScoreModel
from .sde import VESDE

_DTYPES = {"auto": torch.float32, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def builtin_names() -> list[str]:
    """Names that ``load_score_model`` knows without a file."""
    from .builtin import list_priors

    return list(list_priors())


def load_score_model(
    name_or_path: str | os.PathLike,
    *,
    weights: str = "ema",
    dtype: str = "auto",
    device: str | torch.device = "cpu",
    **overrides,
) -> ScoreModel:
    """Load a built-in prior by name, or a checkpoint file or folder by path.

    Args:
        name_or_path: a built-in name (see :func:`builtin_names`) or a path.
        weights: "ema" or "raw", for files that hold both.
        dtype: "auto", "fp32", "fp16" or "bf16", the network's own precision; the state stays float32.
        device: where to put it.
        **overrides: what a file cannot say: sde, sigma_min, sigma_max, data_range, image_size, num_heads,
            num_head_channels, use_new_attention_order. Built-in priors take ``native_size`` in pixels only.

    Raises:
        ValueError: unknown name or path, unreadable file, unknown option; the text says what to do.
    """
    if weights not in ("ema", "raw"):
        raise ValueError(f'weights must be "ema" or "raw", got {weights!r}.')
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}.")
    name = os.fspath(name_or_path)
    if name in builtin_names():
        native_size = overrides.pop("native_size", None)
        if overrides:
            given = ", ".join(sorted(overrides))
            raise ValueError(f"The built-in model {name!r} takes no override but native_size, got {given}.")
        from .builtin import list_priors, load_prior

        return patch_score_model(
            load_prior(name, size=native_size), name=name, source="built in", note=list_priors()[name], device=device
        )
    if not Path(name).exists():
        raise ValueError(
            f"No score model called {name!r}: it is neither a built-in ({', '.join(builtin_names())}) "
            "nor an existing file or folder."
        )
    from .checkpoints import load_checkpoint

    return load_checkpoint(Path(name), weights=weights, dtype=dtype, device=device, **overrides)


def patch_score_model(
    prior, *, name: str, source: str, note: str = "", device: str | torch.device = "cpu"
) -> ScoreModel:
    """A patch prior (``priors.patch.PatchPrior``) as a ScoreModel on the paper's VE schedule, pixels in [0, 1]."""
    summary = [f"{key}: {value}" for key, value in prior.summary().items()]
    return ScoreModel(
        prior.denoise,
        schedule=VESDE(0.01, 348.0),
        data_range=(0.0, 1.0),
        channels=3,
        device=device,
        info=ModelInfo(
            name=name,
            architecture="multi-scale patch score model (no training)",
            source=source,
            detected=summary,
            notes=[note] if note else [],
        ),
    )


def score_model_from_images(
    images, *, palette_freedom: float = 0.0, position_aware: bool = False, device: str | torch.device = "cpu"
) -> ScoreModel:
    """A few images become the score model: no training, pictures are recombined from their patches.

    Args:
        images: list of (1,3,H,W) or one (N,3,H,W) tensor in [0, 1].
        palette_freedom: 0 keeps the images' own colours; about 0.05 lets patches take the guide's colours.
        position_aware: patches stay near the height at which they were found (for landscapes).
    """
    from .priors.patch import PatchPrior

    prior = PatchPrior.from_images(images, palette_freedom=palette_freedom, position_aware=position_aware)
    count = len(images)
    return patch_score_model(prior, name=f"{count} image{'s' if count != 1 else ''}", source="images", device=device)
