"""Writes the files that the pack ships: ``python tools/make.py NAME [arguments]``; without a name, what there is.

Python itself puts this folder on sys.path, and the repository's root must never be there: our folder ``nodes`` has the
name of ComfyUI's module.
"""

from __future__ import annotations

import importlib
import sys

MAKERS = {  # name -> module with a function main(arguments), and what it writes
    "workflows": ("workflows.templates", "workflows/*.json and workflows/api/*.json, the templates"),
    "blueprints": ("workflows.blueprints", "subgraphs/*.json, the ready-made subgraph nodes"),
    "core-schema": ("workflows.core_schema", "what ComfyUI's own nodes take, asked from a running ComfyUI"),
    "thumbnails": ("pictures.thumbnails", "workflows/*.jpg, from real runs in a running ComfyUI"),
    "pictures": ("pictures.docs", "every picture of README, docs and help pages"),
    "landscapes": ("landscapes.make", "pictures by the landscape renderer: references, examples, a training folder"),
    "trained-builtin": ("trained.command", "a landscape model for the built-in default: renders, trains, compares"),
    "local-builtin": ("local.command", "a small network for outlines and texture of landscapes: renders, trains"),
    "model-classes": ("models.table", "docs/models.md, what every model class of a ComfyUI is told of a mask"),
    "checkpoints": ("originals.table", "the tables of docs/checkpoints.md: our networks beside the original codes"),
    "mutants": ("mutants.report", "docs/mutants.md, from the results of mutmut"),
    "locales": ("locales.tables", "locales/, the nodes' texts in English and in other languages"),
    "core-names": ("locales.core_names", "what ComfyUI's own nodes are called in its translated interface"),
}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.split("\n", 1)[0], *(f"  {name:15} {words}" for name, (_, words) in MAKERS.items()), sep="\n")
        return 0
    name, *rest = arguments
    if name not in MAKERS:
        print(f"There is no {name!r}; there are {', '.join(MAKERS)}.", file=sys.stderr)
        return 2
    return importlib.import_module(MAKERS[name][0]).main(rest) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
