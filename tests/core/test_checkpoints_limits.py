"""The bounds of reading a file: what is still read, and what no more, one step beyond."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import time
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import load_checkpoint, reading
from sdedit_core.checkpoints.formats import own
from sdedit_core.checkpoints.found import Found
from sdedit_core.checkpoints.overrides import Overrides
from sdedit_core.checkpoints.pickles import UnsafePickle, check_pickle
from sdedit_core.checkpoints.reading import RawFile, read_file
from sdedit_core.networks import ncsnpp
from sdedit_core.networks.preconditioning import EDM, VE


def zipped(path, *entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def test_data_pkl_may_lie_at_the_top_and_is_looked_into_there(tmp_path):
    plain, evil = pickle.dumps({}, protocol=2), pickle.dumps(print, protocol=2)
    check_pickle(zipped(tmp_path / "a.pth", ("data.pkl", plain), ("data/0", b"")))
    with pytest.raises(UnsafePickle, match="print"):
        check_pickle(zipped(tmp_path / "b.pth", ("data.pkl", evil)))
    for names in (("data.pkl", "a/data.pkl"), ("a/data.pkl", "b/data.pkl"), ("mydata.pkl",)):
        with pytest.raises(ValueError, match="not a PyTorch file"):
            check_pickle(zipped(tmp_path / "c.pth", *((name, plain) for name in names)))


def test_a_pickle_of_32_megabytes_is_read_and_no_more(tmp_path):
    around = len(pickle.dumps(b"x" * 300, protocol=3)) - 300
    most = 32 * 1024 * 1024
    check_pickle(zipped(tmp_path / "a.pth", ("a/data.pkl", pickle.dumps(bytes(most - around), protocol=3))))
    with pytest.raises(ValueError, match=r"data\.pkl has 33,554,433 bytes; at most 33,554,432"):
        check_pickle(zipped(tmp_path / "a.pth", ("a/data.pkl", bytes(most + 1))))


def sparse(path, size, head=b""):
    """A file of that length that takes no room."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="would take 64 GB of the disk")
def test_a_file_of_64_gigabytes_is_opened_and_no_more(tmp_path):
    most = 64 * 1024**3
    for size, words in ((most, "neither a .safetensors nor a PyTorch file"), (most + 1, "has 64 GB")):
        path = sparse(tmp_path / "a.pth", size)
        with pytest.raises(ValueError, match=words):
            read_file(path)
        path.unlink()


def test_the_smallest_file_has_16_bytes(tmp_path):
    for size, words in ((15, "only 15 bytes"), (16, "neither a .safetensors nor a PyTorch file")):
        with pytest.raises(ValueError, match=words):
            read_file(sparse(tmp_path / "a.pth", size))


def test_a_header_of_8_megabytes_is_read_and_no_more(tmp_path):
    most = 8 * 1024 * 1024
    for length, words in ((most, "deserializing header"), (most + 1, "Its header has 8,388,609 bytes")):
        with pytest.raises(ValueError, match=words):
            read_file(sparse(tmp_path / "a.safetensors", 8 + length, struct.pack("<Q", length)))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_ten_thousand_tensors_are_read_and_no_more(tmp_path, suffix):
    path, numbers = tmp_path / f"a{suffix}", torch.arange(10_001.0)
    for count in (10_000, 10_001):
        if suffix == ".pth":
            torch.save({str(i): numbers[i] for i in range(count)}, path)  # all in one storage
        else:
            save_file({str(i): numbers[i] for i in range(count)}, path)
        if count == 10_000:
            assert float(read_file(path).content["9999"]) == 9999.0
        else:
            with pytest.raises(ValueError, match="more than 10000"):
                read_file(path)


def test_two_hundred_thousand_entries_are_read_and_no_more(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": [0] * 199_998}, path)
    assert len(read_file(path).content["a"]) == 199_998
    torch.save({"a": [0] * 199_999}, path)
    with pytest.raises(ValueError, match="far more entries"):
        read_file(path)


def test_plain_arrays_of_five_dimensions_are_read_and_no_more(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.ones(1, 1, 1, 1, 2)}, path)
    assert read_file(path).content["a"].shape == (1, 1, 1, 1, 2)
    torch.save({"a": torch.ones(1, 1, 1, 1, 1, 2)}, path)
    with pytest.raises(ValueError, match="no plain array"):
        read_file(path)
    with pytest.raises(ValueError, match="no plain array"):  # no file gets so far: its pickle is refused before
        reading._checked({"a": torch.eye(2).to_sparse()}, 1 << 20)
    path = tmp_path / "a.safetensors"
    for shape, fits in (([1, 1, 1, 1, 1], True), ([1, 1, 1, 1, 1, 1], False), ([1.0], False), ([True], False)):
        header = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        if fits:
            assert read_file(path).content["a"].shape == (1, 1, 1, 1, 1)
        else:
            with pytest.raises(ValueError, match=r"no plain array|truncated or damaged"):
                read_file(path)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "safetensors.bin"])
def test_weights_come_whole_whatever_the_name(tmp_path, name):
    path, tensors = tmp_path / name, {"w": torch.rand(3, 2), "sigmas": torch.tensor([3.0, 1.0])}
    torch.save(tensors, path) if name == "a.pth" else save_file(tensors, path)
    whole = read_file(path)
    assert torch.equal(whole.content["w"], tensors["w"]) and torch.equal(whole.content["sigmas"], tensors["sigmas"])
    assert whole.container == ("PyTorch zip" if name == "a.pth" else "safetensors")


def test_the_second_wall_stands_alone(tmp_path, monkeypatch):
    """Without our look into the pickle, PyTorch is still told to run nothing; large files stay on disk."""
    asked, load = [], torch.load

    def spied(path, **options):
        asked.append(options)
        return load(path, **options)

    monkeypatch.setattr(reading, "check_pickle", lambda path: None)
    monkeypatch.setattr(torch, "load", spied)
    trace = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return eval, (f"open({str(trace)!r}, 'w').close()",)

    for zipped_file in (True, False):
        torch.save({"model": Evil()}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped_file)
        with pytest.raises(ValueError):
            read_file(tmp_path / "a.pth")
    assert not trace.exists()
    assert asked == [{"map_location": "cpu", "weights_only": True, "mmap": mmap} for mmap in (True, False)]


def test_words_in_our_own_files_are_bounded():
    """At most 50 lines of 500 letters of each kind: they are shown to people."""
    found = Found(own.NAME, "x", ncsnpp(nf=8), {}, VE((0.0, 1.0)), which="EMA")
    for kind in (found.detected, found.assumed, found.notes):
        kind.extend(f"{i:02}" + "x" * 499 for i in range(51))
    raw = RawFile(None, {"w": torch.zeros(1)}, "safetensors", own.describe(found, {}))
    read = own.parse(raw, Overrides(), "ema")
    for kind in (read.detected, read.assumed, read.notes):
        assert [len(line) for line in kind] == [500] * 50 and kind[49].startswith("49")


def described(**changes):
    """Metadata of a small network with some entries replaced; by dots into the tables."""
    found = Found(own.NAME, "x", ncsnpp(nf=8), {}, EDM((0.0, 1.0)), which="EMA")
    data = json.loads(own.describe(found, {})["sdedit"])
    for key, value in changes.items():
        table = data
        *path, last = key.split("__")
        for part in path:
            table = table[part]
        table[last] = value
    return {"sdedit": json.dumps(data)}


HUGE = 10**400
MISSTATED = [
    {key: value}
    for key in ("gain", "offset", "preconditioning__sigma_data", "preconditioning__sigma_max", "network__eps")
    for value in (HUGE, float("nan"), float("inf"), "1", "", [1], [], None, True)
] + [
    {"gain": 0}, {"size": 2.5}, {"size": [8]*3}, {"size": []}, {"size": [8, 0]}, {"size": [8, "8"]}, {"size": False},
    {"size": -8}, {"size": HUGE}, {"size": "8"}, {"name": ["x"]}, {"weights": 3},
    {"architecture": None}, {"detected": "text"}, {"notes": {}}, {"version": HUGE}, {"version": [1]},
    {"preconditioning": []}, {"preconditioning": None}, {"preconditioning": {"kind": []}},
    {"preconditioning": {"kind": "vp", "levels": 1.5}}, {"preconditioning": {"kind": "vp", "levels": HUGE}},
    {"preconditioning": {"kind": "vp", "beta_schedule": []}}, {"preconditioning": {"kind": "iddpm", "floor": -1}},
    {"preconditioning": {"kind": "vp-continuous", "t_min": float("nan")}},
    {"preconditioning__sigma_data": 0}, {"preconditioning__data_range": [0, float("nan")]},
    {"preconditioning__data_range": [1, 0]}, {"preconditioning__data_range": [0, HUGE]},
    {"preconditioning__data_range": "01"}, {"preconditioning__unknown": 1},
    {"network": []}, {"network__num_classes": 1.5}, {"network__num_classes": HUGE}, {"network__num_classes": True},
    {"network__base": 8.0}, {"network__null_class": 1}, {"network__encoder": 3}, {"network__encoder": [3]},
    {"network__middle": [{"inputs": 8, "outputs": 8, "heads": 0.5}]}, {"network__embedding": ["fourier"]},
    {"network__middle": [{"inputs": 8, "outputs": 8, "scale": HUGE}]}, {"network__kind": ["unet"]},
    {"network__middle": [{"inputs": 8, "outputs": 8, "groups_in": "8"}]},
    {"network": {"kind": "compact", "widths": 3}}, {"network": {"kind": "compact", "attention": 1.0}},
]  # fmt: skip


@pytest.mark.parametrize("changes", MISSTATED, ids=lambda c: str(c)[:60])
def test_a_description_that_misstates_something_is_refused_in_a_sentence(changes, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata=described())
    with pytest.raises(ValueError, match="does not fit the network"):  # all but the weights is right
        load_checkpoint(path)
    save_file({"w": torch.zeros(1)}, path, metadata=described(**changes))
    with pytest.raises(ValueError, match=r"^a\.safetensors looks like a SDEdit score model, but ") as caught:
        load_checkpoint(path)
    assert "does not fit the network that it describes" not in str(caught.value)
    assert "shapes that no such network has" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "content",
    [
        {"sdedit": '{"a": [' + "{}, " * 10_000_000 + "0]}"},
        {f"k{i}": "v" * 30 for i in range(900_000)},
        None,
    ],
    ids=["one entry", "many entries", "tensors"],
)
def test_a_header_of_40_megabytes_is_refused_at_once(tmp_path, content):
    path, entry = tmp_path / "a.safetensors", {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    table = {f"t{i}": entry for i in range(600_000)} if content is None else {"__metadata__": content}
    data = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(data)) + data)
    assert len(data) > 39_000_000
    start = time.process_time()
    with pytest.raises(ValueError, match="header"):
        load_checkpoint(path)
    assert time.process_time() - start < 0.3


def test_a_description_of_a_megabyte_is_read_and_no_more():
    data = described(name="")["sdedit"]
    for length in (1 << 20, (1 << 20) + 1):
        text = data + " " * (length - len(data))
        raw = RawFile(None, {"w": torch.zeros(1)}, "safetensors", {"sdedit": text})
        if length == 1 << 20:
            assert own.parse(raw, Overrides(), "ema").size is None
        else:
            with pytest.raises(ValueError, match="1,048,577 letters; at most 1,048,576"):
                own.parse(raw, Overrides(), "ema")
