"""``sdedit info`` and ``sdedit convert``: what a model is, and making it one small safe file."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_model_options, parse_overrides, say

LADDER = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def add_parser(commands) -> None:
    """Add both sub-commands."""
    info = commands.add_parser("info", help="say what a model is: what was detected, what was assumed")
    info.add_argument("model", nargs="?", metavar="MODEL", help="built-in name or checkpoint path; none: a list")
    info.add_argument("--solvers", action="store_true", help="list the solvers and when to use which")
    add_model_options(info)
    info.set_defaults(run=run_info)

    convert = commands.add_parser("convert", help="write a checkpoint as one small, safe .safetensors file")
    convert.add_argument("source", metavar="IN", help="checkpoint file or folder")
    convert.add_argument("-o", "--output", required=True, metavar="OUT", help=".safetensors file to write")
    add_model_options(convert)
    convert.set_defaults(run=run_convert)


def run_info(args: argparse.Namespace) -> None:
    """Describe one model, or list what there is."""
    from ..builtin import list_priors, recommended_t0
    from ..checkpoints import inspect_checkpoint
    from ..load import load_score_model
    from ..sampling.share import share_of
    from ..sampling.solvers import SOLVERS

    if args.solvers:
        for solver in SOLVERS.values():
            say(f"{solver.name:20s} {solver.summary}")
        return
    if args.model is None:
        for name, description in list_priors().items():
            say(f"{name:22s} {description}")
        return
    overrides = parse_overrides(args.set)
    file = args.model not in list_priors() and Path(args.model).exists()
    if file:  # names and shapes say all that is told here
        model = inspect_checkpoint(args.model, weights=args.weights, dtype=args.dtype, **overrides)
    else:
        model = load_score_model(args.model, weights=args.weights, dtype=args.dtype, **overrides)
    schedule = model.schedule
    size = "any" if model.size is None else f"{model.size[1]} x {model.size[0]}"
    say(str(model.info))
    if not file:  # of a file, the first that was detected
        say(f"process: {schedule}")
        say(f"data range: {model.data_range}")
    say(f"size: {size}, in multiples of {model.size_multiple}")
    if model.num_classes and f"{model.num_classes} classes" not in model.info.detected:
        say(f"classes: {model.num_classes}")
    start = recommended_t0(args.model)
    if start is not None:
        say(f"start with t0 {start:g}")
    at = [(t, schedule.sigma(t)) for t in LADDER]
    say("t0 -> sigma: " + ", ".join(f"{t:g} -> {sigma:.3g}" for t, sigma in at))
    say("t0 -> noise share: " + ", ".join(f"{t:g} -> {share_of(sigma, model.data_std):.3g}" for t, sigma in at))


def run_convert(args: argparse.Namespace) -> None:
    """Convert and say what was written."""
    from ..checkpoints import convert_checkpoint

    dtype = "fp32" if args.dtype == "auto" else args.dtype
    info = convert_checkpoint(
        args.source, args.output, dtype=dtype, weights=args.weights, overrides=parse_overrides(args.set)
    )
    say(str(info))
    say(f"wrote {args.output}")
