"""The table of errors in docs/checkpoints.md has every file of the tests, and no error beyond what the tests allow."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_current(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "core"))
    import golden

    import checkpoint_table

    table = checkpoint_table.rows(checkpoint_table.PAGE.read_text(encoding="utf-8"))
    assert sorted(table) == golden.NAMES, "run tools/checkpoint_table.py"
    assert all(0.0 <= error < 1e-5 for error in table.values())
    for name in ("ddpm.ckpt", "edm_song.safetensors"):
        _, error = checkpoint_table.measure(name)
        assert error < 3 * table[name] + 1e-6, "run tools/checkpoint_table.py"
    sys.modules.pop("checkpoint_table", None)
