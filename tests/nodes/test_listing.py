"""The list of models: complete, without what cannot be loaded, and it ends whatever lies in the folder."""

from __future__ import annotations

import importlib
import os
import sys
import time

import pytest

KINDS = {".safetensors", ".pth"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as on Unix")


@pytest.fixture
def entries(pack):
    return importlib.import_module(f"{pack.__name__}.nodes.listing").model_entries


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_and_diffusers_folders_of_all_roots(entries, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    touch(a, "one.pth", "Two.SAFETENSORS", "notes.txt", "sub/three.pth", "run.state.safetensors", ".git/old.pth")
    touch(b, "one.pth", "net/config.json", "net/diffusion_pytorch_model.safetensors", "net/unet/x.safetensors")
    touch(b, "deep/er/model_index.json", "deep/er/unet/a.safetensors", "config.json")
    expected = sorted(["one.pth", "Two.SAFETENSORS", os.path.join("sub", "three.pth"), "net/", "deep/er/"])
    assert entries([str(a), str(b), str(tmp_path / "nowhere")], KINDS) == expected


@posix
def test_links_are_followed_and_end(entries, tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    touch(root, "one.pth", "sub/two.pth")
    touch(other, "three.pth", "four.pth")
    for i in range(12):
        (root / f"loop{i}").symlink_to(".")
        (root / "sub" / f"up{i}").symlink_to("..")
        (other / f"back{i}").symlink_to(root)
    (root / "elsewhere").symlink_to(other)
    (root / "linked.pth").symlink_to(other / "four.pth")
    (root / "broken.pth").symlink_to(tmp_path / "gone.pth")
    (root / "itself.pth").symlink_to("itself.pth")
    start = time.process_time()
    found = entries([str(root)], KINDS)
    assert time.process_time() - start < 1.0
    assert found == sorted(["one.pth", "sub/two.pth", "linked.pth", "elsewhere/three.pth", "elsewhere/four.pth"])


@posix
def test_a_real_folder_keeps_its_name_beside_a_link_to_it(entries, tmp_path):
    touch(tmp_path, "real/one.pth")
    (tmp_path / "alias").symlink_to("real")
    assert entries([str(tmp_path)], KINDS) == ["real/one.pth"]


@posix
def test_pipes_and_devices_are_not_listed(entries, tmp_path):
    touch(tmp_path, "one.pth")
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "device.pth").symlink_to("/dev/zero")
    assert entries([str(tmp_path)], KINDS) == ["one.pth"]


def test_folders_too_deep_are_left_out(entries, tmp_path):
    path = "/".join("a" * 40)
    touch(tmp_path, "one.pth", f"{path}/deep.pth")
    assert entries([str(tmp_path)], KINDS) == ["one.pth"]
