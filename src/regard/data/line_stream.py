"""Lines that somebody is still writing: read so that it is known whether the next one is there, for he may be waiting for an answer."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from io import BufferedReader
from itertools import islice
from typing import IO, TypeVar

T = TypeVar("T")
PIECE = 1 << 16  # bytes that are asked for at a time: what a pipe of Linux holds


class Piped(Iterator[bytes]):
    """The lines of a pipe, a terminal or a socket, each with its end as it stands there."""

    def __init__(self, stream: BufferedReader) -> None:
        self.stream = stream
        self._lines, self._begun, self._ended = deque[bytes](), list[bytes](), False

    def __next__(self) -> bytes:
        while not self._lines and not self._ended:
            self._read()
        if not self._lines:
            raise StopIteration
        return self._lines.popleft()

    def at_hand(self) -> bool:
        """Whether the next line, or the end, can be had without waiting.  Where the system cannot say, as on Windows, it is said of all
        but a terminal."""
        try:
            while not self._lines and not self._ended:
                if not select.select([self.stream], [], [], 0)[0]:
                    return False
                self._read()
        except (OSError, ValueError):
            return not self.stream.isatty()
        return True

    def _read(self) -> None:
        piece = self.stream.read1(PIECE)
        whole, end, rest = piece.rpartition(b"\n")
        if end:
            first, *others = whole.split(b"\n")
            self._lines += [b"".join(self._begun) + first + end, *(line + end for line in others)]
            self._begun = []
        if rest:
            self._begun.append(rest)
        if not piece:
            self._ended = True
            self._lines += [b"".join(self._begun)] if self._begun else []


_open: list[Piped] = []  # those that are being read
_standard: list[Piped] = []  # standard input, where it is one: what was read of it and not yet asked for is not lost


def standard_input() -> Iterator[bytes]:
    """The lines of standard input."""
    stream = sys.stdin.buffer
    if not isinstance(stream, BufferedReader) or not _flows(stream):
        yield from stream
        return
    if not _standard or _standard[0].stream is not stream:
        _standard[:] = [Piped(stream)]
    yield from _followed(_standard[0])


def read(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file that was opened, whatever it is."""
    return _followed(Piped(stream)) if isinstance(stream, BufferedReader) and _flows(stream) else iter(stream)


def take_chunk(items: Iterator[T], most: int) -> list[T]:
    """The next items, at most so many; of a pipe those that are there, and one at least: whoever asks line by line is answered at once."""
    found = []
    for item in islice(items, most):
        found.append(item)
        if not all(piped.at_hand() for piped in _open):
            break
    return found


def in_chunks(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """All items, in order, as many at a time as `take_chunk` gives."""
    each = iter(items)
    while chunk := take_chunk(each, most):
        yield chunk


def _followed(piped: Piped) -> Iterator[bytes]:
    _open.append(piped)
    try:
        yield from piped
    finally:
        _open.remove(piped)


def _flows(stream: IO[bytes]) -> bool:
    """Whether a stream is none that lies on the disk whole."""
    try:
        return not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # it has no number: something in memory
        return False
