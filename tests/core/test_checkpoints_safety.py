"""Files that are not what they claim: one clear error each, quickly, and nothing in them is ever run."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import time
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core import load_image, load_score_model
from sdedit_core.checkpoints import convert_checkpoint, load_checkpoint
from sdedit_core.checkpoints.pickles import UnsafePickle, scan

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


def encode_call(codec, *, chain=0, memo=False):
    """A pickle that calls ``_codecs.encode`` by hand; ``chain`` feeds the result back in."""
    body = b"c_codecs\nencode\n" + (b"q\x01" if memo else b"")
    body += b"X\x03\x00\x00\x00abc" + b"X" + len(codec).to_bytes(4, "little") + codec + b"\x86R"
    for _ in range(chain):
        body += b"q\x02c_codecs\nencode\nh\x02X" + len(codec).to_bytes(4, "little") + codec + b"\x86R"
    return b"\x80\x02" + body + b"."


@pytest.mark.parametrize("codec", [b"hex", b"punycode", b"utf-32", b"unicode_escape"])
def test_codecs_that_grow_are_refused_by_value(codec):
    with pytest.raises(UnsafePickle, match="helper of numpy"):
        scan(io.BytesIO(encode_call(codec)))


def test_encodings_cannot_be_chained_nor_fetched_from_the_memo_for_more():
    with pytest.raises(UnsafePickle, match="helper of numpy"):
        scan(io.BytesIO(encode_call(b"latin1", chain=1)))
    again = encode_call(b"latin1", memo=True)[:-1] + b"h\x01X\x03\x00\x00\x00abcX\x03\x00\x00\x00hex\x86R."
    with pytest.raises(UnsafePickle, match="helper of numpy"):
        scan(io.BytesIO(again))
    scan(io.BytesIO(encode_call(b"latin1", memo=True)))


def test_only_the_plain_numbers_of_numpy_are_rebuilt():
    import numpy as np

    for value in (np.float64(0.5), np.float32(0.5), np.int64(3), [np.float64(1.0), np.float64(2.0)]):
        scan(io.BytesIO(pickle.dumps(value, protocol=2)))
    for value in (np.complex128(1j), np.bytes_(b"x" * 9), np.datetime64("2020-01-01")):
        with pytest.raises(UnsafePickle, match="helper of numpy"):
            scan(io.BytesIO(pickle.dumps(value, protocol=2)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.pth")
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no regular file"):
        load_score_model(tmp_path / "a.pth")
    with pytest.raises(ValueError, match="no regular file"):
        load_image(tmp_path / "a.png")
