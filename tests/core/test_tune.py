"""Bisection of t0 by two answers, and its saved state."""

import json

import pytest

from sdedit_core.measure.tune import FAITHFUL, REAL, Search, load_search, parse_answers, save_search


def test_answers_halve_the_interval_on_the_right_side():
    state = Search()
    assert state.t0 == 0.4
    real = state.answer(REAL)
    assert (real.low, real.high, real.t0) == (0.4, 1.0, 0.7)
    faithful = real.answer("faithful")
    assert (faithful.low, faithful.high) == (0.4, 0.7) and faithful.t0 == pytest.approx(0.55)
    assert faithful.history == ((0.4, REAL), (0.7, FAITHFUL))
    assert state.history == ()  # states are values


@pytest.mark.parametrize("wanted", [0.03, 0.31, 0.4, 0.77, 0.99])
def test_it_finds_any_wanted_t0_in_few_answers(wanted):
    state, answers = Search(), 0
    while not state.done:
        state = state.answer(REAL if wanted > state.t0 else FAITHFUL)
        answers += 1
    assert abs(state.t0 - wanted) <= 0.01 and answers <= 6
    assert "found" in str(state)


def test_undo_goes_back_to_the_same_states():
    begin = Search(t0=0.3)
    one = begin.answer("r")
    two = one.answer("f")
    assert two.undo(begin) == one and one.undo(begin) == begin
    with pytest.raises(ValueError, match="no answer"):
        begin.undo()


def test_a_text_of_answers_is_a_search():
    assert parse_answers("rrf") == [REAL, REAL, FAITHFUL]
    assert parse_answers("more real, faithful\nreal") == [REAL, FAITHFUL, REAL]
    assert parse_answers("") == []
    assert Search().replay(parse_answers("rf")) == Search().answer(REAL).answer(FAITHFUL)


@pytest.mark.parametrize("text", ["better", "rx", "more"])
def test_unknown_answers_are_refused(text):
    with pytest.raises(ValueError, match="more faithful"):
        parse_answers(text)


@pytest.mark.parametrize(
    "bad", [{"t0": 1.5}, {"low": 0.6}, {"high": 0.2}, {"tolerance": 0.0}, {"low": 0.4, "high": 0.4}]
)
def test_bad_searches_are_refused(bad):
    with pytest.raises(ValueError):
        Search(**bad)


def test_the_end_of_the_range_is_said():
    with pytest.raises(ValueError, match="no way further"):
        Search(t0=0.0).answer(FAITHFUL)


def test_the_state_survives_a_file(tmp_path):
    path = tmp_path / "s.json"
    begin = Search(t0=0.35)
    state = begin.answer(REAL).answer(FAITHFUL)
    save_search(path, state, settings={"guide": "g.png", "seed": 3}, start=begin)
    loaded, start, settings = load_search(path)
    assert loaded == state and start == begin and settings == {"guide": "g.png", "seed": 3}
    assert loaded.undo(start) == begin.answer(REAL)
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]


def test_broken_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "s.json"
    with pytest.raises(ValueError, match="No saved search"):
        load_search(path)
    for text in ("", "{}", "[1]", '{"version": 99}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="not a saved search"):
            load_search(path)
    save_search(path, Search().answer("r"), settings={})
    data = json.loads(path.read_text())
    data["search"]["t0"] = 0.9
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="lead to"):
        load_search(path)
