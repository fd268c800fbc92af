"""What a mask leaves out of a model made of images: no patch has it, an edit stays, the command line finds it."""

import math

import pytest
import torch
from PIL import Image

from sdedit_core import sdedit
from sdedit_core.cli.left_out import masks_for
from sdedit_core.cli.main import main
from sdedit_core.load import score_model_from_images
from sdedit_core.pictures.io import load_image, save_image
from sdedit_core.priors import given
from sdedit_core.priors.given import opening_of, within_opening
from sdedit_core.priors.levels import default_levels, size_for
from sdedit_core.priors.patch import PatchPrior
from sdedit_core.priors.patch_bank import whole_patches

SIDE = 96


def photo(seed=0):
    """Texture with a red square in the middle."""
    coarse = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(seed))
    out = 0.3 + 0.4 * torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")
    out[..., 40:56, 36:58] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    return out


def opened():
    mask = torch.zeros(SIDE, SIDE)
    mask[38:58, 34:60] = 1
    return mask


def test_whole_patches_is_what_a_search_finds():
    left_out = torch.rand(21, 17, generator=torch.Generator().manual_seed(0)) < 0.02
    for patch in (1, 3, 8, 17):
        found = whole_patches(left_out, patch)
        windows = left_out.unfold(0, patch, 1).unfold(1, patch, 1)
        assert torch.equal(found, ~windows.flatten(2).any(2))


@pytest.mark.parametrize("aware", [False, True])
@pytest.mark.parametrize("flip", [False, True])
def test_no_patch_has_a_pixel_that_is_left_out(aware, flip):
    prior = PatchPrior.from_images(photo(), position_aware=aware, flip=flip, leave_out=[opened()])
    assert math.isinf(prior.levels[-1].sigma_below)
    for index in range(len(prior.levels)):
        bank = prior.bank(index)
        assert len(bank.places) > 10
        patches = bank.gather(prior.images, torch.arange(len(bank.places)))
        red = (patches[:, 0] > 0.9) & (patches[:, 1] < 0.1)
        assert not bool(red.any()), f"{bank.level.patch} px"


def test_a_mask_of_another_size_and_a_soft_one_count_as_they_cover():
    small = torch.nn.functional.interpolate(opened()[None, None], (24, 24), mode="area")[0, 0]
    assert 0 < float(small[small > 0].min()) < 1
    prior = PatchPrior.from_images(photo(), size=64, leave_out=[small])
    whole = torch.nn.functional.interpolate(opened()[None, None], (64, 64), mode="area")[0, 0] > 0
    assert bool((prior.left_out[0] >= whole).all()) and "left_out" in prior.summary()


def test_an_empty_mask_changes_nothing():
    plain, empty = (PatchPrior.from_images(photo(), leave_out=m) for m in (None, [torch.zeros(8, 8)]))
    x = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    for sigma in (0.05, 0.5, 5.0):
        assert torch.equal(plain.denoise(x, torch.tensor([sigma])), empty.denoise(x, torch.tensor([sigma])))
    assert plain.levels == empty.levels and "left_out" not in empty.summary()


@pytest.mark.parametrize(
    ("masks", "text"),
    [
        ([torch.ones(SIDE, SIDE)], "leaves out so much"),
        ([None, None], "for each of the 1 images"),
        ([torch.ones(1, SIDE, SIDE)], "is .H, W."),
    ],
)
def test_masks_that_cannot_be(masks, text):
    with pytest.raises(ValueError, match=text):
        PatchPrior.from_images(photo(), leave_out=masks)


@pytest.mark.parametrize("t0", [0.3, 0.45, 0.55])
def test_an_edit_stays_when_its_mask_is_left_out(t0):
    """The red square is painted over: with the whole photo as the model it comes back, without it does not."""
    before, mask = photo(), opened()[None, None]
    guide = before * (1 - mask) + 0.5 * mask
    left = {}
    for name, leave_out in (("whole", None), ("left out", [opened()])):
        model = score_model_from_images(before, leave_out=leave_out)
        out = sdedit(model, guide, t0=t0, steps=6, seed=0, mask=mask).samples
        left[name] = float(((out - before).square() * mask).sum() / (3 * mask.sum())) ** 0.5
    assert left["left out"] > 0.3
    if t0 > 0.4:
        assert left["whole"] < 0.8 * left["left out"]


def test_which_pictures_are_the_guides_own():
    before, mask = photo(), opened()[None, None]
    guide = (before * (1 - mask) + 0.5 * mask + 0.01 * torch.randn(before.shape)).clamp(0, 1)
    smaller = torch.nn.functional.interpolate(before, (48, 48), mode="area")
    found = masks_for([before, smaller, photo(1), before[..., :50]], guide, mask)
    assert [item is not None for item in found] == [True, True, False, False]
    assert masks_for([photo(1)], guide, mask) is None
    assert masks_for([before], guide, torch.ones_like(mask)) is None, "nothing is kept: nothing to know it by"


def test_the_command_leaves_the_mask_out_by_itself(tmp_path, capsys):
    before, mask = photo(), opened()[None, None]
    save_image(before, tmp_path / "photo.png")
    save_image(before * (1 - mask) + 0.5 * mask, tmp_path / "guide.png")
    Image.fromarray((opened() * 255).byte().numpy()).save(tmp_path / "mask.png")
    common = [
        "edit",
        str(tmp_path / "guide.png"),
        "-o",
        str(tmp_path / "out.png"),
        "--images",
        str(tmp_path / "photo.png"),
    ]
    assert main([*common, "--mask", str(tmp_path / "mask.png"), "--t0", "0.5", "--steps", "4"]) == 0
    assert "left out of it" in capsys.readouterr().out
    out = load_image(tmp_path / "out.png")
    red = ((out[:, 0] > 0.9) & (out[:, 1] < 0.1)) & (mask[:, 0] > 0)
    assert not bool(red.any())
    assert main([*common, "--t0", "0.5", "--steps", "2"]) == 0
    assert "left out of it" not in capsys.readouterr().out


def edges(before, after):
    """RMS of what changed, by how many pixels a place is inside of the opened square."""
    change, inside, out = (after - before).square().mean(1)[0], opened() > 0, []
    for _ in range(5):
        smaller = -torch.nn.functional.max_pool2d(-inside.float()[None], 3, 1, 1)[0] > 0
        out.append(float(change[inside & ~smaller].mean().sqrt()))
        inside = smaller
    return out


@pytest.mark.parametrize("options", [(), ("--crop",)])
def test_the_edit_fades_into_the_photo_unless_the_photo_has_it(tmp_path, capsys, options):
    before, mask = photo(), opened()[None, None]
    painted = before * (1 - mask) + 0.5 * mask
    save_image(before, tmp_path / "photo.png")
    save_image(painted, tmp_path / "guide.png")
    Image.fromarray((opened() * 255).byte().numpy()).save(tmp_path / "mask.png")

    def made(images, *more, t0="0.3"):
        command = ["edit", str(tmp_path / "guide.png"), "-o", str(tmp_path / "out.png"), *options, *more]
        command += ["--images", str(tmp_path / images), "--mask", str(tmp_path / "mask.png"), "--t0", t0]
        assert main([*command, "--steps", "3"]) == 0
        return load_image(tmp_path / "out.png"), "fades into it" in capsys.readouterr().out

    faded, said = made("photo.png")
    hard, _ = made("photo.png", "--feather", "0")
    kept = mask.expand_as(before) == 0
    assert said and torch.equal(faded[kept], hard[kept])
    soft, sharp = edges(load_image(tmp_path / "photo.png"), faded), edges(load_image(tmp_path / "photo.png"), hard)
    assert soft[0] < 0.4 * sharp[0] and soft[0] < soft[1] < soft[2] and soft[4] > 0.95 * sharp[4]
    assert torch.equal(made("photo.png", t0="0")[0], load_image(tmp_path / "guide.png")), "nothing was edited"
    assert not made("guide.png")[1], "its own strokes would show again at the edge"


def test_patches_are_small_against_the_edit_and_grow_with_it():
    plain = PatchPrior.from_images(photo())
    largest = []
    for side in (12, 20, 40):
        mask = torch.zeros(SIDE, SIDE)
        mask[20 : 20 + side, 30 : 30 + side] = 1
        prior = PatchPrior.from_images(photo(), leave_out=[mask])
        assert all(edit.patch <= whole.patch for edit, whole in zip(prior.levels, plain.levels, strict=False))
        assert prior.levels[-1].patch <= max(side, 0.2 * SIDE)
        largest.append(prior.levels[-1].patch)
    assert largest == sorted(largest) and largest[0] < largest[-1]


def test_no_patch_outgrows_the_edit():
    levels, sizes = default_levels(192, dense=True), [(192, 192), (192, 192)]

    def largest(height, width):
        out = torch.zeros(2, 192, 192, dtype=torch.bool)
        out[0, 20 : 20 + height, 30 : 30 + width] = True
        opening = opening_of(out, sizes)
        chosen = within_opening(levels, opening, 192)
        assert opening == pytest.approx((height * width) ** 0.5 / 192)
        assert chosen[-1].sigma_below == math.inf and chosen[:-1] == levels[: len(chosen) - 1]
        larger = levels[len(chosen)].patch
        assert chosen[-1].patch <= size_for(opening) * max(38.4, (height * width) ** 0.5) < larger or len(chosen) == 1
        return chosen[-1].patch

    assert largest(150, 150) > largest(90, 90) > largest(21, 20)
    assert largest(30, 120) == largest(60, 60), "by area"
    assert largest(2, 2) == levels[0].patch, "there is always one"


def test_a_piece_that_is_pasted_smaller_is_known(monkeypatch):
    """Half as large, elsewhere: the model knows it from its smaller copies of the photo, and keeps it."""
    before = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(3))
    before = torch.nn.functional.interpolate(before, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    small = torch.nn.functional.interpolate(before, scale_factor=0.56, mode="bilinear", antialias=True)
    guide, mask = before.clone(), torch.zeros(1, 1, SIDE, SIDE)
    guide[..., 60:90, 60:90] = small[..., 4:34, 4:34]
    mask[..., 60:90, 60:90] = 1
    noise = torch.randn(guide.shape, generator=torch.Generator().manual_seed(4))
    left = {}
    for copies in ((), given._COPIES):
        monkeypatch.setattr(given, "_COPIES", copies)
        prior = PatchPrior.from_images(before, leave_out=[mask[0, 0]])
        assert prior.native_size == SIDE, "the copies do not count"
        out = prior.denoise(guide + 0.2 * noise, torch.tensor([0.2]))
        left[len(copies)] = float(((out - guide).square() * mask).sum() / (3 * mask.sum())) ** 0.5
    assert left[len(copies)] < 0.8 * left[0]
