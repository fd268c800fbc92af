"""What the commands share: the options of an edit, and from options to model, guide and mask."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..cli import DEFAULT_MODEL, LONGEST_SIDE, _device, _output, _parse_size, _progress, _sampling, _working_size, say

if TYPE_CHECKING:
    import torch

    from ..score_model import ScoreModel

__all__ = ["Job", "add_edit_options", "device", "load_job", "load_model", "output", "parse_size", "progress", "say"]

device, output, parse_size, progress = _device, _output, _parse_size, _progress


@dataclass
class Job:
    """A guide ready to be edited: ``guide`` in the model's range, ``picture`` in [0, 1], mask 0 or 1, all one size."""

    model: ScoreModel
    guide: torch.Tensor
    picture: torch.Tensor
    mask: torch.Tensor | None


def add_edit_options(parser: argparse.ArgumentParser, *, steps: int = 20, mask: bool = True) -> None:
    """--model or --images, --mask, --size, --repeats and the options of every sampling command."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="MODEL", help="built-in name or checkpoint path (default %(default)s)"
    )
    source.add_argument("--images", nargs="+", metavar="FILE", help="use these images as the score model (no training)")
    if mask:
        parser.add_argument("--mask", metavar="FILE", help="white = change, black = keep exactly")
    parser.add_argument(
        "--size",
        metavar="PX|WxH",
        help=f"working size; default: the guide's own, its longer side at most {LONGEST_SIDE}",
    )
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="K", help="passes at the same t0 (default %(default)s)"
    )
    _sampling(parser, steps=steps)


def load_model(args: argparse.Namespace) -> ScoreModel:
    """The model that the options name."""
    from ..images import load_image
    from ..loading import load_score_model, score_model_from_images

    where = device(args.device)
    if args.images:
        return score_model_from_images([load_image(path) for path in args.images], device=where)
    return load_score_model(args.model, device=where)


def load_job(args: argparse.Namespace, guide: str) -> Job:
    """Model, guide and mask of the options, at the working size."""
    from ..images import fit, load_image, load_mask, to_range

    picture = load_image(guide)
    mask = load_mask(args.mask) if args.mask else None
    if mask is not None and mask.shape[-2:] != picture.shape[-2:]:
        raise ValueError(
            f"The mask {args.mask} is {mask.shape[-1]} x {mask.shape[-2]}, the guide {guide} is "
            f"{picture.shape[-1]} x {picture.shape[-2]}: they must have the same size."
        )
    model = load_model(args)
    width, height = _working_size(args, model, picture)
    if (height, width) != tuple(picture.shape[-2:]):
        say(f"working at {width} x {height} (the guide is {picture.shape[-1]} x {picture.shape[-2]}; see --size)")
    picture = fit(picture, width=width, height=height)
    if mask is not None:
        mask = (fit(mask, width=width, height=height) >= 0.5).float()
    return Job(model, to_range(picture, model.data_range), picture, mask)


def file_output(path: str) -> Path:
    """Refuse a bad path for a text file before the work."""
    out = Path(path)
    if not out.parent.is_dir():
        raise ValueError(f"The folder {out.parent} does not exist.")
    if out.is_dir():
        raise ValueError(f"{out} is a folder; a file name is needed.")
    return out


def save_pil(image, path: Path) -> None:
    """Write a PIL picture whole or not at all."""
    from ..images import from_pil, save_image

    save_image(from_pil(image), path)
