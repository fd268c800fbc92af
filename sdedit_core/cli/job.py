"""From the options of a command to its model, guide and mask."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .common import LONGEST_SIDE, class_labels, device, edit_options, parse_overrides, parse_size, say, use_threads

if TYPE_CHECKING:
    import torch

    from ..measure.sweep import SweepPlan
    from ..model import ScoreModel
    from ..pictures.fit import Undo

LEAST_SIDE = 16


@dataclass
class EditJob:
    """A guide ready to be edited: ``guide`` in the model's range, ``picture`` and ``mask`` in [0, 1], all one size.

    ``profile``: the guide's file has a colour profile, so what is made of it should have one too.
    ``undo``: the way back, where only a window of the guide is worked on; ``deep``: the file has 16 bits.
    ``photo``: the guide's own photo, untouched, where that is the model; the edit fades into it.
    """

    model: ScoreModel
    guide: torch.Tensor
    picture: torch.Tensor
    mask: torch.Tensor | None
    profile: bool = False
    undo: Undo | None = None
    deep: bool = False
    photo: torch.Tensor | None = None


def working_size(size: str | None, model: ScoreModel, picture: torch.Tensor) -> tuple[int, int]:
    """Width and height to work at: the user's, or the picture's with a limit, in multiples the model needs."""
    h, w = picture.shape[-2:]
    m = model.size_multiple
    if size:
        width, height = parse_size(size)
        if width % m or height % m:
            raise ValueError(f"This model needs width and height in multiples of {m}, got --size {size}.")
        return width, height
    if model.size is not None:
        return model.size[1], model.size[0]
    scale = min(1.0, LONGEST_SIDE / max(h, w))
    return max(m, round(w * scale / m) * m), max(m, round(h * scale / m) * m)


def load_model(args: argparse.Namespace) -> ScoreModel:
    """The model that the options name."""
    return _load(args)[0]


def _load(args: argparse.Namespace, *masked: torch.Tensor | None) -> tuple[ScoreModel, torch.Tensor | None]:
    """The model that the options name; where it is the photo of a guide and mask given, without what that opens.

    And that photo, (1, 3, H, W) of the guide's size, where the guide is not the photo itself.
    """
    from ..load import load_score_model, score_model_from_images
    from ..pictures.io import load_image
    from .left_out import own_photo

    where, photo = device(args.device), None
    overrides = parse_overrides(args.set)
    if args.images:
        if set(overrides) - {"palette_freedom"}:
            raise ValueError("--set is for checkpoint files; a model of --images has palette_freedom only.")
        pictures = [load_image(path) for path in args.images]
        for path, picture in zip(args.images, pictures, strict=True):
            check_sides(path, picture)
        own, photo = own_photo(pictures, *masked) if masked else ({}, None)
        if own:
            edits = photo is not None and hasattr(args, "feather")
            fades = "; the edit fades into it inside of the mask, see --feather" if edits else ""
            say(f"the guide's own photo is the model: what the mask opens is left out of it{fades}")
        model = score_model_from_images(pictures, device=where, **own | overrides)
    else:
        model = load_score_model(
            args.model, weights=args.weights, dtype=args.dtype, device=where, compile=args.compile, **overrides
        )
    use_threads(args.threads, model)
    return model, photo


def check_sides(path: str, picture: torch.Tensor, size: tuple[int, int] | None = None) -> None:
    """ValueError when a picture, or the size it is worked at, is too narrow for a model to see anything in it."""
    height, width = picture.shape[-2:]
    if min(size or (width, height)) < LEAST_SIDE:
        at = f" and would be worked at as {size[0]} x {size[1]}" if size and size != (width, height) else ""
        raise ValueError(
            f"{path} is {width} x {height} pixels{at}; the shorter side needs at least {LEAST_SIDE}. "
            f"Cut out a piece that is less narrow{', enlarge it, or say --size' if size else ' or enlarge it'}."
        )


def say_mask(path: str, mask: torch.Tensor) -> None:
    """Which share of the picture a mask opens."""
    open_, soft = float((mask > 0).float().mean()), bool(((mask > 0) & (mask < 1)).any())
    say(f"the mask {path} opens {open_:.1%} of the picture" + (", some of it in part" if soft else ""))


def load_job(args: argparse.Namespace, guide: str) -> EditJob:
    """Model, guide and mask of the options, at the working size."""
    from ..pictures.distance import check_feather
    from ..pictures.fit import fit
    from ..pictures.io import has_profile, load_image, load_mask, to_range
    from ..sampling.masks import binary_mask

    picture = load_image(guide)
    mask = load_mask(args.mask) if args.mask else None
    if mask is not None and mask.shape[-2:] != picture.shape[-2:]:
        raise ValueError(
            f"The mask {args.mask} is {mask.shape[-1]} x {mask.shape[-2]}, the guide {guide} is "
            f"{picture.shape[-1]} x {picture.shape[-2]}: they must have the same size."
        )
    check_feather(getattr(args, "feather", 0))
    model, photo = _load(args, picture, mask)
    if getattr(args, "crop", False):
        from .window import window_job

        return replace(window_job(args, guide, model, picture, mask), photo=photo)
    width, height = working_size(args.size, model, picture)
    if model.size is None:
        check_sides(guide, picture, (width, height))
    if (height, width) != tuple(picture.shape[-2:]):
        say(f"working at {width} x {height} (the guide is {picture.shape[-1]} x {picture.shape[-2]}; see --size)")
    picture = fit(picture, width=width, height=height)
    if mask is not None:
        hard = bool(((mask == 0) | (mask == 1)).all())
        mask = fit(mask, width=width, height=height)
        mask = binary_mask(mask).float() if hard else mask
        say_mask(args.mask, mask)
    photo = None if photo is None else fit(photo, width=width, height=height)
    return EditJob(model, to_range(picture, model.data_range), picture, mask, has_profile(guide), photo=photo)


def sweep_plan(args: argparse.Namespace, job: EditJob, **options: object) -> SweepPlan:
    """The plan that the options of an edit describe; predictions are for single passes."""
    from ..measure.sweep import SweepPlan

    given = {**edit_options(args), **options}
    label = class_labels(args, job.model, 1)
    return SweepPlan(job.model, job.guide, mask=job.mask, y=label, predict=args.repeats == 1, **given)
