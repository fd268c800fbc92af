"""Pictures in and out."""

import numpy as np
import pytest
import torch
from PIL import Image

from sdedit_core.pictures.fit import fit
from sdedit_core.pictures.io import from_pil, load_image, load_mask, save_image, to_pil
from sdedit_core.pictures.sheet import contact_sheet


def test_eight_bit_pictures_round_trip_exactly(tmp_path):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(np.stack([pixels, pixels.T, 255 - pixels], -1)).save(tmp_path / "in.png")
    image = load_image(tmp_path / "in.png")
    assert image.shape == (1, 3, 16, 16) and image.dtype == torch.float32
    save_image(image, tmp_path / "out.png")
    assert torch.equal(load_image(tmp_path / "out.png"), image)


def test_every_mode_becomes_rgb(tmp_path):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"):
        path = tmp_path / f"{mode.replace(';', '')}.{'tif' if mode in ('CMYK', 'I;16') else 'png'}"
        Image.new(mode, (9, 7)).save(path)
        assert load_image(path).shape == (1, 3, 7, 9)


def test_transparency_is_laid_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert torch.equal(load_image(tmp_path / "clear.png"), torch.ones(1, 3, 4, 4))


def test_orientation_tag_is_applied(tmp_path):
    image = Image.new("RGB", (8, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert load_image(tmp_path / "turned.jpg").shape == (1, 3, 8, 4)


def test_sixteen_bit_grey_is_not_clipped(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    image = load_image(tmp_path / "deep.png")
    assert float(image.min()) == 0.0 and float(image.max()) == 1.0
    assert float(image.mean()) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "truncated", "random"])
def test_unreadable_files_give_one_clear_error(tmp_path, kind):
    path = tmp_path / "picture.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is not a picture")
    elif kind == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "truncated":
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"picture\.png"):
        load_image(path)


def test_masks_are_one_channel_and_white_means_change(tmp_path):
    image = Image.new("RGB", (6, 4))
    image.paste((255, 255, 255), (0, 0, 3, 4))
    image.save(tmp_path / "mask.png")
    mask = load_mask(tmp_path / "mask.png")
    assert mask.shape == (1, 1, 4, 6)
    assert bool((mask[..., :3] == 1).all()) and bool((mask[..., 3:] == 0).all())


def test_saving_refuses_bad_paths_and_leaves_nothing_behind(tmp_path):
    image = torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match="format"):
        save_image(image, tmp_path / "out.xyz")
    with pytest.raises(ValueError, match="does not exist"):
        save_image(image, tmp_path / "nowhere" / "out.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(ValueError, match=r"taken\.png"):
        save_image(image, tmp_path / "taken.png")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.png"]


def test_fit_covers_and_crops_the_middle():
    image = torch.zeros(1, 3, 40, 80)
    image[..., 20:60] = 1.0
    out = fit(image, width=20, height=20)
    assert out.shape == (1, 3, 20, 20) and float(out[..., 2:-2].min()) > 0.99
    assert fit(image, width=80, height=40) is image
    assert fit(torch.rand(1, 3, 7, 5), width=33, height=21).shape == (1, 3, 21, 33)


def test_sheet_has_every_picture():
    images = [torch.full((1, 3, 10, 10), v) for v in (0.0, 0.5, 1.0)]
    sheet = contact_sheet(images, ["a", "b", "c"], columns=2, cell=64, title="title")
    colours = {c for _, c in sheet.getcolors(maxcolors=1_000_000)}
    assert {(0, 0, 0), (128, 128, 128), (255, 255, 255)} <= colours
    with pytest.raises(ValueError, match="labels"):
        contact_sheet(images, ["a"])


def test_to_pil_takes_one_picture_and_clamps():
    with pytest.raises(ValueError, match="batch of 2"):
        to_pil(torch.rand(2, 3, 4, 4))
    assert to_pil(torch.full((3, 2, 2), 7.0)).getpixel((0, 0)) == (255, 255, 255)
    assert torch.equal(from_pil(to_pil(torch.zeros(3, 2, 2))), torch.zeros(1, 3, 2, 2))
