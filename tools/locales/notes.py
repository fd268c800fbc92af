"""The texts of the templates: lines of their notes, titles of nodes and groups, names at the ends of subgraphs.

web/js/graph/notes.js puts their translations in when a template is opened.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from workflows.graph import NOTES, WORKFLOWS, load

FILE = re.compile(r"- [\w/]+ \[[^\]]+\]\([^)]+\)")  # where a file of weights goes and where it is to be had


def key_of(english: str) -> str:
    """A name for a text that has none of its own; it stays the same while the text does."""
    return f"t{zlib.crc32(english.encode()):08x}"


def template_texts() -> Iterator[tuple[str, str]]:
    """(where it is used first, text) of everything that a template says, once each."""
    seen = set()
    for path in sorted(WORKFLOWS.glob("*.json")):
        for place, text in _said(load(path)):
            if text and text not in seen and not FILE.fullmatch(text):
                seen.add(text)
                yield f"{path.stem[:2]} {place}", text


def _said(workflow: dict) -> Iterator[tuple[str, str]]:
    parts = workflow.get("definitions", {}).get("subgraphs", [])
    for graph in (workflow, *parts):
        for node in graph["nodes"]:
            yield "title", node.get("title", "")
            if node["type"] in NOTES:
                yield from (("note", line) for line in node["widgets_values"][0].split("\n"))
        yield from (("group", group["title"]) for group in graph["groups"])
    for part in parts:
        yield "subgraph", part["name"]
        yield from (("end", end["name"]) for end in (*part["inputs"], *part["outputs"]))
