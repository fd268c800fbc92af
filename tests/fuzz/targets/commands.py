"""Command lines of ``sdedit``: real work on pictures of 20 pixels, with arguments that somebody mistyped."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from random import Random

from sdedit_core.cli.main import main
from sdedit_core.pictures.io import load_image

from .. import seeds
from ..case import Case, Target
from ..judge import wrong_words

FILES = ("guide.png", "mask.png", "other.png", "model.safetensors", "broken.png")
OUT = ("out.png", "out.jpg", "out.webp", "out.safetensors", "sub/out.png", "guide.png", ".", "..", "", "out.psd",
"out.x", "x" * 300 + ".png",
       "a\u202eb.png", "\ud800.png", "a\nb.png", "/dev/full", "-", "out.PNG", "sub")  # fmt: skip
SMALL = ("0", "1", "-1", "2", "0.4", "nan", "inf", "1e999", "", "x", "9" * 5000, "0x10", "1_0", " 1", "\u0663", "16",
"20", "32x16", "16x16",
         "8", "15", "99999", "16x", "x16", "0x16", "16x16x16", "-16")  # fmt: skip
SETS = ("sde=ve", "sigma_max=80", "sigma_max=nan", "data_range=0,1", "data_range=1", "a", "=", "name=x",
"image_size=16,16",
        "num_heads=0", "dtype=fp32", "device=cpu", "name_or_path=x", "weights=raw", "compile=1", "sde=",
        "sigma_max=" + "9" * 5000)  # fmt: skip
OPTIONS = {
    "--t0": SMALL, "--noise-share": SMALL,
    "--seed": (*SMALL, str(1 << 64), str((1 << 64) - 1)), "--size": SMALL, "--eta": SMALL,
    "--mask": FILES + OUT,
    "--solver": ("auto", "sde_2m", "mca", "x", ""), "--set": SETS, "--weights": ("ema", "raw", "x"),
    "--mask-mode": ("bridge", "tilt", "x"),
    "--dtype": ("fp32", "bf16", "fp16", "x"), "--device": ("cpu", "cuda:99", "x", "meta", "cpu:1", ""),
    "--threads": ("0", "1", "-1", "9999"),
    "--class-label": SMALL, "--repeats": ("0", "1", "2", "101"), "--colours": SMALL, "--kernel": (*SMALL, "auto",
    "3"), "--grow": SMALL,
    "--threshold": SMALL, "--batch": ("0", "1", "2", "65", "x"), "--change": ("0.1", "0", "nan", "-1"), "--csv": OUT,
    "--plot": (),
    "--overwrite": (None,), "--heat-map": OUT, "--picks": ("1", "f", "r", "1 r 2", "9" * 5000, "\u0663"),
    "--t0-list": (),
    "--json": OUT, "--nonsense": SMALL,
}  # fmt: skip
KNOWN = {
    "edit": ("--t0", "--noise-share",
             "--seed", "--size", "--eta", "--mask", "--solver", "--set", "--weights", "--mask-mode",
    "--dtype", "--device",
             "--threads", "--class-label", "--repeats", "--batch", "--change", "--overwrite"),
    "strokes": ("--colours", "--kernel", "--size", "--overwrite"), "mask": ("--threshold", "--grow", "--overwrite"),
    "report": ("--t0", "--noise-share", "--seed", "--size", "--mask", "--solver", "--heat-map", "--overwrite"),
    "sweep": ("--t0", "--noise-share", "--picks", "--csv", "--size", "--seed", "--mask", "--solver"),
    "info": ("--set", "--weights", "--dtype"), "convert": ("--set", "--weights", "--dtype"),
}  # fmt: skip


def make(rng: Random) -> Case:
    """A command with two or three good arguments and about as many odd ones."""
    command, extra = rng.choice([*KNOWN, "edit", "edit"]), []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        name = rng.choice(KNOWN[command] if rng.random() < 0.95 else list(OPTIONS))
        if OPTIONS[name]:
            given = rng.choice(OPTIONS[name])
            extra += [name] if given is None else [name, given] if rng.random() < 0.5 else [f"{name}={given}"]
    odd = rng.random() < 0.15
    read = rng.choice((*FILES, *OUT)) if odd else rng.choice(("guide.png", "other.png"))
    out = rng.choice(OUT) if rng.random() < 0.2 else "out.safetensors" if command == "convert" else "out.png"
    model = ["--model", rng.choice(("model.safetensors",) * 6 + ("landscape-lake", "broken.png", "nothing", ""))]
    arguments = {
        "edit": [read, "-o", out, *model, "--steps", rng.choice(("1", "2", "0", "x"))], "strokes": [read, "-o", out],
        "mask": [read, "other.png", "-o", out], "report": [read, *model, "--steps", "1"],
        "sweep": [read, "-o", out, *model, "--steps", "1", "--t0", rng.choice(("0.2,0.5", "0.3:0.6:2", ":",
        "0.1:0.9:1001", ""))],
        "info": model[1:], "convert": [model[1], "-o", out],
    }[command]  # fmt: skip
    files = {
        "guide.png": seeds.picture(size=(20, 18)), "other.png": seeds.picture(mode="L", size=(20, 18)).replace(b"",
        b"", 0),
        "mask.png": seeds.picture(mode="1", size=rng.choice(((20, 18), (20, 18), (18, 20)))),
        "broken.png": b"\x89PNG\r\n\x1a\n" + bytes(30),
        "model.safetensors": seeds.own_files()[1], "sub/here.txt": b"",
    }  # fmt: skip
    arguments = [command, *arguments, *extra]
    if rng.random() < 0.05:
        rng.shuffle(arguments)
    return Case(files, arguments)


def run(case: Case, folder: Path):
    before, error = Path.cwd(), io.StringIO()
    os.chdir(folder)
    old = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), error
    try:
        status = main(case.call)
    except SystemExit as stop:  # argparse
        status = stop.code
    finally:
        sys.stdout, sys.stderr = old
        os.chdir(before)
    said = error.getvalue().strip()
    if status in (1, 2):
        wrong = wrong_words(said) if status == 1 else ""
        if wrong:
            raise AssertionError(f"{wrong}: {said[:1500]}")
        raise ValueError("refused by the command: " + " ".join(said[-300:].split()))
    if status not in (0, None):
        raise AssertionError(f"status {status}: {said}")
    made = folder / "out.png"
    with contextlib.suppress(FileNotFoundError):
        return [load_image(made)] if made.exists() else []
    return []


def plain() -> Case:
    case = make(Random(0))
    return Case(case.files, ["edit", "guide.png", "-o", "out.png", "--model", "model.safetensors", "--steps", "1"])


TARGETS = (Target("commands", make, run, share=1, plain=plain),)
