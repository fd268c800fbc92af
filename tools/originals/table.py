"""The tables of docs/checkpoints.md: how far our networks are from those of the original codes.

python tools/make.py checkpoints                       # the files of tests/core/checkpoints, a minute
python tools/make.py checkpoints --originals FOLDER    # and the variants of tools/originals, which needs those codes
python tools/make.py checkpoints --originals FOLDER --only edm improved
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "checkpoints.md"
FILES = ("<!-- errors: make.py checkpoints -->", "<!-- end of errors -->")
VARIANTS = ("<!-- variants: make.py checkpoints --originals -->", "<!-- end of variants -->")
_ROW = re.compile(r"^\| (.+?) \| (.+?) \| ([\d.e+-]+) \|$", re.MULTILINE)


def rows(text: str, marks: tuple[str, str] = FILES) -> dict[str, float]:
    """A table as it stands on the page: error by file, or by family and words."""
    part = text[text.index(marks[0]) : text.index(marks[1])]
    files = marks is FILES
    return {name.strip("`") if files else f"{family}: {name}": float(e) for family, name, e in _ROW.findall(part)}


def measure(name: str) -> tuple[str, float]:
    """(family, error) of one file: the largest difference relative to the maximum of the original's picture."""
    import golden

    from sdedit_core.checkpoints import load_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        model = load_checkpoint(golden.unpack(name, Path(folder)), **golden.OVERRIDES.get(name, {}))
        return f"{model.info.architecture}, {model.info.detected[0].split(',')[0]}", golden.difference(
            model, name, "ema"
        )


def compare(case) -> float:
    """The same of a case of tools/originals, written as a file and loaded as any other."""
    import torch

    from sdedit_core.checkpoints import load_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / case.name
        torch.save(case.content, path)
        for name, data in (("config.json", case.config), ("scheduler_config.json", case.scheduler)):
            if data is not None:
                (Path(folder) / name).write_text(json.dumps(data, default=list), encoding="utf-8")
        model = load_checkpoint(path if case.config is None else folder, **case.options)
        with torch.inference_mode():
            got = model.denoise(case.x, case.sigma.float(), case.y)
    scale = case.wanted.abs().amax(dim=(1, 2, 3))
    return float(((got - case.wanted).abs().amax(dim=(1, 2, 3)) / scale).max())


def write(lines: list[str], marks: tuple[str, str]) -> None:
    """Put a table between its marks on the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text[: text.index(marks[0]) + len(marks[0])], text[text.index(marks[1]) :]
    PAGE.write_text("\n".join([head, "", *lines, "", tail]), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="make.py checkpoints", description=__doc__)
    parser.add_argument("--originals", type=Path, help="folder with clones of the original codes")
    parser.add_argument("--only", nargs="*", help="families of tools/originals; then nothing is written")
    options = parser.parse_args(arguments)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core")]
    if options.originals:
        from . import FAMILIES

        lines = ["| Family | Network, process | Error |", "|---|---|---:|"]
        for family in FAMILIES:
            if options.only and family.__name__ not in options.only:
                continue
            for case in family(options.originals):
                lines.append(f"| {case.family} | {case.words} | {compare(case):.1e} |")
                sys.stdout.write(lines[-1] + "\n")
        if options.only:
            return 0
        write(lines, VARIANTS)
    import golden

    lines = ["| Family, noise | File | Error |", "|---|---|---:|"]
    for name in golden.NAMES:
        family, error = measure(name)
        lines.append(f"| {family} | `{name}` | {error:.1e} |")
    write(lines, FILES)
    return 0
