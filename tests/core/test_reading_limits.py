"""Reading a checkpoint's bytes: counts at small bounds, what a file is called, and what is said when it is none."""

import hashlib
import json
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from sdedit_core.checkpoints import reading
from sdedit_core.checkpoints.reading import file_hash, read_file, read_json


def checked(content):
    """What is kept of a file's content, for a file that is large enough for it."""
    return reading._checked(content, 1 << 20)


def said(call, *arguments):
    with pytest.raises(ValueError) as refusal:
        call(*arguments)
    return str(refusal.value)


def test_tensors_and_entries_are_counted(tmp_path, monkeypatch):
    """The same as with ten thousand, in a moment: three tensors, and twenty times as many entries."""
    monkeypatch.setattr(reading, "MAX_TENSORS", 3)
    ones = [torch.ones(1) for _ in range(4)]
    assert len(checked(ones[:3])) == 3 and len(checked({"a": ones[:2], "b": ones[2]})) == 2
    assert "more than 3 tensors" in said(checked, ones)
    assert "more than 3 tensors" in said(checked, {"a": ones[:2], "b": [ones[2], ones[3]]})
    assert len(checked([0] * 59)) == 59  # with the list itself 60
    assert "far more entries" in said(checked, [0] * 60)
    save_file({str(i): ones[i] for i in range(3)}, tmp_path / "a.safetensors")
    assert len(read_file(tmp_path / "a.safetensors").content) == 3
    save_file({str(i): ones[i] for i in range(4)}, tmp_path / "a.safetensors")
    assert "names 4 tensors; no score network has more than 3" in said(read_file, tmp_path / "a.safetensors")


def test_plain_values_stay_others_become_nothing_and_deep_ones_are_cut():
    kept = {"a": 1, 2: "b", "c": [1.5, True, None, (1, 2)]}
    assert checked(kept) == {"a": 1, 2: "b", "c": [1.5, True, None, [1, 2]]}
    assert checked({"a": {1}, (1, 2): 3, "b": b"x"}) == {"a": None, "b": None}
    assert checked([[[[7]]]]) == [[[[7]]]] and checked([[[[[7]]]]]) == [[[[[None]]]]]
    assert checked({"optimizer": {"a": 1}, "model": 2}) == {"model": 2}
    assert not checked(torch.ones(2, requires_grad=True)).requires_grad


def test_a_tensor_that_repeats_its_data_is_refused():
    assert "larger than its data" in said(checked, torch.zeros(1).expand(2))
    assert checked(torch.zeros(4)[1:]).shape == (3,)


@pytest.mark.parametrize(
    "head, words",
    [
        (b"plain words, one line\n", "This is a text file, not a checkpoint."),
        (b"\ttabs \r\nand ~ lines\n", "This is a text file, not a checkpoint."),
        (b"sixteen letters!\xff\x00", "This is a text file, not a checkpoint."),
        (b"words and \x7f then more", "This is neither a .safetensors nor a PyTorch file, not"),
        (b"words \x1f and others...", "This is neither a .safetensors nor a PyTorch file, not"),
    ],
)
def test_what_is_no_checkpoint_is_told_from_text(tmp_path, head, words):
    (tmp_path / "a.pth").write_bytes(head)
    assert said(read_file, tmp_path / "a.pth").startswith(f"a.pth: {words}")


def test_old_and_new_files_of_pytorch_are_told_apart(tmp_path):
    for zipped, kind in ((True, "PyTorch zip"), (False, "PyTorch legacy stream")):
        torch.save({"w": torch.ones(2)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        assert read_file(tmp_path / "a.pth").container == kind


def test_a_safetensors_file_is_known_by_its_first_bytes(tmp_path):
    """Under any name: a header that fits into the file exactly, and one that is a byte too long."""
    text = b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
    (tmp_path / "a.bin").write_bytes(struct.pack("<Q", len(text)) + text)
    assert read_file(tmp_path / "a.bin").container == "safetensors"
    (tmp_path / "a.bin").write_bytes(struct.pack("<Q", len(text) + 1) + text)
    assert "neither a .safetensors nor a PyTorch file" in said(read_file, tmp_path / "a.bin")
    (tmp_path / "a.bin").write_bytes(b"\xff" * 8 + text)
    assert "neither a .safetensors nor a PyTorch file" in said(read_file, tmp_path / "a.bin")


@pytest.mark.parametrize(
    "error, words",
    [
        (RuntimeError("a stream ended\nand more"), "it is truncated or damaged (a stream ended). Download it again."),
        (EOFError(), "it is truncated or damaged (EOFError). Download it again."),
        (KeyError("x" * 300), f"it is truncated or damaged ('{'x' * 199}). Download it again."),
        (type("UnpicklingError", (Exception,), {})("no"), "it is truncated or damaged (no). Download it again."),
        (ZeroDivisionError("x"), "it cannot be read as weights (ZeroDivisionError)."),
    ],
)
def test_what_is_said_when_pytorch_gives_up(error, words):
    assert reading._why_not(error) == words


@pytest.mark.parametrize("text", ["Unsupported class x.Y", "and unsupported operand 9", "unrecognized option z"])
def test_what_another_pytorch_does_not_know_is_not_called_damage(text):
    words = reading._why_not(RuntimeError(f"Weights only load failed.\n{text}\nmore"))
    refused = text[text.lower().index("un") :]
    assert words == (
        f"PyTorch {torch.__version__} does not read what is in it ({refused}), which need not mean that it is damaged: "
        "2.7 and newer read all that score checkpoints hold. Update PyTorch, or convert the file to .safetensors where "
        "there is a newer one."
    )


def test_json_files_are_read_as_utf_8_up_to_a_size(tmp_path, monkeypatch):
    path, text = tmp_path / "a.json", json.dumps({"name": "\u5c71"}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(reading, "MAX_JSON", path.stat().st_size)
    assert read_json(path) == {"name": "\u5c71"}
    path.write_text(text + " ", encoding="utf-8")
    assert said(read_json, path) == "a.json cannot be read as JSON (it is too large)."
    path.write_text("[1]")
    assert "must hold a JSON object" in said(read_json, path)


def test_the_hash_is_that_of_all_bytes(tmp_path):
    data = bytes(range(256)) * 5000  # more than one block of a megabyte
    (tmp_path / "a").write_bytes(data)
    assert file_hash(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    (tmp_path / "b").write_bytes(b"")
    assert file_hash(tmp_path / "b") == hashlib.sha256(b"").hexdigest()


def test_dictionaries_are_as_deep_as_lists():
    assert checked({"a": {"b": {"c": {"d": 7}}}}) == {"a": {"b": {"c": {"d": 7}}}}
    assert checked({"a": {"b": {"c": {"d": {"e": 7}}}}}) == {"a": {"b": {"c": {"d": {"e": None}}}}}


@pytest.mark.parametrize("name", ["a.pkl", "a.PKL", "a.pickle", "a.Pickle"])
def test_pickles_by_their_names_are_refused_with_the_way_out(tmp_path, name):
    torch.save({"w": torch.ones(1)}, tmp_path / name)
    assert said(read_file, tmp_path / name).startswith(f"{name}: Pickle files (.pkl) can run any code")


@pytest.mark.parametrize("name", ["a.sft", "a.SFT", "a.safetensors", "a.Safetensors"])
def test_a_name_of_a_safetensors_file_is_believed(tmp_path, name):
    torch.save({"w": torch.ones(1)}, tmp_path / name)
    assert "or no .safetensors file at all" in said(read_file, tmp_path / name)


@pytest.mark.skipif(not reading._NAMED, reason="a PyTorch that knows numpy's numbers by one name only")
@pytest.mark.parametrize("core", ["core", "_core"])
def test_numbers_of_numpy_are_read_under_the_names_of_numpy_1_and_2(tmp_path, core):
    one = struct.pack("<d", 1.5).decode("latin1").encode("utf-8")
    body = b"\x80\x02}X\x01\x00\x00\x00acnumpy." + core.encode() + b".multiarray\nscalar\ncnumpy\ndtype\n"
    body += b"X\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    body += b"c_codecs\nencode\nX" + struct.pack("<I", len(one)) + one + b"X\x06\x00\x00\x00latin1\x86R\x86Rs."
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", body)
        archive.writestr("a/version", b"3\n")
        archive.writestr("a/byteorder", b"little")
    assert read_file(tmp_path / "a.pth").content == {"a": 1.5}
