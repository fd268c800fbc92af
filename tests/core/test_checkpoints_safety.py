"""Files that are not what they claim: one clear error each, quickly, and nothing in them is ever run."""

from __future__ import annotations

import json
import os
import pickle
import struct
import threading
import time
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint, reading
from sdedit_core.training.files import read_tensors

HTML = "<!DOCTYPE html><html>Not found</html>" * 50


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return eval, (f"open({self.path!r}, 'w').close()",)


def header(entries: dict, extra: bytes = b"") -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + extra


def zip_file(path, *, name: str, data: bytes, compression: int) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(name, data)


CASES = {
    "evil.pth": lambda p, e: torch.save({"model": e}, p),
    "evil_legacy.ckpt": lambda p, e: torch.save({"model": e}, p, _use_new_zipfile_serialization=False),
    "evil_protocol4.pt": lambda p, e: torch.save({"model": e}, p, pickle_protocol=4),
    "evil_plain.bin": lambda p, e: p.write_bytes(pickle.dumps(e)),
    "evil_protocol0.ckpt": lambda p, e: p.write_bytes(pickle.dumps(e, protocol=0)),
    "evil.pkl": lambda p, e: p.write_bytes(pickle.dumps(e)),
    "evil_renamed.safetensors": lambda p, e: p.write_bytes(pickle.dumps(e)),
    "whole_module.pt": lambda p, e: torch.save(torch.nn.ReLU(), p),
    "header_of_100_gb.safetensors": lambda p, e: p.write_bytes(struct.pack("<Q", 100 << 30) + b"{" + b"x" * 99),
    "deep_header.safetensors": lambda p, e: p.write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000),
    "lying_shape.safetensors": lambda p, e: p.write_bytes(
        header({"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4]}}, b"0000")
    ),
    "outside.safetensors": lambda p, e: p.write_bytes(
        header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1 << 40]}}, b"0000")
    ),
    "random.safetensors": lambda p, e: p.write_bytes(os.urandom(100_000)),
    "random.pth": lambda p, e: p.write_bytes(os.urandom(100_000)),
    "zeros.ckpt": lambda p, e: p.write_bytes(b"\0" * 100_000),
    "text.safetensors": lambda p, e: p.write_text(HTML),
    "text.pth": lambda p, e: p.write_text(HTML),
    "empty.pt": lambda p, e: p.write_bytes(b""),
    "bomb.pth": lambda p, e: zip_file(p, name="a/data.pkl", data=b"\0" * (64 << 20), compression=zipfile.ZIP_DEFLATED),
    "other_zip.pth": lambda p, e: zip_file(p, name="hello.txt", data=b"hello there", compression=zipfile.ZIP_STORED),
    "expanded.pth": lambda p, e: torch.save({"model": {"w": torch.zeros(1).expand(10**12)}}, p),
    "laughs.pth": lambda p, e: torch.save([[[["ha"] * 100] * 100] * 100] * 100, p),
    "another_network.pt": lambda p, e: torch.save(torch.nn.Conv2d(3, 3, 3).state_dict(), p),
    "metadata_only.safetensors": lambda p, e: save_file({"a": torch.zeros(1)}, p, metadata={"sdedit": "[" * 50_000}),
    "huge_network.safetensors": lambda p, e: save_file(
        {"a": torch.zeros(1)},
        p,
        metadata={
            "sdedit": json.dumps(
                {
                    "version": 1, "architecture": "x", "weights": "EMA", "gain": 1, "offset": 0, "size": 0,
                    "preconditioning": {"kind": "ve"},
                    "network": {
                        "in_channels": 3, "out_channels": 3, "base": 10**9, "middle": [], "decoder": [],
                        "encoder": [{"inputs": 10**9, "outputs": 10**9}],
                    },
                }
            )
        },
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CASES))
def test_refused_with_one_clear_error(name, tmp_path):
    trace = tmp_path / "executed"
    path = tmp_path / name
    CASES[name](path, Evil(trace))
    start = time.process_time()
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path)
    assert time.process_time() - start < 2.0
    text = str(caught.value)
    assert 20 < len(text) < 1200 and "\n" not in text and str(tmp_path) not in text
    assert not trace.exists()


def test_truncation_at_every_length(tmp_path):
    """Cut anywhere, a file is refused, never half loaded."""
    whole = tmp_path / "whole"
    for suffix, write in (
        (".pth", lambda p: torch.save({"a": torch.rand(50), "b": torch.rand(50)}, p)),
        (".ckpt", lambda p: torch.save({"a": torch.rand(50)}, p, _use_new_zipfile_serialization=False)),
        (".safetensors", lambda p: save_file({"a": torch.rand(50)}, p)),
    ):
        write(whole)
        data = whole.read_bytes()
        for part in range(0, len(data), max(len(data) // 23, 1)):
            path = tmp_path / f"cut{suffix}"
            path.write_bytes(data[:part])
            with pytest.raises(ValueError):
                load_checkpoint(path)


def test_options_are_checked_before_the_file(tmp_path):
    with pytest.raises(ValueError, match="known options are"):
        load_checkpoint(_exists(tmp_path), sigma_mx=3)
    for bad in ({"sde": "flow"}, {"sigma_max": -1}, {"num_heads": 2.5j}, {"data_range": (1, 0)}, {"fir": "yes"}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            load_checkpoint(_exists(tmp_path), **bad)
    with pytest.raises(ValueError, match="There is no file"):
        load_checkpoint(tmp_path / "nothing.pth")
    with pytest.raises(ValueError, match="weights must be"):
        load_checkpoint(_exists(tmp_path), weights="best")


def test_convert_checks_its_target(tmp_path):
    source = _exists(tmp_path)
    for target, words in ((tmp_path / "x.pth", "safetensors"), (tmp_path / "no" / "x.safetensors", "folder")):
        with pytest.raises(ValueError, match=words):
            convert_checkpoint(source, target)
    with pytest.raises(ValueError):
        convert_checkpoint(source, tmp_path / "x.safetensors")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["text.pth"]


def _exists(folder):
    path = folder / "text.pth"
    path.write_text(HTML)
    return path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["pipe.pth", "pipe.safetensors", "folder.pth/diffusion_pytorch_model.bin"])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    (path.parent / "config.json").write_text("{}")
    for make in (os.mkfifo, lambda p: p.symlink_to("/dev/zero")):
        path.unlink(missing_ok=True)
        make(path)
        assert "a pipe or a device" in _refused(path)
    assert "a folder" in _refused(tmp_path, by=reading.read_file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_beside_a_file_is_not_waited_for(tmp_path):
    path = _exists(tmp_path)
    for beside in ("text.json", "text.pth.json"):
        os.mkfifo(tmp_path / beside)
    assert "a web page" in _refused(path)
    assert "a pipe or a device" in _refused(tmp_path / "text.json", by=reading.read_json)
    os.mkfifo(tmp_path / "a.state.safetensors")
    assert "a pipe or a device" in _refused(tmp_path / "a.state.safetensors", by=lambda p: read_tensors(p, "x"))


def _refused(path, by=load_checkpoint) -> str:
    """The words with which a path is refused, within a few seconds."""
    said = []

    def work():
        try:
            by(path)
        except ValueError as error:
            said.append(str(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    assert said, "it waits, or it was taken"
    return said[0]
