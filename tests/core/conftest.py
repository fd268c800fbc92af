"""What several tests of the core share: photos on disk, and a model that counts its evaluations."""

from collections.abc import Callable

import pytest
import torch

from sdedit_core import ScoreModel
from sdedit_core.pictures.io import save_image
from sdedit_core.priors.exact import GaussianPrior


@pytest.fixture
def photos(tmp_path):
    """A folder with four pictures in photos/ and five others in real/, 30 x 30, smooth."""
    for folder, count, first in (("photos", 4, 0), ("real", 5, 100)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(first + i))
            picture = torch.nn.functional.interpolate(coarse, (30, 30), mode="bilinear")
            save_image(picture, tmp_path / folder / f"p{i}.png")
    return tmp_path


@pytest.fixture
def counted_model() -> Callable[..., tuple[ScoreModel, list[float]]]:
    """counted_model(std=0.2) -> an exact Gaussian model with mean 0.5, and the sigmas that it is asked for."""

    def make(std=0.2):
        prior, calls = GaussianPrior(mean=0.5, std=std), []

        def denoise(x, sigma):
            calls.append(float(sigma[0]))
            return prior.denoise(x, sigma)

        return ScoreModel.from_denoiser(denoise), calls

    return make
