"""SDEdit on every kind of ComfyUI MODEL: the checks of inside/checks*.py, run once in ComfyUI's own Python."""

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

INSIDE = Path(__file__).parent / "inside"
NAMES = [
    item.name
    for file in sorted(INSIDE.glob("checks*.py"))
    for item in ast.parse(file.read_text(encoding="utf-8")).body
    if isinstance(item, ast.FunctionDef) and item.name.startswith("check_")
]


@pytest.fixture(scope="module")
def results(comfy_location):
    folder, python = comfy_location
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # or what the import costs would be what compiling costs
    done = subprocess.run(
        [python, str(INSIDE / "run.py")],
        cwd=folder,
        env=env,
        input=" ".join(NAMES),
        capture_output=True,
        text=True,
        timeout=900,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    assert lines, (done.stdout + done.stderr)[-4000:]
    return json.loads(lines[-1].removeprefix("RESULTS "))


@pytest.mark.parametrize("name", NAMES)
def test_inside(results, name):
    assert not results[name], results[name]
