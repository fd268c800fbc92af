"""``sdedit report``: what an edit did to its guide: numbers, bound, prediction, difference heat map."""

from __future__ import annotations

import argparse
import json

from .common import (
    Outputs,
    add_dial,
    add_edit_options,
    default_t0,
    dial_value,
    progress,
    say,
    say_default_t0,
)
from .job import load_job, say_mask, sweep_plan


def add_parser(commands) -> None:
    """Add ``report`` to the sub-parsers."""
    parser = commands.add_parser(
        "report",
        help="how far an edit is from its guide, where, and what the theory allows",
        description="With PICTURE: compare two files. Without: make the edit, and report the prediction before it, "
        "the bound along it, evaluations and seconds as well.",
    )
    parser.add_argument("guide", metavar="GUIDE", help="guide image file")
    parser.add_argument("picture", nargs="?", metavar="PICTURE", help="its edit; left out: it is made now")
    add_dial(parser, "of the edit to make")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the edit that is made")
    parser.add_argument("--heat-map", metavar="FILE", help="write the difference heat map")
    parser.add_argument("--scale", type=float, metavar="X", help="difference shown brightest (default: what occurs)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    parser.add_argument("--delta", type=float, default=0.05, help="failure probability of the bound (default 0.05)")
    add_edit_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measure, and write what was asked for."""
    from ..measure.plots import heat_map
    from ..pictures.files import write_file
    from ..pictures.io import has_profile, save_image

    outputs = Outputs(args, args.guide, args.picture)
    heat = outputs.picture(args.heat_map) if args.heat_map else None
    out = outputs.picture(args.output) if args.output else None
    numbers = outputs.file(args.json) if args.json else None
    found, guide, picture, mask = _files(args) if args.picture else _edit(args)
    say(str(found))
    if out:
        save_image(picture, out, profile=has_profile(args.guide))
        say(f"wrote {out.resolve()}")
    if heat:
        save_image(heat_map(guide, picture, mask=mask, scale=args.scale), heat)
        say(f"wrote {heat.resolve()}")
    if numbers:
        write_file(numbers, json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n")
        say(f"wrote {numbers.resolve()}")


def _files(args: argparse.Namespace) -> tuple:
    """Two files, no model."""
    from ..measure.comparison import compare
    from ..pictures.io import load_image, load_mask
    from ..sampling.masks import binary_mask

    for option, value in (("--t0", args.t0), ("--noise-share", args.noise_share), ("-o", args.output)):
        if value is not None:
            raise ValueError(f"{option} belongs to an edit that is made now; leave PICTURE out, or leave {option} out.")
    guide, picture = load_image(args.guide), load_image(args.picture)
    mask = None if args.mask is None else binary_mask(load_mask(args.mask)).float()
    if mask is not None:
        say_mask(args.mask, mask)
    return compare(guide, picture, mask=mask), guide, picture, mask


def _edit(args: argparse.Namespace) -> tuple:
    """Make the edit, with prediction and bound."""
    from ..measure.comparison import compare
    from ..pictures.io import from_range

    value, unit = dial_value(args, default_t0(args))
    job = load_job(args, args.guide)
    say_default_t0(args)
    plan = sweep_plan(args, job, delta=args.delta, unit=unit)
    with progress(plan.callbacks([value]), "sdedit report") as callback:
        cell = plan.cell(value, callback=callback)
    picture = from_range(cell.samples, job.model.data_range).clamp(0, 1)
    found = compare(
        job.picture,
        picture,
        mask=job.mask,
        t0=cell.t0,
        sigma=cell.sigma,
        noise_share=cell.noise_share,
        nfe=cell.nfe,
        seconds=cell.seconds,
        predicted=cell.predicted,
        bounds=cell.bounds,
    )
    found.notes += cell.notes
    return found, job.picture, picture, job.mask
