"""Regions with their own t0 as one map: exact values, their order, and the same law as a soft mask."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sdedit_core import ScoreModel, perturb, sdedit
from sdedit_core.measure.t0_picture import main_values, t0_picture
from sdedit_core.sampling.masks import feather
from sdedit_core.sampling.regions import Region, as_mask, lay_regions

TIMES = st.floats(0.0, 1.0).map(lambda t: round(t, 4))


def area(left, right, size=16, batch=1):
    mask = torch.zeros(batch, size, size)
    mask[..., left:right] = 1.0
    return mask


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 16), TIMES), min_size=1, max_size=4), TIMES)
def test_the_topmost_region_counts_exactly(given_regions, base):
    regions = [Region(area(min(a, b - 1), max(a + 1, b)), t0) for a, b, t0 in given_regions]
    found = lay_regions(regions, base=base)
    expected = torch.full((1, 16, 16), base, dtype=torch.float64)
    for region in regions:
        expected[region.mask > 0] = region.t0
    assert torch.equal(found, expected)
    mask, top = as_mask(found)
    assert top == float(expected.max()) and bool((mask[found == 0.0] == 0.0).all())
    if top > 0.0:
        assert bool((mask[found == top] == 1.0).all())
        assert float((mask.double() * top - found).abs().max()) < 1e-7


def test_a_later_region_protects_as_well_as_opens():
    street, face = area(0, 16), area(4, 8)
    found = lay_regions([Region(street, 0.5), Region(face, 0.1)], base=0.3)
    assert found[0, 0].unique().tolist() == [0.1, 0.5]
    soft = lay_regions([Region(street, 0.5), Region(0.5 * face, 0.1)])
    assert torch.allclose(soft[0, 0, 4:8], torch.tensor(0.3, dtype=torch.float64))


@pytest.mark.parametrize("side", ["out", "in", "both"])
def test_one_region_is_the_feathered_mask_of_today(side):
    mask = area(4, 12)
    found, top = as_mask(lay_regions([Region(mask, 0.6)], feather=3, side=side))
    assert top == 0.6 and torch.allclose(found, feather(mask, 3, side=side), atol=1e-7)
    if side == "in":
        assert bool((found[mask == 0] == 0.0).all()), "nothing outside changes"


def test_masks_for_frames_beside_one_for_all():
    frames = torch.stack([area(0, 4)[0], area(4, 8)[0], area(8, 12)[0]])
    found = lay_regions([Region(area(0, 2), 0.2), Region(frames, 0.7)], base=0.1)
    assert found.shape == (3, 16, 16)
    assert found[1, 0].tolist() == [0.2] * 2 + [0.1] * 2 + [0.7] * 4 + [0.1] * 8


def test_the_map_is_a_soft_mask_of_its_top_bit_for_bit():
    def denoise(x, sigma):
        weight = 0.04 / (0.04 + sigma.reshape(-1, 1, 1, 1) ** 2)
        return weight * x + (1 - weight) * 0.5

    model = ScoreModel.from_denoiser(denoise, data_range=(0.0, 1.0), channels=3)
    guide = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    t0_map = lay_regions([Region(area(0, 8), 0.25), Region(area(4, 12), 0.5)])
    mask, top = as_mask(t0_map)
    run = {"steps": 4, "seed": 3}
    by_mask = sdedit(model, guide, t0=top, mask=mask[None], **run).samples
    by_map = sdedit(model, guide, t0_map=t0_map.float()[None], **run).samples
    assert torch.equal(by_mask, by_map) and torch.equal(by_mask[..., 12:], guide[..., 12:])
    state = perturb(model, guide, top, seed=3, mask=mask[None])
    assert float(state.fractions()[..., 0].unique()) == 0.5


def test_bad_regions_are_explained():
    with pytest.raises(ValueError, match="at least one"):
        lay_regions([])
    with pytest.raises(ValueError, match="one size"):
        lay_regions([Region(area(0, 2), 0.1), Region(area(0, 2, size=8), 0.1)])
    with pytest.raises(ValueError, match="do not go together"):
        lay_regions([Region(area(0, 2, batch=2), 0.1), Region(area(0, 2, batch=3), 0.1)])
    for t0 in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError):
            lay_regions([Region(area(0, 2), t0)])
    assert as_mask(torch.zeros(1, 4, 4))[1] == 0.0


def test_the_picture_shows_every_region():
    found = lay_regions([Region(area(0, 8, 64), 0.2), Region(area(8, 40, 64), 0.6)])
    assert sorted(main_values(found)) == [0.0, 0.2, 0.6]
    shown = t0_picture(found, picture=torch.rand(1, 3, 64, 64))
    assert shown.shape[0] == 1 and shown.shape[-1] == 384 and 0.0 <= float(shown.min()) <= float(shown.max()) <= 1.0
    dot = torch.zeros(1, 64, 64)
    dot[0, 5, 5] = 1.0
    assert main_values(lay_regions([Region(dot, 0.7)])) == [0.0, 0.7], "a single pixel is named, too"
    soft = lay_regions([Region(area(0, 32, 64), 0.6)], feather=16)
    assert main_values(soft) == [0.6, 0.0], "and the steps of a soft edge are not"
    plain = t0_picture(found)
    colours = [plain[0, :, 300, x] for x in (10, 150, 370)]
    assert all(float((a - b).abs().max()) > 0.1 for i, a in enumerate(colours) for b in colours[:i])
    assert t0_picture(torch.zeros(2, 2000, 10)).shape[0] == 2, "an empty map is a picture too"
