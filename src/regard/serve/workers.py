"""Several processes over one port: each has the models for itself, and one that dies is replaced."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from typing import Any

from regard.core.errors import RegardError
from regard.serve.event_log import EventLog

SHARED = (
    "PROMETHEUS_MULTIPROC_DIR"  # the folder by which the metrics of processes add up; read when prometheus_client is imported
)
HEARD = (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM))
QUICK = 60.0  # seconds: who ends by itself sooner could not begin
PAUSE = 0.5  # seconds before one that was killed is replaced, so that a machine without memory is not kept busy


class WorkerPool:
    """Processes made by fork, before anything that has threads is loaded.

    work: what each does with the socket; it returns when it was told to end.
    """

    def __init__(self, count: int, work: Any, log: EventLog) -> None:
        self.count, self.work, self.log = count, work, log
        self._begun = dict[int, float]()
        self._ending = False

    def run(self, listener: socket.socket) -> int:
        """Runs them until a signal ends all; gives the exit code: 0, or that of one that could not begin."""
        folder = tempfile.mkdtemp(prefix="regard-metrics-")
        os.environ[SHARED] = folder
        code = 0
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._end(listener))
            signal.signal(signal.SIGHUP, lambda *_: self._pass_on(signal.SIGHUP))
            for _ in range(self.count):
                if not self._ending:
                    self._start(listener)
            while self._begun:
                code = self._wait(listener) or code
        finally:
            os.environ.pop(SHARED, None)
            shutil.rmtree(folder, ignore_errors=True)
        return code

    def _start(self, listener: socket.socket) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # a child with our handlers would end its brothers
        if number := os.fork():
            self._begun[number] = time.monotonic()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            return
        code = 1
        try:
            for each in HEARD:
                signal.signal(each, signal.SIG_IGN if each == signal.SIGHUP else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            self.work(listener)
            code = 0
        except RegardError as error:
            print(error, file=sys.stderr, flush=True)
            code = error.exit_code
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)  # the parent's own ending is not a child's

    def _wait(self, listener: socket.socket) -> int:
        """Waits for one to end; what it means for all."""
        number, status = os.wait()
        from prometheus_client.multiprocess import mark_process_dead  # not before its folder is known

        begun = self._begun.pop(number, 0.0)
        code = os.waitstatus_to_exitcode(status)
        if self._ending:
            return max(code, 0) if code != -signal.SIGTERM else 0
        mark_process_dead(number)
        self.log.tell("worker-ended", pid=number, code=code)
        if code >= 0 and time.monotonic() - begun < QUICK:  # it could not begin, nor could another
            self._end(listener)
            return code or 1
        time.sleep(PAUSE)
        if not self._ending:
            self._start(listener)
        return 0

    def _end(self, listener: socket.socket) -> None:
        """Closes our hold of the socket, so that nobody waits at a door behind which nobody is, and ends all."""
        self._ending = True
        listener.close()
        self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: signal.Signals) -> None:
        for process in list(self._begun):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue
