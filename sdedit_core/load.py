"""``load_score_model``: one door for built-in priors and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .model import ModelInfo, ScoreModel
from .sde import FadingVESDE, short, whole_number

if TYPE_CHECKING:
    from .priors.patch import PatchPrior
    from .priors.picked import PickedPatchPrior
    from .priors.sized import SizedPatchPrior

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
    compile: bool = False,
    **overrides,
) -> ScoreModel:
    """Load a built-in prior by name, or a checkpoint file or folder by path.

    Args:
        name_or_path: a built-in name (see :func:`builtin_names`) or a path.
        weights: "ema" or "raw", for files that hold both.
        dtype: "auto", "fp32", "fp16" or "bf16", the network's own precision; the state stays float32.
        device: where to put it.
        compile: let ``torch.compile`` build a network at its first call and for each new size; minutes on a CPU,
            where it gains nothing, worth trying on a GPU. Built-in priors have no network and ignore it.
        **overrides: what a file cannot say: sde, sigma_min, sigma_max, data_range, image_size, num_heads,
            num_head_channels, use_new_attention_order; docs/checkpoints.md has them all.  Built-in priors take
            image_size, the side in pixels to which their references are scaled, by default they follow the picture;
            and palette_freedom, 0 = only the colours of the references, more keeps those of the painting.

    Raises:
        ValueError: unknown name or path, unreadable file, unknown option; the text says what to do.
    """
    if weights not in ("ema", "raw"):
        raise ValueError(f'weights must be "ema" or "raw", got {weights!r}.')
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}.")
    name = os.fspath(name_or_path)
    if name in builtin_names():
        from .builtin import ALL, COVER, PALETTE_FREEDOM, list_priors, load_prior
        from .priors.given import check_freedom

        image_size = overrides.pop("image_size", None)
        freedom = check_freedom(overrides.pop("palette_freedom", PALETTE_FREEDOM))
        if overrides:
            given = ", ".join(sorted(overrides))
            raise ValueError(
                f"The built-in model {name!r} takes no override but image_size and palette_freedom, got {given}."
            )

        def make(size: int | None) -> PatchPrior | PickedPatchPrior:
            return load_prior(name, size=size, palette_freedom=freedom)

        if name == ALL and image_size is None:
            prior = make(None)
        else:
            prior = _sized(make, image_size, cover=COVER)
        return patch_score_model(prior, name=name, source="built in", note=list_priors()[name], device=device)
    if not Path(name).exists():
        raise ValueError(
            f"No score model called {name!r}: it is neither a built-in ({', '.join(builtin_names())}) "
            "nor an existing file or folder."
        )
    from .checkpoints import load_checkpoint

    return load_checkpoint(Path(name), weights=weights, dtype=dtype, device=device, compile=compile, **overrides)


def patch_score_model(
    prior: PatchPrior | SizedPatchPrior | PickedPatchPrior,
    *,
    name: str,
    source: str,
    note: str = "",
    device: str | torch.device = "cpu",
) -> ScoreModel:
    """A patch prior as a ScoreModel on the paper's VE schedule, pixels in [0, 1]; ``.prior`` is the prior itself."""
    summary = [f"{key}: {value}" for key, value in prior.summary().items()]
    return ScoreModel(
        prior.denoise,
        prior=prior,
        takes_numbers=True,
        smooth=False,
        schedule=FadingVESDE(0.01, 348.0),
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
    images: torch.Tensor | Sequence[torch.Tensor],
    *,
    palette_freedom: float = 0.0,
    position_aware: bool = False,
    flip: bool = True,
    image_size: int | None = None,
    device: str | torch.device = "cpu",
    leave_out: Sequence[torch.Tensor | None] | None = None,
) -> ScoreModel:
    """A few images become the score model: no training, pictures are recombined from their patches.

    Args:
        images: list of (3,H,W) or (1,3,H,W), or one (N,3,H,W) tensor, in [0, 1].
        palette_freedom: 0 keeps the images' own colours; about 0.05 lets patches take the guide's colours.
        position_aware: patches stay near the height at which they were found (for landscapes).
        flip: use the mirror images too.
        image_size: short side in pixels to which the images are scaled; None follows each picture.
        leave_out: a mask (H, W) or None for each image; what is above 0 does not become part of the model.  For a photo
            that is edited with itself as the model: the mask of the edit, or the model knows what was there before and
            takes the edit back.

    Raises:
        ValueError: images that cannot be a model, masks that leave nothing of them.
    """
    from .priors.given import check_images
    from .priors.patch import PatchPrior

    checked = check_images(images)

    def make(size: int) -> PatchPrior:
        return PatchPrior.from_images(
            checked,
            palette_freedom=palette_freedom,
            position_aware=position_aware,
            flip=flip,
            size=size,
            leave_out=leave_out,
        )

    name = f"{len(checked)} image{'s' if len(checked) != 1 else ''}"
    return patch_score_model(_sized(make, image_size), name=name, source="images", device=device)


def _sized(
    make: Callable[[int], PatchPrior], image_size: int | None, *, cover: float = 1.0
) -> PatchPrior | SizedPatchPrior:
    """A prior of one fixed size, or one that follows the picture."""
    from .priors.sized import SizedPatchPrior

    if image_size is None:
        return SizedPatchPrior(make, cover=cover)
    side = whole_number(image_size, point=True)
    if side is None or not 16 <= side <= 4096:
        raise ValueError(f"image_size must be one whole number from 16 to 4096 pixels, got {short(image_size)}.")
    return make(side)
