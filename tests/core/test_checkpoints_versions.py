"""A PyTorch that is too old is called that; the file is never called damaged for it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from sdedit_core.checkpoints import load_checkpoint, reading
from sdedit_core.checkpoints.reading import read_file

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("test_checkpoints_golden.py"))
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


def test_without_safe_globals_a_file_of_numpy_scalars_is_not_called_damaged(tmp_path, monkeypatch):
    torch.save({"model": {"w": torch.zeros(3)}, "rate": np.float64(0.5)}, tmp_path / "a.pth")
    torch.save({"model": {"w": torch.zeros(3)}}, tmp_path / "b.pth")
    monkeypatch.delattr(torch.serialization, "safe_globals")
    with pytest.raises(ValueError, match=r"PyTorch .* does not read what is in it .*Update PyTorch") as caught:
        read_file(tmp_path / "a.pth")
    assert "need not mean that it is damaged" in str(caught.value) and "Download" not in str(caught.value)
    assert read_file(tmp_path / "b.pth").content["model"]["w"].shape == (3,)


@pytest.mark.parametrize(
    "text", ["Unsupported class numpy.core.multiarray.scalar", "WeightsUnpickler error: Unsupported operand 149"]
)
def test_the_words_of_other_versions_are_understood(text):
    assert "Update PyTorch" in reading._why_not(RuntimeError(text))
    assert "truncated or damaged (unexpected end)" in reading._why_not(RuntimeError("unexpected end"))
    assert "truncated or damaged" in reading._why_not(EOFError())


def test_a_pytorch_that_takes_no_pairs_gets_none(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.serialization, "safe_globals", asked.append)
    for named in (True, False):
        monkeypatch.setattr(reading, "_NAMED", named)
        reading._allow_numpy_scalars()
        assert any(isinstance(entry, tuple) for entry in asked[-1]) == named
    assert np.float64(0.0).__reduce__()[0] in asked[-1]


def test_a_pytorch_without_is_compiling_is_named(tmp_path, monkeypatch):
    path = golden.unpack("ddpm.ckpt", tmp_path)
    monkeypatch.delattr(torch.compiler, "is_compiling")
    with pytest.raises(ValueError, match=r"Networks need PyTorch 2\.7 or newer, this is"):
        load_checkpoint(path)


def test_no_shipped_text_shows_an_unsafe_way_of_loading():
    """Scanners of registries go by the letter; what is not shipped is listed in .comfyignore."""
    left_out = tuple(line.strip() for line in (ROOT / ".comfyignore").read_text().splitlines() if line.strip())
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    unsafe = re.compile(
        r"pickle\.load|^\s*(import|from) c?[pP]ickle\b|weights_only\s*=\s*False|\bunpickle\(|yaml\.load\("
        r"|md5\((?![^)]*usedforsecurity=False)|sha1\((?![^)]*usedforsecurity=False)",
        re.MULTILINE,
    )
    seen = 0
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name.startswith(left_out) or path.suffix not in (".py", ".md", ".js", ".json", ".toml", ".txt", ".yml"):
            continue
        seen += 1
        assert not unsafe.search(path.read_text(encoding="utf-8")), name
    assert seen > 100


def test_actions_are_pinned():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for action in re.findall(r"uses:\s*(\S+)", path.read_text()):
            assert re.search(r"@([0-9a-f]{40}|v\d[\d.]*)$", action), action
