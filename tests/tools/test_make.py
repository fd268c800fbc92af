"""The one door to everything that writes shipped files."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import make

TOOLS = Path(make.__file__).parent


@pytest.mark.parametrize("module", [module for module, _ in make.MAKERS.values()], ids=list(make.MAKERS))
def test_a_maker_is_there_and_takes_arguments(module):
    tree = ast.parse(Path(find_spec(module).origin).read_text(encoding="utf-8"))
    functions = {item.name: item for item in tree.body if isinstance(item, ast.FunctionDef)}
    assert [argument.arg for argument in functions["main"].args.args] == ["arguments"]


def test_every_folder_is_behind_the_door():
    folders = {path.parent.name for path in TOOLS.glob("*/__init__.py")}
    assert folders == {module.split(".")[0] for module, _ in make.MAKERS.values()}


def test_without_a_name_it_lists_them():
    """As it is run: nothing on sys.path but its own folder and what is installed."""
    done = subprocess.run([sys.executable, "-S", TOOLS / "make.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and all(f"  {name} " in done.stdout for name in make.MAKERS)
    assert make.main(["nothing"]) == 2
