"""What a pickle may call, and with what: the forms that PyTorch and numpy write, and no other."""

from __future__ import annotations

import io
import pickle
import struct
import time
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from sdedit_core.checkpoints.pickles import check_pickle, scan
from sdedit_core.checkpoints.reading import read_file

HEAD, STOP = b"\x80\x02", b"."
ENCODE, DTYPE = b"c_codecs\nencode\n", b"cnumpy\ndtype\n"
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value) if value < 1 << 31 else b"\x8a\x08" + struct.pack("<q", value)


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def storage(count: int, kind: bytes = b"FloatStorage") -> bytes:
    return b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text("0") + text("cpu") + number(count) + b"tQ"


def tensor(count: int, offset: int, size: int, stride: int) -> bytes:
    shape = [b"(" + number(n) + b"t" for n in (size, stride)]
    return call(REBUILD, storage(count), number(offset), *shape, b"\x89", call(b"ccollections\nOrderedDict\n"))


LATIN = call(ENCODE, text("12345678"), text("latin1"))
F8 = call(DTYPE, text("f8"), b"\x89", b"\x88")
STATE = b"(" + number(3) + text("<") + b"NNN" + number(-1) + number(-1) + number(0) + b"t"


SET, ORDERED = b"cbuiltins\nset\n", b"ccollections\nOrderedDict\n"
DOUBLED = b")" + b"q\x01h\x01\x86" * 60  # ((((...))))


def chained(links: int) -> bytes:
    data = call(ENCODE, text("12345678"), text("latin1"))
    for _ in range(links):
        data = call(ENCODE, data, text("hex"))
    return data


REFUSED = {
    "chained codecs": chained(28),
    "a chain of two in latin1": call(ENCODE, LATIN, text("latin1")),
    "punycode": call(ENCODE, text("ab\u20ac" * 16_000), text("punycode")),
    "a short text in another codec": call(ENCODE, text("a"), text("utf-7")),
    "another spelling of the codec": call(ENCODE, text("a"), text("latin-1")),
    "a long text": call(ENCODE, text("a" * 17), text("latin1")),
    "no codec": call(ENCODE, text("a")),
    "an error handler": call(ENCODE, text("a"), text("latin1"), text("xmlcharrefreplace")),
    "a codec from a call": call(ENCODE, text("a"), call(ENCODE, text("latin1"), text("latin1"))),
    "by the instruction NEWOBJ": ENCODE + b"(" + text("a") + text("hex") + b"t\x81",
    "a text that was copied": ENCODE + text("a") + b"2" + text("hex") + b"\x87R",
    "dtype of objects": call(DTYPE, text("O8"), b"\x89", b"\x88"),
    "dtype of a megabyte": call(DTYPE, text("V1000000"), b"\x89", b"\x88"),
    "dtype of many fields": call(DTYPE, text("f4," * 50_000 + "f4")),
    "dtype of a list": call(DTYPE, b"]"),
    "dtype made another": F8 + STATE.replace(b"NNN", b"NN]") + b"b",
    "dtype of another length": F8 + STATE.replace(number(-1), number(1 << 30), 1) + b"b",
    "scalar without bytes": call(SCALAR, F8, text("x" * 99)),
    "an untyped storage that is called": call(b"ctorch.storage\nUntypedStorage\n", number(10**10)),
    "a typed storage that is called": call(b"ctorch\nFloatStorage\n", number(10**9)),
    "a storage larger than the file": storage(10**9),
    "a storage of a negative length": storage(-1),
    "a tensor larger than its storage": tensor(4, 0, 10**9, 1),
    "a tensor behind its storage": tensor(4, 3, 2, 1),
    "a state for a tensor": tensor(4, 0, 4, 1) + b"(" + storage(4) + b"tb",
    "a call of what was made": F8 + b"(tR",
    "a call of a text": text("eval") + b"(tR",
    "copies of a list": b"](" + b"K\x01" * 1000 + b"eq\x00" + b"0cbuiltins\nset\nh\x00\x85R" * 101,
    "a key that takes 2^60 steps to hash": b"}" + DOUBLED + b"Ns",
    "a set of it": call(SET, b"](" + DOUBLED + b"e"),
    "a set that is filled with it": b"\x8f(" + DOUBLED + b"\x90",
    "a table of it": call(ORDERED, b"](](" + DOUBLED + b"Neee"),
    "a table of pairs of it": call(ORDERED, b"](" + DOUBLED + b"N\x86e"),
    "a table of no pairs": call(ORDERED, b"](](NNNee"),
    "a key that was made": b"}" + tensor(4, 0, 4, 1) + b"Ns",
    "an empty stack": b"R",
    "a memo that nobody wrote": b"h\x05",
}
TAKEN = {
    "a number of numpy": call(SCALAR, F8 + STATE + b"b", LATIN),
    "its parts used again": call(ENCODE + b"q\x01", text("12345678") + b"q\x02", text("latin1") + b"q\x03")
    + b"0"
    + call(SCALAR, F8 + STATE + b"b", b"h\x01h\x02h\x03\x86R"),
    "a tensor": tensor(4, 1, 3, 1),
    "a tensor that repeats a number": tensor(1, 0, 1000, 0),
    "a table of pairs": call(ORDERED, b"](](" + text("a") + b"Ne](K\x01Nee"),
    "a set of pairs": call(SET, b"](K\x01" + text("a") + b"K\x01" + text("a") + b"\x86e"),
    "a key of two numbers": b"}K\x01K\x02\x86Ns",
    "an empty tensor": tensor(0, 0, 0, 1),
}


def packed(path, body: bytes):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", HEAD + body + STOP)
        archive.writestr("a/data/0", bytes(64))
        archive.writestr("a/version", "3\n")
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_a_harmless_name_with_a_harmful_argument_is_refused_at_once(name, tmp_path):
    path = packed(tmp_path / "a.pth", REFUSED[name])
    start = time.process_time()
    with pytest.raises(ValueError, match=r"hold|larger|absurd|copies|a key that|cannot be read"):
        check_pickle(path)  # by its form, so before PyTorch sees it
    with pytest.raises(ValueError) as caught:
        read_file(path)
    assert time.process_time() - start < 1.0
    assert 20 < len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TAKEN)
def test_what_numpy_and_pytorch_write_is_taken(name, tmp_path):
    check_pickle(packed(tmp_path / "a.pth", TAKEN[name]))


def test_more_instructions_than_a_checkpoint_has_are_refused(tmp_path):
    with pytest.raises(ValueError, match="500,000 instructions"):
        check_pickle(packed(tmp_path / "a.pth", b"](" + b"K\x01" * 600_000 + b"e"))
    (tmp_path / "b.ckpt").write_bytes((HEAD + b"](" + b"K\x01" * 150_000 + b"e" + STOP) * 5)  # all pickles together
    with pytest.raises(ValueError, match="500,000 instructions"):
        check_pickle(tmp_path / "b.ckpt")


def test_reading_ends_with_the_last_instruction_allowed():
    """However long the pickle is, the time is that of so many instructions: nothing after them is read."""
    body = io.BytesIO(HEAD + b"](" + b"K\x01" * 3_000_000 + b"e" + STOP)
    with pytest.raises(ValueError, match="500,000 instructions"):
        scan(body, 1 << 24)
    assert body.tell() <= len(HEAD) + 2 * 500_001


def test_what_is_not_kept_is_counted_too(tmp_path):
    """A table with keys of no use, which a list names a thousand times, would be looked through a thousand times."""
    table = b"}(" + b"".join(b"G" + struct.pack(">d", i) + b"N" for i in range(50_000)) + b"u"
    path = packed(tmp_path / "a.pth", b"](" + table + b"q\x01" + b"h\x01" * 50_000 + b"e")
    start = time.process_time()
    with pytest.raises(ValueError, match="far more entries"):
        read_file(path)
    assert time.process_time() - start < 3.0


def test_views_of_the_same_data_are_bounded(tmp_path):
    data = torch.zeros(1 << 18)
    torch.save({"model": {"a": data}, "ema": {"a": data}}, tmp_path / "a.pth")
    assert read_file(tmp_path / "a.pth").content["ema"]["a"].shape == data.shape
    torch.save({f"w{i}": data.view(512, 512) for i in range(40)}, tmp_path / "b.pth")
    with pytest.raises(ValueError, match=r"claim .* bytes of a file"):
        read_file(tmp_path / "b.pth")


def test_a_legacy_stream_cannot_ask_for_more_memory_than_it_has_bytes(tmp_path):
    torch.save({"w": torch.zeros(5)}, tmp_path / "a.ckpt", _use_new_zipfile_serialization=False)
    data = (tmp_path / "a.ckpt").read_bytes()
    assert read_file(tmp_path / "a.ckpt").content["w"].shape == (5,)
    assert data.count(b"K\x05") >= 1
    (tmp_path / "b.ckpt").write_bytes(data.replace(b"K\x05", number(1 << 30)))
    with pytest.raises(ValueError, match="larger than its data"):
        read_file(tmp_path / "b.ckpt")


@pytest.mark.parametrize("zipped", [True, False])
def test_everything_that_trainers_keep_is_read(tmp_path, zipped):
    layer = torch.nn.Conv2d(3, 3, 3)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.rand(1, 3, 5, 5)).sum().backward()
    optimizer.step()
    content = {
        "model": layer.state_dict(), "parameter": layer.weight, "rate": np.float64(0.25),
        "more": [np.float32(2), np.int64(5), np.float64(0.25)], "betas": (0.9, 0.999), "size": torch.Size([1, 2]),
        "device": torch.device("cpu"), "seen": {1, 2}, "table": OrderedDict(a=1), "optimizer": optimizer.state_dict(),
        "half": torch.rand(3).half()[1:], "turned": torch.arange(6.0).reshape(2, 3).t(), "none": torch.zeros(0, 3),
        "one": torch.tensor(3), "last": torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }  # fmt: skip
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    read = read_file(tmp_path / "a.pth").content
    assert read["rate"] == 0.25 and read["more"] == [2, 5, 0.25]
    for name in ("half", "turned", "last", "one", "none", "parameter"):
        assert torch.equal(read[name], content[name])


def test_numpy_scalars_are_those_of_numpy():
    """The bytes that this numpy writes are the form that is allowed."""
    for kind in (np.float64, np.float32, np.int64):
        scan(io.BytesIO(pickle.dumps([kind(1), kind(200), kind(200)], protocol=2)), 100)
    for other in (np.float16(1), np.complex128(1), np.datetime64("2020-01-01"), np.str_("a")):
        with pytest.raises(ValueError, match="nothing in it was run"):
            scan(io.BytesIO(pickle.dumps(other, protocol=2)), 100)


def test_what_cannot_be_read_is_told_in_a_line(tmp_path):
    with pytest.raises(ValueError) as caught:
        check_pickle(packed(tmp_path / "a.pth", b"F" + b"N" * 5000 + b"\n"))
    assert "cannot be read" in str(caught.value) and len(str(caught.value)) < 300
