"""Jobs for the processors while the graphics card trains: each writes a file and is done when the file is there."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch


class Job(Protocol):
    """Something that can be sent to another process and writes one file."""

    file: Path

    def __call__(self) -> None:
        """Do it."""


class Workers:
    """Processes that do jobs in order until the run is over; what was being done then is done again next time.

    Args:
        count: processes; with 0 nothing is done beside, :func:`do` does it when it is needed.
        jobs: those whose file is there are left out.
    """

    def __init__(self, count: int, jobs: Sequence[Job]):
        self._pool, self._results = None, []
        if count:
            context = multiprocessing.get_context("spawn")
            self._pool = context.Pool(count, _be_quiet)
            todo = [job for job in jobs if not job.file.exists()]
            self._results = [self._pool.apply_async(_do, (job, os.getpid())) for job in todo]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()

    def check(self) -> None:
        """Raise what a job raised."""
        for result in [result for result in self._results if result.ready()]:
            result.get()
            self._results.remove(result)


def do(job: Job) -> None:
    """Do a job here unless it is done."""
    if not job.file.exists():
        job()


def _be_quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's affair, which ends this one
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)  # the process that trains goes first


def _do(job: Job, parent: int) -> None:
    if os.getppid() != parent:  # the main process was killed; its list of jobs is still in the pipe
        os._exit(1)
    do(job)
