"""``sdedit strokes``: a stroke painting from a photo; ``sdedit mask``: the mask of what was painted on a photo."""

from __future__ import annotations

import argparse

from .common import Outputs, add_overwrite, parse_size, say


def add_parser(commands) -> None:
    """Add ``strokes`` and ``mask`` to the sub-parsers."""
    strokes = commands.add_parser("strokes", help="simulate a stroke painting from a photo, as the paper does")
    strokes.add_argument("photo", metavar="PHOTO", help="image file")
    strokes.add_argument("-o", "--output", required=True, metavar="FILE", help="painting to write")
    strokes.add_argument("--colours", "--colors", type=int, default=6, help="size of the palette (default %(default)s)")
    strokes.add_argument(
        "--kernel", default="auto", help="odd pixels of the median filter; auto = the paper's 23 at 256 px, scaled"
    )
    strokes.add_argument("--size", metavar="PX|WxH", help="scale and crop the photo to this size first")
    add_overwrite(strokes)
    strokes.set_defaults(run=run)
    mask = commands.add_parser("mask", help="mask of what was painted: white where two pictures differ")
    mask.add_argument("before", metavar="BEFORE", help="the photo")
    mask.add_argument("after", metavar="AFTER", help="the photo with strokes on it")
    mask.add_argument("-o", "--output", required=True, metavar="FILE", help="mask to write")
    mask.add_argument("--threshold", type=float, default=0.04, help="difference that still counts as equal, 0 to 1")
    mask.add_argument("--grow", type=int, default=0, metavar="PX", help="widen the mask (default %(default)s)")
    add_overwrite(mask)
    mask.set_defaults(run=run_mask)


def parse_kernel(text: str) -> int | None:
    """'auto' to None, else a number of pixels."""
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"--kernel must be auto or an odd number of pixels, got {text[:60]!r}.") from None


def run(args: argparse.Namespace) -> None:
    """Write the stroke painting."""
    from ..pictures.fit import fit
    from ..pictures.io import has_profile, load_image, save_image
    from ..pictures.strokes import simulate_strokes

    out = Outputs(args, args.photo).picture(args.output)
    photo = load_image(args.photo)
    if args.size:
        width, height = parse_size(args.size)
        photo = fit(photo, width=width, height=height)
    painting = simulate_strokes(photo, colours=args.colours, kernel=parse_kernel(args.kernel))
    save_image(painting, out, profile=has_profile(args.photo))
    say(f"wrote {out.resolve()}")


def run_mask(args: argparse.Namespace) -> None:
    """Write the difference mask."""
    from ..pictures.io import load_image, save_image
    from ..pictures.strokes import difference_mask

    out = Outputs(args, args.before, args.after).picture(args.output)
    before, after = load_image(args.before), load_image(args.after)
    mask = difference_mask(before, after, threshold=args.threshold, grow=args.grow)
    save_image(mask.expand(-1, 3, -1, -1), out)
    say(f"{float(mask.mean()):.1%} of the picture may change")
    say(f"wrote {out.resolve()}")
