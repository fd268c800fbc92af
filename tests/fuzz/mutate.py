"""Changes that break readers: of bytes, of numbers, of text, of JSON.  All from a given random generator."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from random import Random
from typing import Any

WHOLE = (
    0, 1, -1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 127, 128, 255, 256, 1000, 1 << 15, (1 << 16) - 1, 1 << 16, 1 << 20, 10**6,
    (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, -8,
    -(1 << 31), -(1 << 63), 10**20, 10**40, 10**400,
)  # fmt: skip
NUMBERS = (
    0.0, -0.0, 0.5, 1.5, -1.0, 1e-3, 1e-9, 5e-324, 1e-320, 1e9, 3.4e38, 1e39, 1e300, 1.7e308, math.inf, -math.inf,
    math.nan
)  # fmt: skip
TEXTS = (
    "", " ", "a", "0", "-1", "1e999", "nan", "inf", "NaN", "None", "null", "true", "\0", "a\0b", "\n", "../../x",
    "/etc/passwd",
    "/dev/zero", "C:\\x", "con", "%s%n", "{}", "{0.__class__}", "__proto__", "constructor", "\u202egnp.exe", "\u00e9",
    "e\u0301",
    "\U0001f600", "\ud800", "a" * 300, "a" * 5000, "9" * 5000, "1,2", "0:1:5", "0,1,", "<script>", "'; --", "$(id)",
    "`id`",
    "float32", "F32", "F64", "BF16", "BOOL", "I64", "U8", "F8_E4M3", "ve", "vp", "edm", "eps", "cosine", "linear",
    "EMA", "#fff",
    "#ffffff", "fourier", "unet", "compact", "sum", "down", "up", "silu",
)  # fmt: skip


def whole(rng: Random) -> int:
    """A whole number that somebody forgot."""
    return rng.choice(WHOLE) if rng.random() < 0.7 else rng.randint(-5, 70)


def number(rng: Random) -> float | int:
    """A number, whole or not, finite or not."""
    return rng.choice((whole, lambda r: r.choice(NUMBERS), lambda r: r.uniform(-2, 2)))(rng)


def text(rng: Random) -> str:
    """A text that means something to some reader."""
    if rng.random() < 0.8:
        return rng.choice(TEXTS)
    return "".join(chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x800)))) for _ in range(rng.randrange(12)))


def value(rng: Random, depth: int = 0) -> Any:
    """Any value of JSON."""
    kind = rng.randrange(9 if depth < 3 else 6)
    if kind < 2:
        return number(rng)
    if kind < 4:
        return text(rng)
    if kind < 6:
        return rng.choice((None, True, False))
    if kind == 6:
        return {text(rng): value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return [value(rng, depth + 1) for _ in range(rng.randrange(5))]


def nested(rng: Random) -> Any:
    """Lists or tables in one another, to a depth that breaks those who call themselves."""
    out: Any = value(rng, 3)
    for _ in range(rng.choice((3, 30, 300))):
        out = [out] if rng.random() < 0.5 else {"a": out}
    return out


def places(data: Any, most: int = 3000) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything inside a value."""
    out: list[tuple[Any, Any]] = []
    todo = [data]
    while todo and len(out) < most:
        one = todo.pop()
        if isinstance(one, (dict, list)):
            keys = list(one) if isinstance(one, dict) else range(len(one))
            out += [(one, key) for key in keys]
            todo += [one[key] for key in keys]
    return out


def change(rng: Random, data: Any) -> Any:
    """The JSON value with one thing in it changed, in place where that is possible."""
    there = places(data)
    if not there or rng.random() < 0.01:
        return value(rng)
    box, key = rng.choice(there)
    how = rng.randrange(12)
    old = box[key]
    if how < 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
        box[key] = rng.choice(
            (lambda: number(rng), lambda: -old, lambda: old + 1, lambda: float(old), lambda: str(old))
            if abs(old) < 1e300
            else (lambda: number(rng), lambda: -old)
        )()
    elif how < 3 and isinstance(old, list) and old:
        box[key] = rng.choice((old[:-1], old + old[:1], old[::-1], old * rng.choice((2, 50)), old + [value(rng)]))
    elif how < 3 and isinstance(old, str):
        box[key] = rng.choice((text(rng), old + text(rng), old[:-1], old.upper()))
    elif how < 5:
        box[key] = value(rng)
    elif how == 5:
        box[key] = nested(rng)
    elif how == 6 and isinstance(box, dict):
        del box[key]
    elif how == 7 and isinstance(box, dict):
        box[text(rng)] = box.pop(key)
    elif how == 8 and isinstance(box, dict):
        box[text(rng)] = value(rng)
    elif how == 9 and isinstance(box, dict):
        box[key] = box[rng.choice(list(box))]
    elif how == 10 and isinstance(box, list):
        box.insert(rng.randrange(len(box) + 1), value(rng))
    else:
        box[key] = rng.choice((number, text))(rng)
    return data


def changed(rng: Random, data: Any, most: int = 3) -> Any:
    """A copy of a JSON value with one to ``most`` changes."""
    data = json.loads(json.dumps(data))
    for _ in range(rng.randint(1, most)):
        data = change(rng, data)
    return data


def written(rng: Random, data: Any) -> str:
    """A value as JSON text, at times with what ``json.dumps`` does not write."""
    out = dumped(data)
    trick = rng.randrange(40)
    if trick == 0:
        return out.replace(":", ": ", 3).replace("}", ",}", 1)
    if trick == 1:
        return "[" * rng.choice((50, 3000, 100_000)) + out
    if trick == 2:
        return '{"a":' * rng.choice((50, 3000)) + out
    if trick == 3:
        return out[: rng.randrange(len(out) + 1)]
    if trick == 4:
        return out + rng.choice((" ", "\0", "{}", out))
    if trick == 5 and "1" in out:
        return out.replace("1", rng.choice(("9" * 5000, "1e999", "NaN", "-Infinity", "01", "1e-999")), 1)
    if trick == 6 and out[:1] == "{":
        return '{"version":1,"version":2,' + out[1:]
    if trick == 7:
        return "\ufeff" + out
    return out


def dumped(data: Any) -> str:
    """JSON of any value, also of numbers of hundreds of digits."""
    try:
        return json.dumps(data)
    except (ValueError, RecursionError):  # a long number, or deep
        return "[" * 2000 + "]" * 2000


def broken(rng: Random, data: bytes, others: Sequence[bytes] = (), most: int = 4) -> bytes:
    """The bytes with one to ``most`` changes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, most)):
        how, size = rng.randrange(11), len(out)
        at = _position(rng, size)
        if how < 3 and size:
            out[min(at, size - 1)] ^= 1 << rng.randrange(8)
        elif how == 3 and size:
            out[min(at, size - 1)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif how < 6:
            field = integer_field(rng)
            out[at : at + len(field)] = field
        elif how == 6:
            del out[at:]
        elif how == 7:
            del out[at : at + rng.choice((1, 2, 4, 16, 200))]
        elif how == 8:
            out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))
        elif how == 9:
            piece = out[at : at + rng.choice((4, 16, 64))]
            there = _position(rng, len(out))
            out[there:there] = piece * rng.choice((1, 1, 2, 20))
        elif others:
            other = rng.choice(others)
            start = _position(rng, len(other))
            out[at : at + rng.choice((4, 64, 100_000))] = other[start : start + rng.choice((4, 64, 4096))]
    return bytes(out)


def integer_field(rng: Random) -> bytes:
    """A length or a count of 1, 2, 4 or 8 bytes, of either end."""
    size = rng.choice((1, 2, 4, 4, 8))
    return (whole(rng) % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))


def _position(rng: Random, size: int) -> int:
    """Headers are hit as often as everything else together."""
    return rng.randrange(min(size, 200) + 1) if rng.random() < 0.5 else rng.randrange(size + 1)


def floats(rng: Random, data: bytes, start: int = 0) -> bytes:
    """Bytes of float32 numbers with some replaced by odd ones."""
    out = bytearray(data)
    count = (len(out) - start) // 4
    for _ in range(rng.randint(1, 4) if count > 0 else 0):
        odd = rng.choice((math.nan, math.inf, -math.inf, 1e38, -3e38, 1e20, 1e5, 0.0, 1e-40))
        struct.pack_into("<f", out, start + 4 * rng.randrange(count), odd)
    return bytes(out)
