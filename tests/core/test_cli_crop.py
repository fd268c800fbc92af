"""``sdedit edit --crop``: a window around the mask, and every other pixel of the file as it was, 8 and 16 bits."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from test_pictures_files import P3

from sdedit_core.cli.main import main
from sdedit_core.pictures.colour import srgb_profile
from sdedit_core.pictures.deep_colour import load_deep_colour, save_deep_colour
from sdedit_core.pictures.io import load_image, save_image

BOX = (61, 20, 90, 43)  # left, top, right, bottom


@pytest.fixture
def mask(tmp_path):
    image = Image.new("L", (123, 77))
    image.paste(255, BOX)
    image.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def numbers(depth, seed=0):
    return np.random.default_rng(seed).integers(0, 1 << depth, (77, 123, 3), dtype=np.uint16)


def crop(guide, out, mask, *options):
    more = ["--mask", str(mask), "--crop", "--steps", "2", "--t0", "0.3", *options]
    return main(["edit", str(guide), "-o", str(out), "--images", str(guide), *more])


def deep_numbers(path):
    """The numbers of a 16-bit colour file, (H, W, 3)."""
    return (load_deep_colour(path)[0].permute(1, 2, 0).double().numpy() * 65535 + 0.5).astype(np.uint16)


def changed(before, after):
    """(inside, outside) of the mask: how many numbers differ."""
    left, top, right, bottom = BOX
    inside = np.zeros(before.shape[:2], bool)
    inside[top:bottom, left:right] = True
    return int((before != after)[inside].sum()), int((before != after)[~inside].sum())


@pytest.mark.parametrize("options", [(), ("--size", "64"), ("--context", "0.1", "--feather", "0"), ("--batch", "2")])
def test_a_file_of_8_bits(tmp_path, mask, capsys, options):
    before = numbers(8).astype(np.uint8)
    Image.fromarray(before).save(tmp_path / "guide.png")
    assert crop(tmp_path / "guide.png", tmp_path / "out.png", mask, *options) == 0
    assert "window: 123 x 77 to" in capsys.readouterr().out
    for name in ("out_00.png", "out_01.png") if "--batch" in options else ("out.png",):
        inside, outside = changed(before, np.asarray(Image.open(tmp_path / name)))
        assert outside == 0 and inside > 500


@pytest.mark.parametrize("options", [(), ("--size", "64")])
def test_a_colour_file_of_16_bits(tmp_path, mask, options):
    before = numbers(16)
    picture = torch.from_numpy(before.astype(np.float32) / np.float32(65535)).permute(2, 0, 1)[None]
    save_deep_colour(picture, tmp_path / "guide.png")
    assert crop(tmp_path / "guide.png", tmp_path / "out.png", mask, *options) == 0
    after = deep_numbers(tmp_path / "out.png")
    inside, outside = changed(before, after)
    assert outside == 0 and inside > 500


def test_a_grey_file_of_16_bits(tmp_path, mask):
    before = numbers(16)[..., 0]
    Image.fromarray(before).save(tmp_path / "guide.png")
    assert crop(tmp_path / "guide.png", tmp_path / "out.png", mask) == 0
    after = (load_deep_colour(tmp_path / "out.png")[0].permute(1, 2, 0).double().numpy() * 65535 + 0.5).astype(
        np.uint16
    )
    inside, outside = changed(np.stack([before] * 3, -1), after)
    assert outside == 0 and inside > 500


def test_an_empty_mask_gives_the_file_back(tmp_path, capsys):
    before = numbers(8).astype(np.uint8)
    Image.fromarray(before).save(tmp_path / "guide.png")
    Image.new("L", (123, 77)).save(tmp_path / "none.png")
    assert crop(tmp_path / "guide.png", tmp_path / "out.png", tmp_path / "none.png") == 0
    assert "the mask is empty" in capsys.readouterr().out
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), before)


def test_what_is_missing_is_said(tmp_path, mask, capsys):
    Image.fromarray(numbers(8).astype(np.uint8)).save(tmp_path / "guide.png")
    guide = str(tmp_path / "guide.png")
    assert main(["edit", guide, "-o", str(tmp_path / "out.png"), "--images", guide, "--crop"]) != 0
    assert "--mask" in capsys.readouterr().err
    assert crop(guide, tmp_path / "out.jpg", mask) == 0
    assert "write a .png" in capsys.readouterr().out
    assert crop(guide, tmp_path / "out.png", mask, "--context", "9") != 0
    assert "0 to 4" in capsys.readouterr().err
    assert crop(guide, tmp_path / "out.png", mask, "--feather", "-1") != 0
    said = capsys.readouterr()
    assert "feather" in said.err and "sigma" not in said.out, "before the work"


def filtered_png(values, kinds):
    """A 16-bit colour PNG whose rows use these filters in turn, as other programs write them."""
    rows = np.ascontiguousarray(values.astype(">u2")).view(np.uint8).reshape(values.shape[0], -1).astype(int)
    data, above = b"", np.zeros(rows.shape[1], int)
    for i, row in enumerate(rows):
        left = np.concatenate([np.zeros(6, int), row[:-6]])
        corner = np.concatenate([np.zeros(6, int), above[:-6]])
        guess = left + above - corner
        a, b, c = abs(guess - left), abs(guess - above), abs(guess - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        kind = kinds[i % len(kinds)]
        base = (np.zeros_like(row), left, above, (left + above) // 2, paeth)[kind]
        data += bytes([kind]) + ((row - base) % 256).astype(np.uint8).tobytes()
        above = row
    kind = {3: 2, 4: 6}[values.shape[2]]
    chunks = {b"IHDR": struct.pack(">IIBBBBB", *values.shape[1::-1], 16, kind, 0, 0, 0), b"IDAT": zlib.compress(data)}
    body = b"\x89PNG\r\n\x1a\n"
    for kind, part in {**chunks, b"IEND": b""}.items():
        body += struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
    return body


def test_files_of_other_programs_are_read_without_loss(tmp_path):
    before = numbers(16, seed=3)
    (tmp_path / "all.png").write_bytes(filtered_png(before, (0, 1, 2, 3, 4)))
    found = load_deep_colour(tmp_path / "all.png")
    assert np.array_equal(deep_numbers(tmp_path / "all.png"), before)
    assert float((found - load_image(tmp_path / "all.png")).abs().max()) < 1 / 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_file_of_16_bits_is_upright(tmp_path, orientation):
    before = numbers(16, seed=4)
    (tmp_path / "flat.png").write_bytes(filtered_png(before, (2,)))
    exif = Image.Exif()
    exif[274] = orientation
    add_chunk(tmp_path / "flat.png", tmp_path / "turned.png", b"eXIf", exif.tobytes()[6:])
    found = load_deep_colour(tmp_path / "turned.png")
    shown = load_image(tmp_path / "turned.png")
    assert found.shape == shown.shape and float((found - shown).abs().max()) < 1 / 255
    assert sorted(deep_numbers(tmp_path / "turned.png").flatten()) == sorted(before.flatten())


def add_chunk(source, target, kind, body):
    """A PNG with one more chunk behind its header."""
    data = source.read_bytes()
    part = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    target.write_bytes(data[:33] + part + data[33:])


def test_transparency_of_16_bits_is_laid_on_white(tmp_path):
    before = numbers(16, seed=5)
    clear = tuple(int(v) for v in before[3, 7])
    (tmp_path / "flat.png").write_bytes(filtered_png(before, (0,)))
    add_chunk(tmp_path / "flat.png", tmp_path / "key.png", b"tRNS", struct.pack(">3H", *clear))
    found = deep_numbers(tmp_path / "key.png")
    where = (before == np.array(clear)).all(-1)
    assert (found[where] == 65535).all() and where[3, 7] and np.array_equal(found[~where], before[~where])
    alpha = np.random.default_rng(6).choice(np.array([0, 65535, 30000], np.uint16), (77, 123, 1))
    rows = np.concatenate([before, alpha], -1)
    (tmp_path / "alpha.png").write_bytes(filtered_png(rows, (0,)))
    found, part = deep_numbers(tmp_path / "alpha.png"), alpha[..., 0]
    assert np.array_equal(found[part == 65535], before[part == 65535]) and (found[part == 0] == 65535).all()
    shown = load_image(tmp_path / "alpha.png")
    assert float((load_deep_colour(tmp_path / "alpha.png") - shown).abs().max()) < 2 / 255


def test_profiles_of_16_bits(tmp_path, mask, capsys):
    """sRGB in other words is read by all of its bits; what has to be converted has 8, and that is said."""
    before = numbers(16, seed=7)
    (tmp_path / "flat.png").write_bytes(filtered_png(before, (1,)))
    add_chunk(tmp_path / "flat.png", tmp_path / "srgb.png", b"iCCP", b"p\0\0" + zlib.compress(srgb_profile()))
    assert np.array_equal(deep_numbers(tmp_path / "srgb.png"), before)
    assert crop(tmp_path / "srgb.png", tmp_path / "out.png", mask) == 0
    assert "16 bits" not in capsys.readouterr().out and changed(before, deep_numbers(tmp_path / "out.png"))[1] == 0
    add_chunk(tmp_path / "flat.png", tmp_path / "wide.png", b"iCCP", b"p\0\0" + zlib.compress(P3))
    assert load_deep_colour(tmp_path / "wide.png") is None
    assert crop(tmp_path / "wide.png", tmp_path / "out.png", mask) == 0
    said = capsys.readouterr().out
    assert "wide.png has 16 bits, of which 8 are used" in said and "in sRGB" in said


def test_other_files_are_left_to_pillow(tmp_path):
    save_image(torch.rand(1, 3, 9, 9), tmp_path / "small.png")
    Image.fromarray(numbers(16)[..., 0]).save(tmp_path / "grey.png")
    Image.new("RGBA", (9, 9)).save(tmp_path / "clear.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "photo.jpg")
    assert all(load_deep_colour(path) is None for path in tmp_path.iterdir())
    (tmp_path / "broken.png").write_bytes(filtered_png(numbers(16), (0,))[:2000])
    with pytest.raises(ValueError, match="cannot be read as an image"):
        load_deep_colour(tmp_path / "broken.png")
