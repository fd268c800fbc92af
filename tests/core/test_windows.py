"""Means and largest values over windows, against pooling."""

import pytest
import torch
import torch.nn.functional as F

from sdedit_core.priors.windows import largest_around, mean_around, mean_beside, means

SIZES = [(1, 1), (2, 7), (16, 16), (33, 20)]


def picture(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, height, width, generator=torch.Generator().manual_seed(height))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reach", [0, 1, 2, 5, 7, 40])
def test_around_a_pixel_is_what_lies_in_the_picture(size: tuple[int, int], reach: int) -> None:
    part = picture(*size)
    mean, largest, row = mean_around(part, reach), largest_around(part, reach), mean_beside(part, reach)
    for y in range(size[0]):
        for x in range(size[1]):
            window = part[:, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1].flatten(1)
            torch.testing.assert_close(mean[:, y, x], window.mean(1), atol=1e-6, rtol=0)
            assert torch.equal(largest[:, y, x], window.amax(1))
            beside = part[:, y, max(0, x - reach) : x + reach + 1]
            torch.testing.assert_close(row[:, y, x], beside.mean(1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("width", range(1, 17))
def test_means_of_whole_windows(width: int) -> None:
    part = picture(16, 40)[None]
    torch.testing.assert_close(means(part, width), F.avg_pool2d(part, width, 1), atol=1e-6, rtol=0)


def test_what_is_not_a_number_spreads_no_further_than_its_windows() -> None:
    part = torch.zeros(1, 20, 20)
    part[0, 10, 10] = float("nan")
    for out in (mean_around(part, 3), largest_around(part, 3)):
        assert out.isnan().sum() == 49 and out[0, 7:14, 7:14].isnan().all()
