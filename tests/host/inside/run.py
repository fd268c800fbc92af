"""Names of checks on standard input, results as one line of JSON.  Run in ComfyUI's own Python and folder."""

import importlib
import json
import sys
import traceback
from pathlib import Path

import checks  # first: it sets up the host
import torch


def main():
    files = sorted(Path(__file__).parent.glob("checks*.py"))
    modules = [checks] + [importlib.import_module(file.stem) for file in files if file.stem != "checks"]
    found = {name: value for module in modules for name, value in vars(module).items() if name.startswith("check_")}
    results = {}
    with torch.inference_mode():
        for name in sys.stdin.read().split():
            try:
                found[name]()
                results[name] = ""
            except Exception:
                results[name] = traceback.format_exc()
    sys.stdout.write("\nRESULTS " + json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
