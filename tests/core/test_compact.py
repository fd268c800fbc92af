"""The compact network with and without coordinates, and what its description says of them."""

from __future__ import annotations

import pytest
import torch

from sdedit_core import load_score_model
from sdedit_core.networks import CompactSpec, build_network
from sdedit_core.training import Run, Settings, TensorSource, Trainer
from sdedit_core.training.architectures import fresh_network, network_spec

WITH = CompactSpec((8, 16), (1, 1), 0, 8, 8, 3)
WITHOUT = CompactSpec((8, 16), (1, 1), 0, 8, 8, 3, coordinates=False)


def answers(spec, x):
    """Of a network whose last layer says something."""
    network = fresh_network(spec, seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in network.parameters():
            if not weight.any():
                weight.normal_(0.0, 0.1, generator=generator)
        return network(x, torch.zeros(len(x)))


@pytest.mark.parametrize(("spec", "same"), [(WITHOUT, True), (WITH, False)])
def test_without_coordinates_it_does_the_same_everywhere(spec, same):
    x = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    here, there = answers(spec, x), answers(spec, torch.roll(x, (8, 12), (2, 3)))
    apart = (torch.roll(here, (8, 12), (2, 3)) - there)[..., 64:72, 64:72].abs().max()
    assert bool(apart < 1e-5) is same


def test_the_description_says_it_and_those_from_before_are_as_they_were():
    assert WITHOUT.to_dict()["coordinates"] is False and CompactSpec.from_dict(WITHOUT.to_dict()) == WITHOUT
    assert "coordinates" not in WITH.to_dict(), "older readers would refuse it"
    assert CompactSpec.from_dict(WITH.to_dict()) == WITH and WITH.coordinates
    assert build_network(WITH).conv_in.in_channels == 15 and build_network(WITHOUT).conv_in.in_channels == 12
    with pytest.raises(ValueError, match="coordinates must be true or false, got 1"):
        CompactSpec((8, 16), (1, 1), 0, 8, 8, 3, coordinates=1)


def test_one_that_was_trained_is_opened(tmp_path):
    spec = network_spec("local", channels=3)
    assert spec.coordinates is False and 64 % spec.size_multiple == 0
    pictures = (torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255).to(torch.uint8)
    trainer = Trainer(TensorSource(pictures), Settings(steps=1, batch=2, warmup=0, network="local"))
    run = Run(trainer, tmp_path / "local.safetensors")
    run.go()
    x = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    loaded = load_score_model(tmp_path / "local.safetensors").denoise(x, 0.3)
    assert torch.allclose(loaded, trainer.score_model().denoise(x, 0.3), atol=2e-3), "saved as float16"
