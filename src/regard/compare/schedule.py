"""Trainings in processes of their own, so many at a time, with the cores shared out among them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from regard.compare.worker import WorkOrder

LOOK = 0.1  # seconds between two looks at them
PATIENCE = 120.0  # seconds that a training has to write its checkpoint when it is told to stop


class Job(NamedTuple):
    """A process to be: what it is told, and where what it says goes."""

    name: str
    order: WorkOrder
    log: Path


class Ended(NamedTuple):
    """A job that is over; why: what went wrong, "" where nothing did."""

    job: Job
    why: str


class Processes:
    """At most `count` processes at a time.  command: starts one, which reads its `WorkOrder` as a line of JSON, and ends when its standard
    input does, so that none is left when this process is killed."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self.command, self.count = list(command), count
        self.threads = max(1, (os.cpu_count() or 1) // count)
        self._running = dict[subprocess.Popen[str], tuple[Job, IO[bytes]]]()

    @property
    def free(self) -> int:
        """How many more can be started."""
        return self.count - len(self._running)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def start(self, job: Job) -> None:
        """Start a process.  OSError where it cannot be."""
        job.log.parent.mkdir(parents=True, exist_ok=True)
        log = job.log.open("ab")
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={"OMP_NUM_THREADS": str(self.threads), **os.environ},
            text=True,
            start_new_session=True,  # so that a terminal's Ctrl-C comes by way of this process, and once
        )
        self._running[process] = job, log
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # its end says what happened
            process.stdin.write(json.dumps(job.order._asdict()) + "\n")
            process.stdin.flush()

    def wait(self) -> Ended:
        """The next one that is over."""
        while True:
            for process in self._running:
                if process.poll() is not None:
                    return self._end(process)
            time.sleep(LOOK)

    def _end(self, process: subprocess.Popen[str]) -> Ended:
        job, log = self._running.pop(process)
        log.close()
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        code = process.returncode
        if code < 0:
            return Ended(job, f"ended by {signal.Signals(-code).name}; its log: {job.log}")
        return Ended(job, "" if not code else _last_line(job.log) or f"exit code {code}")

    def stop(self) -> None:
        """Have all write a checkpoint and end; those that do not are killed."""
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()
        until = time.monotonic() + PATIENCE
        for process in list(self._running):
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._end(process)


@contextmanager
def processes(command: Sequence[str], count: int) -> Iterator[Processes]:
    """Processes of which none outlives the block."""
    made = Processes(command, count)
    try:
        yield made
    finally:
        made.stop()


def _last_line(log: Path) -> str:
    """What a process said last, which where it failed says why."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:600] if lines else ""
