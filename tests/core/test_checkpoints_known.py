"""Well-known networks: told by the shapes of the authors' own configurations, their noise levels by the data's name."""

import pytest

from sdedit_core.checkpoints import known
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.networks import ddpm, ncsnpp
from sdedit_core.networks.preconditioning import VE, VP

# nf, ch_mult, num_res_blocks and attention as in the configurations of score_sde_pytorch and of ddim
CIFAR = {"nf": 128, "ch_mult": (1, 2, 2, 2), "attention_levels": (1,), "skips": False}
SHAPES = {
    "NCSN++ 256 (LSUN church or bedroom, CelebA-HQ, FFHQ)": ncsnpp(
        nf=128, ch_mult=(1, 1, 2, 2, 2, 2, 2), blocks=2, attention_levels=(4,)
    ),
    "NCSN++ 1024 (FFHQ)": ncsnpp(nf=16, ch_mult=(1, 2, 4, 8, 16, 32, 32, 32), blocks=1, attention_levels=(6,)),
    "NCSN++ CIFAR-10": ncsnpp(blocks=4, residual_input=True, **CIFAR),
    "NCSN++ deep CIFAR-10": ncsnpp(blocks=8, residual_input=True, **CIFAR),
    "DDPM++ CIFAR-10": ncsnpp(blocks=4, fourier=False, fir=False, **CIFAR),
    "DDPM++ deep CIFAR-10": ncsnpp(blocks=8, fourier=False, fir=False, **CIFAR),
    "DDPM 256 (LSUN, CelebA-HQ)": ddpm(ch=128, ch_mult=(1, 1, 2, 2, 4, 4), blocks=2, attention_levels=(4,)),
}
LARGE = ncsnpp()


def applied(spec, hints="", *, sigma_max=348.0, from_scheduler=True, kind=VE, **options):
    levels = VE((0.0, 1.0), sigma_max=sigma_max) if kind is VE else kind()
    found = Found("a format", "x", spec, {}, levels, which="EMA")
    known.apply(found, hints, Overrides.make(options), from_scheduler=from_scheduler)
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_a_network_of_a_known_shape_is_named(name):
    assert f"known network: {name}" in applied(SHAPES[name]).detected
    assert name in known.shapes()


def test_a_network_of_another_shape_is_left_alone():
    found = applied(ncsnpp(nf=64), "lsun church")
    assert not found.detected and not found.notes and found.preconditioning.sigma_max == 348.0


@pytest.mark.parametrize(
    "hints, sigma_max", [("ncsnpp-CHURCH-256", 380.0), ("x Bedroom", 378.0), ("ffhq_256", 348.0), ("celebahq", 348.0)]
)
def test_the_noise_levels_of_the_data_in_the_name_are_put_right(hints, sigma_max):
    found = applied(LARGE, hints, sigma_max=1348.0)
    assert found.preconditioning.sigma_max == sigma_max and found.preconditioning.sigma_min == 0.01
    assert len(found.notes) == 1 and f"sigma_max corrected from 1348 to {sigma_max:g}" in found.notes[0]
    assert "sigma_max=1348 keeps the file's" in found.notes[0]
    right = applied(LARGE, hints, sigma_max=sigma_max)
    assert right.preconditioning.sigma_max == sigma_max and not right.notes


def test_without_a_name_the_levels_are_asked_for():
    found = applied(LARGE, "a file", sigma_max=50.0)
    assert found.preconditioning.sigma_max == 50.0
    assert found.notes == [
        "sigma_max is 50 here; the networks of this shape were trained with 380 (church), 378 (bedroom) or 348 (FFHQ, "
        "CelebA-HQ): set sigma_max if the file is one of those"
    ]


def test_what_a_file_or_its_user_says_is_not_corrected():
    for found in (
        applied(LARGE, "church", sigma_max=50.0, from_scheduler=False),
        applied(SHAPES["NCSN++ 1024 (FFHQ)"], "church", sigma_max=50.0),
    ):
        assert found.preconditioning.sigma_max == 50.0 and not found.notes
    said = Found("a format", "x", LARGE, {}, VE((0.0, 1.0), sigma_max=50.0), which="EMA")
    known.apply(said, "church", Overrides.make({"sigma_max": 50.0}), from_scheduler=True)
    assert said.preconditioning.sigma_max == 50.0 and not said.notes
    assert not applied(LARGE, "church", kind=VP).notes
