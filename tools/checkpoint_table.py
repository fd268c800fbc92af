"""The table of docs/checkpoints.md: every file that the original codes wrote, and how far our network is from theirs.

python tools/checkpoint_table.py            # measures all, a minute, and writes the table
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "checkpoints.md"
START, END = "<!-- errors: tools/checkpoint_table.py -->", "<!-- end of errors -->"
_ROW = re.compile(r"^\| (.+?) \| `(.+?)` \| ([\d.e-]+) \|$", re.MULTILINE)


def rows(text: str) -> dict[str, float]:
    """The table as it stands on the page: error by file."""
    part = text[text.index(START) : text.index(END)]
    return {name: float(error) for _, name, error in _ROW.findall(part)}


def measure(name: str) -> tuple[str, float]:
    """(family, error) of one file: the largest difference relative to the maximum of the original's picture."""
    import golden

    from sdedit_core.checkpoints import load_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        model = load_checkpoint(golden.unpack(name, Path(folder)), **golden.OVERRIDES.get(name, {}))
        return f"{model.info.architecture}, {model.info.detected[0].split(',')[0]}", golden.difference(
            model, name, "ema"
        )


def main() -> None:
    """Measure and write."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "core")]
    import golden

    lines = ["| Family, noise | File | Error |", "|---|---|---:|"]
    for name in golden.NAMES:
        family, error = measure(name)
        lines.append(f"| {family} | `{name}` | {error:.1e} |")
    text = PAGE.read_text(encoding="utf-8")
    head, tail = text[: text.index(START) + len(START)], text[text.index(END) :]
    PAGE.write_text("\n".join([head, "", *lines, "", tail]), encoding="utf-8")


if __name__ == "__main__":
    main()
