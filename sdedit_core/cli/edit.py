"""``sdedit edit``: guide image in, picture out."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..sampling.options import T0
from ..sampling.share import MODEL_TIME
from .common import (
    Outputs,
    add_dial,
    add_edit_options,
    class_labels,
    default_t0,
    dial_value,
    edit_options,
    progress,
    say,
    say_default_t0,
)
from .job import load_job

LOSSLESS = (".png", ".tif", ".tiff", ".bmp")


def add_parser(commands) -> None:
    """Add the sub-command."""
    edit = commands.add_parser("edit", help="turn a guide image into a picture")
    edit.add_argument("guide", metavar="GUIDE", help="guide image file")
    edit.add_argument("-o", "--output", required=True, metavar="FILE", help="picture to write (.png, .jpg, .webp)")
    add_dial(edit, T0.words)
    edit.add_argument(
        "--change",
        type=float,
        metavar="RMS",
        help="in place of --t0: find the t0 that is expected to change the picture by this RMS, e.g. 0.1",
    )
    edit.add_argument("--batch", type=int, default=1, metavar="N", help="pictures to make; N > 1 numbers the files")
    edit.add_argument(
        "--crop",
        action="store_true",
        help="work on a window around --mask and paste what may change back into the guide, in its own size; --size is "
        "then that of the window. Where the mask is black every pixel is kept, in a .png of 16 bits where the guide "
        "has 16",
    )
    edit.add_argument(
        "--context",
        type=float,
        default=0.5,
        metavar="X",
        help="with --crop: what is shown around the mask, as a share of its longer side (default %(default)s)",
    )
    edit.add_argument(
        "--feather",
        type=int,
        default=4,
        metavar="PX",
        help="with --crop: pixels inside the mask over which a step in colour at its edge is spread; where --images is "
        "the guide's own photo: pixels inside the mask over which the edit fades into it (default %(default)s)",
    )
    add_edit_options(edit)
    edit.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Edit and write; says what was done and where the picture is."""
    import torch

    from ..edit import sdedit
    from ..measure.deviation import t0_for_deviation
    from ..pictures.deep_colour import save_deep_colour
    from ..pictures.fade import faded_into
    from ..pictures.fit import unfit_image
    from ..pictures.io import from_range, save_image

    if not 1 <= args.batch <= 64:
        raise ValueError(f"--batch must be between 1 and 64, got {args.batch}.")
    outputs, out = Outputs(args, args.guide), Path(args.output)
    names = [out.name] if args.batch == 1 else [f"{out.stem}_{i:02d}{out.suffix}" for i in range(args.batch)]
    numbered = [outputs.picture(out.parent / name) for name in names]
    for name, given in (("--t0", args.t0), ("--noise-share", args.noise_share)):
        if given is not None and args.change is not None:
            raise ValueError(f"{name} and --change both say how much may change; use one.")
    value, unit = dial_value(args, default_t0(args))
    job = load_job(args, args.guide)
    label = class_labels(args, job.model, args.batch)
    if args.change is not None:
        found = t0_for_deviation(
            job.model, job.guide, args.change, seed=args.seed, mask=job.mask, y=None if label is None else label[:1]
        )
        say(str(found))
        value = found.t0
    else:
        say_default_t0(args)
    with progress(args.steps * args.repeats, "sdedit edit") as callback:
        result = sdedit(
            job.model,
            job.guide.expand(args.batch, -1, -1, -1),
            **{"t0" if unit == MODEL_TIME else "noise_share": value},
            mask=job.mask,
            y=label,
            callback=callback,
            **edit_options(args),
        )
    say(str(result.report))
    pictures = from_range(result.samples, job.model.data_range)
    if not bool(torch.isfinite(pictures).all()):
        raise ValueError("The result contains NaN or infinite values; nothing was written. Try --dtype fp32.")
    if job.undo is not None:
        pictures = unfit_image(pictures, job.undo, feather=args.feather)
        if out.suffix.lower() not in LOSSLESS:
            say(f"{out.suffix} files change every pixel a little; write a .png to keep the rest bit for bit")
    if job.photo is not None and result.nfe > 0:  # at t0 0 the guide comes back as it is
        mask = job.mask if job.undo is None else job.undo.mask
        pictures = faded_into(job.photo.to(pictures), pictures, mask.to(pictures.device), args.feather)
    deep = job.deep and out.suffix.lower() == ".png"
    for i, path in enumerate(numbered):
        if deep:
            save_deep_colour(pictures[i : i + 1], path)
        else:
            save_image(pictures[i : i + 1], path, profile=job.profile)
        say(f"wrote {path.resolve()}")
