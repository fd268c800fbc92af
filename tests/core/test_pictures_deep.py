"""Grey TIFF files of more than 8 bits: white is what the file says, or the file is refused by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from sdedit_core.pictures.io import load_image, load_mask

UNSIGNED, SIGNED, FLOAT = 1, 2, 3


def tiff(path, bits: int, data: bytes, *, kind: int = UNSIGNED, white_is_zero: bool = False):
    """A grey TIFF of 2 x 2 pixels, written by hand: Pillow writes few kinds of them."""
    photometric = 0 if white_is_zero else 1
    tags = [
        (256, 3, 2), (257, 3, 2), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 134), (277, 3, 1),
        (278, 3, 2), (279, 4, len(data)), (339, 3, kind),
    ]  # fmt: skip
    table = b"".join(struct.pack("<HHI", t, k, 1) + struct.pack("<I", v) for t, k, v in tags)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + bytes(4) + data)
    return path


@pytest.mark.parametrize(
    ("bits", "data", "wanted"),
    [
        (16, struct.pack("<4H", 0, 257, 25700, 65535), [0, 257 / 65535, 25700 / 65535, 1]),
        (12, bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x01]), [0, 1, 2048 / 4095, 1 / 4095]),
    ],
)
def test_white_is_the_largest_number_of_the_file(tmp_path, bits, data, wanted):
    path = tiff(tmp_path / "a.tif", bits, data)
    assert load_image(path)[0, 0].flatten().tolist() == pytest.approx(wanted, abs=1e-6)
    if bits == 12:
        wanted = [0, 1, 2048 / 4095, 0]
        path = tiff(tmp_path / "b.tif", bits, data[:5] + b"\0")
    assert load_mask(path).flatten().tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("bits", "kind", "data"),
    [
        (16, UNSIGNED, struct.pack("<4H", 0, 257, 25700, 65535)),
        (32, FLOAT, struct.pack("<4f", 0.0, 257 / 65535, 25700 / 65535, 1.0)),
    ],
)
def test_files_in_which_zero_is_white_are_turned_round(tmp_path, bits, kind, data):
    plain = load_image(tiff(tmp_path / "a.tif", bits, data, kind=kind))
    turned = load_image(tiff(tmp_path / "b.tif", bits, data, kind=kind, white_is_zero=True))
    assert np.allclose(turned, 1.0 - plain, atol=1e-6) and plain.max() == 1.0


@pytest.mark.parametrize(
    ("bits", "kind", "data", "words"),
    [
        (32, UNSIGNED, struct.pack("<4I", 0, 1, 200, 255), "whole numbers of 32 bits"),
        (32, SIGNED, struct.pack("<4i", 0, 1, 200, 65535), "signed whole numbers of 32 bits"),
        (16, SIGNED, struct.pack("<4h", 0, 1, 200, 32767), "signed whole numbers of 16 bits"),
        (32, FLOAT, struct.pack("<4f", 0, 1, 200, 255), "from 0 to 255; 0 to 1 is expected"),
        (32, FLOAT, struct.pack("<4f", 0, float("nan"), 0, 1), "nan"),
    ],
)
def test_numbers_without_a_white_are_refused_by_name(tmp_path, bits, kind, data, words):
    path = tiff(tmp_path / "a.tif", bits, data, kind=kind)
    for load in (load_image, load_mask):
        with pytest.raises(ValueError, match=words) as caught:
            load(path)
        assert "a.tif" in str(caught.value)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_grey_pictures_are_turned_upright_once(tmp_path, name, kind):
    wide, exif = np.arange(6, dtype=kind).reshape(2, 3) * 40, Image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise
    Image.fromarray(wide).save(tmp_path / name, exif=exif)
    white = np.iinfo(kind).max
    assert np.allclose(load_image(tmp_path / name)[0, 0] * white, np.rot90(wide, -1), atol=0.01)
