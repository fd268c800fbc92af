"""The first cases of the fuzzer's target inside this ComfyUI: nodes called with odd inputs."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = 400


def test_every_call_ends_in_pictures_or_a_sentence(comfy_location, tmp_path):
    folder, python = comfy_location
    env = {**os.environ, "COMFYUI_DIR": str(folder), "COMFYUI_PYTHON": str(python)}
    command = [sys.executable, "-m", "tests.fuzz", "--target", "host", "--cases", str(CASES), "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [json.loads(line)["row"] for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert sum(row["cases"] for row in rows) == CASES
    for kind in ("accepted", "refused"):
        assert sum(row["kinds"].get(kind, 0) for row in rows) > 0.2 * CASES
