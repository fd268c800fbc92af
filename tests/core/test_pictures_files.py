"""Files that others made: colour profiles, ranges by their values, and a sentence for what cannot be read."""

import os
import struct
import time
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from sdedit_core.cli.main import main
from sdedit_core.pictures.colour import srgb_profile
from sdedit_core.pictures.io import has_profile, load_image, load_mask, save_image


def profile(primaries, gamma=2.2, white=(0.9642, 1.0, 0.8249)):
    """A minimal RGB display profile: XYZ (D50) of red, green and blue, one gamma."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    def text(words):
        data = words.encode("ascii") + b"\0"
        return b"desc" + bytes(4) + struct.pack(">I", len(data)) + data + bytes(78)

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": text("test"), b"wtpt": b"XYZ " + bytes(4) + fixed(*white)}
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags |= {name: b"XYZ " + bytes(4) + fixed(*xyz) for name, xyz in zip(names, primaries, strict=True)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"cprt": b"text" + bytes(4) + b"none\0"}
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


P3 = profile([(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)])


@pytest.fixture
def photo(tmp_path):
    """srgb.png, and p3.png: the same colours in numbers of Display P3."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1
    save_image(torch.nn.functional.interpolate(coarse, (48, 48), mode="bilinear"), tmp_path / "srgb.png")
    with Image.open(tmp_path / "srgb.png") as plain:
        wide = ImageCms.profileToProfile(plain, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(_file(P3)), 1)
    wide.save(tmp_path / "p3.png", icc_profile=P3)
    return tmp_path


def _file(data):
    import io

    return io.BytesIO(data)


def test_a_display_p3_photo_is_its_srgb_copy(photo, capsys):
    raw = torch.from_numpy(np.asarray(Image.open(photo / "p3.png")).astype(np.float32) / 255).permute(2, 0, 1)
    plain, wide = load_image(photo / "srgb.png"), load_image(photo / "p3.png")
    assert float((raw - plain[0]).abs().max()) > 0.04 and float((wide - plain).abs().max()) < 2.5 / 255
    assert main(["mask", str(photo / "p3.png"), str(photo / "srgb.png"), "-o", str(photo / "m.png")]) == 0
    assert float(load_mask(photo / "m.png").mean()) == 0.0
    assert "0.0%" in capsys.readouterr().out


def test_what_is_made_of_a_tagged_photo_says_that_it_is_srgb(photo):
    model = ["--images", str(photo / "srgb.png"), "--steps", "2"]
    for name, tagged in (("p3.png", True), ("srgb.png", False)):
        guide = str(photo / name)
        assert main(["edit", guide, "-o", str(photo / "e.png"), "--t0", "0", *model]) == 0
        assert main(["edit", guide, "-o", str(photo / "e.webp"), "--t0", "0", *model]) == 0
        assert main(["report", guide, "-o", str(photo / "r.jpg"), "--t0", "0.2", *model]) == 0
        assert main(["strokes", guide, "-o", str(photo / "s.png")]) == 0
        cells = ["--pictures", str(photo / "cells"), "--t0", "0,0.2"]
        assert main(["sweep", guide, "-o", str(photo / "sheet.png"), *cells, *model]) == 0
        for made in ("e.png", "e.webp", "r.jpg", "s.png", "cells/t0-0.png"):
            assert has_profile(photo / made) is tagged, made
        assert torch.equal(load_image(photo / "e.png"), load_image(guide))
    assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(_file(srgb_profile()))).strip().startswith("sRGB")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_an_srgb_or_broken_profile_changes_no_bit(tmp_path, mode):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(picture.getchannel("R"))
    picture.save(tmp_path / "plain.png")
    plain = load_image(tmp_path / "plain.png")
    for data in (srgb_profile(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"not a profile"):
        picture.save(tmp_path / "tagged.png", icc_profile=data)
        assert torch.equal(load_image(tmp_path / "tagged.png"), plain)


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_a_profile_and_transparency_together(photo, mode):
    wide = Image.open(photo / "p3.png")
    if mode == "P":
        wide = wide.quantize(16)
        wide.convert("RGB").save(photo / "p3.png", icc_profile=P3)
        wide.save(photo / "both.png", icc_profile=P3)
        assert torch.equal(load_image(photo / "both.png"), load_image(photo / "p3.png"))
        return
    wide.putalpha(Image.new("L", wide.size, 255))
    wide.putpixel((0, 0), (9, 9, 9, 0))
    wide.save(photo / "both.png", icc_profile=P3)
    both, alone = load_image(photo / "both.png"), load_image(photo / "p3.png")
    assert both[..., 0, 0].tolist() == [[1.0, 1.0, 1.0]]
    assert torch.equal(both[..., 1:, :], alone[..., 1:, :])


def test_a_masks_values_are_not_managed(tmp_path):
    Image.new("RGB", (8, 8), (100, 100, 100)).save(tmp_path / "m.png", icc_profile=profile([(1, 0, 0)] * 3, gamma=1.0))
    assert float(load_mask(tmp_path / "m.png").max()) == pytest.approx(100 / 255)


def test_float_pictures_are_taken_by_their_values(tmp_path):
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "one.tif")
    assert torch.equal(load_image(tmp_path / "one.tif")[0, 0], torch.from_numpy(ramp))
    for name, wrong in (("bytes", ramp * 255), ("negative", ramp - 0.5), ("nan", np.where(ramp > 0.5, np.nan, ramp))):
        Image.fromarray(wrong.astype(np.float32)).save(tmp_path / f"{name}.tif")
        for load in (load_image, load_mask):
            with pytest.raises(ValueError, match=rf"{name}\.tif.*grey values from .* 0 to 1 is expected"):
                load(tmp_path / f"{name}.tif")
    Image.fromarray(np.full((4, 4), 70000, dtype=np.int32)).save(tmp_path / "int.tif")
    with pytest.raises(ValueError, match=r"int\.tif.*whole numbers of 32 bits"):
        load_image(tmp_path / "int.tif")


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (0, 0, 0)), ("L", 0), ("1", 0)])
def test_a_clear_colour_is_laid_on_white(tmp_path, mode, colour):
    picture = Image.new(mode, (64, 64), 255 if mode != "RGB" else (255, 0, 0))
    picture.paste(colour, (0, 0, 32, 32))
    picture.save(tmp_path / "clear.png", transparency=colour)
    for least in (None, 8):
        corner = load_image(tmp_path / "clear.png", least=least)[0, :, 0, 0]
        assert corner.tolist() == [1.0, 1.0, 1.0]


def test_a_mask_painted_in_alpha_is_used_and_its_share_said(tmp_path, capsys):
    save_image(torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)), tmp_path / "g.png")
    for name, colour in (("white", (255, 255, 255)), ("black", (0, 0, 0)), ("red", (255, 0, 0))):
        layer = Image.new("RGBA", (40, 40), (*colour, 0))
        layer.paste((*colour, 255), (0, 0, 20, 20))
        layer.save(tmp_path / f"{name}.png")
        mask = load_mask(tmp_path / f"{name}.png")
        assert float(mask.mean()) == 0.25 and bool((mask[..., :20, :20] == 1).all())
        command = ["edit", str(tmp_path / "g.png"), "-o", str(tmp_path / "o.png"), "--images", str(tmp_path / "g.png")]
        assert main([*command, "--steps", "2", "--mask", str(tmp_path / f"{name}.png")]) == 0
        assert "opens 25.0% of the picture" in capsys.readouterr().out
    usual = Image.new("RGBA", (4, 4), (0, 0, 0, 255))
    usual.putpixel((0, 0), (255, 255, 255, 255))
    usual.putpixel((1, 1), (0, 0, 0, 7))
    usual.save(tmp_path / "usual.png")
    assert float(load_mask(tmp_path / "usual.png").sum()) == 1.0
    Image.new("LA", (4, 4), (255, 255)).save(tmp_path / "full.png")
    assert float(load_mask(tmp_path / "full.png").mean()) == 1.0


def heic():
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(100)


def dds():
    head = struct.pack("<4s6I", b"DDS ", 124, 0x1007, 16, 16, 64, 0).ljust(76, b"\0")
    return head + struct.pack("<2I4s5I", 32, 4, b"XYZ1", 0, 0, 0, 0, 0) + bytes(60)


def avif(tmp_path):
    Image.new("RGB", (64, 64), (9, 99, 200)).save(tmp_path / "good.avif")
    content = bytearray((tmp_path / "good.avif").read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.heic", heic(), "HEIC"),
        ("b.jpg", heic(), "HEIC"),
        ("c.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull"),
        ("d.png", b"", "empty"),
        ("e.dds", dds(), "damaged"),
        ("f.png", b"<!DOCTYPE html><html></html>", "web page"),
        ("g.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("h.tif", b"II*\0" + bytes([255] * 40), "image"),
        ("i.gif", b"GIF89a" + bytes(30), "image"),
        ("j.qoi", b"qoif" + struct.pack(">2I2B", 10, 10, 3, 0), "image"),
        ("k.psd", b"8BPS" + bytes(40), "image"),
        ("l.webp", b"RIFF\x20\0\0\0WEBPVP8 " + bytes(20), "image"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_it_is(tmp_path, capsys, name, content, words):
    (tmp_path / name).write_bytes(content)
    for load in (load_image, load_mask):
        with pytest.raises(ValueError) as error:
            load(tmp_path / name)
        assert name in str(error.value) and words in str(error.value) and "cannot identify" not in str(error.value)
    assert main(["strokes", str(tmp_path / name), "-o", str(tmp_path / "o.png")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(".avif" not in Image.registered_extensions(), reason="a Pillow without AVIF")
def test_a_broken_avif_is_named(tmp_path):
    (tmp_path / "bad.avif").write_bytes(avif(tmp_path))
    with pytest.raises(ValueError, match=r"bad\.avif cannot be read as an image"):
        load_image(tmp_path / "bad.avif")


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(1, 60_000_000), (60_000_000, 1), (9000, 9000), (150_000, 2)])
def test_pictures_that_take_too_much_memory_are_refused_at_once(tmp_path, size):
    (tmp_path / "thin.png").write_bytes(png(*size))
    started = time.perf_counter()
    for load in (load_image, load_mask):
        with pytest.raises(ValueError, match=rf"thin\.png is {size[0]} x {size[1]} pixels; at most"):
            load(tmp_path / "thin.png")
    assert time.perf_counter() - started < 1.0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.png")
    save_image(torch.rand(3, 32, 32), tmp_path / "g.png")
    pipe, good, out = (str(tmp_path / name) for name in ("pipe.png", "g.png", "o.png"))
    for command in (
        ["edit", pipe, "-o", out],
        ["edit", good, "-o", out, "--mask", pipe],
        ["edit", good, "-o", out, "--images", pipe],
        ["strokes", pipe, "-o", out],
        ["mask", good, pipe, "-o", out],
        ["report", good, pipe],
    ):
        assert main(command) == 1
        assert "pipe.png is a pipe or a device" in capsys.readouterr().err


def test_names_that_no_file_can_have(tmp_path):
    for name in ("n" * 300 + ".png", "a\0b.png"):
        with pytest.raises(ValueError, match="cannot be read"):
            load_image(tmp_path / name)


@pytest.mark.parametrize("size", [(30000, 1), (4000, 40), (1, 300)])
def test_pictures_that_are_too_narrow_are_named(tmp_path, capsys, size):
    Image.new("RGB", size, (9, 99, 200)).save(tmp_path / "narrow.png")
    save_image(torch.rand(3, 32, 32), tmp_path / "g.png")
    narrow, good, out = (str(tmp_path / name) for name in ("narrow.png", "g.png", "o.png"))
    for command in (["edit"], ["sweep"], ["report"], ["edit", "--images", good]):
        assert main([*command[:1], narrow, "-o", out, *command[1:]]) == 1
        error = capsys.readouterr().err
        assert "narrow.png" in error and f"{size[0]} x {size[1]}" in error and "16" in error, error
    if min(size) < 16:
        assert main(["edit", good, "-o", out, "--images", narrow]) == 1
        assert "narrow.png" in capsys.readouterr().err


def test_a_model_names_the_least_side_in_python_too():
    from sdedit_core import load_score_model, sdedit

    with pytest.raises(ValueError, match=r"pictures of at least 16 x 16 px, got 64 x 5"):
        sdedit(load_score_model("landscape-alpine"), torch.rand(1, 3, 5, 64), t0=0.4, steps=2)


def test_a_clear_grey_of_16_bits_is_laid_on_white(tmp_path):
    grey = np.full((4, 4), 30000, dtype=np.uint16)
    grey[0, 0] = 7
    Image.fromarray(grey).save(tmp_path / "deep.png", transparency=7)
    image = load_image(tmp_path / "deep.png")
    assert image[0, 0, 0, 0] == 1.0 and float(image[0, 0, 1, 1]) == pytest.approx(30000 / 65535)


def test_a_file_of_a_few_bytes_that_claims_many_pixels_is_refused_at_once(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.gif")
    data = bytearray((tmp_path / "a.gif").read_bytes())
    where = data.index(b",", 13) + 5  # of the frame, behind the colours
    data[6:10] = data[where : where + 4] = (6000).to_bytes(2, "little") * 2
    (tmp_path / "a.gif").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.gif says that it is 6000 x 6000 pixels, and is"):
        load_image(tmp_path / "a.gif")
    Image.new("RGB", (4000, 3000), (9, 99, 200)).save(tmp_path / "plain.png")  # one colour is a picture
    assert load_image(tmp_path / "plain.png").shape == (1, 3, 3000, 4000)


def test_every_level_of_8_bits_is_its_255th_part(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert np.array_equal(load_image(tmp_path / "a.png")[0, 0].numpy(), levels.astype(np.float32) / np.float32(255))
