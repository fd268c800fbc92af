"""Masks of every shape and type at the door, and hints that a latent gives."""

import pytest
import torch

from pack import part

HALF = torch.cat([torch.ones(1, 8, 4), torch.zeros(1, 8, 4)], -1)


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float64])
def test_types(kind):
    found = part("nodes.masks").check_mask(HALF.to(kind))
    assert found.dtype == torch.float32 and torch.equal(found, HALF)


def test_shapes():
    check = part("nodes.masks").check_mask
    assert check(HALF[0]).shape == check(HALF).shape == (1, 8, 8)
    assert check(HALF[:, None]).shape == (1, 1, 8, 8) and check(HALF[:, None, None]).shape == (1, 1, 1, 8, 8)
    assert float(check(HALF * 1.5).max()) == 1.5, "sums of masks are cut later"


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (HALF[:0], "shape"),
        (HALF[..., :0], "shape"),
        (torch.tensor(1.0), "shape"),
        (torch.ones(8), "shape"),
        (torch.ones(1, 1, 1, 1, 8, 8), "shape"),
        (torch.ones(1, 8, 8, 3), "Convert Image to Mask"),
        (HALF * 255, "0 .keep. to 1 .change."),
        (-3 * HALF, "from -3 to"),
        (HALF / 0, "NaN"),
        (HALF.to(torch.complex64), "MASK"),
        (HALF.to_sparse(), "MASK"),
        (HALF.to("meta"), "MASK"),
        (None, "NoneType"),
        ("mask", "str"),
        (0.5, "float"),
    ],
)
def test_what_is_no_mask(mask, words):
    with pytest.raises(ValueError, match=words):
        part("nodes.masks").check_mask(mask)


@pytest.mark.parametrize(
    ("masks", "pictures", "fits"), [(1, 5, 1), (5, 5, 1), (2, 4, 1), (3, 4, 0), (4, 2, 0), (2, 1, 0)]
)
@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 1, 8, 8), (4, 16)])
def test_masks_for_pictures(masks, pictures, fits, shape):
    one_for_each = part("nodes.masks").one_for_each
    for mask in (torch.ones(masks, 8, 8), torch.ones(masks, 1, 8, 8)):
        if fits:
            found = one_for_each(mask, (pictures, *shape))
            assert found.shape == (masks, *({3: (1,), 4: (1, 1), 2: ()}[len(shape)]), 8, 8)
        else:
            with pytest.raises(ValueError, match=f"{masks} masks for {pictures} picture"):
                one_for_each(mask, (pictures, *shape))


def test_masks_for_the_frames_of_a_video():
    one_for_each = part("nodes.masks").one_for_each
    for frames in (torch.ones(3, 8, 8), torch.ones(3, 1, 8, 8), torch.ones(8, 8, 8), torch.ones(1, 1, 7, 8, 8)):
        assert one_for_each(frames, (1, 4, 3, 8, 8)) is frames
    for shape in ((9, 1, 1), (9, 1, 1, 1)):  # 4 frames of the picture to one of the latent, but for the first
        frames = torch.tensor([0.1, 0.2, 0.0, 0.9, 0.3, 0.0, 0.0, 0.0, 0.0]).reshape(shape)
        assert one_for_each(frames, (1, 4, 3, 8, 8)).flatten().tolist() == pytest.approx([0.1, 0.9, 0.0])
    with pytest.raises(ValueError, match="3 masks for 2 pictures"):
        one_for_each(torch.ones(3, 1, 7, 8, 8), (2, 4, 3, 8, 8))


def hint(guide, mask, pixels):
    return part("nodes.hints").lost_strokes(guide, mask, pixels=pixels)


def pictures(channels, seed=0):
    return torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_grey_under_the_mask():
    """The mask that VAE Encode (for Inpainting) gives along reaches a few pixels beyond what it paints grey."""
    guide, mask = pictures(3), torch.zeros(2, 1, 32, 32)
    mask[1, :, 4:28, 4:28] = 1.0
    assert hint(guide, mask, True) == []
    guide[1, :, 8:24, 8:24] = 0.0
    (words,) = hint(guide, mask, True)
    assert "VAE Encode (for Inpainting)" in words and words.startswith("Under the noise mask")
    assert hint(guide, mask * 0.5, True) == [], "its masks are hard"
    assert hint(guide, 1.0 - mask, True) == [], "grey that is kept"
    guide[1, :, :, :2] = 0.0
    assert hint(guide, mask, True) == [], "a picture that is grey elsewhere too"
    guide[1, :, 8:24, 8:24], guide[1, :, :, :2] = 1.0 / 255.0, 0.5
    assert hint(guide, mask, True) == [], "strokes of one colour, grey 128 too, are strokes"


def test_an_even_area_in_a_latent():
    guide, mask = pictures(4), torch.zeros(2, 1, 32, 32)
    mask[:, :, 4:24, 4:24] = 1.0
    assert hint(guide, mask, False) == []
    guide[0, :, 6:22, 6:22] = torch.tensor([0.3, -0.2, 0.1, 0.5]).reshape(4, 1, 1) + 0.01 * guide[0, :, 6:22, 6:22]
    assert len(hint(guide, mask, False)) == 1
    assert hint(guide, torch.ones_like(mask), False) == hint(guide, 0.0 * mask, False) == []
    assert hint(guide[:, :, None], mask[:, :, None], False) == [], "no word about videos"


def test_a_mask_for_each_picture_of_a_model():
    pick = part("nodes.score_model_from_images").one_for_each_picture
    assert len(pick(HALF, 3)) == 3 and len(pick(HALF[:, None].repeat(2, 1, 1, 1), 2)) == 2
    with pytest.raises(ValueError, match="2 masks for 3 pictures"):
        pick(HALF.repeat(2, 1, 1), 3)
