"""Files in and out: every sentence of what cannot be opened, and folders and names that can or cannot be written."""

import os
import struct

import pytest
from PIL import Image

from sdedit_core.pictures import opening
from sdedit_core.pictures.files import (
    check_folder,
    check_regular,
    check_target,
    make_folder,
    picture_format,
    replace_file,
    write_file,
)
from sdedit_core.pictures.opening import open_picture, unreadable


def said(call, *arguments, **options):
    with pytest.raises(ValueError) as refusal:
        call(*arguments, **options)
    return str(refusal.value)


WEB, SVG = "it is a web page; download the picture itself.", "it is an SVG drawing; save it as .png."
UNKNOWN = "it is of no picture format that is known here, or damaged."
HEIC = "it is a HEIC picture, as phones take them; save it as .jpg or .png."


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "the file is empty (0 bytes); copy or download it again."),
        (
            b"version https://git-lfs.github.com",
            "it is a pointer of git-lfs, not the picture itself; run git lfs pull.",
        ),
        (struct.pack(">I", 24) + b"ftypheic" + bytes(100), HEIC),
        (struct.pack(">I", 24) + b"ftypmif1" + bytes(100), HEIC),
        (struct.pack(">I", 24) + b"ftypisom" + bytes(100), UNKNOWN),
        (struct.pack(">I", 24) + b"abcdheic" + bytes(100), UNKNOWN),
        (b"<!DOCTYPE HTML><p>", WEB),
        (b"\xef\xbb\xbf \t\r\n<HTML>", WEB),
        (b"<svg/>", SVG),
        (b"\n<?xml version='1.0'?><SVG/>", SVG),
        (b"<?xml version='1.0'?><note/>", UNKNOWN),
        (b"text with <svg in it", UNKNOWN),
        (b"X<html>", UNKNOWN),
        (b"<?xml?>" + b" " * 501 + b"<svg", SVG),  # 512 bytes are looked at
        (b"<?xml?>" + b" " * 502 + b"<svg", UNKNOWN),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    assert said(open_picture, tmp_path / "a.png") == f"{tmp_path / 'a.png'} cannot be read as an image: {words}"


def test_why_a_picture_cannot_be_read(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"xyz")
    words = "it is damaged, or of a kind that is not supported"
    assert str(unreadable(path, OSError("broken\n  data"))).endswith(f"an image: {words} (broken data).")
    assert str(unreadable(path, RuntimeError())).endswith(f"an image: {words} (RuntimeError).")
    path.unlink()
    assert str(unreadable(path, OSError("x"))).endswith("an image: No such file or directory")
    assert said(open_picture, path) == f"No such image file: {path}"


def test_the_largest_pictures(tmp_path, monkeypatch):
    Image.new("L", (8, 6)).save(tmp_path / "a.png")
    for pixels, side, fits in ((48, 8, True), (47, 8, False), (48, 7, False)):
        monkeypatch.setattr(opening, "MAX_PIXELS", pixels)
        monkeypatch.setattr(opening, "MAX_SIDE", side)
        if fits:
            open_picture(tmp_path / "a.png").close()
        else:
            assert "is 8 x 6 pixels; at most" in said(open_picture, tmp_path / "a.png")


def test_a_jpeg_is_decoded_at_a_fraction_but_no_smaller_than_asked(tmp_path):
    """To 1/2, 1/4 or 1/8, as long as both sides have at least twice what is needed."""
    Image.new("L", (800, 400)).save(tmp_path / "a.jpg")
    for least, size in ((None, (800, 400)), (25, (100, 50)), (26, (200, 100)), (50, (200, 100)), (51, (400, 200))):
        with open_picture(tmp_path / "a.jpg", least) as image:
            assert image.size == size
    Image.new("L", (400, 800)).save(tmp_path / "b.jpg")
    for least, size in ((25, (50, 100)), (26, (100, 200))):
        with open_picture(tmp_path / "b.jpg", least) as image:
            assert image.size == size


def test_a_target_may_not_be_read_unless_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x")
    assert check_target(path) == path  # any ending, where no picture is asked for
    assert check_target(path, inputs=[None, tmp_path / "b.txt"]) == path
    assert "is also read" in said(check_target, path, inputs=[None, path])
    assert check_target(path, inputs=[path], overwrite=True) == path
    assert "image format" in said(check_target, path, picture=True)


def test_folders_are_tried_where_they_are(tmp_path, monkeypatch):
    """An empty file beside the target, of a name that shows where it is from, and gone again."""
    from sdedit_core.pictures import files

    made, make = [], files.tempfile.mkstemp

    def spied(**options):
        number, name = make(**options)
        made.append(name)
        return number, name

    monkeypatch.setattr(files.tempfile, "mkstemp", spied)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    check_target(tmp_path / "there" / "a.txt")
    check_folder(tmp_path / "there" / "new" / "deeper")
    for name in made:
        folder, last = os.path.split(name)
        assert folder == str(tmp_path / "there") and last.startswith(".sdedit-") and last.endswith(".part")
    assert len(made) == 2 and list((tmp_path / "there").iterdir()) == []


def test_folders_are_made_with_their_parents_and_may_exist(tmp_path):
    for _ in range(2):
        assert make_folder(tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in said(make_folder, tmp_path / "file")
    assert "is not a folder" in said(make_folder, tmp_path / "file" / "below")


def test_names_have_at_most_255_bytes(tmp_path):
    for name in ("n" * 251 + ".txt", "\u00e9" * 127 + "x"):
        write_file(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"
    assert sorted(len(p.name) for p in tmp_path.iterdir()) == [128, 255]
    for name in ("n" * 252 + ".txt", "\u00e9" * 128):
        assert "256 bytes long" in said(write_file, tmp_path / name, "x")
    assert "the character 0" in said(write_file, tmp_path / "a\0b", "x")


def test_the_file_beside_is_named_after_its_target_and_process(tmp_path):
    """Two processes, or two targets of long names in one, never share it."""
    parts = []

    def write(part):
        parts.append(part.name)
        part.write_text("x")

    process = os.getpid()
    room = 255 - len(f"..{process}.part")
    for name in ("a.txt", "n" * room, "n" * room + "1", "n" * room + "2"):
        replace_file(tmp_path / name, write)
    replace_file(tmp_path / "b", write, temporary="own")
    assert parts[:2] == [f".a.txt.{process}.part", f".{'n' * room}.{process}.part"] and parts[4] == "own"
    assert parts[2] != parts[3] and all(p.endswith(f".{process}.part") and len(p) < 30 for p in parts[2:4])


def test_text_is_utf_8_and_bytes_are_bytes(tmp_path):
    write_file(tmp_path / "a", "\u5c71\n")
    assert (tmp_path / "a").read_bytes() == "\u5c71\n".encode()
    write_file(tmp_path / "a", b"\xff\x00")
    assert (tmp_path / "a").read_bytes() == b"\xff\x00"


def test_a_link_is_followed_to_its_file_and_checked_there(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "folder" / "real.txt")
    write_file(tmp_path / "link.txt", "x")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "folder" / "real.txt").read_text() == "x"
    (tmp_path / "away.txt").symlink_to(tmp_path / "no" / "real.txt")
    assert "does not exist" in said(write_file, tmp_path / "away.txt", "x")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert "cannot be written" in said(write_file, tmp_path / "round", "x") or "leads to itself" in said(
        write_file, tmp_path / "round", "x"
    )


def test_formats_of_pictures():
    for name, kind in (("a.png", "PNG"), ("b.JPG", "JPEG"), ("c.webp", "WEBP")):
        assert picture_format(name) == kind
    assert said(picture_format, "x/a.psd") == (
        "'a.psd' cannot be written: PSD pictures are not written here; use .png, .jpg or .webp."
    )
    assert said(picture_format, "a.txt") == "Cannot tell an image format from 'a.txt'; use .png, .jpg or .webp."
    assert "made smaller; use .png" in said(picture_format, "a.ico")
    assert "(cannot write mode RGB as XBM)" in said(picture_format, "a.xbm")
    assert picture_format("a.pdf") == "PDF"


def test_a_file_to_read_is_an_ordinary_one(tmp_path):
    assert said(check_regular, tmp_path / "a") == f"No such file: {tmp_path / 'a'}"
    assert said(check_regular, tmp_path) == f"{tmp_path} is a folder; a file is needed."
    assert said(check_regular, tmp_path, kind="image file") == f"{tmp_path} is a folder; an image file is needed."
