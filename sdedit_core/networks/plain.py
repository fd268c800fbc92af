"""Checks of plain data that came out of a file, against the fields of the dataclass that it is for."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from ..sde import short

__all__ = ["check_fields", "is_number", "short"]
_WORDS = {"int": "a whole number", "float": "a finite number", "bool": "true or false", "str": "a text"}


def is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether a value is a finite number from ``low`` to ``high``; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value) and low <= value <= high
    except OverflowError:  # a whole number of hundreds of digits
        return False


def check_fields(data: Any) -> None:
    """ValueError, naming the field, unless the whole numbers, numbers, flags and texts of a dataclass are such."""
    for field in fields(data):
        value, kind = getattr(data, field.name), field.type
        fine = {
            "int": type(value) is int and is_number(value, -(1 << 40), 1 << 40),
            "float": is_number(value, -1e12, 1e12),
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
        }.get(kind, True)
        if not fine:
            raise ValueError(f"{field.name} must be {_WORDS[kind]}, got {short(value)}.")
