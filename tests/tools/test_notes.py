"""Notes of templates in other languages: they have the room of the English ones."""

import unicodedata

import pytest

from locales.notes import key_of, template_texts
from locales.texts import languages, translations
from workflows.graph import NOTES, WORKFLOWS, load
from workflows.layout import note_height

LINE = 17  # the estimate is for the larger rendering and errs on the safe side: one line more still fits


def as_wide(text):
    """Letters of East Asia take the room of two."""
    return "".join(2 * c if unicodedata.east_asian_width(c) in "WF" else c for c in text)


@pytest.mark.parametrize("language", languages())
def test_a_translated_note_fits_into_its_node(language):
    table, found = translations(language), []
    for path in sorted(WORKFLOWS.glob("*.json")):
        for node in load(path)["nodes"]:
            if node["type"] in NOTES and not node["flags"].get("collapsed"):
                lines = node["widgets_values"][0].split("\n")
                words = "\n".join(as_wide(table.get(line, line)) for line in lines)
                width, height = node["size"]
                if note_height(words, width) > height + LINE:
                    found.append(f"{path.stem}: {note_height(words, width) - height} too high")
    assert not found, found


def test_every_text_of_a_template_has_a_key_of_its_own():
    texts = [text for _, text in template_texts()]
    assert len(texts) > 100 and len({key_of(text) for text in texts}) == len(texts)
    assert "## Paint, then Run" in texts and not any("](https://" in text for text in texts)
