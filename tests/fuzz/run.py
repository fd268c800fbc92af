"""A run over targets: chunks of cases in processes that are watched, a log, findings with their files, a table."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .table import Row, markdown

ROOT = Path(__file__).parents[2]
CHUNK = 1000
PATIENCE = 60.0  # seconds of the clock for one case, and for the start of a process
Record = tuple[str, int, str, float, int, str]


def follow(seed: int, name: str, first: int, last: int, *, host: bool = False) -> Iterator[Record]:
    """(target, number, kind, seconds, growth, text) of every case; crashes and hangs are cases too."""
    while first < last:
        done = first
        for record in _process(seed, f"{name}:{first}:{last}", host):
            done = max(done, record[1] + 1)
            yield record
        first = done


def _process(seed: int, ranges: str, host: bool) -> Iterator[Record]:
    """One worker from its start to its end; when it dies or says nothing for long, the case it was at is the cause."""
    name, first, last = ranges.rsplit(":", 2)
    at, last = int(first), int(last)
    command, where, paths = _command(host)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8", **paths}
    with tempfile.TemporaryFile() as errors:
        worker = subprocess.Popen(
            [*command, "--worker", ranges, "--seed", str(seed)],
            cwd=where,
            env=env,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=_read, args=(worker, lines), daemon=True).start()
        try:
            while True:
                line = lines.get(timeout=PATIENCE)
                if line is None:
                    break
                if not line.startswith(b"["):
                    continue  # a host that talks
                record = json.loads(line)
                at = record[1] + 1
                yield tuple(record)
            if at < last:
                errors.seek(0)
                text = errors.read().decode(errors="replace")[-3000:]
                yield name, at, "crash", 0.0, 0, f"the process ended with {worker.wait()}: {text}"
        except queue.Empty:
            yield name, at, "hang", PATIENCE, 0, f"no answer for {PATIENCE:g} s"
        finally:
            worker.kill()
            worker.wait()


def _command(host: bool) -> tuple[list[str], Path, dict[str, str]]:
    if not host:
        return [sys.executable, "-m", "tests.fuzz"], ROOT, {}
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    return [python, str(Path(__file__).parent / "inside.py")], Path(os.environ["COMFYUI_DIR"]), {"PYTHONPATH": ""}


def _read(worker: subprocess.Popen, lines: queue.Queue) -> None:
    for line in worker.stdout:
        lines.put(line)
    lines.put(None)


def shares(cases: int, targets: dict) -> dict[str, int]:
    """How many cases each target gets."""
    whole = sum(target.share for target in targets.values())
    return {name: max(1, round(cases * target.share / whole)) for name, target in targets.items()}


def keep(target, seed: int, record: Record, folder: Path) -> None:
    """Write the files of a finding, what was done with them, and what came of it."""
    _, number, kind, seconds, growth, text = record
    there = folder / f"{target.name}-{number}"
    there.mkdir(parents=True, exist_ok=True)
    words = f"{kind}\n{seconds:.2f} s, {growth / 2**20:.0f} MB\n{text}\n"
    if number >= 0:
        case = target.case(seed, number)
        for name, data in case.files.items():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            (there / name).write_bytes(data)
        words += f"\nagain: python -m tests.fuzz --seed {seed} --only {target.name}:{number}\n{case.call!r}\n"
    (there / "finding.txt").write_text(words, encoding="utf-8", errors="backslashreplace")


def run(
    targets: dict, cases: int, *, seed: int, jobs: int, out: Path, first: int = 0, say: Callable[[str], object]
) -> dict[str, Row]:
    """All chunks that are not done yet; ``out`` gets results.jsonl, findings and table.md."""
    out.mkdir(parents=True, exist_ok=True)
    results = out / "results.jsonl"
    rows, done = {name: Row() for name in targets}, set()
    for line in results.read_text().splitlines() if results.exists() else ():
        part = json.loads(line)
        if part["seed"] == seed and part["target"] in rows:
            done.add((part["target"], part["first"], part["last"]))
            rows[part["target"]].join(part["row"])
    chunks = [
        (name, start, min(start + CHUNK, first + count))
        for name, count in shares(cases, targets).items()
        for start in range(first, first + count, CHUNK)
    ]
    todo: queue.Queue = queue.Queue()
    for chunk in sorted(chunks, key=lambda chunk: chunk[1]):  # all targets go on together
        if chunk not in done:
            todo.put(chunk)
    lock, total, began = threading.Lock(), todo.qsize(), time.monotonic()

    def work() -> None:
        while True:
            try:
                name, start, end = todo.get_nowait()
            except queue.Empty:
                return
            row = Row()
            for record in follow(seed, name, start, end, host=targets[name].host):
                row.add(*record[1:5])
                if record[2] not in ("accepted", "refused"):
                    with lock:
                        keep(targets[name], seed, record, out / "findings")
                        say(f"{name}:{record[1]} {record[2]}: {record[5].strip().splitlines()[-1][:200]}")
            with lock, results.open("a") as file:
                rows[name].join(row.to_dict())
                part = {"seed": seed, "target": name, "first": start, "last": end, "row": row.to_dict()}
                file.write(json.dumps(part) + "\n")
                spent = time.monotonic() - began
                say(f"{total - todo.qsize()}/{total} chunks, {spent:.0f} s: {name} {start} to {end}, {row.kinds}")

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (out / "table.md").write_text(markdown(rows))
    return rows


def main(argv: list[str] | None = None, targets: dict | None = None) -> int:
    """The command line; 1 when something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Fuzz everything that reads foreign data."
    )
    parser.add_argument("--cases", type=int, default=200_000, help="in all, over the targets (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each target")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--out", type=Path, default=Path("fuzz-results"), help="folder; a run that was stopped goes on")
    parser.add_argument("--only", metavar="NAME:NUMBER", help="run this one case here and say what came of it")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if targets is None:
        from .targets import TARGETS as targets
    if args.worker:
        from .worker import work

        work(targets, args.seed, args.worker)
        return 0
    if args.only:
        return _only(args, targets)
    if unknown := set(args.target or ()) - set(targets):
        parser.error(f"unknown target {', '.join(unknown)}; there are {', '.join(targets)}")
    chosen = {name: targets[name] for name in args.target or targets}
    if not args.target:
        chosen = {name: target for name, target in chosen.items() if not target.host}
    if any(target.host for target in chosen.values()) and "COMFYUI_DIR" not in os.environ:
        parser.error("this target needs a ComfyUI: set COMFYUI_DIR to its folder and COMFYUI_PYTHON to its Python")
    args.out.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        with (args.out / "log.txt").open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
        sys.stdout.write(text.encode("ascii", "backslashreplace").decode() + "\n")
        sys.stdout.flush()

    rows = run(chosen, args.cases, seed=args.seed, jobs=args.jobs, out=args.out, first=args.first, say=say)
    sys.stdout.write("\n" + markdown(rows))
    return int(any(row.findings for row in rows.values()))


def _only(args: argparse.Namespace, targets: dict) -> int:
    name, number = args.only.rsplit(":", 1)
    found = 0
    for record in follow(args.seed, name, int(number), int(number) + 1, host=targets[name].host):
        keep(targets[name], args.seed, record, args.out)
        sys.stdout.write(f"{record[0]}:{record[1]} {record[2]}, {record[3]:.2f} s, {record[4] >> 20} MB\n{record[5]}\n")
        found |= record[2] not in ("accepted", "refused")
    return int(found)
