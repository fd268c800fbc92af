"""What the commands share: options, checks before the work, and from options to model, guide and mask."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..pictures.files import check_folder, check_target, make_folder, same_file
from ..sampling.options import OPTIONS, T0, Option
from ..sampling.share import MODEL_TIME, NOISE_SHARE

if TYPE_CHECKING:
    import torch

    from ..measure.sweep import SweepPlan
    from ..model import ScoreModel
    from ..pictures.fit import Undo

DEFAULT_MODEL = "landscape"
LONGEST_SIDE = 512
LEAST_SIDE = 16


def say(text: str) -> None:
    """One line on standard output; what its code page does not have, or a reader that left, ends no work."""
    page = getattr(sys.stdout, "encoding", None) or "utf-8"
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text.encode(page, errors="backslashreplace").decode(page) + "\n")
        sys.stdout.flush()


@dataclass
class EditJob:
    """A guide ready to be edited: ``guide`` in the model's range, ``picture`` and ``mask`` in [0, 1], all one size.

    ``profile``: the guide's file has a colour profile, so what is made of it should have one too.
    ``undo``: the way back, where only a window of the guide is worked on; ``deep``: the file has 16 bits.
    ``photo``: the guide's own photo, untouched, where that is the model; the edit fades into it.
    """

    model: ScoreModel
    guide: torch.Tensor
    picture: torch.Tensor
    mask: torch.Tensor | None
    profile: bool = False
    undo: Undo | None = None
    deep: bool = False
    photo: torch.Tensor | None = None


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


def working_size(size: str | None, model: ScoreModel, picture: torch.Tensor) -> tuple[int, int]:
    """Width and height to work at: the user's, or the picture's with a limit, in multiples the model needs."""
    h, w = picture.shape[-2:]
    m = model.size_multiple
    if size:
        width, height = parse_size(size)
        if width % m or height % m:
            raise ValueError(f"This model needs width and height in multiples of {m}, got --size {size}.")
        return width, height
    if model.size is not None:
        return model.size[1], model.size[0]
    scale = min(1.0, LONGEST_SIDE / max(h, w))
    return max(m, round(w * scale / m) * m), max(m, round(h * scale / m) * m)


def load_model(args: argparse.Namespace) -> ScoreModel:
    """The model that the options name."""
    return _load(args)[0]


def _load(args: argparse.Namespace, *masked: torch.Tensor | None) -> tuple[ScoreModel, torch.Tensor | None]:
    """The model that the options name; where it is the photo of a guide and mask given, without what that opens.

    And that photo, (1, 3, H, W) of the guide's size, where the guide is not the photo itself.
    """
    from ..load import load_score_model, score_model_from_images
    from ..pictures.io import load_image
    from .left_out import own_photo

    where, photo = device(args.device), None
    overrides = parse_overrides(args.set)
    if args.images:
        if set(overrides) - {"palette_freedom"}:
            raise ValueError("--set is for checkpoint files; a model of --images has palette_freedom only.")
        pictures = [load_image(path) for path in args.images]
        for path, picture in zip(args.images, pictures, strict=True):
            check_sides(path, picture)
        own, photo = own_photo(pictures, *masked) if masked else ({}, None)
        if own:
            fades = "" if photo is None else "; the edit fades into it inside of the mask, see --feather"
            say(f"the guide's own photo is the model: what the mask opens is left out of it{fades}")
        model = score_model_from_images(pictures, device=where, **own | overrides)
    else:
        model = load_score_model(
            args.model, weights=args.weights, dtype=args.dtype, device=where, compile=args.compile, **overrides
        )
    use_threads(args.threads, model)
    return model, photo


def check_sides(path: str, picture: torch.Tensor, size: tuple[int, int] | None = None) -> None:
    """ValueError when a picture, or the size it is worked at, is too narrow for a model to see anything in it."""
    height, width = picture.shape[-2:]
    if min(size or (width, height)) < LEAST_SIDE:
        at = f" and would be worked at as {size[0]} x {size[1]}" if size and size != (width, height) else ""
        raise ValueError(
            f"{path} is {width} x {height} pixels{at}; the shorter side needs at least {LEAST_SIDE}. "
            f"Cut out a piece that is less narrow{', enlarge it, or say --size' if size else ' or enlarge it'}."
        )


def say_mask(path: str, mask: torch.Tensor) -> None:
    """Which share of the picture a mask opens."""
    open_, soft = float((mask > 0).float().mean()), bool(((mask > 0) & (mask < 1)).any())
    say(f"the mask {path} opens {open_:.1%} of the picture" + (", some of it in part" if soft else ""))


def load_job(args: argparse.Namespace, guide: str) -> EditJob:
    """Model, guide and mask of the options, at the working size."""
    from ..pictures.distance import check_feather
    from ..pictures.fit import fit
    from ..pictures.io import has_profile, load_image, load_mask, to_range
    from ..sampling.masks import binary_mask

    picture = load_image(guide)
    mask = load_mask(args.mask) if args.mask else None
    if mask is not None and mask.shape[-2:] != picture.shape[-2:]:
        raise ValueError(
            f"The mask {args.mask} is {mask.shape[-1]} x {mask.shape[-2]}, the guide {guide} is "
            f"{picture.shape[-1]} x {picture.shape[-2]}: they must have the same size."
        )
    check_feather(getattr(args, "feather", 0))
    model, photo = _load(args, picture, mask)
    if getattr(args, "crop", False):
        from .window import window_job

        return replace(window_job(args, guide, model, picture, mask), photo=photo)
    width, height = working_size(args.size, model, picture)
    if model.size is None:
        check_sides(guide, picture, (width, height))
    if (height, width) != tuple(picture.shape[-2:]):
        say(f"working at {width} x {height} (the guide is {picture.shape[-1]} x {picture.shape[-2]}; see --size)")
    picture = fit(picture, width=width, height=height)
    if mask is not None:
        hard = bool(((mask == 0) | (mask == 1)).all())
        mask = fit(mask, width=width, height=height)
        mask = binary_mask(mask).float() if hard else mask
        say_mask(args.mask, mask)
    photo = None if photo is None else fit(photo, width=width, height=height)
    return EditJob(model, to_range(picture, model.data_range), picture, mask, has_profile(guide), photo=photo)


def sweep_plan(args: argparse.Namespace, job: EditJob, **options: object) -> SweepPlan:
    """The plan that the options of an edit describe; predictions are for single passes."""
    from ..measure.sweep import SweepPlan

    given = {**edit_options(args), **options}
    label = class_labels(args, job.model, 1)
    return SweepPlan(job.model, job.guide, mask=job.mask, y=label, predict=args.repeats == 1, **given)
