"""Search for t0 by picking pictures from sheets."""

import pytest

from sdedit_core.measure.picks import TOLERANCE, parse_picks, sheet_after

FIRST = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def test_without_picks_the_sheet_is_the_sweep():
    sheet = sheet_after(FIRST, "")
    assert sheet.values == FIRST and sheet.t0 is None and not sheet.found


def test_a_pick_is_shown_between_its_halves():
    sheet = sheet_after(FIRST, "3")
    assert sheet.t0 == 0.4 and (sheet.low, sheet.high) == (0.3, 0.5)
    assert sheet.values == pytest.approx((0.35, 0.4, 0.45))


@pytest.mark.parametrize(
    "picks, t0, low, high",
    [("1", 0.2, 0.0, 0.3), ("6", 0.7, 0.6, 1.0), ("f", 0.1, 0.0, 0.2), ("r", 0.85, 0.7, 1.0), ("3 1", 0.35, 0.3, 0.4)],
)
def test_ends_of_the_sheet_and_beyond(picks, t0, low, high):
    sheet = sheet_after(FIRST, picks)
    assert sheet.t0 == pytest.approx(t0) and (sheet.low, sheet.high) == pytest.approx((low, high))
    assert sheet.low < sheet.values[0] < sheet.t0 < sheet.values[2] < sheet.high


def test_a_single_value_and_letters_are_the_papers_bisection():
    """r goes to the middle of what lies above the picture, f of what lies below."""
    assert sheet_after([0.4], "rfr").t0 == 0.5312  # beyond 0.4: 0.7; before 0.55: 0.475; beyond 0.5125
    first = sheet_after([0.4], "r")
    assert first.t0 == 0.5 * (0.4 + 1.0) and first.low == 0.4 and first.high == 1.0


@pytest.mark.parametrize("wanted", [0.04, 0.2, 0.31, 0.46, 0.77, 0.97])
def test_picking_the_nearest_picture_finds_any_t0(wanted):
    """Seven picks at most: each leaves at most three quarters of the range, one inside the sheet half of it."""
    sheet, text = sheet_after(FIRST, ""), ""
    while not sheet.found:
        nearest = min(range(len(sheet.values)), key=lambda i: abs(sheet.values[i] - wanted))
        width = sheet.high - sheet.low
        text += f" {nearest + 1}"
        sheet = sheet_after(FIRST, text)
        assert sheet.low <= wanted <= sheet.high
        assert len(sheet.picks) == 1 or sheet.high - sheet.low <= 0.75 * width + 1e-9
    assert abs(sheet.t0 - wanted) <= TOLERANCE and len(sheet.picks) <= 7
    assert "found" in str(sheet)


def test_the_text_is_the_whole_state():
    assert parse_picks(" 4, 2\nrf;3 ") == ["4", "2", "r", "f", "3"]
    assert sheet_after(FIRST, "4 2 r") == sheet_after(FIRST, "4,2,R")
    assert sheet_after(FIRST, "4 2") == sheet_after(FIRST, "4").pick("2")


@pytest.mark.parametrize("text", ["7", "0", "best", "-1", "1.5", "4 4"])
def test_picks_that_are_not_on_the_sheet_are_explained(text):
    with pytest.raises(ValueError, match="pictures 1 to"):
        sheet_after(FIRST, text)


@pytest.mark.parametrize("text", ["9" * 5000, "2 " + "1" * 5000, "x" * 5000, "0" * 5000 + "2"])
def test_thousands_of_digits_are_no_pick(text):
    with pytest.raises(ValueError, match="pictures 1 to") as problem:
        sheet_after(FIRST, text)
    assert "5000 characters" in str(problem.value) or "5001" in str(problem.value)
    assert len(str(problem.value)) < 300 and "set_int_max_str_digits" not in str(problem.value)


def test_nothing_lies_beyond_the_ends():
    with pytest.raises(ValueError, match="Nothing lies beyond"):
        sheet_after([0.0], "f")
    assert sheet_after([0.0, 0.5], "1").values == (0.0, 0.25)
    assert sheet_after([0.5, 1.0], "2").values == (0.75, 1.0)
