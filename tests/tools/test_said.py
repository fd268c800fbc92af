"""What is translated of what nodes say is what they say: read-outs and messages, word for word as in the source."""

import ast

import pytest

from locales.said import READ_OUTS, quoted, quotes, said_texts, sentences, with_places
from pack import load_pack
from sdedit_core.edit import Report


def test_what_is_filled_in_is_numbered():
    text = ast.parse('f"t0 {t0:.4g} of {names[0]!r}, {t0}"').body[0].value
    assert with_places(text) == "t0 $1 of $2, $3"


@pytest.mark.parametrize("text", READ_OUTS)
def test_a_read_out_is_in_the_source(text):
    assert text in {one.strip("\n") for one in sentences()}, f"nothing says {text!r} any more: correct READ_OUTS"


def test_every_message_that_a_help_page_quotes_is_translated():
    texts = said_texts()
    lost = [quote for quote in quotes() if not quoted(quote, texts)]
    assert len(quotes()) > 50 and lost == []


def test_pieces_of_a_sentence_are_no_texts():
    assert not any(text.startswith("adds the noise itself") for text in said_texts())


def test_the_lines_of_a_report_are_known():
    report = Report(0.3, 0.5, 0.4, 12, "auto", 12, 2, 1.5, [0.1], finish="denoise")
    known = [text.split("$1")[0] for text in READ_OUTS]
    lines = [line for line in str(report).splitlines() if not line.endswith(" s")]
    assert len(lines) == 3 and all(any(part and line.startswith(part) for part in known) for line in lines)


def test_the_canvas_is_found_by_what_one_does_with_it():
    aliases = load_pack().NODE_CLASS_MAPPINGS["SDEdit_StrokeCanvas"].SEARCH_ALIASES
    assert {"paint", "draw", "brush"} <= set(aliases)
