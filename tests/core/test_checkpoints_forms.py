"""The forms of a pickle's calls on both sides of every limit, instruction by instruction, and what a refusal names."""

from __future__ import annotations

import io
import struct

import pytest

from sdedit_core.checkpoints.pickles import UnsafePickle, scan

ROOM = 4096
ENCODE, DTYPE, SIZE = b"c_codecs\nencode\n", b"cnumpy\ndtype\n", b"ctorch\nSize\n"
SCALAR, ORDERED = b"cnumpy.core.multiarray\nscalar\n", b"ccollections\nOrderedDict\n"
SET = b"cbuiltins\nset\n"
OLD, NEW = b"ctorch._utils\n_rebuild_tensor\n", b"ctorch._utils\n_rebuild_tensor_v2\n"
DEVICE, LAYOUT = b"ctorch\ndevice\n", b"ctorch.serialization\n_get_layout\n"
PARAMETER, REBUILT = b"ctorch.nn.parameter\nParameter\n", b"ctorch._utils\n_rebuild_parameter\n"
YES, NO, NONE, DROP = b"\x88", b"\x89", b"N", b"0"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode("ascii")


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def several(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + several(*arguments) + b"R"


def storage(*, count: bytes, kind: bytes = b"ctorch\nFloatStorage\n", first: bytes = text("storage"), rest=()) -> bytes:
    return several(first, kind, text("0"), text("cpu"), count, *rest) + b"Q"


def shape(*sides: int) -> bytes:
    return several(*map(number, sides))


FOUR = storage(count=number(4))
FLAGS, ZERO = (NO, call(ORDERED)), number(0)


def tensor(*, data=FOUR, offset=ZERO, size=None, stride=None, rest=FLAGS) -> bytes:
    return call(NEW, data, offset, size or shape(4), stride or shape(1), *rest)


def read(body: bytes, room: int = ROOM) -> None:
    scan(io.BytesIO(b"\x80\x02" + body + b"."), room)


def refused(body: bytes, words: str, room: int = ROOM) -> None:
    with pytest.raises(ValueError) as refusal:
        read(body, room)
    assert words in str(refusal.value)


PUTS = {"BINPUT": b"q\x00", "LONG_BINPUT": b"r\x00\x00\x00\x00", "PUT": b"p0\n", "MEMOIZE": b"\x94"}
GETS = {"BINGET": b"h\x00", "LONG_BINGET": b"j\x00\x00\x00\x00", "GET": b"g0\n"}


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("get", GETS)
def test_the_memo_gives_back_what_was_put_there_by_every_instruction(put, get):
    """The word of a codec lies under another text on the stack, goes to the memo, and comes back from it."""
    for codec, fine in (("latin1", True), ("hex", False)):
        body = text("below") + text(codec) + PUTS[put] + DROP + DROP + call(ENCODE, text("a"), GETS[get])
        if fine:
            read(body)
        else:
            refused(body, "_codecs.encode")


def test_memoize_counts_up():
    body = text("hex") + b"\x94" + DROP + text("latin1") + b"\x94" + DROP
    read(body + call(ENCODE, text("a"), b"h\x01"))
    refused(body + call(ENCODE, text("a"), b"h\x00"), "_codecs.encode")


def test_at_most_100_000_entries_are_copied():
    numbers = b"](" + number(7) * 1000 + b"eq\x05" + DROP
    copied, empty = SET + b"h\x05\x85R" + DROP, call(ORDERED) + DROP
    read(numbers + empty * 300 + copied * 100 + (tensor() + DROP) * 300 + NONE)
    refused(numbers + copied * 101 + NONE, "copies more than 100,000 entries")


NOTHING = "with a {} that files of weights do not hold; nothing in it was run."


def test_a_refusal_names_what_was_used_and_how():
    refused(call(ENCODE, text("a"), text("hex")), "it uses _codecs.encode " + NOTHING.format("call"))
    refused(text("eval") + several() + b"R", "it uses an unknown thing " + NOTHING.format("call"))
    refused(FOUR + several() + b"R", "it uses storage " + NOTHING.format("call"))
    refused(call(DTYPE, text("f8"), NO, YES) + several() + b"b", "it uses numpy.dtype " + NOTHING.format("state"))
    refused(tensor() + several() + b"b", "it uses torch._utils._rebuild_tensor_v2 " + NOTHING.format("state"))
    refused(storage(count=number(-1)), "it uses torch.FloatStorage " + NOTHING.format("storage"))
    refused(storage(count=number(1), kind=text("torch FloatStorage")), "an unknown thing " + NOTHING.format("storage"))
    refused(storage(count=number(1), kind=SIZE), "it uses torch.Size " + NOTHING.format("storage"))


@pytest.mark.parametrize(
    "pid",
    [
        text("0") + b"Q",
        number(7) + b"Q",
        FOUR + b"Q",
        several(text("storage"), b"ctorch\nFloatStorage\n", text("0"), text("cpu")) + b"Q",
        storage(count=number(1), first=text("module")),
        storage(count=number(1), first=NONE),
        storage(count=number(1), rest=(NONE, NONE)),
        storage(count=text("1")),
        storage(count=YES),
    ],
)
def test_a_storage_of_another_form_is_refused(pid):
    refused(pid, NOTHING.format("storage"))


def test_a_storage_may_be_as_large_as_the_file_and_no_larger():
    sizes = {"Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Bool": 1}
    kinds = {f"ctorch\n{kind}Storage\n".encode(): size for kind, size in sizes.items()}
    for kind, size in {**kinds, b"ctorch.storage\nUntypedStorage\n": 1}.items():
        read(storage(count=number(ROOM // size), kind=kind))
        refused(storage(count=number(ROOM // size + 1), kind=kind), "larger than its data")


def test_a_view_of_a_storage_is_refused_and_its_empty_place_is_not():
    read(storage(count=number(4), rest=(NONE,)))
    view = several(text("1"), number(0), number(2))
    refused(storage(count=number(4), rest=(view,)), "a view of a storage")


def test_both_ways_of_writing_a_shape_are_read():
    sized = call(SIZE, shape(2, 2))
    read(tensor(size=sized, stride=shape(2, 1)))
    read(tensor(size=shape(2, 2), stride=call(SIZE, shape(2, 1))))
    refused(tensor(size=call(SIZE, shape(2, 3)), stride=shape(3, 1)), "larger than its data")
    refused(tensor(size=call(SIZE, shape(2, 2, 1)), stride=shape(2, 1)), NOTHING.format("call"))
    for bad in (call(SIZE, shape(2), shape(2)), call(SIZE), call(SIZE, text("22")), call(SIZE, shape(-1))):
        refused(bad, "it uses torch.Size " + NOTHING.format("call"))


def test_a_tensor_may_take_all_of_its_storage_and_no_more():
    read(tensor(offset=number(1), size=shape(3)))
    read(tensor(size=shape(2, 2), stride=shape(2, 1)))
    read(tensor(size=shape(4, 0), stride=shape(1, 9)))
    read(call(OLD, FOUR, number(0), shape(4), shape(1)))  # as PyTorch wrote until 2017
    for bad in (
        tensor(offset=number(1), size=shape(4)),
        tensor(size=shape(2, 2), stride=shape(3, 1)),
        tensor(size=shape(5)),
        call(OLD, FOUR, number(1), shape(4), shape(1)),
    ):
        refused(bad, "larger than its data")


@pytest.mark.parametrize(
    "bad",
    [
        call(NEW, FOUR, number(0), shape(4)),
        call(NEW),
        tensor(data=text("storage")),
        tensor(data=call(ORDERED)),
        tensor(data=tensor()),
        tensor(offset=number(-1)),
        tensor(offset=text("0")),
        tensor(offset=NO),
        tensor(size=text("4")),
        tensor(size=b"]"),
        tensor(size=NONE),
        tensor(size=shape(-4)),
        tensor(size=several(YES)),
        tensor(stride=text("1")),
        tensor(stride=NONE),
        tensor(stride=shape(-1)),
        tensor(size=text("4"), stride=text("1")),
        tensor(size=shape(2, 2), stride=shape(1)),
        tensor(size=shape(4), stride=shape(1, 1)),
        tensor(size=shape(*[1] * 65), stride=shape(*[1] * 65)),
    ],
)
def test_a_tensor_of_another_form_is_refused(bad):
    refused(bad, "it uses torch._utils._rebuild_tensor_v2 " + NOTHING.format("call"))


def test_a_tensor_has_at_most_64_dimensions():
    read(tensor(size=shape(*[1] * 64), stride=shape(*[1] * 64)))


def test_a_parameter_is_made_of_a_tensor_alone():
    read(call(PARAMETER, tensor()) + call(PARAMETER, tensor(), YES) + call(REBUILT, tensor(), YES, call(ORDERED)))
    for bad in (
        call(PARAMETER, FOUR),
        call(PARAMETER),
        call(PARAMETER, tensor(), YES, YES),
        call(REBUILT, tensor(), YES),
    ):
        refused(bad, NOTHING.format("call"))


def test_small_things_in_the_forms_of_pytorch():
    read(call(DEVICE, text("cpu")) + call(DEVICE, text("cuda"), number(0)) + call(LAYOUT, text("torch.strided")))
    for bad in (
        call(DEVICE),
        call(DEVICE, text("cuda"), number(0), number(0)),
        call(DEVICE, text("c" * 17)),
        call(DEVICE, b"]"),
        call(LAYOUT, text("torch.sparse_coo")),
        call(LAYOUT, text("torch.strided"), NONE),
        call(LAYOUT),
    ):
        refused(bad, NOTHING.format("call"))
    read(call(DEVICE, text("c" * 16)))


def test_numpys_types_and_numbers_in_their_forms():
    eight, sixteen = b"C\x08" + bytes(8), b"C\x10" + bytes(16)
    f8 = call(DTYPE, text("f8"), NO, YES)
    for kind in ("f8", "f4", "i8"):
        read(call(DTYPE, text(kind)) + call(DTYPE, text(kind), NO, YES) + call(DTYPE, text(kind), number(0), number(1)))
    for kind in ("Float64", "Float32", "Int64"):
        read(call(f"cnumpy.dtypes\n{kind}DType\n".encode()))
        refused(call(f"cnumpy.dtypes\n{kind}DType\n".encode(), text("f8")), NOTHING.format("call"))
    read(call(SCALAR, f8, eight) + call(SCALAR, f8, sixteen) + call(SCALAR, f8, text("12345678")))
    read(call(SCALAR, f8, call(ENCODE, text("1234567812345678"), text("latin1"))))
    for bad in (
        call(DTYPE),
        call(DTYPE, text("f8"), NO),
        call(DTYPE, text("f8"), text("a"), YES),
        call(DTYPE, text("f8"), NO, text("a")),
        call(DTYPE, text("f8"), NO, YES, YES),
        call(SCALAR, f8),
        call(SCALAR, text("f8"), eight),
        call(SCALAR, f8, b"C\x11" + bytes(17)),
        call(SCALAR, f8, call(ORDERED)),
        call(SCALAR, f8, eight, eight),
    ):
        refused(bad, NOTHING.format("call"))


@pytest.mark.parametrize("name", [b"cos\nsystem\n", b"cbuiltins\neval\n", b"ctorch\nload\n"])
def test_a_name_that_is_not_on_the_list_is_called_by_its_name(name):
    with pytest.raises(UnsafePickle) as refusal:
        read(name)
    module, what = name[1:-1].decode().split("\n")
    assert f"asks to import '{module}.{what}'" in str(refusal.value)


def test_a_list_as_old_protocols_write_it_may_be_copied():
    pair = number(1) + number(2) + b"\x86"
    read(call(ORDERED, b"(l") + DROP + call(ORDERED, b"(" + pair + pair + b"l") + DROP + call(SET, b"(" + pair + b"l"))
    refused(call(ORDERED, b"(" + number(1) + number(2) + b"l"), "OrderedDict " + NOTHING.format("call"))
