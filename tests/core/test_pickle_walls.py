"""The look into a PyTorch file on both sides of its bounds: entries, instructions, numbers, and code in archives."""

import io
import struct
import zipfile

import pytest

from sdedit_core.checkpoints import pickles
from sdedit_core.checkpoints.pickles import UnsafePickle, check_pickle, scan

PLAIN = b"\x80\x02}."


def read(body: bytes) -> None:
    scan(io.BytesIO(b"\x80\x02" + body + b"."), 100)


def archive(path, *names, data=PLAIN):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, data if name.endswith("data.pkl") else b"")
    return path


FORBIDDEN = {
    "STACK_GLOBAL": b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93",
    "INST": b"(ios\nsystem\n",
    "OBJ": b"(cbuiltins\nset\no",
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "NEWOBJ_EX": b"cbuiltins\nset\n)}\x92",
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_an_instruction_that_no_file_of_weights_needs_is_refused_by_its_name(name):
    with pytest.raises(UnsafePickle, match=rf"the pickle instruction {name}, which"):
        read(FORBIDDEN[name])


MOST = 1 << 34
NUMBERS = {
    "LONG1": lambda v: b"\x8a\x08" + struct.pack("<q", v),
    "LONG4": lambda v: b"\x8b\x08\x00\x00\x00" + struct.pack("<q", v),
    "LONG": lambda v: b"L" + str(v).encode() + b"L\n",
    "INT": lambda v: b"I" + str(v).encode() + b"\n",
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_up_to_two_to_the_34_are_read_and_no_more(kind):
    for value in (MOST, -MOST):
        read(NUMBERS[kind](value))
    for value in (MOST + 1, -MOST - 1):
        with pytest.raises(ValueError, match="absurdly large"):
            read(NUMBERS[kind](value))
    read(b"G" + struct.pack(">d", 1e300))  # a float is no such number
    read(b"\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little"))  # PyTorch's mark of old files


def test_instructions_are_counted(monkeypatch):
    monkeypatch.setattr(pickles, "MAX_OPCODES", 19)
    read(b"N0" * 8 + b"N")  # with PROTO and STOP: 19
    with pytest.raises(ValueError, match="more than 19 instructions"):
        read(b"N0" * 8 + b"NN")


def test_entries_of_an_archive_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_ENTRIES", 3)
    check_pickle(archive(tmp_path / "a.pth", "a/data.pkl", "a/1", "a/2"))
    with pytest.raises(ValueError, match="has 4 entries"):
        check_pickle(archive(tmp_path / "b.pth", "a/data.pkl", "a/1", "a/2", "a/3"))


@pytest.mark.parametrize("name", ["a/code/x.py", "a/code/deep/er.py", "a name/code/x.py"])
def test_code_in_an_archive_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="TorchScript archive"):
        check_pickle(archive(tmp_path / "a.pth", "a/data.pkl", name))


@pytest.mark.parametrize("name", ["a/data/code", "a/b/code/x", "a/barcode/x", "a/Code/x"])
def test_what_only_sounds_like_code_is_not(tmp_path, name):
    check_pickle(archive(tmp_path / "a.pth", "a/data.pkl", name))


def test_an_old_stream_is_looked_into_five_times(tmp_path):
    """Magic number, protocol, system, the object, storage keys; what follows is numbers."""
    path, evil = tmp_path / "a.ckpt", b"\x80\x02cos\nsystem\n."
    for place in range(5):
        path.write_bytes(PLAIN * place + evil + PLAIN * (4 - place))
        with pytest.raises(UnsafePickle, match=r"os\.system"):
            check_pickle(path)
    path.write_bytes(PLAIN * 5 + b"\xff\x00 any bytes")
    check_pickle(path)
    path.write_bytes(PLAIN * 4)
    with pytest.raises(ValueError, match="cannot be read"):
        check_pickle(path)


def test_of_an_old_stream_no_more_is_read_than_the_bound(tmp_path, monkeypatch):
    path = tmp_path / "a.ckpt"
    path.write_bytes(PLAIN * 6)
    for room, fits in ((5, True), (4, False)):
        monkeypatch.setattr(pickles, "MAX_PICKLE", room * len(PLAIN))
        if fits:
            check_pickle(path)
        else:
            with pytest.raises(ValueError, match="cannot be read"):
                check_pickle(path)
