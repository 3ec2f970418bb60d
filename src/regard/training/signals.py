"""Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP) as a wish to stop, which training grants at the next good moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from regard.core.errors import RegardError

HEARD = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has no SIGHUP


class Interrupted(RegardError):
    """A run that a signal stopped.  Exit code 128 + the signal's number, as shells have it: 130 for SIGINT, 143 for SIGTERM and 129 for
    SIGHUP."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{signal.Signals(number).name}: {text}")
        self.exit_code = 128 + number


class Broken(BaseException):
    """Ends what `Signals.breakable` holds; no error, so that nothing that catches errors catches it."""


class Signals:
    """While it is entered, a first signal is only noted in `heard`, and a second one raises Interrupted at once.

    Handlers are set in the main thread only, since Python has it so, and given back at the end; a signal that was ignored stays so (nohup).
    """

    def __init__(self) -> None:
        self.heard = 0
        self._breakable = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in HEARD:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """What is done inside may be given up halfway: a signal raises Broken there."""
        self._breakable = True
        try:
            if self.heard:
                raise Broken
            yield
        finally:
            self._breakable = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.heard:
            raise Interrupted(number, "stopped at once, a second time. Go on from the last checkpoint with --resume.")
        self.heard = number
        if self._breakable:
            raise Broken
