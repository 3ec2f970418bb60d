"""A command in this process, and how it ended."""

from __future__ import annotations

import contextlib
import io
import math
import re
import signal
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.cli.main import run as command

PATIENCE = 30  # seconds: the machine may have other things to do
NEAR = 1e-5  # of scores: how a sum is rounded may depend on the threads and on what else is in a batch
FAULT = "fault of Regard"
NUMBER = re.compile(r"\d[\d.,:e+-]*")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: worked, refused, bare, hang or silent.  told: what was said, or what was found; answer: what went to stdout, and
    said: to stderr, where it worked."""

    how: str
    told: str
    answer: str = ""
    said: str = ""

    def silent(self, why: str) -> Outcome:
        """The same, found to be a silent change."""
        return Outcome("silent", why, self.answer, self.said)


class Late(BaseException):
    """A trial takes too long."""


@contextlib.contextmanager
def patience(seconds: int = PATIENCE) -> Iterator[None]:
    """Ends what takes longer; only in the main thread, and where there are alarms."""

    def late(number: int, frame: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def called(*args: str) -> Outcome:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with patience(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command(list(args))
    except Late:
        return Outcome("hang", err.getvalue())
    except BaseException as error:
        return Outcome("bare", where(error))
    if FAULT in err.getvalue() or "Traceback" in err.getvalue():
        return Outcome("bare", err.getvalue())
    return Outcome("worked", out.getvalue(), out.getvalue(), err.getvalue()) if code == 0 else Outcome("refused", err.getvalue())


def where(error: BaseException) -> str:
    """An exception and the place where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


def news(said: str, before: str) -> bool:
    """Whether something was said that was not said before: a line that differs in more than its numbers, progress aside."""
    ours, theirs = (
        {NUMBER.sub("#", line) for line in text.splitlines() if not line.startswith("step ")} for text in (said, before)
    )
    return bool(ours - theirs)


def alike(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same, their numbers nearly."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)
