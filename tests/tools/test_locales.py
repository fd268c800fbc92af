"""Locale files: the same keys in every language, the nodes' own words in English, and no translation out of date."""

import json
import re

import pytest

from locales.tables import main
from locales.texts import (
    LOCALES,
    SPECIAL,
    TRANSLATIONS,
    WORDS,
    Text,
    canvas_texts,
    files_of,
    languages,
    mentioned,
    node_defs,
    problems,
    translations,
)
from pack import load_pack

AGAIN = "python tools/make.py locales"
LANGUAGES = languages()
NODES = load_pack().NODE_CLASS_MAPPINGS


FILES = files_of(NODES)


@pytest.fixture(scope="module")
def texts():
    return [text for found in FILES.values() for text in found]


def read(language, name="nodeDefs.json"):
    return json.loads((LOCALES / language / name).read_text(encoding="utf-8"))


def read_all(language):
    return {name: read(language, name) for name in FILES}


def leaves(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def test_english_is_what_the_nodes_and_the_canvas_say():
    assert read_all("en") == {name: node_defs(found) for name, found in FILES.items()}, f"a text changed: run {AGAIN}"


def test_every_text_of_the_canvas_is_found():
    """Each line of the list in words.js, however it was written, and every name that the code asks for."""
    lines = WORDS.read_text(encoding="utf-8").split("const ENGLISH = {")[1].split("};")[0].strip().splitlines()
    names = [text.path[-1] for text in canvas_texts()]
    assert len(names) == len(set(names)) == len(lines)
    code = "".join(path.read_text(encoding="utf-8") for path in WORDS.parent.glob("*.js"))
    asked = set(re.findall(r'say\("(\w+)"', code))
    assert len(asked) > 20 and asked <= set(names)


def test_every_input_and_output_is_there(texts):
    english = read("en")
    for key, node in NODES.items():
        names = [name for section in node.INPUT_TYPES().values() for name in section]
        assert list(english[key].get("inputs", {})) == names
        assert list(english[key].get("outputs", {})) == [str(i) for i in range(len(node.RETURN_NAMES))]
        for part in [*english[key].get("inputs", {}).values(), *english[key].get("outputs", {}).values()]:
            assert set(part) == {"name", "tooltip"}


def test_english_has_nothing_that_the_front_end_reads_as_syntax(texts):
    for text in texts:
        assert not SPECIAL & set(text.english), f"{text.where}: avoid {SPECIAL} in texts of nodes"
        assert all("." not in part for part in text.path), f"{text.where}: a dot would break the key"


def test_folders_and_tables_belong_together():
    assert {path.name for path in LOCALES.iterdir()} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_keys_in_every_language(language):
    missing = dict(leaves(read_all("en"))).keys() - dict(leaves(read_all(language))).keys()
    assert not missing, f"not translated: {sorted('.'.join(m) for m in missing)}; run {AGAIN} todo {language} todo.json"
    assert dict(leaves(read_all(language))).keys() == dict(leaves(read_all("en"))).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_outdated_translations(language, texts):
    outdated = translations(language).keys() - {text.english for text in texts}
    assert not outdated, f"English texts that are no more: {sorted(outdated)}; run {AGAIN} todo {language} todo.json"


@pytest.mark.parametrize("language", LANGUAGES)
def test_files_are_made_from_the_table(language):
    made = {name: node_defs(found, translations(language)) for name, found in FILES.items()}
    assert read_all(language) == made, f"edit {TRANSLATIONS}, then run {AGAIN}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_rules(language, texts):
    table, names = translations(language), [t.english for t in texts if t.path[-1] == "display_name"]
    found = [
        f"{text.where}: {problem}"
        for text in texts
        if text.english in table
        for problem in problems(text, table[text.english], language, table, names)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_stay_apart(language):
    tree = read(language)
    titles = [node["display_name"] for node in tree.values() if "display_name" in node]
    assert len(set(titles)) == len(titles)
    for key, node in tree.items():
        for part in ("inputs", "outputs"):
            names = [entry["name"] for entry in node.get(part, {}).values() if "name" in entry]
            assert len(set(names)) == len(names), f"{key}: two {part} with one name in {names}"


NAMES = ["Add VE Noise at t0", "Reverse SDE Sampler"]
TABLE = {"Add VE Noise at t0": "VE-Rauschen bis t0", "Reverse SDE Sampler": "Sampler"}


@pytest.mark.parametrize(
    ("english", "words", "options", "complaint"),
    [
        ("Steps from 8 to 12, of sde_2m on a GPU.", "Schritte 8 bis 12, von sde_2m auf der GPU.", (), None),
        ("Steps from 8 to 12.", "Schritte von acht bis 12.", (), "'8'"),
        ("sigma is 0.35 here.", "sigma ist 0,35.", (), "'0.35'"),
        ("Takes a MODEL and t0.", "Nimmt ein Modell und t0.", (), "'MODEL'"),
        ("crop: the middle. pad: all.", "crop: die Mitte. pad: alles.", ("crop", "pad"), None),
        ("crop: the middle. pad: all.", "crop: die Mitte. Rand: alles.", ("crop", "pad"), "'pad'"),
        ("One.\nTwo.", "Eins. Zwei.", (), "line breaks"),
        ("What may change.", "Was | darf.", (), "syntax"),
        ("What may change.", " ", (), "empty"),
        ("This is a whole sentence to translate.", "This is a whole sentence to translate.", (), "not translated"),
        ("After Add VE Noise at t0.", "Nach VE-Rauschen bis t0.", (), None),
        ("After Add VE Noise at t0.", "Nach Add VE Noise at t0.", (), "translated name"),
    ],
)
def test_the_rules_find_what_is_wrong(english, words, options, complaint):
    found = problems(Text(("X", "inputs", "y", "tooltip"), english, options), words, "de", TABLE, NAMES)
    assert (found == []) if complaint is None else any(complaint in problem for problem in found), found


def test_a_name_inside_a_longer_name_counts_once():
    assert mentioned("See Reverse SDE Sampler.", ["Reverse SDE", "Reverse SDE Sampler"]) == ["Reverse SDE Sampler"]


def test_east_asian_sentences_need_their_script():
    text = Text(("X", "description"), "A sentence that is long enough to count.")
    assert problems(text, "Still English, but another sentence.", "ja", {}, []) == ["is not translated"]


def test_todo_lists_what_is_missing(tmp_path, texts):
    out = tmp_path / "todo.json"
    assert main(["todo", "xx", str(out)]) == 0
    entries = json.loads(out.read_text(encoding="utf-8"))
    english = {entry["english"] for entry in entries}
    assert english == {text.english for text in texts}
    assert all(entry["used in"] and entry["translation"] == "" for entry in entries)
