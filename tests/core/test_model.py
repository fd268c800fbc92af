"""The score-model contract."""

import pytest
import torch

from sdedit_core import VESDE, ScoreModel
from sdedit_core.pictures.io import from_range, to_range


def shrink(x, sigma):
    """Exact denoiser of N(0, 1) data."""
    return x / (1 + sigma.reshape(-1, 1, 1, 1) ** 2)


def test_from_denoiser_defaults_are_the_documented_ones():
    model = ScoreModel.from_denoiser(shrink)
    assert (model.schedule.sigma_min, model.schedule.sigma_max) == (0.01, 348.0)
    assert model.data_range == (0.0, 1.0) and model.channels == 3


def test_score_is_tweedie():
    model = ScoreModel.from_denoiser(shrink, data_range=None)
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.5, 2.0])
    expected = -x / (1 + sigma.reshape(-1, 1, 1, 1) ** 2)  # score of N(0, 1 + sigma^2)
    assert torch.allclose(model.score(x, sigma), expected, atol=1e-6)
    with pytest.raises(ValueError, match="sigma > 0"):
        model.score(x, 0.0)


def test_sigma_may_be_a_number_or_one_per_sample():
    model = ScoreModel.from_denoiser(shrink)
    x = torch.rand(2, 3, 4, 4)
    both = model.denoise(x, torch.tensor([0.3, 0.7]))
    assert torch.equal(both[0], model.denoise(x, 0.3)[0]) and torch.equal(both[1], model.denoise(x, 0.7)[1])
    with pytest.raises(ValueError, match="one per sample"):
        model.denoise(x, torch.tensor([0.1, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("guide", "text"),
    [
        ("not a tensor", "must be a tensor"),
        (torch.rand(3, 8, 8), "shape"),
        (torch.rand(0, 3, 8, 8), "shape"),
        (torch.rand(1, 4, 8, 8), "3 channels"),
        (torch.rand(1, 3, 8, 10), "multiples of 8"),
        (torch.full((1, 3, 8, 8), float("nan")), "NaN"),
        (torch.full((1, 3, 8, 8), float("inf")), "NaN or infinite"),
        (torch.rand(1, 3, 8, 8) * 255, "expects 0 to 1"),
    ],
)
def test_bad_guides_are_refused_with_a_reason(guide, text):
    model = ScoreModel.from_denoiser(shrink, size_multiple=8)
    with pytest.raises(ValueError, match=text):
        model.check_guide(guide)


def test_wrong_denoisers_are_caught():
    model = ScoreModel.from_denoiser(lambda x, sigma: x[:, :1])
    with pytest.raises(ValueError, match="returned shape"):
        model.denoise(torch.rand(1, 3, 4, 4), 1.0)
    with pytest.raises(ValueError, match="function"):
        ScoreModel.from_denoiser("net")
    with pytest.raises(ValueError, match="data_range"):
        ScoreModel.from_denoiser(shrink, data_range=(1.0, 0.0))


def test_class_labels_only_where_there_are_classes():
    model = ScoreModel.from_denoiser(shrink)
    with pytest.raises(ValueError, match="no classes"):
        model.denoise(torch.rand(1, 3, 4, 4), 1.0, y=torch.tensor([1]))
    conditional = ScoreModel.from_denoiser(lambda x, s, y: x * 0 + y.reshape(-1, 1, 1, 1), num_classes=10)
    assert float(conditional.denoise(torch.rand(1, 3, 4, 4), 1.0, y=torch.tensor([7])).mean()) == 7.0


def test_info_is_readable():
    model = ScoreModel.from_denoiser(shrink, schedule=VESDE(0.01, 50.0))
    model.info.assumed.append("pixels in 0..1")
    assert "assumed: pixels in 0..1" in str(model.info)


@pytest.mark.parametrize("data_range", [(0.0, 1.0), (-1.0, 1.0), (-2.0, 6.0), None])
def test_ranges_round_trip(data_range):
    x = torch.rand(1, 3, 5, 5)
    assert torch.allclose(from_range(to_range(x, data_range), data_range), x, atol=1e-6)
    if data_range == (-1.0, 1.0):
        assert float(to_range(torch.ones(1), data_range)) == 1.0 and float(to_range(torch.zeros(1), data_range)) == -1.0
