"""``sdedit tune``: find t0 by answering "more faithful" or "more real"; the state is a JSON file."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_edit_options, load_job, output, progress, say

SAVED = ("model", "images", "weights", "dtype", "set", "mask", "size", "steps", "solver", "seed", "repeats")


def add_parser(commands) -> None:
    """Add ``tune`` to the sub-parsers."""
    parser = commands.add_parser(
        "tune",
        help="find t0 by saying more faithful or more real",
        description="Begin with: sdedit tune GUIDE -o out.png. Look at out.png, then: sdedit tune -o out.png --more "
        "real (or faithful), until it says found. The search is kept in out.tune.json beside the picture.",
    )
    parser.add_argument("guide", nargs="?", metavar="GUIDE", help="guide image file, to begin a search")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="picture to write at every step")
    parser.add_argument("--state", metavar="FILE", help="where the search is kept (default: OUTPUT's name .tune.json)")
    step = parser.add_mutually_exclusive_group()
    step.add_argument("--more", choices=("faithful", "real"), help="the answer to the picture shown")
    step.add_argument("--undo", action="store_true", help="take the last answer back")
    step.add_argument("--show", action="store_true", help="say where the search stands, make no picture")
    parser.add_argument(
        "--start", type=float, default=None, metavar="T0", help="first t0 of a new search (default 0.4)"
    )
    parser.add_argument(
        "--change",
        type=float,
        metavar="RMS",
        help="begin at the t0 expected to change the picture by this RMS, e.g. 0.1",
    )
    parser.add_argument("--restart", action="store_true", help="begin anew although a search is kept")
    add_edit_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Begin, continue, show or take back."""
    from ..measure.tune import load_search, save_search

    out = output(args.output)
    state = Path(args.state) if args.state else out.with_name(f"{out.stem}.tune.json")
    if args.guide is not None:
        if args.more or args.undo or args.show:
            raise ValueError("A guide begins a new search; leave it out to answer, take back or look.")
        if state.exists() and not args.restart:
            raise ValueError(f"{state} keeps a search already. Leave the guide out to go on, or add --restart.")
        begin = search = _begin(args)
        settings = {"guide": str(Path(args.guide).resolve()), **{name: _saved(args, name) for name in SAVED}}
    else:
        search, begin, settings = load_search(state)
        for name in SAVED:
            if name not in settings:
                raise ValueError(f"{state} is not a saved search of sdedit tune: it has no {name!r}.")
            setattr(args, name, settings[name])
        if args.show:
            _show(search)
            return
        if not (args.more or args.undo):
            raise ValueError("Say --more faithful, --more real, --undo or --show; a GUIDE begins a new search.")
        search = search.answer(args.more) if args.more else search.undo(begin)
    _make(args, settings["guide"], search.t0, out)
    save_search(state, search, settings=settings, start=begin)
    _show(search)


def _saved(args: argparse.Namespace, name: str):
    """An option as it is kept; files by their full path, so that the search goes on from any folder."""
    value = getattr(args, name)
    if name == "mask" and value:
        return str(Path(value).resolve())
    if name == "images" and value:
        return [str(Path(path).resolve()) for path in value]
    if name == "model" and Path(value).exists():
        return str(Path(value).resolve())
    return value


def _begin(args: argparse.Namespace):
    """A new search, at --start, at the t0 of --change, or at the usual place."""
    from ..measure.deviation import t0_for_deviation
    from ..measure.tune import START, Search

    if args.change is None:
        return Search(t0=START if args.start is None else args.start)
    if args.start is not None:
        raise ValueError("--start and --change both say where to begin; use one.")
    job = load_job(args, args.guide)
    found = t0_for_deviation(job.model, job.guide, args.change, seed=args.seed, mask=job.mask)
    say(str(found))
    return Search(t0=round(found.t0, 4))


def _make(args: argparse.Namespace, guide: str, t0: float, out: Path) -> None:
    """The picture at this t0."""
    from ..edit import sdedit
    from ..pictures.io import from_range, save_image

    job = load_job(args, guide)
    with progress(args.steps * args.repeats, "sdedit tune") as callback:
        result = sdedit(
            job.model,
            job.guide,
            t0=t0,
            steps=args.steps,
            solver=args.solver,
            seed=args.seed,
            mask=job.mask,
            repeats=args.repeats,
            callback=callback,
        )
    save_image(from_range(result.samples, job.model.data_range), out)
    say(f"wrote {out.resolve()}")


def _show(search) -> None:
    say(str(search))
    for t0, word in search.history:
        say(f"  at {t0:g}: {word}")
    if not search.done:
        say('next: --more faithful (nearer to the guide) or --more real; "found" when you like it')
