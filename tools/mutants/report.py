"""docs/mutants.md from what ``mutmut run`` left in mutants/: scores by file, and the survivors with their reasons."""

from __future__ import annotations

import ast
import datetime
import json
import os
import platform
import re
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from .reasons import INTRODUCTION, why

ROOT = Path(__file__).resolve().parents[2]
KILLED = {1, 3, -24, 24, 36, 152, 255}  # a test failed, or the mutant never ended
NOT_RUN = (None, 2, 34)


@dataclass
class Mutant:
    """One change: in which function of which file, the lines before and after, and what came of it."""

    file: str
    function: str
    was: str
    now: str
    code: int | None

    @property
    def killed(self) -> bool:
        return self.code in KILLED


def main(arguments: list[str]) -> int:
    """Write the document; ``arguments`` may name another folder that holds sdedit_core/ and mutants/, and add words."""
    where, words = Path(arguments[0] if arguments else ROOT).resolve(), arguments[1:]
    os.chdir(where)  # mutmut looks for everything from here
    files = sorted(Path("mutants/sdedit_core").rglob("*.meta"))
    if not files:
        raise SystemExit("There is no mutants/ with results; run mutmut first (CONTRIBUTING.md).")
    found = {}
    for meta in files:
        file = meta.relative_to("mutants").as_posix().removesuffix(".meta")
        found[file] = (mutants_of(file, json.loads(meta.read_text(encoding="utf-8"))), words_in(file))
    (ROOT / "docs" / "mutants.md").write_text(document(found, words), encoding="utf-8")
    return 0


def mutants_of(file: str, data: dict) -> list[Mutant]:
    """The mutants of a file, without those that change nothing but the words of an error."""
    from mutmut.mutation.data import MutantLineSpans
    from mutmut.mutation.diff_apply import generated_function_names
    from mutmut.utils.format_utils import orig_function_and_class_names_from_key

    spans, found = MutantLineSpans.load(file), []
    for name, code in data["exit_code_by_key"].items():
        before, after = spans.read_function_sources(list(generated_function_names(name)))
        if not only_words(before, after):
            function, owner = orig_function_and_class_names_from_key(name)
            found.append(Mutant(file, f"{owner}.{function}" if owner else function, *changed(before, after), code))
    return found


def changed(before: str, after: str) -> tuple[str, str]:
    """The first line that differs, before and after; the name of the function does not count."""
    old, new = (text.split("def ", 1)[1].split("(", 1)[1].splitlines() for text in (before, after))
    at = next(i for i, (a, b) in enumerate(zip([*old, ""], [*new, ""], strict=False)) if a != b)
    return (old[at].strip() if at < len(old) else ""), (new[at].strip() if at < len(new) else "")


class _Silent(ast.NodeTransformer):
    """Takes the arguments out of every raised exception."""

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        return node


def only_words(before: str, after: str) -> bool:
    """Whether two functions differ in what their errors say and in nothing else."""

    def silent(text: str) -> str:
        text = text.lstrip("\n")
        tree = ast.parse("class _:\n" + text if text[:1].isspace() else text)
        for item in ast.walk(tree):
            if isinstance(item, ast.FunctionDef):
                item.name = item.name.partition("__mutmut")[0]
        return ast.dump(_Silent().visit(tree))

    return silent(before) == silent(after)


def words_in(file: str) -> int:
    """How many mutants the settings leave out: those of the words of errors."""
    from mutmut.configuration import config
    from mutmut.mutation.file_mutation import create_mutations

    config().do_not_mutate_patterns = []
    mutations = create_mutations(file, Path(file).read_text(encoding="utf-8"))[1]
    return sum(m.contained_by_top_level_function is not None for m in mutations)


def score(killed: int, of: int) -> str:
    return f"{100 * killed / of:.1f} %" if of else ""


def row(name: str, mutants: list[Mutant], everything: int) -> str:
    """One line of the table; ``everything`` counts the words of errors, too."""
    run = [m for m in mutants if m.code not in NOT_RUN]
    killed, same = sum(m.killed for m in run), sum(bool(why(m)[1]) for m in run if not m.killed)
    rest, words = len(run) - killed - same, everything - len(mutants)
    parts = [name, len(mutants), len(run), killed, same, rest, score(killed, len(run)), score(killed, len(run) - same)]
    return "| " + " | ".join(map(str, [*parts, words, score(killed, len(run) + words)])) + " |"


def document(found: dict[str, tuple[list[Mutant], int]], words: list[str]) -> str:
    lines = [
        "# Mutation testing: what the tests would miss",
        "",
        f"Written by `python tools/make.py mutants` on {datetime.date.today().isoformat()} from a run of mutmut "
        f"{version('mutmut')} on Python {platform.python_version()}, PyTorch {version('torch').split('+')[0]}.",
        "",
        *INTRODUCTION,
        "",
        *words,
        "",
        "| File | Mutants | Run | Killed | No difference | Survived | Killed of run | Killed of those that differ |"
        " Words of errors | Killed, words counted as survivors |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(row(f"`{file.removeprefix('sdedit_core/')}`", *found[file]) for file in found if found[file][0]),
        row("**all**", [m for mutants, _ in found.values() for m in mutants], sum(n for m, n in found.values() if m)),
        "",
        "## Survivors",
        "",
    ]
    for file, (mutants, _) in found.items():
        left = Counter((m.function, m.was, m.now, *why(m)) for m in mutants if m.code not in NOT_RUN and not m.killed)
        if not left:
            continue
        lines += [f"### `{file}`", "", "| In | Was | Became | Why it survives |", "|---|---|---|---|"]
        for (function, was, now, reason, _), times in left.items():
            count = f" ({times} of the same line)" if times > 1 else ""
            lines.append(f"| `{function}` | {code(was)} | {code(now) or '(left out)'} | {reason}{count} |")
        lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def code(text: str) -> str:
    """A line of source as a table shows it."""
    return "`" + text.replace("|", "\\|").replace("`", "'").replace("](", "] (") + "`" if text else ""
