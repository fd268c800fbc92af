"""``--crop``: only a window around the mask is worked on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import say
from .job import EditJob, check_sides, say_mask, working_size

if TYPE_CHECKING:
    import torch

    from ..model import ScoreModel


def window_job(
    args: argparse.Namespace, guide: str, model: ScoreModel, picture: torch.Tensor, mask: torch.Tensor | None
) -> EditJob:
    """The window of a guide around its mask, at the size of --size or the model's own, and the way back.

    ``picture`` is the guide as it was read; a colour file of 16 bits is read once more, by all of them.
    """
    from ..pictures.deep_colour import is_deep, load_deep_colour
    from ..pictures.fit import AROUND, fit_image
    from ..pictures.io import bits_of, has_profile, to_range

    if mask is None:
        raise ValueError("--crop works on a window around the mask; say which with --mask FILE.")
    colours = load_deep_colour(guide)
    deep = colours is not None or bits_of(guide) > 8
    picture = picture if colours is None else colours
    if colours is None and is_deep(guide):
        say(f"{guide} has 16 bits, of which 8 are used and written; a colour .png in sRGB keeps all of them")
    say_mask(args.mask, mask)
    size = model.size
    if args.size:
        width, height = working_size(args.size, model, picture)
        size = height, width
    options = {"size": size, "multiple": model.size_multiple, "context": args.context}
    fitted = fit_image(picture, mask, method=AROUND, **options)
    say(f"window: {fitted.text}")
    if model.size is None:
        check_sides(f"the window of {guide}", fitted.image)
    window = to_range(fitted.image, model.data_range)
    return EditJob(model, window, fitted.image, fitted.mask, has_profile(guide), fitted.undo, deep)
