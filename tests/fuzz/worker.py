"""Cases in a process of their own: results leave as lines of JSON, so that a crash or a hang costs one case only."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

from .case import Target
from .judge import judge

ROOM = 6 << 30  # address space beyond what the process has at the beginning


def work(targets: dict[str, Target], seed: int, ranges: str) -> None:
    """Run ``name:first:last,...``; one line ``[name, number, kind, seconds, growth, text]`` a case."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(1)
    _bound_memory()
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as there:
        folder = Path(there) / "a" / "b"  # two steps up are ours as well
        for part in ranges.split(","):
            name, first, last = part.rsplit(":", 2)
            target = targets[name]
            verdict = judge(target, target.plain(), folder)
            if verdict.kind not in ("accepted", "slow", "large"):
                _say(out, [name, -1, "foreign", 0.0, 0, f"the plain case was {verdict.kind}: {verdict.text}"])
            for number in range(int(first), int(last)):
                verdict = judge(target, target.case(seed, number), folder)
                sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
                record = [name, number, verdict.kind, verdict.seconds, verdict.growth]
                _say(out, [*record, "" if verdict.kind == "accepted" else verdict.text])


def _say(out: io.TextIOBase, record: list) -> None:
    out.write(json.dumps(record) + "\n")
    out.flush()


def _bound_memory() -> None:
    """A case that wants everything gets a MemoryError, not the whole machine."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, OSError, ValueError):
        return
