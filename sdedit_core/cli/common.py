"""What the commands share: options and checks before the work."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..pictures.files import check_folder, check_target, make_folder, same_file
from ..sampling.options import OPTIONS, T0, Option
from ..sampling.share import MODEL_TIME, NOISE_SHARE

if TYPE_CHECKING:
    import torch

    from ..model import ScoreModel

DEFAULT_MODEL = "landscape"
LONGEST_SIDE = 512


def say(text: str) -> None:
    """One line on standard output; what its code page does not have, or a reader that left, ends no work."""
    page = getattr(sys.stdout, "encoding", None) or "utf-8"
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text.encode(page, errors="backslashreplace").decode(page) + "\n")
        sys.stdout.flush()


def add_edit_options(parser: argparse.ArgumentParser, *, mask: bool = True, **defaults: object) -> None:
    """--model or --images, --mask, --size, the options of every edit, and where to run it."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="MODEL", help="built-in name or checkpoint path (default %(default)s)"
    )
    source.add_argument("--images", nargs="+", metavar="FILE", help="use these images as the score model (no training)")
    add_model_options(parser)
    if mask:
        add_overwrite(parser)
        parser.add_argument("--mask", metavar="FILE", help="white = change, black = keep exactly, grey = a lower t0")
    parser.add_argument(
        "--size",
        metavar="PX|WxH",
        help=f"working size; default: the guide's own, its longer side at most {LONGEST_SIDE}",
    )
    parser.add_argument("--class-label", type=int, metavar="N", help="class number, for class-conditional models")
    names = [name for name in OPTIONS if mask or name != "mask_mode"]
    add_sampling_options(parser, *names, **defaults)


def add_sampling_options(parser: argparse.ArgumentParser, *names: str, **defaults: object) -> None:
    """These of an edit's options, some with a default of the command's own; --device and --threads."""
    for name in names:
        option = OPTIONS[name]
        words = option.words.splitlines()[0] + " (sdedit info --solvers lists them)" * (name == "solver")
        add_option(parser, name, option, words=words, default=defaults.get(name, option.default))
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default %(default)s)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads; 0 = what suits the model")


def add_dial(parser: argparse.ArgumentParser, words: str, *, values: str = "") -> None:
    """--t0 and --noise-share, of which one may be given; see :func:`dial_value`.

    ``values``: the default of a list of them; without it they are single numbers.
    """
    more = {"metavar": "LIST"} if values else {"type": float, "metavar": "X"}
    words = words.replace("%", "%%")
    default = values or f"what is recommended for a built-in model, 0.25 to 0.3; {T0.default:g} on any other"
    parser.add_argument("--t0", help=f"{words} (default {default})", **more)
    parser.add_argument(
        "--noise-share",
        help="in place of --t0: how much of what the model sees at the start is noise, the same ratio on every "
        "model; start with 0.45 to 0.7",
        **more,
    )


def dial_value(args: argparse.Namespace, default: object) -> tuple:
    """(value, unit) of --t0 or --noise-share, or the default as t0; ValueError when both are given."""
    if args.t0 is not None and args.noise_share is not None:
        raise ValueError("--t0 and --noise-share both say how much noise; use one.")
    if args.noise_share is not None:
        return args.noise_share, NOISE_SHARE
    return (default if args.t0 is None else args.t0), MODEL_TIME


def default_t0(args: argparse.Namespace) -> float:
    """t0 where nobody says how much noise: what is recommended for the built-in model, or the one of every edit."""
    known = _recommended(args)
    return T0.default if known is None else known


def say_default_t0(args: argparse.Namespace) -> None:
    """Say that t0 is the recommended one, where it is."""
    known = _recommended(args)
    if known is not None and args.t0 is None and args.noise_share is None:
        say(f"t0 {known:g}, as recommended for {args.model}; --t0 sets another")


def _recommended(args: argparse.Namespace) -> float | None:
    from ..builtin import recommended_t0

    return None if args.images else recommended_t0(args.model)


def add_option(
    parser: argparse.ArgumentParser, name: str, option: Option, *, words: str = "", default: object = None
) -> None:
    """One option of an edit as a command-line option; its check says what was expected."""
    default = option.default if default is None else default
    text = (words or option.words).replace("%", "%%")
    parser.add_argument(
        f"--{name.replace('_', '-')}",
        type=type(default),
        default=default,
        metavar="NAME" if option.choices else "N" if isinstance(default, int) else "X",
        help=f"{text} (default %(default)s)",
    )


def edit_options(args: argparse.Namespace) -> dict:
    """The edit's options of a command, as ``sdedit`` and ``SweepPlan`` take them."""
    return {name: getattr(args, name, option.default) for name, option in OPTIONS.items()}


def class_labels(args: argparse.Namespace, model: ScoreModel, count: int) -> torch.Tensor | None:
    """--class-label for ``count`` pictures, or None; ValueError before the work when the model has no such class."""
    import torch

    label, known = args.class_label, model.num_classes
    if label is None:
        return None
    if not known:
        raise ValueError(f"--class-label {label}: this model has no classes; leave it out.")
    if not 0 <= label < known:
        raise ValueError(f"--class-label must be between 0 and {known - 1} for this model, got {label}.")
    return torch.full((count,), label)


def use_threads(count: int, model: ScoreModel) -> None:
    """Set torch's CPU threads for this process: ``count``, or for 0 what suits the model.

    Training-free models are many small operations: one thread is about as quick as two, and many times quicker
    where other programs want the cores, because torch's threads then wait for one another.
    """
    import torch

    if not 0 <= count <= 1024:
        raise ValueError(f"--threads must be between 0 and 1024, got {count}.")
    if count:
        torch.set_num_threads(count)
    elif model.prior is not None and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """--weights, --dtype, --compile and --set: what a checkpoint file leaves open."""
    parser.add_argument("--weights", default="ema", metavar="ema|raw", help="weights of a training file (default ema)")
    parser.add_argument("--dtype", default="auto", metavar="TYPE", help="auto, fp32, fp16 or bf16 (default auto)")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network (GPU; minutes of building)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what a file cannot say, e.g. sde=vp, sigma_max=348; palette_freedom=0.04 of a built-in one; repeatable",
    )


def parse_overrides(items: list[str]) -> dict[str, object]:
    """``["sde=vp", "data_range=0,1"]`` to keyword arguments of ``load_score_model``."""
    out: dict[str, object] = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not (equals and name.isidentifier() and text):
            raise ValueError(f"--set needs NAME=VALUE, got {item[:60]!r}.")
        out[name] = _value(text)
    if out:
        from ..checkpoints.overrides import Overrides

        # load_score_model has other arguments too, which are options of their own here
        Overrides.check_names(set(out) - {"palette_freedom"})
    return out


def _value(text: str) -> object:
    """Number, pair of numbers, yes/no, or the text itself."""
    if text.lower() in ("true", "yes", "false", "no"):
        return text.lower() in ("true", "yes")
    if "," in text:
        return tuple(_value(part) for part in text.split(","))
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


@contextlib.contextmanager
def progress(total: int, text: str) -> Iterator:
    """A tqdm bar as a solver callback; silent where standard error is not a terminal."""
    from tqdm import tqdm

    with tqdm(total=total, desc=text, unit="step", leave=False, disable=None) as bar:
        yield lambda step: bar.update(1)


def device(name: str) -> torch.device:
    """The torch device of that name; ValueError when it cannot be used here."""
    from ..training.process import usable_device

    return usable_device(name)


class Outputs:
    """Checks of what a command will write, before its work: see :func:`~..pictures.files.check_target`.

    Args:
        args: of the command; its --mask, --images and --model are read, so they are not to be replaced either.
        inputs: further files that are read.
    """

    def __init__(self, args: argparse.Namespace, *inputs: str | None):
        further = [getattr(args, "mask", None), getattr(args, "model", None), *(getattr(args, "images", None) or ())]
        self._inputs = [path for path in (*inputs, *further) if path]
        self._overwrite = getattr(args, "overwrite", False)
        self._given: list[Path] = []

    def picture(self, path: str | Path) -> Path:
        """The path of a picture to write."""
        return self._check(path, picture=True)

    def file(self, path: str | Path) -> Path:
        """The path of any other file to write."""
        return self._check(path, picture=False)

    def folder(self, path: str | Path, names: Sequence[str]) -> Path:
        """A folder that pictures of these names will be written to; it is made here."""
        folder = check_folder(path)
        if folder.exists():
            for name in names:
                self.picture(folder / name)
        return make_folder(folder)

    def _check(self, path: str | Path, *, picture: bool) -> Path:
        out = check_target(path, picture=picture, inputs=self._inputs, overwrite=self._overwrite)
        for other in self._given:
            if same_file(out, other):
                raise ValueError(f"{path} is given twice; each result needs a file of its own.")
        self._given.append(out)
        return out


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """--overwrite, for commands that read files and write others."""
    parser.add_argument("--overwrite", action="store_true", help="allow that a result replaces a file that is read")


def parse_size(text: str) -> tuple[int, int]:
    """'256' or '320x192' to (width, height)."""
    parts = text.lower().split("x")
    try:
        numbers = [int(p) for p in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(16 <= n <= 4096 for n in numbers):
        raise ValueError(f"--size must be a number of pixels or WIDTHxHEIGHT between 16 and 4096, got {text[:60]!r}.")
    return numbers[0], numbers[-1]
