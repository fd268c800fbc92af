"""What every model class of a ComfyUI is told of a mask, as a table: printed, and kept in docs/models.md.

``COMFYUI_DIR=/path/to/ComfyUI COMFYUI_PYTHON=/its/python python tools/make.py model-classes`` prints the table of that
ComfyUI; with ``--write`` the part of docs/models.md for its version is replaced as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "host" / "inside" / "classes.py"
DOCUMENT = ROOT / "docs" / "models.md"
NO_DENOISER = "SDEdit needs a diffusion or flow model"
EXCUSED = {
    "HunyuanImage21Refiner": "its latent format makes a latent of another shape, which stock sampling refuses too",
    "TripoSplat": "makes its shape out of noise alone, there is no guide",
}
MASKS = ("frame", "half", "soft frames", "soft")
HEADINGS = {
    "frame": "one frame kept",
    "half": "half of every frame kept",
    "soft frames": "soft by frame",
    "soft": "soft by place",
}
WAYS = {
    "timestep": "a timestep for each token",
    "mask": "a mask beside the picture",
    "": "nothing: one timestep for all",
}


def main(arguments: list[str]) -> int:
    found = ask(Path(os.environ["COMFYUI_DIR"]), os.environ.get("COMFYUI_PYTHON", sys.executable))
    print(section(found))
    if "--write" in arguments:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


def ask(folder: Path, python: str) -> dict:
    """What inside/classes.py finds in a ComfyUI."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [python, str(SCRIPT)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    if not lines:
        raise RuntimeError((done.stdout + done.stderr)[-4000:])
    return json.loads(lines[-1].removeprefix("RESULTS "))


def undecided(found: dict) -> list[str]:
    """A sentence for every class of which it is not known that what it is told is true."""
    problems = [f"{name}: no entry of supported_models makes it" for name in found["unreached"]]
    for row in found["rows"]:
        name, problem = row["entry"], row["problem"]
        if problem and NO_DENOISER not in problem and name not in EXCUSED:
            problems.append(f"{name}: {problem}")
        problems += [
            f"{name}, {mask}: is told what it does not hold" for mask, m in row["masks"].items() if not m["ours"]
        ]
    return problems


def section(found: dict) -> str:
    """The table of one version: rows of a kind together."""
    kinds: dict[tuple, list[str]] = {}
    plain, video, others = [], [], []
    for row in found["rows"]:
        masks = row["masks"]
        if row["problem"]:
            reason = "no diffusion or flow model" if NO_DENOISER in row["problem"] else EXCUSED.get(row["entry"], "?")
            others.append(f"{row['entry']} ({reason})")
        elif not row["how"] and all(m["ours"] and m["stock"] for m in masks.values()):
            (video if "frame" in masks else plain).append(row["entry"])
        else:
            cells = tuple(_cell(masks.get(mask)) for mask in MASKS)
            kinds.setdefault((WAYS[row["how"]], cells), []).append(row["entry"])
    lines = [_heading(found), ""]
    lines += ["| model | it learns of the mask by | " + " | ".join(HEADINGS[mask] for mask in MASKS) + " |"]
    lines += ["|---" * (2 + len(MASKS)) + "|"]
    lines += [f"| {', '.join(names)} | {way} | {' | '.join(cells)} |" for (way, cells), names in kinds.items()]
    lines += ["", f"One level all over, here and in stock sampling ({len(plain) + len(video)}): "]
    lines[-1] += ", ".join(plain + video) + "."
    return "\n".join([*lines, "", f"Not sampled by these nodes: {', '.join(others)}."])


def _cell(mask: dict | None) -> str:
    if mask is None:
        return "-"
    ours = ("clean tokens" if mask["clean"] else "one level") if mask["ours"] else "MISFIT"
    return f"{ours}; stock {'fits' if mask['stock'] else 'does not fit'}"


def _heading(found: dict) -> str:
    return f"## ComfyUI {found['version']}"


def replaced(text: str, found: dict) -> str:
    """The document with the section of that version new, or added at the end."""
    head, *parts = text.split("\n## ")
    kept = [part for part in parts if part.split("\n", 1)[0] != _heading(found).removeprefix("## ")]
    kept.append(section(found).removeprefix("## ") + "\n")
    return "\n## ".join([head, *(part.rstrip("\n") + "\n" for part in kept)])
