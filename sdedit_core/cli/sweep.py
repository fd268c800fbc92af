"""``sdedit sweep``: one guide, several t0, the same random numbers; sheet, plot, table, pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..sampling.share import MODEL_TIME
from ..sde import t0_text
from .common import (
    Outputs,
    add_dial,
    add_edit_options,
    class_labels,
    dial_value,
    progress,
    say,
)
from .job import load_job, sweep_plan

DEFAULT_T0 = "0.1:0.8:8"


def add_parser(commands) -> None:
    """Add ``sweep`` to the sub-parsers."""
    parser = commands.add_parser("sweep", help="the same edit at several t0: sheet, trade-off plot, table")
    parser.add_argument("guide", metavar="GUIDE", help="guide image file")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="labelled sheet to write")
    add_dial(parser, "0.2,0.3,0.4 or start:stop:count", values=DEFAULT_T0)
    parser.add_argument(
        "--picks",
        default="",
        metavar="LIST",
        help='search for t0: the number of the picture you like best on the last sheet, f or r, as in "4 2 r"',
    )
    parser.add_argument("--plot", metavar="FILE", help="trade-off plot to write (says more with matplotlib)")
    parser.add_argument("--csv", metavar="FILE", help="table to write")
    parser.add_argument("--pictures", metavar="FOLDER", help="also write every picture into this folder")
    parser.add_argument(
        "--reference",
        metavar="FOLDER",
        help="real pictures to measure realism against; default: the model's own images",
    )
    parser.add_argument("--probe", action="store_true", help="only show E[x0|x(t0)], one evaluation per t0")
    add_edit_options(parser, steps=12)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Make the cells, then write what was asked for; a cancelled sweep writes its finished cells."""
    from ..measure.deviation import pixel_size
    from ..measure.picks import sheet_after
    from ..measure.sweep import parse_t0_values
    from ..measure.table import sweep_rows, sweet_spot, table, to_csv
    from ..pictures.files import write_file
    from ..pictures.io import from_range, save_pil
    from ..pictures.sheet import contact_sheet

    given, unit = dial_value(args, DEFAULT_T0)
    name = "t0" if unit == MODEL_TIME else unit
    outputs, search = Outputs(args, args.guide), sheet_after(parse_t0_values(given), args.picks, name=name)
    values = list(search.values)
    out = outputs.picture(args.output)
    plot = outputs.picture(args.plot) if args.plot else None
    sheet_csv = outputs.file(args.csv) if args.csv else None
    folder = outputs.folder(args.pictures, [_picture_name(value, name) for value in values]) if args.pictures else None
    job = load_job(args, args.guide)
    if args.probe:
        _probe(args, job, values, out, unit)
        return
    plan = sweep_plan(args, job, unit=unit)
    with progress(plan.callbacks(values), "sdedit sweep") as callback:
        result = plan.run(values, callback=callback, stop=(KeyboardInterrupt,))
    pictures = [from_range(cell.samples, job.model.data_range).clamp(0, 1) for cell in result.cells]
    realism, other = _realism(args, job)
    found = sweep_rows(result, job.picture, pictures, mask=job.mask, realism=realism, pixel=pixel_size(job.model))
    untouched = realism(job.picture).mean if realism else None
    spot = sweet_spot(found, ceiling=untouched, unit=unit) if realism else None
    say(table(found))
    if realism:
        say(f"realism: sliced Wasserstein distance to {other}, smaller is more real")
        say(f"guide itself: {untouched:.4g}")
    if spot is not None:
        say(str(spot))
    if search.t0 is not None:
        say(str(search))
    labels = [f"{i}:  {cell.label}" for i, cell in enumerate(result.cells, 1)]
    columns = min(4, len(pictures) + 1)
    for note in dict.fromkeys(note for value in values if (note := plan.dial.note(value))):
        say(note)
    title = f"SDEdit, seed {args.seed}: faithful (small {name}) to realistic (large {name})"
    sheet = contact_sheet([job.picture, *pictures], ["guide", *labels], columns=columns, title=title)
    save_pil(sheet, out)
    say(f"wrote {out.resolve()}")
    if sheet_csv:
        write_file(sheet_csv, to_csv(found))
        say(f"wrote {sheet_csv.resolve()}")
    if folder:
        names = [_picture_name(value, name) for value in result.wanted]
        _save_pictures(folder, names, pictures, profile=job.profile)
    if plot and len(found) > 1:
        from ..measure.plots import tradeoff_plot

        save_pil(tradeoff_plot(found, spot=spot, title=Path(args.guide).name, unit=unit), plot)
        say(f"wrote {plot.resolve()}")
    if not result.complete:
        sys.stderr.write(f"sdedit: interrupted, {len(result.cells)} of {len(result.wanted)} cells were written\n")
        sys.exit(130)


def _picture_name(value: float, name: str) -> str:
    return f"{name.replace(' ', '-')}-{t0_text(value)}.png"


def _save_pictures(folder: Path, names: list[str], pictures: list, *, profile: bool) -> None:
    from ..pictures.io import save_image

    for name, picture in zip(names, pictures, strict=False):  # fewer pictures when it was cancelled
        save_image(picture, folder / name, profile=profile)
    say(f"wrote {len(pictures)} pictures to {folder.resolve()}")


def _realism(args: argparse.Namespace, job) -> tuple:
    """Distance to real pictures and a name for them: --reference, the --images, or the built-in model's own."""
    from ..builtin import list_priors, references_like
    from ..measure.protocol import PictureFolder
    from ..measure.realism import SlicedWasserstein
    from ..pictures.fit import fit
    from ..pictures.io import load_image

    height, width = job.picture.shape[-2:]
    if min(height, width) < 16:
        return None, ""
    if args.reference:
        return SlicedWasserstein(PictureFolder(args.reference, width=width, height=height)), args.reference
    if args.images:
        own = [fit(load_image(path), width=width, height=height) for path in args.images]
        return SlicedWasserstein(own), "the model's own images"
    if args.model in list_priors():
        own = references_like(args.model, job.model.prior, job.picture, max(16, min(height, width)))
        return SlicedWasserstein(fit(own, width=width, height=height)), "the model's own images"
    say("no --reference: realism is not measured")
    return None, ""


def _probe(args: argparse.Namespace, job, values: list[float], out: Path, unit: str) -> None:
    """The sheet of E[x0 | x(t0)], with the expected change of every t0."""
    from ..measure.probe import probe
    from ..pictures.io import from_range, save_pil
    from ..pictures.sheet import contact_sheet

    with progress(len(values), "sdedit sweep --probe") as tick:
        found = probe(
            job.model,
            job.guide,
            values,
            seed=args.seed,
            mask=job.mask,
            y=class_labels(args, job.model, 1),
            predict=True,
            unit=unit,
            callback=lambda one, index, total: tick(one),
        )
    pictures = [from_range(one.denoised, job.model.data_range).clamp(0, 1) for one in found]
    for one in found:
        say(one.label if one.predicted is None else f"{one.predicted}, noise share {one.noise_share:.3g}")
    for note in dict.fromkeys(one.note for one in found if one.note):
        say(note)
    title = "E[x0 | x(t0)]: what survives the noise; blurred = will be invented"
    labels = [one.label for one in found]
    save_pil(contact_sheet([job.picture, *pictures], ["guide", *labels], columns=4, title=title), out)
    say(f"wrote {out.resolve()}")
