"""Zip archives with any lie in them, and pickles as lists of instructions: what ``torch.load`` reads."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from . import mutate


@dataclass
class Entry:
    """A file of an archive; the sizes, the sum and the method that are told may be others than the true ones."""

    name: bytes
    data: bytes
    method: int = 0
    size: int | None = None
    stored: int | None = None
    crc: int | None = None
    inner: bytes | None = None  # the name beside the data, where it differs
    extra: bytes = b""
    offset: int | None = None
    flags: int = 0


def archive(
    entries: Sequence[Entry], *, comment: bytes = b"", count: int | None = None, start: int | None = None
) -> bytes:
    """The archive; ``count`` and ``start`` of its directory as they are told."""
    out, directory = bytearray(), bytearray()
    for e in entries:
        body = zlib.compress(e.data)[2:-4] if e.method == 8 else e.data
        crc = zlib.crc32(e.data) if e.crc is None else e.crc
        size = len(e.data) if e.size is None else e.size
        stored = len(body) if e.stored is None else e.stored
        place = len(out) if e.offset is None else e.offset
        numbers = [n % (1 << 32) for n in (crc, stored, size)]
        name = e.name if e.inner is None else e.inner
        out += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, e.flags, e.method, 0, 33, *numbers, len(name), len(e.extra))
        out += name + e.extra + body
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, e.flags, e.method, 0, 33, *numbers, len(e.name), len(e.extra),
            0, 0, 0,
            0, place % (1 << 32),
        )  # fmt: skip
        directory += e.name + e.extra
    at = len(out) if start is None else start % (1 << 32)
    many = (len(entries) if count is None else count) % (1 << 16)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, many, many, len(directory), at, len(comment))
    return bytes(out + directory + end + comment)


def torch_file(pickle: bytes, tensors: bytes = bytes(64), more: Sequence[Entry] = ()) -> list[Entry]:
    """The entries of a file as ``torch.save`` writes it."""
    return [
        Entry(b"a/data.pkl", pickle), Entry(b"a/byteorder", b"little"), Entry(b"a/data/0", tensors),
        Entry(b"a/version", b"3\n"), *more,
    ]  # fmt: skip


def legacy(pickle: bytes, tensors: bytes = bytes(64), keys: bytes = b"") -> bytes:
    """A file as ``torch.save`` wrote it before 1.6."""
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
    system = b"\x80\x02}(X\x10\x00\x00\x00protocol_versionM\xe9\x03X\x0d\x00\x00\x00little_endian\x88u."
    keys = keys or b"\x80\x02]" + text("0") + b"a."
    return magic + b"\x80\x02M\xe9\x03." + system + pickle + keys + struct.pack("<q", len(tensors) // 4) + tensors


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    """A whole number in the shortest form."""
    if 0 <= value < 256:
        return b"K" + bytes((value,))
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes((len(data),)) + data if len(data) < 256 else b"\x8b" + struct.pack("<I", len(data)) + data


def tuple_of(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def call(function: str, *arguments: bytes) -> bytes:
    return named(function) + tuple_of(*arguments) + b"R"


def named(function: str) -> bytes:
    return b"c" + function.replace(" ", "\n").encode() + b"\n"


def storage(count: int = 16, kind: str = "torch FloatStorage", key: str = "0", place: str = "cpu") -> bytes:
    return tuple_of(text("storage"), named(kind), text(key), text(place), number(count)) + b"Q"


def tensor(held: bytes, offset: int, size: Sequence[int], stride: Sequence[int]) -> bytes:
    shape = [tuple_of(*map(number, numbers)) for numbers in (size, stride)]
    hooks = call("collections OrderedDict")
    return call("torch._utils _rebuild_tensor_v2", held, number(offset), *shape, b"\x89", hooks)


def program(rng: Random) -> bytes:
    """A pickle: often a table of tensors, with something odd in it, or instructions at random."""
    how = rng.randrange(10)
    if how < 4:
        items = b"".join(text(f"w{i}") + odd(rng) for i in range(rng.randint(1, 3)))
        body = b"}q\0(" + items + b"u"
    elif how < 7:
        body = b"".join(instruction(rng) for _ in range(rng.randint(1, 40)))
    elif how == 7:
        body = bomb(rng)
    else:
        body = b"}(" + text("w") + tensor(storage(), 0, (4, 4), (4, 1)) + text("n") + plain(rng) + b"u"
    out = b"\x80" + bytes((rng.choice((2, 2, 2, 2, 3, 4, 0, 255)),)) + body + b"."
    return mutate.broken(rng, out, most=2) if rng.random() < 0.15 else out


def plain(rng: Random) -> bytes:
    """A value of plain data."""
    return rng.choice(
        (b"N", b"\x88", b"\x89", number(rng.randrange(1000)), text("x"), b"]", b"}", b"G" + struct.pack(">d", 0.5))
    )


def odd(rng: Random) -> bytes:
    """A tensor or a call with numbers at the edge."""
    count = rng.choice((16, 16, 16, 0, 1, 15, 17, mutate.whole(rng)))
    kind = rng.choice(
        ("torch FloatStorage",) * 4 + ("torch HalfStorage", "torch LongStorage", "torch.storage UntypedStorage")
    )
    key, place = rng.choice(("0", "0", "0", "1", "../0", "")), rng.choice(("cpu", "cpu", "cuda:0", "meta", "x"))
    if count > 1 << 200:
        count = 1 << 70
    held = storage(count, kind, key, place)
    size = [rng.choice((1, 2, 4, 4, 0, 16, mutate.whole(rng) % (1 << 66))) for _ in range(rng.randrange(4))]
    stride = [rng.choice((1, 1, 4, 0, -1, mutate.whole(rng) % (1 << 66))) for _ in size]
    made = tensor(held, rng.choice((0, 0, 0, 1, 16, -1, 1 << 40)), size, stride)
    how = rng.randrange(8)
    if how == 0:
        return call("torch._utils _rebuild_parameter", made, b"\x88", call("collections OrderedDict"))
    if how == 1:
        return call(rng.choice(NAMES), *(plain(rng) for _ in range(rng.randrange(4))))
    if how == 2:
        return call("numpy dtype", text(rng.choice(("f8", "f4", "i8", "O", "V9"))), b"\x89", b"\x88")
    return made


NAMES = (
    "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch Size", "torch device", "numpy dtype",
    "numpy.core.multiarray scalar", "_codecs encode", "collections OrderedDict", "builtins set", "torch FloatStorage",
    "torch.nn.parameter Parameter", "builtins eval", "os system", "torch.serialization _get_layout",
    "numpy.dtypes Float64DType", "torch.storage UntypedStorage", "torch.hub load", "builtins getattr",
)  # fmt: skip


def instruction(rng: Random) -> bytes:
    """An instruction that may fit what is on the stack."""
    how = rng.randrange(16)
    if how < 4:
        return plain(rng)
    if how == 4:
        return b"(" + b"".join(plain(rng) for _ in range(rng.randrange(4))) + rng.choice((b"t", b"l", b"d", b"", b"1"))
    if how == 5:
        return rng.choice((b"q", b"h")) + bytes((rng.randrange(4),))
    if how == 6:
        return number(mutate.whole(rng))
    if how == 7:
        return named(rng.choice(NAMES)) + (b")R" if rng.random() < 0.5 else b"")
    if how == 8:
        return text(mutate.text(rng))
    if how < 12:
        return bytes((rng.choice(b"\x85\x86\x87aesubR0.2\x81\x82\x90\x91\x93\x94Q"),))
    if how == 12:
        return rng.choice((b"r", b"j")) + struct.pack("<I", mutate.whole(rng) % (1 << 32))
    if how == 13:
        return rng.choice((b"T", b"X", b"B", b"\x8b")) + mutate.integer_field(rng) + rng.randbytes(8)
    if how == 14:
        return odd(rng)
    return bytes((rng.randrange(256),))


def bomb(rng: Random) -> bytes:
    """Little text that makes much work: doubled tuples, copies, depth."""
    how, depth = rng.randrange(7), rng.choice((5, 25, 40, 900, 20_000))
    if how == 0:  # a tuple of a tuple of ... twice each, as a key
        return b"}" + text("a") + b"2\x86" * 0 + b"".join(b"q\0h\0\x86" for _ in range(min(depth, 60))) + b"Ns"
    if how == 1:  # the same in a set or an OrderedDict
        body = text("a") + b"".join(b"q\0h\0\x86" for _ in range(min(depth, 60)))
        return named(rng.choice(("builtins set", "collections OrderedDict"))) + b"]" + body + b"a\x85R"
    if how == 2:  # one long list, copied
        count = rng.choice((100, 10_000))
        listed = b"](" + b"N" * count + b"eq\0"
        return listed + b"(" + (named("builtins set") + b"h\0\x85R") * rng.choice((3, 200, 300)) + b"t"
    if how == 3:
        return b"]" * depth + b"a" * (depth - 1)
    if how == 4:
        return b"N" + b"\x85" * depth
    if how == 5:  # lists that hold the last one ten times
        return b"".join(b"](" + (b"N" if i == 0 else b"h\0") * 10 + b"eq\0" for i in range(min(depth, 30)))
    return b"(" * depth + b"t" * depth
