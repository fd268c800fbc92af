"""The node pack, imported as ComfyUI imports it: as a package under a name of its own, never through sys.path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
PACKAGE = "sdedit_pack"


def load_pack() -> ModuleType:
    """The pack of this checkout, without a host."""
    if PACKAGE not in sys.modules:
        where = {"submodule_search_locations": [str(ROOT)]}
        spec = importlib.util.spec_from_file_location(PACKAGE, ROOT / "__init__.py", **where)
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACKAGE])
    return sys.modules[PACKAGE]


def part(name: str) -> ModuleType:
    """A module of the pack: ``part("nodes.frames")``, ``part("sdedit_core.networks")``."""
    load_pack()
    return importlib.import_module(f"{PACKAGE}.{name}")
