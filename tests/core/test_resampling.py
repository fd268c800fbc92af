"""Bootstrap of the realism distance: agrees with drawing pictures by hand, and covers what it should."""

import pytest
import torch
from torch.nn import functional as F

from sdedit_core.measure.realism import SlicedWasserstein, wasserstein
from sdedit_core.measure.resampling import interval, resampled, spot_shares, with_intervals
from sdedit_core.measure.table import Row, more_real

SMALL = {"patches_per_level": 1024, "directions": 32}


def pictures(count, seed, grain=0.2):
    """Smooth pictures with grain, each of its own contrast: sets vary as real ones do."""
    g = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(count, 3, 5, 5, generator=g), (32, 32), mode="bilinear")
    own = torch.rand(count, 1, 1, 1, generator=g)
    return (coarse + grain * own * torch.randn(count, 3, 32, 32, generator=g)).clamp(0, 1)


@pytest.mark.parametrize("whiten", ["reference", "own"])
def test_the_whole_set_gives_the_distance_itself(whiten):
    reference, other = pictures(8, 0), pictures(8, 1, grain=0.05)
    distance, whole = SlicedWasserstein(reference, whiten=whiten, **SMALL), torch.arange(8)
    ours, theirs = (distance.channel_projections(x, patches=1024, directions=32) for x in (other, None))
    for one, two, known in zip(ours, theirs, distance(other).levels.values(), strict=True):
        std = None if whiten == "own" else two.moments(whole)[1]
        assert wasserstein(one.sorted(whole, std), two.sorted(whole)) == pytest.approx(known, rel=1e-4)


@pytest.mark.parametrize("whiten", ["reference", "own"])
def test_draws_are_distances_of_drawn_pictures(whiten):
    """Also with the whitening of the drawn pictures: the same mean and deviation as by hand, 60 against 200 draws."""
    reference, other = pictures(10, 0), pictures(10, 1, grain=0.05)
    quick = resampled(SlicedWasserstein(reference, whiten=whiten, **SMALL), [other])[:, 0]
    g, slow = torch.Generator().manual_seed(7), []
    for _ in range(60):
        mine, theirs = (x[torch.randint(10, (10,), generator=g)] for x in (other, reference))
        slow.append(SlicedWasserstein(theirs, whiten=whiten, **SMALL)(mine).mean)
    slow = torch.tensor(slow)
    assert float(quick.std()) == pytest.approx(float(slow.std()), rel=0.35)
    assert float(quick.mean()) == pytest.approx(float(slow.mean()), rel=0.1)


def test_draws_are_paired_and_repeatable():
    distance, other = SlicedWasserstein(pictures(8, 0), **SMALL), pictures(8, 1)
    nearly = (other + 0.01 * torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(2))).clamp(0, 1)
    draws = resampled(distance, [other, nearly], times=50)
    assert torch.equal(draws, resampled(distance, [other, nearly], times=50))
    assert not torch.equal(draws, resampled(distance, [other, nearly], times=50, seed=1))
    assert float((draws[:, 0] - draws[:, 1]).std()) < 0.3 * float(draws[:, 0].std()), "the same pictures are drawn"


def test_intervals_around_the_value():
    low, high = interval(0.5, torch.tensor([0.6, 0.7, 0.8, 0.9], dtype=torch.float64))
    assert low + high == pytest.approx(1.0) and high - low == pytest.approx(2 * 1.96 * 0.12909944)


def row(t0, realism):
    return Row(t0=t0, sigma=t0, l2=1.0, l2_squared=1.0, rmse=0.1, psnr=20.0, ssim=0.5, realism=realism)


def test_gain_says_where_edits_are_more_real_beyond_doubt():
    noise = torch.randn(400, generator=torch.Generator().manual_seed(0)).double() * 0.01
    rows = [row(0.1, 0.099), row(0.2, 0.06), row(0.3, 0.05), row(0.4, 0.2), row(0.5, 0.06)]
    g = torch.Generator().manual_seed(1)
    own = 0.002 * torch.randn(400, len(rows), generator=g, dtype=torch.float64)
    draws = torch.tensor([r.realism for r in rows]) + noise[:, None] + own
    found = with_intervals(rows, draws, 0.1, 0.1 + noise)
    assert found[1].gain == pytest.approx(0.04) and found[1].realism_high - found[1].realism > 0.015
    assert 0.03 < found[1].gain_low < 0.04 < found[1].gain_high < 0.05, "the common noise is gone from the difference"
    assert more_real(found) == "more real than the guides (95 % interval above 0): t0 0.2 to 0.3, 0.5"
    assert more_real(rows) == ""
    shares = spot_shares(rows, draws, 0.1, 0.1 + noise)
    assert sum(shares.values()) == pytest.approx(1.0) and max(shares, key=shares.get) == 0.2


def test_too_few_pictures_are_refused():
    distance = SlicedWasserstein(pictures(3, 0), **SMALL)
    with pytest.raises(ValueError, match="at least 4 pictures"):
        resampled(distance, [pictures(8, 1)])
    with pytest.raises(ValueError, match="same number"):
        resampled(SlicedWasserstein(pictures(8, 0), **SMALL), [pictures(8, 1), pictures(7, 1)])
