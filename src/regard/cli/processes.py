"""`regard train --processes N`: the same command in N processes of this machine, which train together and end together.

Who has several machines starts them with torchrun, which speaks to `regard train` by the same environment variables.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from regard.core.errors import RegardError, UsageError, message

OPTION = "--processes"
LIFELINE = "REGARD_LIFELINE"  # a pipe that nobody writes to: at its end the launcher has gone, and so must the processes
MEETING = "REGARD_MEETING"  # see `regard.training.ranks`
PATIENCE = 5.0  # seconds that a process has for its end, after another one has ended in an error
LOOK = 0.05  # seconds between two looks at them
PASSED_ON = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def follows() -> bool:
    """Whether this process is a rank of a training that leaves it to rank 0 to say what happens."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def train_together(count: int, arguments: Sequence[str]) -> int:
    """Runs `regard train` with these arguments in `count` processes until all have ended; gives the exit code.

    Each has its share of the cores, unless OMP_NUM_THREADS says otherwise.  Signals are passed on, once each.  RegardError where one ends
    by a signal, or in an error that it had no words for; the others are then ended.
    """
    if os.environ.get("WORLD_SIZE"):
        do = f"Leave out {OPTION}."
        raise UsageError(message(OPTION, "to start the processes itself", "one of the processes that torchrun started", do))
    if not hasattr(os, "fork"):
        raise UsageError(message(OPTION, "1 on this system, which has no fork", str(count), "Leave it out."))
    with TemporaryDirectory(prefix="regard-") as folder, _lifeline() as pipe:
        common = {"WORLD_SIZE": str(count), MEETING: str(Path(folder) / "meeting"), LIFELINE: str(pipe), **_here(count)}
        command = [sys.executable, "-m", "regard", "train", *arguments]
        processes = [
            subprocess.Popen(
                command,
                env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                pass_fds=(pipe,),
                start_new_session=True,  # so that a terminal's Ctrl-C comes by way of this process, and once
            )
            for rank in range(count)
        ]
        with _passed_on(processes) as heard:
            return _watch(processes, heard)


def die_with_launcher() -> bool:
    """Called by a process that a launcher may have started, which is answered: it ends at once when that has gone, whatever it does."""
    if (pipe := os.environ.pop(LIFELINE, None)) is None:
        return False
    from threading import Thread

    def wait() -> None:
        with suppress(OSError):
            os.read(int(pipe), 1)
        os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=wait, daemon=True, name="lifeline").start()
    return True


def _here(count: int) -> dict[str, str]:
    """What processes of one machine need to know, where nobody said something else."""
    wanted = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count))}
    if sys.platform.startswith("linux"):
        wanted["GLOO_SOCKET_IFNAME"] = "lo"
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


@contextmanager
def _lifeline() -> Iterator[int]:
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


@contextmanager
def _passed_on(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Gives what was passed on."""
    heard = list[int]()

    def pass_on(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        _signal(processes, number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield heard
    finally:
        _signal(processes, signal.SIGKILL)  # nobody is left but after an error of this process
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(processes: Sequence[subprocess.Popen[bytes]], heard: Sequence[int]) -> int:
    """Waits for all; once one has failed, no longer than `PATIENCE`."""
    until = math.inf
    while any(process.poll() is None for process in processes) and time.monotonic() < until:
        time.sleep(LOOK)
        until = min(until, time.monotonic() + PATIENCE) if _failed(processes) else until
    failed = _failed(processes)
    if not failed:
        return 0
    rank, code = failed
    _signal(processes, signal.SIGKILL)
    for process in processes:
        process.wait()
    if -code in heard:  # it came before the process could take it for a wish
        return 128 - code
    if code < 0:
        do = "The others were stopped. Go on from the last checkpoint with --resume."
        received = f"{signal.Signals(-code).name} in process {rank} of {len(processes)} (numbered from 0)"
        raise RegardError(message("the training", "all of its processes to come to the end", received, do))
    return code


def _failed(processes: Sequence[subprocess.Popen[bytes]]) -> tuple[int, int] | None:
    """The process whose end says most of what went wrong, and its exit code: one that was killed, else one that had words for it."""
    codes = [(code, rank) for rank, process in enumerate(processes) if (code := process.poll())]
    if not codes:
        return None
    code, rank = min(codes, key=lambda each: (each[0] > 0, each[0] == 1, each[1]))
    return rank, code


def _signal(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)
