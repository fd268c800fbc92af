"""The help pages in other languages: what each must have of the English one, and which English text it was made from.

ComfyUI asks for ``web/docs/<node>/<language>.md`` first and for ``web/docs/<node>.md`` where there is none.  The second
is the one that is written in English; ``<node>/en.md`` is a copy, so that no request goes to a file that is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .core_names import core_names
from .said import HELP, QUOTE, quoted, sentences
from .texts import Text, broken_emphasis, has_script, mentioned, translations

MADE_FROM = Path(__file__).parent / "pages.json"  # language -> node -> a fingerprint for every section
LANGUAGES = ("ja", "zh")
ENDS = {"Inputs": "inputs", "Outputs": "outputs"}  # sections that list every end of the node, by their headings
_CODE, _IMAGE = re.compile("`([^`]+)`"), re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
_NUMBER = re.compile(r"(?<![A-Za-z\d.])\d+(?:\.\d+)?(?![A-Za-z\d])")


@dataclass(frozen=True)
class Section:
    """A heading with what is below it, up to the next one."""

    title: str
    body: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.title}\n{self.body}".encode()).hexdigest()[:12]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of its tables, without the lines below their heads."""
        lines = [line for line in self.body.splitlines() if line.startswith("|") and not line.startswith("|---")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def sections(page: str) -> list[Section]:
    """The parts of a page; the first is its title with the introduction."""
    found = re.split(r"^#+ (.+)$", page, flags=re.MULTILINE)
    return [Section(title, body) for title, body in zip(found[1::2], found[2::2], strict=True)]


def english(node: str) -> list[Section]:
    return sections((HELP / f"{node}.md").read_text(encoding="utf-8"))


def path_of(node: str, language: str) -> Path:
    return HELP / node / f"{language}.md"


def copy_english(nodes: dict[str, type]) -> None:
    """Write ``<node>/en.md``."""
    for node in nodes:
        path_of(node, "en").parent.mkdir(exist_ok=True)
        path_of(node, "en").write_bytes((HELP / f"{node}.md").read_bytes())


def outdated(node: str, language: str) -> list[str]:
    """Headings of the English sections that are others than those the page was made from."""
    known = json.loads(MADE_FROM.read_text(encoding="utf-8")).get(language, {}).get(node, [])
    return [one.title for i, one in enumerate(english(node)) if known[i : i + 1] != [one.fingerprint]]


def mark(nodes: list[str], language: str) -> None:
    """Write down that the pages say what the English ones say now."""
    table = json.loads(MADE_FROM.read_text(encoding="utf-8")) if MADE_FROM.exists() else {}
    table.setdefault(language, {}).update({node: [one.fingerprint for one in english(node)] for node in nodes})
    MADE_FROM.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


def problems(node: str, language: str, texts: list[Text]) -> list[str]:
    """What is wrong with a page; empty when nothing is.  ``texts``: those of the nodes."""
    path, table = path_of(node, language), translations(language)
    if not path.exists():
        return [f"{path.name} is missing"]
    pairs, there = english(node), sections(path.read_text(encoding="utf-8"))
    if len(pairs) != len(there):
        titles = ", ".join(one.title for one in pairs)
        return [f"has {len(there)} headings, the English page has {len(pairs)}: {titles}"]
    names = {t.english: table[t.english] for t in texts if t.path[-1] == "display_name"}
    labels = {t.path[:3]: (t.english, table[t.english]) for t in texts if t.is_label}
    own = {key[2] if key[1] == "inputs" else words: shown for key, (words, shown) in labels.items()}
    found = []
    if there[0].title != names[pairs[0].title]:
        found.append(f"is called {there[0].title!r}, the node {names[pairs[0].title]!r}")
    for old, new in zip(pairs, there, strict=True):
        wrong = _differences(old, new, language, names | core_names(language), set(own))
        if old.title in ENDS:
            wrong += _ends(new, [key for key in labels if key[:2] == (node, ENDS[old.title])], labels)
        wrong += _messages(old, new, table)
        found += [f"{old.title}: {one}" for one in wrong]
    return found


def _differences(old: Section, new: Section, language: str, names: dict[str, str], own: set[str]) -> list[str]:
    found = []
    if [target for _, target in _IMAGE.findall(old.body)] != [target for _, target in _IMAGE.findall(new.body)]:
        found.append("has other pictures")
    if [len(row) for row in old.rows] != [len(row) for row in new.rows]:
        found.append(f"has {len(new.rows)} rows in tables, the English one {len(old.rows)}")
    for word in sorted(set(_CODE.findall(old.body)) - own - set(_CODE.findall(new.body))):
        found.append(f"lacks `{word}`")
    for number in sorted(set(_NUMBER.findall(old.body)) - set(_NUMBER.findall(new.body))):
        found.append(f"lacks the number {number}")
    for name in mentioned(_CODE.sub(" ", QUOTE.sub("", old.body)), [*names]):
        if names[name] not in new.body:
            found.append(f"speaks of {name!r} without {names[name]!r}")
    broken = broken_emphasis(_CODE.sub("x", new.body))
    found += [f"has the emphasis {part!r}, which Markdown does not see" for part in broken]
    for words in (new.title, *(words for words, _ in _IMAGE.findall(new.body))):
        if not has_script(words, language) and words != old.title:
            found.append(f"{words!r} is not translated")
    return found


def _ends(new: Section, keys: list[tuple], labels: dict[tuple, tuple[str, str]]) -> list[str]:
    """Inputs or outputs that no row lists by its id and by the name that the node shows."""
    cells, found = [row[0] for row in new.rows], []
    for key in keys:
        name, shown = labels[key]
        wanted = f"`{key[2] if key[1] == 'inputs' else name}`"
        if not any(wanted in cell and shown in cell for cell in cells):
            found.append(f"lists no {wanted} with its name {shown!r}")
    return found


def _messages(old: Section, new: Section, table: dict[str, str]) -> list[str]:
    """Quoted messages that are no part of the translation of what the English page quotes."""
    found, before, after = [], QUOTE.findall(old.body + "\n"), QUOTE.findall(new.body + "\n")
    if len(before) != len(after):
        return [f"quotes {len(after)} messages, the English page {len(before)}"]
    texts = sentences() if before else ()
    for quote, words in zip(before, after, strict=True):
        whole = [table.get(text.strip(), "") for text in quoted(quote, texts)]
        if not any(all(part in text for part in words.split(" ... ")) for text in whole):
            found.append(f"{words!r} is not what {quote!r} is called")
    return found
