"""What a pickle would call and with what: followed on a stack of plain values, without calling anything.

A name that is harmless can still be given an argument that is not: a codec that squares its work, a storage of a
terabyte.  So each function is allowed in the forms in which PyTorch and numpy write it, and in no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SIZES = {
    "Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1, "Bool": 1,
}  # fmt: skip
STORAGES = {**{f"torch {kind}Storage": size for kind, size in SIZES.items()}, "torch.storage UntypedStorage": 1}
COPIED = 100_000  # entries of the lists that are copied: OrderedDict(list), set(list)
KEY = 16  # values in a tuple that is a key; nested ones could take 2^n steps to hash
_MARK, _DATA = object(), object()
_FILL = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS")


@dataclass(frozen=True)
class Name:
    """Something that the pickle imports, as ``module name``."""

    name: str


@dataclass(frozen=True)
class Made:
    """What a call returns; nobody knows its value, only how it came about."""

    name: str
    arguments: tuple


@dataclass
class Listed:
    """A list that is being filled: its length, and whether all it holds could be keys, or pairs of key and value."""

    length: int = 0
    keys: bool = True
    pairs: bool = True
    first: Any = None

    def add(self, values: list) -> None:
        """Append some values."""
        if values and not self.length:
            self.first = values[0]
        self.length += len(values)
        self.keys = self.keys and all(map(_key, values))
        self.pairs = self.pairs and all(map(_pair, values))


class Calls:
    """Follows a pickle's stack and memo; ValueError for a call in a form that no file of weights holds.

    Args:
        room: bytes of the whole file: no storage in it can be larger.
    """

    def __init__(self, room: int):
        self.room, self.copied = room, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, opcode: Any, argument: Any) -> None:
        """One instruction of ``pickletools.genops``."""
        name, stack = opcode.name, self.stack
        if name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[int(argument)])
        elif name == "GLOBAL":
            stack.append(Name(argument))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, function = stack.pop(), stack.pop()
            stack.append(self._call(function, arguments))
        elif name == "BUILD":
            state, made = stack.pop(), stack[-1]
            _check(isinstance(made, Made) and made.name in _STATES and _STATES[made.name](state), "state", made)
        elif name == "BINPERSID":
            stack.append(self._storage(stack.pop()))
        else:
            self._plain(opcode, argument)

    def _plain(self, opcode: Any, argument: Any) -> None:
        name, stack, before = opcode.name, self.stack, [kind.name for kind in opcode.stack_before]
        taken: list[Any] = []
        for kind in reversed(before):
            if kind == "stackslice":
                while stack[-1] is not _MARK:
                    taken.append(stack.pop())
            else:
                taken.append(stack.pop())
        taken = [value for value in reversed(taken) if value is not _MARK]
        if name == "MARK":
            stack.append(_MARK)
        elif name in _FILL:
            self._fill(name, taken[0], taken[1:])
            stack.append(taken[0])
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"):
            stack.append(tuple(taken))
        elif name in ("NONE", "NEWTRUE", "NEWFALSE"):
            stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
        elif name in ("EMPTY_LIST", "LIST"):
            stack.append(Listed())
            stack[-1].add(taken)
        else:
            literal = argument is not None and not before and isinstance(argument, (int, float, str, bytes))
            stack.extend([argument if literal else _DATA] * len(opcode.stack_after))

    def _fill(self, name: str, into: Any, values: list) -> None:
        if name.startswith("APPEND"):
            if isinstance(into, Listed):
                into.add(values)
        elif not all(map(_key, values[::2] if name.startswith("SETITEM") else values)):
            raise ValueError("it uses a key that is no text and no number; nothing in it was run.")

    def _call(self, function: Any, arguments: Any) -> Made:
        name = function.name if isinstance(function, Name) else "what is no function"
        _check(isinstance(arguments, tuple) and name in _CALLS and _CALLS[name](arguments), "call", function)
        if name in _COPYING and arguments:
            self.copied += arguments[0].length
            if self.copied > COPIED:
                raise ValueError(f"it copies more than {COPIED:,} entries while it is read; no checkpoint does that.")
        return Made(name, arguments)

    def _storage(self, pid: Any) -> Made:
        kind = pid[1] if isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage" else None
        _check(isinstance(kind, Name) and kind.name in STORAGES and _whole(pid[4]), "storage", kind)
        if len(pid) == 6 and pid[5] is not None:
            raise ValueError("it holds a view of a storage, as PyTorch wrote until 2017. Save it anew.")
        if pid[4] * STORAGES[kind.name] > self.room:
            raise ValueError("it claims a tensor that is larger than its data; the file is damaged or hostile.")
        return Made("storage", (pid[4],))


def _check(fine: bool, what: str, who: Any) -> None:
    if not fine:
        name = who.name.replace(" ", ".") if isinstance(who, (Name, Made)) else "an unknown thing"
        raise ValueError(f"it uses {name} with a {what} that files of weights do not hold; nothing in it was run.")


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _shape(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, Made) and value.name == "torch Size":
        value = value.arguments[0]
    return value if isinstance(value, tuple) and len(value) <= 64 and all(map(_whole, value)) else None


def _tensor(a: tuple) -> bool:
    """(storage, offset, size, stride, ...): a view of what the storage holds."""
    if len(a) < 4 or not _is(a[0], "storage") or not _whole(a[1]):
        return False
    size, stride = _shape(a[2]), _shape(a[3])
    if size is None or stride is None or len(size) != len(stride):
        return False
    end = a[1] + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if all(size) and end > a[0].arguments[0]:
        raise ValueError("it holds a tensor that is larger than its data; the file is damaged or hostile.")
    return True


def _is(value: Any, *names: str) -> bool:
    return isinstance(value, Made) and value.name in names


def _short(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and len(value) <= 16


def _dtype(a: tuple) -> bool:
    return len(a) in (1, 3) and a[0] in ("f8", "f4", "i8") and all(type(v) in (bool, int) for v in a[1:])


def _scalar(a: tuple) -> bool:
    return len(a) == 2 and _is(a[0], "numpy dtype") and (_is(a[1], "_codecs encode") or _short(a[1]))


def _key(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) <= KEY and not any(isinstance(part, tuple) for part in value) and all(map(_key, value))
    return value is None or isinstance(value, (str, int, float, bytes))


def _pair(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) == 2 and _key(value[0])
    return isinstance(value, Listed) and value.length == 2 and _key(value.first)


def _one(kind: Callable[[Any], bool]) -> Callable[[tuple], bool]:
    return lambda a: len(a) == 1 and kind(a[0])


def _none(a: tuple) -> bool:
    return not a


_SETS = ("builtins set", "__builtin__ set")
_COPYING = ("collections OrderedDict", *_SETS)
_CALLS: dict[str, Callable[[tuple], bool]] = {
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": lambda a: len(a) == 3 and _is(a[0], *_TENSORS),
    "torch.nn.parameter Parameter": lambda a: len(a) in (1, 2) and _is(a[0], *_TENSORS),
    "torch Size": _one(lambda v: _shape(v) is not None),
    "torch device": lambda a: 1 <= len(a) <= 2 and all(_short(v) or _whole(v) for v in a),
    "torch.serialization _get_layout": _one(lambda v: v == "torch.strided"),
    "numpy dtype": _dtype,
    "numpy.core.multiarray scalar": _scalar,
    "numpy._core.multiarray scalar": _scalar,
    # bytes as protocol 2 has to write them; other codecs take quadratic time, and chained ones double their input
    "_codecs encode": lambda a: len(a) == 2 and isinstance(a[0], str) and _short(a[0]) and a[1] == "latin1",
    **{f"numpy.dtypes {kind}DType": _none for kind in ("Float64", "Float32", "Int64")},
    "collections OrderedDict": lambda a: not a or (len(a) == 1 and isinstance(a[0], Listed) and a[0].pairs),
    **{name: lambda a: len(a) == 1 and isinstance(a[0], Listed) and a[0].keys for name in _SETS},
}
_TENSORS = ("torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2")
_STATES: dict[str, Callable[[Any], bool]] = {
    "collections OrderedDict": lambda state: state is _DATA,
    "numpy dtype": lambda state: (
        isinstance(state, tuple)
        and len(state) == 8
        and state[1] in ("<", ">", "|", "=")
        and state[2:] == (None, None, None, -1, -1, 0)
    ),
}
ALLOWED = {*_CALLS, *STORAGES}
