"""Comparison of a guide and its edit: numbers, notes, JSON."""

import json

import pytest
import torch

from sdedit_core.measure.comparison import compare
from sdedit_core.measure.sweep import SweepPlan
from sdedit_core.priors.exact import GaussianPrior

GUIDE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def cell_comparison(**options):
    model = GaussianPrior(mean=0.5, std=0.2).score_model()
    cell = SweepPlan(model, GUIDE, steps=12, predict=True, **options).cell(0.3)
    picture = cell.samples.clamp(0, 1)
    extra = {"t0": cell.t0, "sigma": cell.sigma, "nfe": cell.nfe, "seconds": cell.seconds}
    return compare(GUIDE, picture, mask=options.get("mask"), predicted=cell.predicted, bounds=cell.bounds, **extra)


def test_a_run_is_reported_with_prediction_and_bounds():
    text = str(cell_comparison())
    for words in ("t0 0.3", "13 evaluations", " s", "L2", "PSNR", "SSIM", "whole", "expected before sampling"):
        assert words in text
    for words in ("measured", "path-wise, strict", "delta 0.05"):
        assert words in text


def test_masked_reports_have_regions_and_an_exact_outside():
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1.0
    report = cell_comparison(mask=mask)
    item = report.items[0]
    assert item["outside"].l2 == 0.0 and item["inside"].l2 == pytest.approx(item["whole"].l2)
    assert "equal" in str(report) and not report.notes


def test_a_changed_kept_region_is_remarked():
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1.0
    report = compare(GUIDE, (GUIDE + 0.01).clamp(0, 1), mask=mask)
    assert any("kept region differs" in note for note in report.notes)


def test_json_is_strict():
    mask = torch.ones(1, 1, 16, 16)
    text = json.dumps(compare(GUIDE, GUIDE, mask=mask).to_dict(), allow_nan=False)
    data = json.loads(text)
    assert data["items"][0]["whole"]["psnr"] is None and data["items"][0]["outside"]["pixels"] == 0
    full = json.loads(json.dumps(cell_comparison().to_dict(), allow_nan=False))
    assert full["bounds"]["d"] == 768 and full["predicted"]["rms"] > 0


def test_a_batch_has_a_line_for_each_item():
    both = torch.cat([GUIDE, GUIDE])
    text = str(compare(both, both))
    assert "0: whole" in text and "1: whole" in text


def test_pictures_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="one size"):
        compare(GUIDE, torch.zeros(1, 3, 16, 17))
