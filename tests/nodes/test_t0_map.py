"""The t0 Map node without a host: sizes, batches, what it hands to Add VE Noise at t0."""

import pytest
import torch


@pytest.fixture
def lay(pack):
    node = pack.NODE_CLASS_MAPPINGS["SDEdit_T0Map"]()

    def run(mask, **more):
        return node.lay(**{"mask_1": mask, "t0_1": 0.5, "base_t0": 0.0, "feather": 0, "feather_side": "out", **more})

    return run


def area(left, right, size=32, batch=1):
    mask = torch.zeros(batch, size, size)
    mask[..., left:right] = 1.0
    return mask


def test_a_single_mask_comes_through_with_its_t0(lay):
    soft = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    soft[0, 0, 0] = 1.0
    mask, t0, heat, info = lay(soft)
    assert t0 == 0.5 and torch.allclose(mask, soft, atol=1e-7) and mask.dtype == torch.float32
    assert heat.shape[0] == 1 and heat.shape[-1] == 3 and "32 x 32" in info


def test_regions_and_the_rest(lay):
    mask, t0, _, info = lay(area(0, 8), mask_2=area(4, 12), t0_2=0.8, base_t0=0.2)
    assert t0 == 0.8 and torch.equal(mask.unique(), torch.tensor([0.25, 0.625, 1.0]))
    for words in ("t0 0.5: 12.5 %", "t0 0.8: 25 %", "t0 0.2: 62.5 %"):
        assert words in info, info


def test_frames_and_sizes(lay):
    frames = torch.cat([area(0, 8), area(8, 16), area(16, 24)])
    mask, _, heat, info = lay(frames, mask_2=area(0, 1, size=16), t0_2=0.1)
    assert mask.shape == (3, 32, 32) and heat.shape[0] == 3 and "mask_2 was 16 x 16" in info
    assert lay(frames.reshape(1, 1, 3, 32, 32), mask_2=area(0, 4))[0].shape == (1, 1, 3, 32, 32)
    assert lay(area(0, 8)[0])[0].shape == (1, 32, 32) and lay(area(0, 8)[:, None])[0].shape == (1, 32, 32)
    photo = torch.rand(1, 24, 40, 3)
    mask, _, heat, _ = lay(area(0, 8), image=photo)
    assert mask.shape == (1, 24, 40) and set(mask.unique().tolist()) == {0.0, 1.0}
    with pytest.raises(ValueError, match="mask_1 has 3, mask_2 has 2"):
        lay(frames, mask_2=area(0, 8, batch=2))


def test_empty_masks_and_wrong_numbers(lay):
    mask, t0, _, info = lay(torch.zeros(1, 64, 64))
    assert t0 == 0.0 and float(mask.max()) == 0.0 and "nothing may change" in info
    with pytest.raises(ValueError, match="Connect the MODEL"):
        lay(area(0, 8), unit="noise share")
    with pytest.raises(ValueError, match="unit"):
        lay(area(0, 8), unit="percent")
    for wrong in ({"t0_1": 1.2}, {"base_t0": -1.0}, {"feather": 600}, {"feather_side": "left"}):
        with pytest.raises(ValueError):
            lay(area(0, 8), **{"feather": 2, **wrong})
    with pytest.raises(ValueError, match=r"0 .keep. to 1 .change."):
        lay(area(0, 8) * 255)
