"""The first cases of every target, always the same ones: nothing but acceptance and refusals in a sentence."""

from __future__ import annotations

import threading

import pytest

from .run import ROOT, follow
from .table import Row
from .targets import TARGETS

CASES = {
    "safetensors": 500, "own": 500, "states": 100, "sidecars": 60, "training": 300, "zip": 600, "pickles": 600,
    "canvas": 400,
    "pictures": 600, "commands": 80, "nodes": 400,
}  # fmt: skip
LEAST = 0.05  # of the cases must be accepted, and as many refused: else a target does not get behind the front door


def test_there_are_enough_of_them():
    assert sum(CASES.values()) >= 3000
    assert set(CASES) == {name for name, target in TARGETS.items() if not target.host}
    assert (ROOT / "sdedit_core").is_dir()


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_accepted_or_refused_in_a_sentence(name):
    row, found = Row(), []
    for record in follow(0, name, 0, CASES[name]):
        row.add(*record[1:5])
        if record[2] not in ("accepted", "refused"):
            found.append(f"{name}:{record[1]} {record[2]}: {record[5][-800:]}")
    assert not found, f"{len(found)} findings, the first: {found[0]}"
    assert row.cases == CASES[name]
    for kind in ("accepted", "refused"):
        assert row.kinds[kind] >= LEAST * row.cases, row.kinds


@pytest.mark.parametrize("name", CASES)
def test_a_case_follows_from_its_number_alone(name):
    target = TARGETS[name]
    assert repr(target.case(3, 17)) == repr(target.case(3, 17)) != repr(target.case(4, 17))


def test_a_process_that_dies_costs_one_case(monkeypatch):
    """The rest of the chunk is run in another process."""
    from . import run

    told = []

    def process(seed, ranges, host):
        told.append(ranges)
        first = int(ranges.split(":")[1])
        yield "x", first, "accepted", 0.0, 0, ""
        if first < 5:
            yield "x", first + 1, "crash", 0.0, 0, ""

    monkeypatch.setattr(run, "_process", process)
    assert [record[1] for record in follow(0, "x", 0, 6)] == [0, 1, 2, 3, 4, 5] and len(told) == 3
    assert threading.active_count() < 50
