"""The CPU's pictures on another device: ``benchmarks/gpu.py`` and what it says.

    SDEDIT_DEVICE=cuda python -m pytest tests/core/test_other_device.py
    SDEDIT_DEVICE=xla PJRT_DEVICE=CPU python -m pytest tests/core/test_other_device.py   # needs torch_xla

Without SDEDIT_DEVICE the script is tried on the CPU alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
DEVICE = os.environ.get("SDEDIT_DEVICE", "")
other = pytest.mark.skipif(not DEVICE, reason="needs another device: SDEDIT_DEVICE=cuda, or xla with torch_xla")


def run(folder, device, *parts):
    """(exit code, what the JSON file says, what was printed)"""
    if device == "xla":
        pytest.importorskip("torch_xla")
    out = folder / "gpu.json"
    command = [sys.executable, str(SCRIPT), "--device", device, "--quick", "--out", str(out), "--only", *parts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(out.read_text()) if out.exists() else done.stderr, done.stdout


def test_the_script_runs_on_a_cpu(tmp_path):
    code, data, said = run(tmp_path, "cpu", "noise", "batch", "waits", "memory")
    assert code == 0, data
    assert data["machine"]["device"] == "cpu" and data["machine"]["torch"]
    assert {c["ok"] for c in data["checks"] if "waits" not in c["name"] and "memory" not in c["name"]} == {True}
    assert [c["why"] for c in data["checks"] if c["name"] == "out of memory is a sentence"] == [
        "needs a CUDA device, whose memory can be limited"
    ]
    assert "checks hold" in said


def test_a_check_that_fails_is_an_exit_code(tmp_path):
    """The same run with a stream of noise that differs."""
    program = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); from gpu import checks\n"
    program += "checks._unequal = lambda a, b: 3\n"
    program += f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-c", program, "--device", "cpu", "--quick", "--out", str(out), "--only", "noise"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "FAILED noise, stream initial" in done.stdout
    assert {c["ok"] for c in json.loads(out.read_text())["checks"]} == {False}


@other
@pytest.mark.parametrize("part", ["noise", "solvers", "batch", "networks", "models", "waits", "memory"])
def test_another_device_makes_the_same_pictures(tmp_path, part):
    code, data, said = run(tmp_path, DEVICE, part)
    assert code == 0, data if isinstance(data, str) else said
