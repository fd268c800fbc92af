"""One door for built-in priors, files and images."""

import pytest
import torch

from sdedit_core import load_score_model, sdedit
from sdedit_core.load import builtin_names, score_model_from_images


def texture(size=32, seed=0):
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def test_every_built_in_loads_and_says_what_it_is():
    for name in builtin_names():
        model = load_score_model(name)
        assert model.info.name == name and model.data_range == (0.0, 1.0)
        assert model.schedule.sigma_max == 348.0


def test_references_follow_the_picture():
    model = score_model_from_images(texture(64))
    for size in (32, 48):
        sdedit(model, texture(size, seed=1), t0=0.3, steps=2)
        assert model.prior.at(size).native_size == size
    fixed = score_model_from_images(texture(64), image_size=40)
    assert fixed.prior.native_size == 40


def test_only_the_last_sizes_stay_in_memory():
    model = score_model_from_images(texture(64))
    built = [model.prior.at(size) for size in (32, 40, 48)]
    assert model.prior.at(48) is built[2] and model.prior.at(40) is built[1]
    assert model.prior.at(32) is not built[0]


def test_a_tick_can_stop_an_evaluation():
    model = score_model_from_images(texture(64))

    class Cancelled(Exception):
        pass

    def stop():
        raise Cancelled

    model.prior.tick = stop
    with pytest.raises(Cancelled):
        sdedit(model, texture(32, seed=1), t0=0.3, steps=2)
    model.prior.tick = None
    assert sdedit(model, texture(32, seed=1), t0=0.3, steps=2).nfe == 2


def test_an_item_is_the_same_alone_and_in_a_batch():
    model = score_model_from_images(texture(48))
    guides = torch.cat([texture(48, seed=s) for s in (1, 2)])
    both = sdedit(model, guides, t0=0.4, steps=4, seed=9).samples
    alone = sdedit(model, guides[:1], t0=0.4, steps=4, seed=9).samples
    assert torch.equal(both[:1], alone)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name_or_path": "landscape-moon"}, "landscape-alpine"),
        (
            {"name_or_path": "landscape-lake", "sigma_max": 50.0},
            "no override but image_size and palette_freedom, got sigma_max",
        ),
        ({"name_or_path": "landscape-lake", "image_size": 3}, "image_size"),
        ({"name_or_path": "landscape-lake", "palette_freedom": -0.1}, "palette_freedom"),
        ({"name_or_path": "landscape", "palette_freedom": "much"}, "palette_freedom"),
        ({"name_or_path": "landscape-lake", "weights": "best"}, "weights"),
        ({"name_or_path": "landscape-lake", "dtype": "int8"}, "dtype"),
    ],
)
def test_wrong_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        load_score_model(**arguments)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        ([], "at least one image"),
        (torch.rand(0, 3, 32, 32), "at least one image"),
        (torch.rand(1, 4, 32, 32), "expected"),
        (torch.full((1, 3, 32, 32), float("nan")), "NaN"),
        (torch.rand(1, 3, 8, 8), "16"),
        (torch.rand(1, 3, 32, 32) * 255, "expected"),
    ],
)
def test_images_that_cannot_be_a_model(images, text):
    with pytest.raises(ValueError, match=text):
        score_model_from_images(images)
