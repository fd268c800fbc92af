"""``benchmarks/seam.py``: what it measures, that every method pays the same, and that its quick mode runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def seam(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import seam

    return seam


def test_seam_of_plain_noise_is_1_and_a_step_at_the_border_raises_it(seam):
    mask = torch.zeros(1, 1, 48, 48)
    mask[..., 10:38, 10:38] = 1.0
    noise = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    assert seam.seam_of(noise, mask) == pytest.approx(1.0, abs=0.05)
    # neighbours differ by 1/6 in the mean square, and by 1 more across the border
    assert seam.seam_of(noise + mask, mask) == pytest.approx((1.0 + 6.0) ** 0.5, rel=0.05)


def test_a_border_away_from_the_mask_does_not_count(seam):
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 10:30, 10:30] = 1.0
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    other = noise.clone()
    other[..., 45:, :] += 5.0
    assert seam.seam_of(other, mask) == seam.seam_of(noise, mask)


@pytest.mark.parametrize("evaluations", [8, 20])
def test_inner_steps_cost_what_the_others_cost(seam, evaluations):
    from law.think import grid

    for settings in {seam.LANPAINT, *seam.THINK.values(), *grid()}:
        levels, thinking = settings.steps(evaluations)
        assert levels + settings.inner * thinking == evaluations and thinking >= 1
    counted = []
    for settings in seam.THINK.values():
        asked = []
        edit = seam.stand_in(32)
        model = edit.model
        ask = model.denoise
        model.denoise = lambda x, sigma, y, ask=ask, asked=asked: asked.append(sigma) or ask(x, sigma, y)
        out = seam.thought(edit, evaluations, settings, seed=0)
        kept = (edit.mask == 0.0).expand_as(out)
        assert torch.equal(out[kept], edit.guide[kept])
        counted.append(len(asked))
    assert counted == [evaluations] * len(seam.THINK)


def test_quick_mode_prints_both_tables_and_tilt_is_nearer_to_the_law():
    command = [sys.executable, str(BENCHMARKS / "seam.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=BENCHMARKS.parent)
    assert done.returncode == 0, done.stderr
    line, photos = done.stdout.split("photos, ")
    figures = dict(re.findall(r"^  (\S.*?)\s{2,}(\d\.\d+) / \d\.\d+$", line, flags=re.MULTILINE))
    assert float(figures["tilt"]) < float(figures["bridge"]) < float(figures["no mask in the loop, pasted"])
    cell = r"(\d+\.\d+) / (-?\d+\.\d+)"
    rows = re.findall(rf"^  (\S.*?)\s{{2,}}(\d\.\d+|-)\s+{cell}\s+{cell}$", photos, flags=re.MULTILINE)
    table = {name: (w2, float(seam), float(kept)) for name, w2, seam, kept, *_ in rows}
    assert {"the guide", "bridge", "tilt", "crop, tilt", "think, LanPaint's settings"} <= set(table)
    assert table["the guide"][2] == 1.0 and table["tilt"][0] == figures["tilt"], "one table for line and photos"


def test_kept_is_1_for_the_guide_and_0_for_the_photo(seam):
    edit = seam.stand_in(48)
    assert seam.edit_kept(edit.guide, edit) == pytest.approx(1.0)
    assert seam.edit_kept(edit.photo, edit) == 0.0
    half = (edit.guide + edit.photo) / 2
    noise = 0.1 * torch.randn(half.shape, generator=torch.Generator().manual_seed(0))
    assert seam.edit_kept(half + noise, edit) == pytest.approx(0.5, abs=0.05), "texture does not count"
    beside = edit.guide + (1 - edit.mask)
    assert seam.edit_kept(beside, edit) == pytest.approx(1.0), "nor does what is outside of the mask"


def test_the_models_of_the_photos_have_not_seen_what_the_masks_open(seam, monkeypatch):
    import seam_edits

    left_out = {}

    def without(image, *, image_size, leave_out):
        left_out["mask"] = leave_out[0]

    monkeypatch.setattr(seam_edits, "score_model_from_images", without)
    monkeypatch.setattr(seam_edits, "photo", lambda places, name, size: torch.rand(1, 3, size, size))
    monkeypatch.setattr(seam_edits, "load_score_model", lambda *a, **k: None)
    for make in seam_edits.EDITS:
        left_out.clear()
        edit = make([], 64)
        if make is seam_edits.new_sky:
            assert not left_out, "a built-in model"
        else:
            assert torch.equal(left_out["mask"], edit.mask[0, 0]) and 0 < float(edit.mask.mean()) < 0.5
