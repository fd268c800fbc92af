"""The judge sees what it is there for: other exceptions, words of a library, time, memory, numbers without end."""

from __future__ import annotations

import math
import time

import pytest
import torch

from .case import Case, Target
from .judge import judge, wrong_words
from .table import Row, markdown


def verdict(tmp_path, run):
    target = Target("x", lambda rng: Case(), lambda case, folder: run(), share=1, plain=Case)
    return judge(target, Case({"a/b": b"1"}), tmp_path / "case")


def refuse(text):
    raise ValueError(text)


def wait():
    end = time.process_time() + 2.1
    while time.process_time() < end:
        pass


@pytest.mark.parametrize(
    "kind, run",
    [
        ("accepted", lambda: [torch.ones(3)]),
        ("refused", lambda: refuse("It is no file of weights. Download it again.")),
        ("foreign", lambda: {}["missing"]),
        ("foreign", lambda: refuse_exit()),
        ("words", lambda: refuse("invalid literal for int() with base 10: 'x'")),
        ("not finite", lambda: [torch.tensor([0.0, math.nan])]),
        ("slow", wait),
    ],
)
def test_each_kind_of_end_has_its_name(kind, run, tmp_path):
    assert verdict(tmp_path, run).kind == kind


def refuse_exit():
    raise SystemExit(3)


def test_memory_that_was_given_back_counts(tmp_path):
    def run():
        held = torch.ones(90 << 20)
        del held

    run()
    found = verdict(tmp_path, run)
    if not found.growth:
        pytest.skip("this system tells no peak")
    assert found.kind == "large" and found.growth > 300 << 20


def test_what_is_no_sentence():
    assert wrong_words("short") and wrong_words("two\nlines of text") and wrong_words("x" * 2001)
    assert not wrong_words("It cannot be read (invalid literal for int() with base 10).")


def test_the_table_adds_up():
    one, two = Row(), Row()
    one.add(0, "accepted", 0.5, 10 << 20)
    two.add(7, "hang", 60.0, 0)
    one.join(two.to_dict())
    assert one.cases == 2 and one.findings == 1 and one.slowest == (60.0, 7)
    assert "| **all** | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 60.00 | 10 |" in markdown({"x": one})
