"""Writes locales/: the texts of the nodes and of the Stroke Canvas in English, and their translations.

python tools/make.py locales                    write locales/ again (after a tooltip changed, say)
python tools/make.py locales todo fr todo.json  what is not translated into French yet, as a list to fill in
python tools/make.py locales add fr todo.json   take the filled-in list, check it, write locales/
python tools/make.py locales pages              what the translated help pages lack, and where the English ones changed
python tools/make.py locales pages zh SDEdit_T0Map   the page says again what the English one says: write that down
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path

from pack import load_pack

from . import pages
from .texts import LOCALES, TRANSLATIONS, Text, files_of, languages, node_defs, problems, translations


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make.py locales", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    for name in ("todo", "add"):
        command = commands.add_parser(name)
        command.add_argument("language", help="the front end's code: ja, zh, ko, de, fr, es ...")
        command.add_argument("file", type=Path)
    command = commands.add_parser("pages")
    command.add_argument("language", nargs="?")
    command.add_argument("nodes", nargs="*", help="ids of nodes; none: every node")
    args = parser.parse_args(arguments)
    files = files_of(load_pack().NODE_CLASS_MAPPINGS)
    texts = [text for found in files.values() for text in found]
    if args.command == "todo":
        return todo(texts, args.language, args.file)
    if args.command == "add" and not add(texts, args.language, args.file):
        return 1
    if args.command == "pages":
        return check_pages(files, args.language, args.nodes)
    pages.copy_english(load_pack().NODE_CLASS_MAPPINGS)
    return write(files)


def check_pages(files: dict[str, list[Text]], language: str | None, nodes: list[str]) -> int:
    """Say what is wrong with the help pages; with a language write down that these pages are up to date."""
    nodes = nodes or list(load_pack().NODE_CLASS_MAPPINGS)
    wrong = []
    for each in [language] if language else pages.LANGUAGES:
        for node in nodes:
            wrong += [f"{node}/{each}.md: {one}" for one in pages.problems(node, each, files["nodeDefs.json"])]
            if not language:
                wrong += [f"{node}/{each}.md: the English text changed: {t}" for t in pages.outdated(node, each)]
    if language and not wrong:
        pages.mark(nodes, language)
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def todo(texts: list[Text], language: str, path: Path) -> int:
    """Untranslated texts with where they are used; next to them the closest outdated translation, if any."""
    table = translations(language)
    outdated = {old: table[old] for old in table.keys() - {text.english for text in texts}}
    entries: dict[str, dict] = {}
    for text in texts:
        if text.english in table:
            continue
        entry = entries.setdefault(text.english, {"used in": [], "english": text.english, "translation": ""})
        entry["used in"].append(text.where)
        close = difflib.get_close_matches(text.english, outdated, 1)
        if close:
            entry["before"] = {"english": close[0], "translation": outdated[close[0]]}
    _write(path, list(entries.values()))
    print(f"{language}: {len(entries)} texts to translate in {path}")
    return 0


def add(texts: list[Text], language: str, path: Path) -> bool:
    """Merge a filled-in list; False, and nothing written, when a translation breaks a rule."""
    filled = {e["english"]: e["translation"] for e in json.loads(path.read_text(encoding="utf-8")) if e["translation"]}
    table, names = {**translations(language), **filled}, [t.english for t in texts if t.path[-1] == "display_name"]
    wrong = 0
    for text in texts:
        if text.english in filled:
            for problem in problems(text, filled[text.english], language, table, names):
                print(f"{text.where}: {problem}\n  {text.english}\n  {filled[text.english]}", file=sys.stderr)
                wrong += 1
    if wrong:
        return False
    used = dict.fromkeys(text.english for text in texts)
    TRANSLATIONS.mkdir(exist_ok=True)
    _write(TRANSLATIONS / f"{language}.json", {english: table[english] for english in used if english in table})
    return True


def write(files: dict[str, list[Text]]) -> int:
    """The files of locales/<language>/ for English and every language with translations."""
    texts = [text for found in files.values() for text in found]
    _write_locale("en", files, None)
    print(f"en: {len(texts)} texts, {len({text.english for text in texts})} different ones")
    for language in languages():
        table = translations(language)
        _write_locale(language, files, table)
        missing = {text.english for text in texts} - table.keys()
        print(f"{language}: {len(missing)} texts without a translation (English is shown)")
    return 0


def _write_locale(language: str, files: dict[str, list[Text]], table: dict[str, str] | None) -> None:
    (LOCALES / language).mkdir(parents=True, exist_ok=True)
    for name, texts in files.items():
        _write(LOCALES / language / name, node_defs(texts, table))


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
