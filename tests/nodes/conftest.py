"""Import the node pack the way ComfyUI does, without ComfyUI: as a package, never through sys.path."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "sdedit_pack_under_test"


def load_pack():
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = module
        spec.loader.exec_module(module)
    return sys.modules[PACKAGE]


@pytest.fixture(scope="session")
def pack():
    return load_pack()


@pytest.fixture(scope="session")
def part(pack):
    """part("frames") -> the module nodes/frames.py of the pack."""

    def get(name: str):
        return importlib.import_module(f"{PACKAGE}.nodes.{name}")

    return get
