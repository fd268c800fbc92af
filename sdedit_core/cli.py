"""The ``sdedit`` command: ``sdedit demo``, ``sdedit edit``, ``sdedit info``, ``sdedit train``.

Exit status: 0 done, 1 something was wrong with the input (one line on standard error says what), 2 wrong usage,
130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import __version__
from .training.command import add_parser as add_train_parser

DEMO_T0 = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
DEFAULT_MODEL = "landscape-alpine"
LONGEST_SIDE = 512


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except ValueError as error:
        sys.stderr.write(f"sdedit: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("sdedit: interrupted, nothing was written\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sdedit",
        description="SDEdit: a guide (strokes, an edited photo, a rough composite) in, a picture out.",
    )
    parser.add_argument("--version", action="version", version=f"sdedit {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="write a sheet: a stroke painting and its pictures for t0 0.2 to 0.7")
    demo.add_argument("-o", "--output", default="sdedit_demo.png", metavar="FILE", help="where (default %(default)s)")
    demo.add_argument("--guide", default="alpine", metavar="NAME", help="example guide (default %(default)s)")
    demo.add_argument("--list", action="store_true", help="list the example guides and stop")
    demo.add_argument("--size", type=int, default=192, metavar="PX", help="picture size (default %(default)s)")
    _sampling(demo, steps=12)
    demo.set_defaults(run=_demo)

    edit = commands.add_parser("edit", help="turn a guide image into a picture")
    edit.add_argument("guide", metavar="GUIDE", help="guide image file")
    edit.add_argument("-o", "--output", required=True, metavar="FILE", help="picture to write (.png, .jpg, .webp)")
    source = edit.add_mutually_exclusive_group()
    source.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="MODEL", help="built-in name or checkpoint path (default %(default)s)"
    )
    source.add_argument("--images", nargs="+", metavar="FILE", help="use these images as the score model (no training)")
    edit.add_argument(
        "--t0", type=float, default=0.4, help="0 = the guide, 0.3 to 0.6 useful, 1 = almost free (default %(default)s)"
    )
    edit.add_argument("--mask", metavar="FILE", help="white = change, black = keep exactly")
    edit.add_argument(
        "--size",
        metavar="PX|WxH",
        help=f"working size; default: the guide's own, its longer side at most {LONGEST_SIDE}",
    )
    edit.add_argument("--repeats", type=int, default=1, metavar="K", help="passes at the same t0 (default %(default)s)")
    edit.add_argument("--batch", type=int, default=1, metavar="N", help="pictures to make; N > 1 numbers the files")
    _sampling(edit, steps=20)
    edit.set_defaults(run=_edit)

    info = commands.add_parser("info", help="say what a model is: what was detected, what was assumed")
    info.add_argument(
        "model", nargs="?", metavar="MODEL", help="built-in name or checkpoint path; none: list built-ins"
    )
    info.set_defaults(run=_info)

    add_train_parser(commands)
    return parser


def _sampling(parser: argparse.ArgumentParser, *, steps: int) -> None:
    parser.add_argument("--steps", type=int, default=steps, help="noise levels (default %(default)s)")
    parser.add_argument("--solver", default="auto", help="auto, mca, ancestral, reverse_diffusion, ... (default auto)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same picture (default %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default %(default)s)")


@contextlib.contextmanager
def _progress(total: int, text: str) -> Iterator:
    """A tqdm bar as a solver callback; silent where standard error is not a terminal."""
    from tqdm import tqdm

    with tqdm(total=total, desc=text, unit="step", leave=False, disable=None) as bar:
        yield lambda step: bar.update(1)


def _device(name: str):
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {name} cannot be used here: {reason}") from None
    return device


def _output(path: str) -> Path:
    """Refuse a bad output path before the work, not after it."""
    from PIL import Image

    out = Path(path)
    if out.suffix.lower() not in Image.registered_extensions():
        raise ValueError(f"Cannot tell an image format from {out.name!r}; use .png, .jpg or .webp.")
    if not out.parent.is_dir():
        raise ValueError(f"The folder {out.parent} does not exist.")
    if out.is_dir():
        raise ValueError(f"{out} is a folder.")
    return out


def _demo(args: argparse.Namespace) -> None:
    from .builtin import EXAMPLE_GUIDES, example_guide
    from .edit import sdedit
    from .images import contact_sheet
    from .loading import load_score_model

    if args.list:
        for name, description in EXAMPLE_GUIDES.items():
            say(f"{name:18s} {description}")
        return
    if args.guide not in EXAMPLE_GUIDES:
        raise ValueError(f"Unknown example guide {args.guide!r}; expected one of {', '.join(EXAMPLE_GUIDES)}.")
    if not 32 <= args.size <= 1024:
        raise ValueError(f"--size must be between 32 and 1024, got {args.size}.")
    out, device = _output(args.output), _device(args.device)
    model = load_score_model(f"landscape-{args.guide}", device=device)
    guide = example_guide(args.guide, width=args.size, height=args.size)
    pictures, labels = [guide], ["strokes (guide)"]
    with _progress(args.steps * len(DEMO_T0), "sdedit demo") as callback:
        for t0 in DEMO_T0:
            result = sdedit(
                model, guide, t0=t0, steps=args.steps, solver=args.solver, seed=args.seed, callback=callback
            )
            pictures.append(result.samples.clamp(0, 1))
            labels.append(f"t0 {t0:g}   sigma {result.sigma:.2g}")
    title = "SDEdit: one dial from faithful (small t0) to realistic (large t0)"
    sheet = contact_sheet(pictures, labels, columns=4, title=title)
    sheet.save(out)
    say(f"wrote {out.resolve()}")


def _parse_size(text: str) -> tuple[int, int]:
    """'256' or '320x192' to (width, height)."""
    parts = text.lower().split("x")
    try:
        numbers = [int(p) for p in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(16 <= n <= 4096 for n in numbers):
        raise ValueError(f"--size must be a number of pixels or WIDTHxHEIGHT between 16 and 4096, got {text!r}.")
    return numbers[0], numbers[-1]


def _working_size(args: argparse.Namespace, model, guide) -> tuple[int, int]:
    """Width and height to work at: the user's, or the guide's with a limit, in multiples the model needs."""
    h, w = guide.shape[-2:]
    m = model.size_multiple
    if args.size:
        width, height = _parse_size(args.size)
        if width % m or height % m:
            raise ValueError(f"This model needs width and height in multiples of {m}, got --size {args.size}.")
        return width, height
    if model.size is not None:
        return model.size[1], model.size[0]
    scale = min(1.0, LONGEST_SIDE / max(h, w))
    return max(m, round(w * scale / m) * m), max(m, round(h * scale / m) * m)


def _edit(args: argparse.Namespace) -> None:
    import torch

    from .edit import sdedit
    from .images import fit, from_range, load_image, load_mask, save_image, to_range
    from .loading import load_score_model, score_model_from_images

    out, device = _output(args.output), _device(args.device)
    if not 1 <= args.batch <= 64:
        raise ValueError(f"--batch must be between 1 and 64, got {args.batch}.")
    picture = load_image(args.guide)
    mask = load_mask(args.mask) if args.mask else None
    if mask is not None and mask.shape[-2:] != picture.shape[-2:]:
        raise ValueError(
            f"The mask {args.mask} is {mask.shape[-1]} x {mask.shape[-2]}, the guide {args.guide} is "
            f"{picture.shape[-1]} x {picture.shape[-2]}: they must have the same size."
        )
    if args.images:
        model = score_model_from_images([load_image(path) for path in args.images], device=device)
    else:
        model = load_score_model(args.model, device=device)
    width, height = _working_size(args, model, picture)
    if (height, width) != tuple(picture.shape[-2:]):
        say(f"working at {width} x {height} (the guide is {picture.shape[-1]} x {picture.shape[-2]}; see --size)")
    guide = to_range(fit(picture, width=width, height=height), model.data_range)
    if mask is not None:
        mask = (fit(mask, width=width, height=height) >= 0.5).float()
    guide = guide.expand(args.batch, -1, -1, -1)
    with _progress(args.steps * args.repeats, "sdedit edit") as callback:
        result = sdedit(
            model,
            guide,
            t0=args.t0,
            steps=args.steps,
            solver=args.solver,
            seed=args.seed,
            mask=mask,
            repeats=args.repeats,
            callback=callback,
        )
    say(str(result.report))
    pictures = from_range(result.samples, model.data_range)
    if not bool(torch.isfinite(pictures).all()):
        raise ValueError("The result contains NaN or infinite values; nothing was written.")
    for i in range(args.batch):
        path = out if args.batch == 1 else out.with_name(f"{out.stem}_{i:02d}{out.suffix}")
        save_image(pictures[i : i + 1], path)
        say(f"wrote {path.resolve()}")


def _info(args: argparse.Namespace) -> None:
    from .builtin import list_priors
    from .loading import load_score_model

    if args.model is None:
        for name, description in list_priors().items():
            say(f"{name:22s} {description}")
        return
    model = load_score_model(args.model)
    schedule = model.schedule
    say(str(model.info))
    say(f"process: {schedule}")
    size = "any" if model.size is None else f"{model.size[1]} x {model.size[0]}"
    ladder = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    say(f"data range: {model.data_range}")
    say(f"size: {size}, in multiples of {model.size_multiple}")
    say("t0 -> sigma: " + ", ".join(f"{t:g} -> {schedule.sigma(t):.3g}" for t in ladder))
