"""The command: render, train, compare, within a time; the same command again goes on."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from sdedit_core import load_score_model
from sdedit_core.pictures.files import make_folder
from sdedit_core.training import Progress, Run, Trainer
from sdedit_core.training.process import interrupts, memory, usable_device

from .clock import Clock, Pace, say
from .comparison import compare, parts
from .ledger import Ledger
from .pictures import Chunk, Landscapes, check_space, chunks
from .plan import TOY, Plan, default_workers, precision_on
from .report import write_report
from .training import Lesson
from .workers import Workers, do

AT_ONCE = 16  # chunks that are there before training begins
RENDERING, PREPARING = 0.2, 0.15  # of a run that does nothing beside: for pictures and for the comparison, before
REPORTS = 0.05  # of a run, between two lines
MODEL = "landscape-trained.safetensors"

HELP = """Renders landscapes, trains a network on them and compares it with the built-in patch prior, within a time.

    python tools/make.py trained-builtin trained/                  # on a GPU, three times: 3 runs of 9 minutes
    python tools/make.py trained-builtin trained/ --toy            # the same path in two runs of a minute, on a CPU

The same command goes on where the last run stopped; the learning rate is planned over all runs, by the clock, and
falls to 0 at the end of the last one, which then compares.  What it takes between runs is in the FOLDER, all of it.
After the last run FOLDER has landscape-trained.safetensors, comparison.md and its sheets.
"""


def main(arguments: list[str]) -> int:
    """Run the command; 2 with a sentence when an argument is wrong or something cannot be done."""
    parser = _parser()
    args = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        _run(args, began)
    except ValueError as error:
        parser.error(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trained-builtin", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    standard = Plan()

    def option(name: str, words: str, kind: Callable, metavar: str = "N") -> None:
        shown = getattr(standard, name)
        shown = ",".join(map(str, shown)) if isinstance(shown, tuple) else shown
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=f"{words} (default {shown})"
        )

    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where all files go; made when it is not there")
    parser.add_argument("--toy", action="store_true", help="other defaults: small, quick, for a CPU, good for nothing")
    option("minutes", "wall clock of one run, comparison included", float, "MINUTES")
    option("runs", "runs in all", int)
    option("sizes", "sides in pixels that are trained", _list(int), "PX,PX")
    option("shares", "share of the steps for each size", _list(float), "N,N")
    option("network", "a name as for sdedit train", str, "NAME")
    option("batch", "pictures a step at the first size", int)
    option("accumulate", "parts a batch is cut into, to save memory", int)
    option("rate", "peak learning rate", float)
    option("seed", "decides pictures and training", int)
    option("count", "pictures rendered at most", int)
    option("moods", "moods that are rendered and compared", _list(str), "NAMES")
    option("guides", "held-out renders of a mood that are edited", int)
    option("references", "held-out renders of a mood for realism", int)
    option("t0", "where the models are compared", _list(float), "T0,T0")
    option("edit_steps", "steps of those edits", int)
    parser.add_argument("--also", type=Path, action="append", default=[], metavar="FOLDER", help="more paintings")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that render beside; 0: before training")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default %(default)s)")
    parser.add_argument("--compile", choices=("auto", "yes", "no"), default="auto", help="auto: on a GPU")
    return parser


def _list(kind: Callable) -> Callable[[str], tuple]:
    def read(text: str) -> tuple:
        return tuple(kind(item) for item in text.split(","))

    read.__name__ = f"list of {kind.__name__}"  # what argparse calls it in a message
    return read


def _plan(args: argparse.Namespace) -> Plan:
    given = {f.name: getattr(args, f.name) for f in fields(Plan) if getattr(args, f.name, None) is not None}
    if "sizes" in given and "shares" not in given:
        count = len(given["sizes"])
        given["shares"] = (1.0,) if count == 1 else (0.75, *(0.25 / (count - 1) for _ in range(count - 1)))
    return replace(TOY if args.toy else Plan(), **given)


def _run(args: argparse.Namespace, began: float) -> None:
    plan = _plan(args)
    name = ("cuda" if torch.cuda.is_available() else "cpu") if args.device == "auto" else args.device
    device = usable_device(name)
    workers = default_workers() if args.workers is None else args.workers
    if workers < 0:
        raise ValueError(f"--workers must be at least 0, got {workers}.")
    folder = make_folder(args.folder)
    ledger = Ledger.open(folder / "ledger.json", plan)
    clock = Clock(minutes=plan.minutes, runs=plan.runs, spent=ledger.spent, began=began, now=time.monotonic)
    with interrupts() as asked, memory():
        Whole(plan, folder, args.also, device, ledger, clock, asked).go(
            workers, compiled=args.compile == "yes" or (args.compile == "auto" and device.type == "cuda")
        )


@dataclass
class Whole:
    """One run of the command.

    Args:
        also: folders with more paintings.
        asked: whether somebody wants it to stop.
    """

    plan: Plan
    folder: Path
    also: Sequence[Path]
    device: torch.device
    ledger: Ledger
    clock: Clock
    asked: Callable[[], bool]

    def __post_init__(self) -> None:
        plan = self.plan
        pictures = make_folder(self.folder / f"pictures-{plan.largest}")
        check_space(plan.count, plan.largest, pictures)
        self._rendering = chunks(pictures, count=plan.count, size=plan.largest, seed=plan.seed, moods=plan.moods)
        self._comparing = parts(plan, make_folder(self.folder / "compared"), self.also)
        self.ledger.write()

    def go(self, workers: int, *, compiled: bool) -> None:
        """Render, train, and in the last run compare, with so many processes beside.

        Raises:
            ValueError: what cannot go on, with what to do.
        """
        clock = self.clock
        first, later = self._rendering[:AT_ONCE], self._rendering[AT_ONCE:]
        ahead = max(AT_ONCE, 2 * workers)
        order = [*first, *later[:ahead], *self._comparing, *later[ahead:]] if clock.trains else self._comparing
        with Workers(workers, order) as beside:
            if clock.trains:
                self._say(f"run {len(self.ledger.runs) + 1}, {clock.here / 60:.1f} minutes of it, on {self.device}")
                if not workers:
                    self._prepare(first, later)
                self._wait(first, beside)
                if not self.asked():
                    self._train(beside, compiled=compiled)
            if self.asked():
                self._say("stopped: the same command again goes on")
            elif clock.trains and not clock.is_last:
                self._say(f"{clock.later / 60:.1f} minutes are left for the runs to come: the same command goes on")
            else:
                self._compare()

    def _say(self, text: str) -> None:
        say(self.clock.elapsed(), text)

    def _prepare(self, first: Sequence[Chunk], later: Sequence[Chunk]) -> None:
        """What workers would do beside, here and now, for a part of the time."""
        for job in first:
            if self.asked():
                return
            do(job)
        share = 0.0
        for jobs, more in ((later, RENDERING), (self._comparing, PREPARING)):
            share += more
            for job in jobs:
                if self.asked() or self.clock.elapsed() > share * self.clock.here:
                    break
                do(job)

    def _wait(self, first: Sequence[Chunk], beside: Workers) -> None:
        while not all(job.file.exists() for job in first) and not self.asked():
            beside.check()
            if self.clock.training_here() <= 0:
                raise ValueError("The time was over before the first pictures were rendered. Give more --minutes.")
            time.sleep(0.1)

    def _train(self, beside: Workers, *, compiled: bool) -> None:
        ledger, clock, device = self.ledger, self.clock, self.device
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True
        at_once = min(AT_ONCE, len(self._rendering))
        source = Landscapes(self._rendering, self.plan.training_sizes(), at_once=at_once, device=device)
        trainer = Trainer(source, self.plan.settings(precision_on(device)), device=device, compile=compiled)
        run = Run(trainer, self.folder / MODEL)
        if run.resume():
            self._say(f"going on at step {trainer.step}")
        source.grow()
        parameters = sum(p.numel() for p in trainer.network.parameters())
        self._say(f"{parameters:,} parameters, {trainer.settings.precision}; {source.count} pictures are rendered")
        pace, said, before = Pace(ledger.pace), clock.elapsed(), ledger.spent

        def save() -> None:
            ledger.spent, ledger.pace, ledger.step = before + clock.elapsed(), pace.seconds, trainer.step
            ledger.write()

        def report(progress: Progress) -> None:
            nonlocal said
            if clock.elapsed() - said > REPORTS * clock.whole:
                said = clock.elapsed()
                self._say(
                    f"step {progress.step} of about {progress.steps}  loss {progress.loss:.4f}  rate "
                    f"{progress.rate:.2g}  {progress.per_second:.0f} pictures/s  {source.count} rendered"
                )

        clock.starts_training()
        Lesson(run, source, clock, pace, save=save, report=report, asked=self.asked, beside=beside.check).give()
        ledger.runs.append(round(clock.elapsed(), 1))
        if clock.is_last and not self.asked():
            ledger.spent = before + clock.here  # all of it, the comparison included
        ledger.write()
        size = run.model.stat().st_size
        self._say(f"step {trainer.step}, {trainer.pictures} pictures seen; wrote {run.model} ({size / 1e6:.1f} MB)")

    def _compare(self) -> None:
        model, jobs, plan = self.folder / MODEL, self._comparing, self.plan
        trained = load_score_model(model, device=self.device)
        self._say(f"comparing with the patch prior, {len(jobs)} parts")
        found = []
        for one in compare(jobs, trained, go_on=lambda: self.clock.left() > 0 and not self.asked()):
            found.append(one)
            self._say(f"compared {one.part.file.stem} ({len(found)} of {len(jobs)})")
        if len(found) < len(jobs):
            self._say("the time is over before the comparison is: the same command again finishes it")
            return
        sizes = ", ".join(map(str, plan.sizes))
        about = [
            f"network {plan.network}, {model.stat().st_size / 1e6:.1f} MB, sizes {sizes} px, on {self.device}",
            f"{self.ledger.step} steps, {plan.batch} pictures each at {plan.sizes[0]} px",
            f"training ended after {', '.join(f'{seconds:.0f} s' for seconds in self.ledger.runs)} of each run",
            f"one evaluation on one CPU core: {cpu_seconds(model, plan.sizes)}; an edit takes {plan.edit_steps} here",
        ]
        _, lines = write_report(found, self.folder, about=about)
        for line in lines:
            self._say(line)
        self._say(f"wrote {self.folder / 'comparison.md'} and its sheets")


def cpu_seconds(model: Path, sizes: Sequence[int]) -> str:
    """'0.16 s at 128 px, ...': what somebody without a graphics card waits for, times the steps."""
    network, threads, said = load_score_model(model), torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for size in sizes:
            taken = []
            for _ in range(3):
                began = time.process_time()
                network.denoise(torch.zeros(1, 3, size, size), 1.0)
                taken.append(time.process_time() - began)
            said.append(f"{min(taken):.2g} s at {size} px")
    finally:
        torch.set_num_threads(threads)
    return ", ".join(said)
