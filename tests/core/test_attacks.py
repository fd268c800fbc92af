"""Attacks that no other test tries: docs/attacks.md names them, and this file where it is the guard."""

from __future__ import annotations

import io
import os
import struct
import time
import zipfile
import zlib

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdedit_core import sdedit
from sdedit_core.checkpoints import load_checkpoint
from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.reading import read_file
from sdedit_core.networks import CompactSpec, build_network
from sdedit_core.networks.preconditioning import EDM
from sdedit_core.pictures.io import load_image


def with_chunk(name: bytes, body: bytes) -> bytes:
    """A small PNG with one chunk more before its pixels."""
    out = io.BytesIO()
    Image.new("RGB", (24, 24), (10, 20, 30)).save(out, "PNG")
    data = out.getvalue()
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + chunk + data[33:]


BOMB = zlib.compress(bytes(400_000_000), 9)
CHUNKS = {"zTXt": b"a\0\0" + BOMB, "iTXt": b"a\0\1\0\0\0" + BOMB, "iCCP": b"a\0\0" + BOMB}


@pytest.mark.parametrize("name", CHUNKS)
def test_text_and_profiles_of_a_picture_are_no_bombs(name, tmp_path):
    """400 MB of zeros in 400 kB: Pillow stops at a megabyte; the picture is refused or comes as it is."""
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(name.encode(), CHUNKS[name]))
    start = time.process_time()
    try:
        assert load_image(path).shape == (1, 3, 24, 24)
    except ValueError as error:
        assert "a.png cannot be read as an image" in str(error)
    assert time.process_time() - start < 1.0


def test_a_workflow_in_a_picture_is_not_looked_at(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(b"tEXt", b"workflow\0" + b"[" * 100_000))
    assert load_image(path).shape == (1, 3, 24, 24)


@pytest.mark.parametrize("name", ["a/../../../x", "/etc/x", "a/data/../../x"])
def test_names_in_an_archive_are_no_paths(name, tmp_path):
    torch.save({"w": torch.zeros(4)}, tmp_path / "good.pth")
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "good.pth") as old, zipfile.ZipFile(tmp_path / "in" / "a.pth", "w") as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry))
        new.writestr(name, b"written outside")
    with pytest.raises(ValueError):
        load_checkpoint(tmp_path / "in" / "a.pth")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["a.pth", "good.pth"]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "\u202egnp", "e\u0301", "\U0001f600", "x" * 5000, "a\0b"])
def test_names_of_tensors_are_only_names(name, tmp_path):
    save_file({name: torch.zeros(1)}, tmp_path / "a.safetensors")
    assert list(read_file(tmp_path / "a.safetensors").content) == [name]
    with pytest.raises(ValueError) as caught:
        load_checkpoint(tmp_path / "a.safetensors")
    assert len(str(caught.value)) < 1500 and [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="no links here")
def test_links_that_lead_in_a_circle_end(tmp_path):
    for suffix, read in ((".pth", load_checkpoint), (".png", load_image)):
        one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
        one.symlink_to(two)
        two.symlink_to(one)
        with pytest.raises(ValueError):
            read(one)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(number, tmp_path):
    spec = CompactSpec((8, 8), (1, 1), 0, 8, 8, 3)
    weights = {name: torch.zeros(meta.shape) for name, meta in build_network(spec, device="meta").state_dict().items()}
    metadata = own.describe(Found(own.NAME, "x", spec, weights, EDM(), which="EMA"), {})
    save_file(weights, tmp_path / "a.safetensors", metadata=metadata)
    load_checkpoint(tmp_path / "a.safetensors")
    name = sorted(weights)[3]
    weights[name].flatten()[-1] = number
    save_file(weights, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match=f"weights {name} hold NaN or infinite numbers"):
        load_checkpoint(tmp_path / "a.safetensors")


def test_finite_weights_that_make_infinite_pictures_are_told_with_the_picture(tmp_path):
    spec = CompactSpec((8, 8), (1, 1), 0, 8, 8, 3)
    weights = {
        name: torch.full(meta.shape, 1e30) for name, meta in build_network(spec, device="meta").state_dict().items()
    }
    metadata = own.describe(Found(own.NAME, "x", spec, weights, EDM(), which="EMA"), {})
    save_file(weights, tmp_path / "a.safetensors", metadata=metadata)
    model = load_checkpoint(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"finite|NaN"):
        sdedit(model, torch.zeros(1, 3, 16, 16), t0=0.5, steps=2)


def test_archives_with_code_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/code/__torch__.py", b"import os")
    with pytest.raises(ValueError, match="TorchScript"):
        load_checkpoint(tmp_path / "a.pt")
