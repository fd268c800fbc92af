"""``sdedit demo``: a stroke painting and its pictures over t0, with no file and no download."""

from __future__ import annotations

import argparse

from .common import Outputs, add_sampling_options, device, progress, say, use_threads

T0_VALUES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def add_parser(commands) -> None:
    """Add the sub-command."""
    demo = commands.add_parser("demo", help="write a sheet: a stroke painting and its pictures for t0 0.2 to 0.7")
    demo.add_argument("-o", "--output", default="sdedit_demo.png", metavar="FILE", help="where (default %(default)s)")
    demo.add_argument("--guide", default="alpine", metavar="NAME", help="example guide (default %(default)s)")
    demo.add_argument("--list", action="store_true", help="list the example guides and stop")
    demo.add_argument("--size", type=int, default=192, metavar="PX", help="picture size (default %(default)s)")
    add_sampling_options(demo, "steps", "solver", "seed", steps=12)
    demo.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the sheet and say where."""
    from ..builtin import EXAMPLE_GUIDES, example_guide
    from ..edit import sdedit
    from ..load import load_score_model
    from ..pictures.io import save_pil
    from ..pictures.sheet import contact_sheet

    if args.list:
        for name, description in EXAMPLE_GUIDES.items():
            say(f"{name:18s} {description}")
        return
    if args.guide not in EXAMPLE_GUIDES:
        raise ValueError(f"Unknown example guide {args.guide!r}; expected one of {', '.join(EXAMPLE_GUIDES)}.")
    if not 32 <= args.size <= 1024:
        raise ValueError(f"--size must be between 32 and 1024, got {args.size}.")
    out = Outputs(args).picture(args.output)
    model = load_score_model(f"landscape-{args.guide}", device=device(args.device))
    use_threads(args.threads, model)
    guide = example_guide(args.guide, width=args.size, height=args.size)
    pictures, labels = [guide], ["strokes (guide)"]
    with progress(args.steps * len(T0_VALUES), "sdedit demo") as callback:
        for t0 in T0_VALUES:
            result = sdedit(
                model, guide, t0=t0, steps=args.steps, solver=args.solver, seed=args.seed, callback=callback
            )
            pictures.append(result.samples.clamp(0, 1))
            labels.append(f"t0 {t0:g}   sigma {result.sigma:.2g}")
    title = "SDEdit: one dial from faithful (small t0) to realistic (large t0)"
    save_pil(contact_sheet(pictures, labels, columns=4, title=title), out)
    say(f"wrote {out.resolve()}")
