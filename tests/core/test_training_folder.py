"""Folders as people have them: broken files, every kind of picture, links, one picture, none."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from sdedit_core.cli.main import main
from sdedit_core.pictures.io import load_image
from sdedit_core.training.folder import image_files, load_folder

SIZE = 16


def picture(width=40, height=32, colour=(200, 60, 20)):
    return Image.new("RGB", (width, height), colour)


def mean(folder):
    """The mean colour of a folder with one picture, in [0, 1]."""
    return load_folder(folder, size=SIZE).pictures[0].float().mean((1, 2)) / 255


@pytest.mark.parametrize(
    "name, image, colour",
    [
        ("rgb.png", picture(), (200, 60, 20)),
        ("rgb.jpg", picture(), (200, 60, 20)),
        ("clear.png", Image.new("RGBA", (40, 32), (200, 60, 20, 0)), (255, 255, 255)),
        ("half.webp", Image.new("RGBA", (40, 32), (0, 0, 0, 128)), (127, 127, 127)),
        ("grey.png", Image.new("L", (40, 32), 90), (90, 90, 90)),
        ("grey_alpha.png", Image.new("LA", (40, 32), (90, 255)), (90, 90, 90)),
        ("bits.png", Image.new("1", (40, 32), 1), (255, 255, 255)),
        ("palette.gif", picture().quantize(), (200, 60, 20)),
        ("cmyk.jpg", Image.new("CMYK", (40, 32), (0, 255, 255, 0)), (255, 0, 0)),
        ("deep.png", Image.fromarray(np.full((32, 40), 90 * 257, np.uint16)), (90, 90, 90)),
        ("deep.tif", Image.fromarray(np.full((32, 40), 90 * 257, np.uint16)), (90, 90, 90)),
        ("float.tiff", Image.fromarray(np.full((32, 40), 0.5, np.float32)), (127, 127, 127)),
        ("UPPER.BMP", picture(), (200, 60, 20)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_every_kind_of_picture(tmp_path, name, image, colour):
    image.save(tmp_path / name)
    expected = torch.tensor(colour) / 255
    torch.testing.assert_close(mean(tmp_path), expected, atol=0.02, rtol=0)


def test_sixteen_bits_of_colour_and_animations(tmp_path):
    first, second = picture(colour=(10, 200, 10)), picture(colour=(200, 10, 10))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    first.save(tmp_path / "moving.webp", save_all=True, append_images=[second], lossless=True)
    found = load_folder(tmp_path, size=SIZE)
    assert len(found.pictures) == 2
    assert torch.allclose(found.pictures.float().mean((0, 2, 3)), torch.tensor([10.0, 200, 10]), atol=3)


def test_orientation_tags_turn_the_picture(tmp_path):
    image = Image.new("RGB", (64, 32), "black")
    image.paste("white", (0, 0, 64, 16))  # upper half white
    tag = Image.Exif()
    tag[0x0112] = 6  # to be turned clockwise: the upper half becomes the right half
    image.save(tmp_path / "turned.jpg", exif=tag, quality=95)
    square = load_folder(tmp_path, size=SIZE).pictures[0].float() / 255
    assert square[:, :, -4:].mean() > 0.95 and square[:, :, :4].mean() < 0.05


def test_broken_files_are_left_out_and_named(tmp_path, capsys):
    picture().save(tmp_path / "good.png")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("not a picture")
    whole = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 90).save(whole)
    whole.write_bytes(whole.read_bytes()[:1500])
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / ".hidden.png").write_text("not a picture")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = load_folder(tmp_path, size=SIZE)
    assert len(found.pictures) == 1 and len(found.left_out) == 4
    for name in ("empty.jpg", "text.png", "cut.png", "lost.png"):
        assert any(name in line for line in found.left_out), name
    arguments = ["train", str(tmp_path), "-o", str(tmp_path / "m.safetensors"), "--size", "8", "--network", "tiny"]
    assert main([*arguments, "--steps", "1", "--batch", "2", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert said.count("left out: ") == 4 and "1 picture of 8 x 8" in said


def test_nothing_that_can_be_read(tmp_path):
    with pytest.raises(ValueError, match="No images"):
        load_folder(tmp_path, size=SIZE)
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(ValueError, match=r"None of the 1 images .*a\.png"):
        load_folder(tmp_path, size=SIZE)


def test_sub_folders_links_and_loops(tmp_path):
    inner, outside = tmp_path / "photos" / "2024" / "june", tmp_path / "elsewhere"
    inner.mkdir(parents=True)
    outside.mkdir()
    for path in (tmp_path / "photos" / "a.png", inner / "b.png", outside / "c.png"):
        picture().save(path)
    (tmp_path / "photos" / "linked").symlink_to(outside)
    (tmp_path / "photos" / "d.png").symlink_to(outside / "c.png")
    (inner / "loop").symlink_to(tmp_path / "photos")
    names = [p.name for p in image_files(tmp_path / "photos")]
    assert sorted(names) == ["a.png", "b.png", "c.png", "d.png"]


def test_mixed_sizes_small_ones_counted_crops_along_the_longer_side(tmp_path):
    stripes = Image.new("RGB", (96, 32))
    for i, colour in enumerate(("red", "lime", "blue")):
        stripes.paste(colour, (32 * i, 0, 32 * i + 32, 32))
    stripes.save(tmp_path / "a.png")
    picture(5, 7).save(tmp_path / "b.png")
    picture(1, 300).save(tmp_path / "c.png")
    picture(16, 16).save(tmp_path / "d.png")
    found = load_folder(tmp_path, size=SIZE, crops=3)
    assert found.pictures.shape == (3 + 3 + 3 + 1, 3, SIZE, SIZE) and found.enlarged == 2
    for k in range(3):
        assert found.pictures[k].float().mean((1, 2)).argmax() == k
    with pytest.raises(ValueError, match="crops 0"):
        load_folder(tmp_path, size=SIZE, crops=0)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_large_pictures_are_reduced_while_they_are_read(tmp_path, suffix):
    x = np.linspace(0, 255, 1200, dtype=np.float32)
    image = np.stack([np.tile(x, (900, 1)), np.tile(x[:900, None], (1, 1200)), np.full((900, 1200), 80)], -1)
    Image.fromarray(image.astype(np.uint8)).save(
        tmp_path / f"big{suffix}", **({"quality": 95} if suffix == ".jpg" else {})
    )
    quick, slow = load_image(tmp_path / f"big{suffix}", least=32), load_image(tmp_path / f"big{suffix}")
    assert slow.shape[-2:] == (900, 1200) and 64 <= min(quick.shape[-2:]) < 200
    small = torch.nn.functional.interpolate(slow, size=quick.shape[-2:], mode="area")
    assert (quick - small).abs().mean() < 0.01


def test_a_picture_with_too_many_pixels_is_left_out(tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "huge.png")
    picture().save(tmp_path / "good.png")
    found = load_folder(tmp_path, size=SIZE)
    assert len(found.pictures) == 1 and "9000 x 9000" in found.left_out[0]


def test_the_same_folder_gives_the_same_pictures(tmp_path):
    for i in range(30):
        Image.effect_noise((50 - i, 20 + i), 50 + i).save(tmp_path / f"{i}.png")
    a, b = (load_folder(tmp_path, size=SIZE, crops=2).pictures for _ in range(2))
    assert torch.equal(a, b) and len(a) > 50


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_left_out(tmp_path):
    picture().save(tmp_path / "a.png")
    picture().save(tmp_path / "b.png")
    (tmp_path / "a.png").chmod(0)
    assert "a.png" in load_folder(tmp_path, size=SIZE).left_out[0]


def test_sizes_that_do_not_fit_the_network(tmp_path, capsys):
    picture().save(tmp_path / "a.png")
    arguments = ["train", str(tmp_path), "-o", str(tmp_path / "m.safetensors"), "--size", "100", "--device", "cpu"]
    assert main(arguments) == 1
    assert "'base' needs a --size in multiples of 16" in capsys.readouterr().err
    arguments[5] = "16"
    assert main([*arguments, "--batch", "6", "--accumulate", "4"]) == 1
    assert "cannot be cut into 4 equal parts" in capsys.readouterr().err
