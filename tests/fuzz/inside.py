"""The worker of the host's target: a script that ComfyUI's Python runs in ComfyUI's folder."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
arguments = sys.argv[1:]
out = os.dup(1)
os.dup2(2, 1)  # what the host says while it starts
sys.path[0] = str(HERE.parent / "host" / "inside")

import checks  # noqa: E402, F401  first: it sets up the host

spec = importlib.util.spec_from_file_location("fuzz", HERE / "__init__.py", submodule_search_locations=[str(HERE)])
sys.modules["fuzz"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["fuzz"])
targets = {target.name: target for target in importlib.import_module("fuzz.in_host").TARGETS}
os.dup2(out, 1)
sys.exit(importlib.import_module("fuzz.run").main(arguments, targets))
