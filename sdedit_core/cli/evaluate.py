"""``sdedit evaluate``: the paper's protocol on a folder of photos; resumable, in shards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .common import add_edit_options, class_labels, edit_options, parse_overrides, parse_size, progress, say
from .job import load_model
from .strokes import parse_kernel

DEFAULT_T0 = "0.1:0.9:9"


def add_parser(commands) -> None:
    """Add ``evaluate`` to the sub-parsers."""
    parser = commands.add_parser(
        "evaluate",
        help="faithfulness and realism over t0 on a folder, as in the paper",
        description="Photos become simulated stroke paintings, these are edited at every t0; faithfulness is L2 to "
        "the painting, realism the distance to other real pictures. Run it again to resume. Spread it with --shard.",
    )
    parser.add_argument("guides", metavar="GUIDES", help="folder of photos (with --as-is: of guides)")
    parser.add_argument(
        "--reference", required=True, metavar="IMAGES", help="folder of real pictures, not the same ones"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder for everything, also to resume")
    parser.add_argument(
        "--t0", default=DEFAULT_T0, metavar="LIST", help="0.2,0.3,0.4 or start:stop:count (default %(default)s)"
    )
    parser.add_argument("--as-is", action="store_true", help="the pictures are guides already: simulate no strokes")
    parser.add_argument(
        "--colours", "--colors", type=int, default=6, help="palette of the strokes (default %(default)s)"
    )
    parser.add_argument("--kernel", default="auto", help="median filter in pixels; auto = 23 at 256 px, scaled")
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N pictures only")
    parser.add_argument("--shard", default="1/1", metavar="i/n", help="do the i-th of n parts, i from 1 to n")
    parser.add_argument("--kid", action="store_true", help="also kernel inception distance (needs torch-fidelity)")
    parser.add_argument("--kid-weights", metavar="FILE", help="torch-fidelity's Inception file, for use offline")
    add_edit_options(parser, mask=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Make this shard's pictures; measure once all shards are done."""
    from ..measure.protocol import Evaluation, PictureFolder, Protocol, parse_shard, picture_names
    from ..measure.sweep import parse_t0_values
    from ..pictures.files import check_folder, check_target, same_file

    values, shard = parse_t0_values(args.t0), parse_shard(args.shard)
    if args.kid:
        from ..measure.kid import check_kid

        check_kid(args.kid_weights)
    names = picture_names(args.guides)
    if args.limit is not None:
        if args.limit < 1:
            raise ValueError(f"--limit must be at least 1, got {args.limit}.")
        names = names[: args.limit]
    picture_names(args.reference)
    out = check_folder(args.output)
    own = [out / name for name in ("originals", "guides", "reference")]
    if any(same_file(args.guides, folder) for folder in own) or same_file(args.reference, own[-1]):
        raise ValueError(f"{out} gets pictures of its own in the folders that are read; choose another output folder.")
    for name in ("settings.json", "table.csv", "summary.json", "sheet.png", "tradeoff.png", "kid.csv"):
        if out.exists():
            check_target(out / name)
    width, height = (256, 256) if args.size is None else parse_size(args.size)
    model = load_model(args)
    if args.size is None and model.size is not None:
        height, width = model.size
    class_labels(args, model, 1)
    m = model.size_multiple
    if width % m or height % m:
        raise ValueError(f"This model needs width and height in multiples of {m}, got {width} x {height}.")
    protocol = Protocol(
        model=" ".join(args.images) if args.images else args.model,
        t0=tuple(values),
        width=width,
        height=height,
        options=edit_options(args),
        strokes=not args.as_is,
        colours=args.colours,
        kernel=parse_kernel(args.kernel),
        weights=args.weights,
        dtype=args.dtype,
        overrides=parse_overrides(args.set),
        class_label=args.class_label,
    )
    evaluation = Evaluation(args.output, protocol, names)
    evaluation.prepare()
    mine = len(names[shard[0] - 1 :: shard[1]]) * len(values)
    try:
        with progress(mine, f"sdedit evaluate {args.shard}") as tick:
            made = evaluation.run(model, args.guides, shard=shard, on_picture=lambda name, t0: tick(name))
    except KeyboardInterrupt:
        left = len(evaluation.missing())
        sys.stderr.write(f"sdedit: interrupted, {left} pictures are missing; the same command goes on from here\n")
        sys.exit(130)
    say(f"shard {args.shard}: {made} pictures made, {mine - made} were there")
    left = evaluation.missing()
    if left:
        say(f"{len(left)} pictures of other shards are missing; run this again when they are done")
        return
    summary = evaluation.summarise(model, PictureFolder(args.reference, width=width, height=height))
    _show(args, evaluation, summary)


def _show(args: argparse.Namespace, evaluation, summary) -> None:
    """Table, sweet spot, plot, sheet, KID."""
    from ..measure.table import more_real, table
    from ..pictures.io import save_pil

    say(table(summary.rows))
    say("realism: sliced Wasserstein distance to the reference, smaller is more real")
    if summary.floor is not None:
        say(f"untouched photos: {summary.floor:.4g}   their stroke paintings: {summary.guides:.4g}")
    if more_real(summary.rows):
        say(more_real(summary.rows))
    if summary.spot is not None:
        say(str(summary.spot))
    if args.kid:
        _kid(args, evaluation)
    out = evaluation.out
    save_pil(_sheet(evaluation), out / "sheet.png")
    try:
        from ..measure.plots import tradeoff_plot

        title = f"{len(evaluation.names)} guides, {args.model if not args.images else 'own images'}"
        lines = {"floor": summary.floor, "guides": summary.guides}
        plot = tradeoff_plot(summary.rows, spot=summary.spot, title=title, **lines)
        save_pil(plot, out / "tradeoff.png")
    except ValueError as error:
        say(f"no plot: {error}")
    say(f"wrote {out.resolve()}")


def _sheet(evaluation):
    """The first guides at every t0, one row each."""
    from ..pictures.sheet import contact_sheet

    folders = ["originals", "guides", *evaluation.folder_names()]
    pictures, labels = [], []
    for i in range(min(4, len(evaluation.names))):
        for folder in folders:
            pictures.append(evaluation.pictures(folder)[i])
            labels.append({"originals": "photo", "guides": "strokes"}.get(folder, folder.replace("-", " ", 1)))
    return contact_sheet(pictures, labels, columns=len(folders), cell=160)


def _kid(args: argparse.Namespace, evaluation) -> None:
    """KID of every t0 against the reference at working size."""
    from ..measure.kid import kernel_inception_distance
    from ..measure.protocol import PictureFolder
    from ..pictures.files import make_folder, write_file
    from ..pictures.io import save_image
    from ..sde import t0_text

    folder = make_folder(evaluation.out / "reference")
    p = evaluation.protocol
    reference = PictureFolder(args.reference, width=p.width, height=p.height)
    for name, picture in zip(reference.names, reference, strict=True):
        path = folder / f"{Path(name).name}.png"
        if not path.exists():
            save_image(picture, path)
    lines = ["t0,kid,std_between_subsets,subset"]
    for t0, pictures in zip(p.t0, evaluation.folders(), strict=True):
        found = kernel_inception_distance(pictures, folder, device=args.device, weights=args.kid_weights)
        say(f"t0 {t0_text(t0)}: {found}")
        lines.append(f"{t0!r},{found.mean!r},{found.std!r},{found.subset}")
    write_file(evaluation.out / "kid.csv", "\n".join(lines) + "\n")
