"""The pack's own words for ComfyUI's locale files, and the rules that a translation must keep.

A translation is found by its English text, as in gettext: one text that occurs on four nodes is translated once, and a
text that changes has no translation any more until somebody makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pack import ROOT

from .core_names import core_names
from .notes import key_of, template_texts
from .said import said_texts

LOCALES = ROOT / "locales"
TRANSLATIONS = Path(__file__).parent / "translations"
WORDS = ROOT / "web" / "js" / "strokes" / "words.js"  # what the Stroke Canvas says
SPECIAL = set("{}@|")  # the front end's own message syntax: a text with one of these comes out wrong
LONGEST_NAME = 32  # letters of an input or output that a node can show
PHRASE = 30  # a text this long that ends in a full stop is a sentence, not a name
_EAST_ASIAN = {"ja": "\u3040-\u30ff\u4e00-\u9fff", "zh": "\u4e00-\u9fff", "ko": "\uac00-\ud7a3"}
_FIXED = re.compile(  # numbers and identifiers with them; words_with_underscores; acronyms, type names, product names
    r"[A-Za-z_]*\d+(?:\.\d+)?[A-Za-z]*|[A-Za-z]+(?:_[A-Za-z0-9]+)+|(?<![A-Za-z])[A-Za-z]*[A-Z][A-Za-z]*[A-Z][A-Za-z]*\+*"
)
_PLURAL = re.compile(r"(?<=[a-z])\$\d")  # a filled-in s
_EMPHASIS = re.compile(r"\*{1,2}([^*]+)\*{1,2}")


@dataclass(frozen=True)
class Text:
    """One English text and its place in nodeDefs.json or main.json; ``options`` are the choices of a combo input."""

    path: tuple[str, ...]
    english: str
    options: tuple[str, ...] = ()
    used: str = ""  # where, if the path does not say it

    @property
    def where(self) -> str:
        return ".".join(self.path) + f" ({self.used})" * bool(self.used)

    @property
    def is_label(self) -> bool:
        """The name of an input or output, which a node shows in little room."""
        return len(self.path) == 4 and self.path[-1] == "name"


def node_texts(nodes: dict[str, type]) -> Iterator[Text]:
    """Every text of every node, in the order of the nodes."""
    for key, node in nodes.items():
        yield Text((key, "display_name"), node.NAME)
        yield Text((key, "description"), node.DESCRIPTION)
        for section in node.INPUT_TYPES().values():
            for name, entry in section.items():
                choices = tuple(entry[0]) if isinstance(entry[0], list) else ()
                yield Text((key, "inputs", name, "name"), name)
                tooltip = (entry[1] if len(entry) > 1 else {}).get("tooltip")
                if tooltip:
                    yield Text((key, "inputs", name, "tooltip"), tooltip, choices)
        for index, (name, tooltip) in enumerate(zip(node.RETURN_NAMES, node.OUTPUT_TOOLTIPS, strict=True)):
            yield Text((key, "outputs", str(index), "name"), name)
            yield Text((key, "outputs", str(index), "tooltip"), tooltip)


def canvas_texts() -> Iterator[Text]:
    """Every text of the Stroke Canvas, as web/js/strokes/words.js has them: one a line."""
    for name, words in re.findall(r'^  (\w+): ("(?:[^"\\]|\\.)*"),$', WORDS.read_text(encoding="utf-8"), re.MULTILINE):
        yield Text(("SDEdit", "canvas", name), json.loads(words))


def other_texts(kind: str, found: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """Texts that are found again by their English words, where they are shown; ``found``: (where it is used, text)."""
    for used, text in found:
        yield Text(("SDEdit", kind, key_of(text)), text, used=used)


def _said() -> Iterator[tuple[str, str]]:
    return (("in a run", text) for text in said_texts())


def files_of(nodes: dict[str, type]) -> dict[str, list[Text]]:
    """The files of a language and the texts in each."""
    said = [*canvas_texts(), *other_texts("templates", template_texts()), *other_texts("said", _said())]
    return {"nodeDefs.json": list(node_texts(nodes)), "main.json": said}


def languages() -> list[str]:
    """The languages that there are translations for; English is the nodes' own."""
    return sorted(path.stem for path in TRANSLATIONS.glob("*.json"))


def translations(language: str) -> dict[str, str]:
    """English -> translation."""
    path = TRANSLATIONS / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def node_defs(texts: list[Text], table: dict[str, str] | None = None) -> dict:
    """The contents of a file; without a table in English. What has no translation is left out."""
    tree: dict = {}
    for text in texts:
        words = text.english if table is None else table.get(text.english)
        if words:
            branch = tree
            for part in text.path[:-1]:
                branch = branch.setdefault(part, {})
            branch[text.path[-1]] = words
    return tree


def fixed_words(english: str) -> list[str]:
    """What a translation must not touch: numbers, identifiers, acronyms, names of types, without a plural s."""
    return [re.sub("(?<=[A-Z])s$", "", word) for word in _FIXED.findall(english)]


def broken_emphasis(words: str) -> list[str]:
    """Emphasis that Markdown shows as stars: a bracket or full stop inside of it touches a letter outside."""
    found = []
    for part in _EMPHASIS.finditer(words):
        before, after = words[: part.start()][-1:], words[part.end() :][:1]
        inside = part[1]
        if (after.isalnum() and not inside[-1].isalnum()) or (before.isalnum() and not inside[0].isalnum()):
            found.append(part[0])
    return found


def mentioned(english: str, names: list[str]) -> list[str]:
    """Those display names of nodes that a text speaks of, longest first."""
    found = []
    for name in sorted(names, key=len, reverse=True):
        if name in english:
            found.append(name)
            english = english.replace(name, " ")
    return found


def problems(text: Text, words: str, language: str, table: dict[str, str], names: list[str]) -> list[str]:
    """What is wrong with one translation; empty when nothing is."""
    found, english = [], text.english
    if words != words.strip() or not words:
        found.append("is empty or has spaces around it")
    if SPECIAL & set(words):
        found.append("has one of the characters { } @ |, which the front end would read as its own syntax")
    if english.count("\n") != words.count("\n"):
        found.append(f"has {words.count(chr(10))} line breaks instead of {english.count(chr(10))}")
    rest, told = (english.replace("_", " ") if text.is_label else english), words
    if text.path[-1] != "display_name":
        shown = core_names(language) | {name: table.get(name, name) for name in names}
        for name in mentioned(english, [*shown]):
            if shown[name] not in told:
                found.append(f"speaks of the node {name!r} without its translated name {shown[name]!r}")
            rest, told = rest.replace(name, " "), told.replace(shown[name], " ")
    found += [f"has the emphasis {part!r}, which Markdown does not see" for part in broken_emphasis(words)]
    wanted, kept = fixed_words(_PLURAL.sub("", rest)), fixed_words(told)
    for word in dict.fromkeys(wanted):
        if kept.count(word) < wanted.count(word) and table.get(word, word) not in told:
            found.append(f"must keep {word!r} as often as the English text")
    for choice in text.options:
        if _has_word(english, choice) and not _has_word(words, choice):
            found.append(f"must keep the option {choice!r} as it is")
    if len(english) >= PHRASE:
        if words == english or not has_script(words, language):
            found.append("is not translated")
    if text.is_label and len(words) > LONGEST_NAME:
        found.append(f"is too long for a node: {len(words)} letters, at most {LONGEST_NAME}")
    return found


def has_script(words: str, language: str) -> bool:
    """Whether a letter is of the language's own script; True for languages in Latin letters."""
    script = _EAST_ASIAN.get(language)
    return script is None or re.search(f"[{script}]", words) is not None


def _has_word(text: str, word: str) -> bool:
    return re.search(f"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text) is not None
