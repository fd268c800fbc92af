"""The tables of errors in docs/checkpoints.md: every file of the tests, and no error beyond what the tests allow."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_is_current(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "core"))
    import golden

    from originals import table as checkpoint_table

    table = checkpoint_table.rows(checkpoint_table.PAGE.read_text(encoding="utf-8"))
    assert sorted(table) == golden.NAMES, "run tools/make.py checkpoints"
    assert all(0.0 <= error < 1e-5 for error in table.values())
    for name in ("ddpm.ckpt", "edm_song.safetensors"):
        _, error = checkpoint_table.measure(name)
        assert error < 3 * table[name] + 1e-6, "run tools/make.py checkpoints"


def test_variants_of_the_original_codes(monkeypatch):
    """At least 40 further networks, of every family whose code could be run; measured with those codes, not here."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from originals import table as checkpoint_table

    text = checkpoint_table.PAGE.read_text(encoding="utf-8")
    table = checkpoint_table.rows(text, checkpoint_table.VARIANTS)
    assert len(table) >= 40 and all(0.0 < error < 1e-5 for error in table.values())
    families = {name.partition(":")[0].split()[0] for name in table}
    assert families >= {
        "score-SDE", "EDM", "guided-diffusion", "improved-diffusion", "consistency_models", "diffusers",
        "denoising-diffusion-pytorch",
    }  # fmt: skip
