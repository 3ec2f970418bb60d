"""Which parts of a prediction lie in its folder: noted as each is done, and in `manifest.json` once all are.

OUT/part-00000.txt ...     the answers
OUT/.progress.jsonl        while parts are missing: what is predicted, then a line for each part that is done; locked (flock) by the
                           process that adds to it
OUT/manifest.json          once all are there: the same, with a checksum for each
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from regard.core.atomic_files import clean, explain_error, write_text
from regard.core.bounded_json import parse
from regard.core.errors import RegardError, UsageError, message
from regard.corpus.answering import DonePart
from regard.corpus.input_parts import CorpusPart

try:
    import fcntl
except ImportError:  # Windows: nobody is told that another process is at work
    fcntl = None  # type: ignore[assignment]

PROGRESS, MANIFEST = ".progress.jsonl", "manifest.json"
VERSION = 1  # of these files


class Ledger:
    """The parts of one folder.  told: what is predicted, by which model and how; parts of something else are not gone on with."""

    def __init__(self, folder: Path, told: Mapping[str, Any], stream: IO[bytes]) -> None:
        self.folder, self.told, self._stream = folder, {"version": VERSION, **told}, stream
        self.done = dict[int, DonePart]()
        self._finished = (folder / MANIFEST).is_file()
        self._read()

    def has(self, part: CorpusPart) -> bool:
        """Whether a part lies there, made of these rows, as it was written."""
        done = self.done.get(part.number)
        if (
            done
            and (done.first, done.file, done.rows_blake2b) == (part.first, part.file, part.digest())
            and done.is_whole(self.folder)
        ):
            return True
        self._reopen()
        return False

    def add(self, done: DonePart) -> None:
        """Notes a part that was written."""
        self._append(asdict(done))
        self.done[done.number] = done

    def finish(self, count: int) -> None:
        """All `count` parts are there: writes the manifest.  Parts beyond them, of what was longer once, go."""
        for number in [number for number in self.done if number >= count]:
            self._reopen()
            (self.folder / self.done.pop(number).name).unlink(missing_ok=True)
        clean(self.folder)  # what workers that were killed left
        if not self._finished:
            parts = [asdict(self.done[number]) for number in sorted(self.done)]
            rows = sum(done.rows for done in self.done.values())
            write_text(self.folder / MANIFEST, json.dumps({**self.told, "rows": rows, "parts": parts}, indent=1) + "\n")
        (self.folder / PROGRESS).unlink(missing_ok=True)

    def notes(self) -> tuple[int, Counter[str]]:
        """In how many rows there was what training never saw; and what `Predictor.notes` is told."""
        heard = Counter[str]()
        for done in self.done.values():
            heard.update(done.heard)
        return sum(done.unseen for done in self.done.values()), heard

    def _reopen(self) -> None:
        """No manifest says any more that all is there."""
        if self._finished:
            self._append(self.told, *map(asdict, self.done.values()))
            (self.folder / MANIFEST).unlink(missing_ok=True)
            self._finished = False

    def _read(self) -> None:
        self._stream.seek(0)
        first, *lines = self._stream.read().split(b"\n")
        if self._finished:
            told = _parsed((self.folder / MANIFEST).read_bytes())
            lines, told = [json.dumps(part).encode() for part in told.pop("parts", [])], told
            told.pop("rows", None)
        else:
            told = _parsed(first)
        if told and told != self.told:
            raise _another(self.folder, told, self.told)
        for line in lines:  # the last may be cut off
            with suppress(TypeError, ValueError):
                done = DonePart(**_parsed(line))
                self.done[done.number] = done
        if not self._finished:  # without the line that was cut off
            with explain_error(self.folder / PROGRESS):
                self._stream.truncate(0)
            self._append(self.told, *map(asdict, self.done.values()))

    def _append(self, *lines: Mapping[str, Any]) -> None:
        with explain_error(self.folder / PROGRESS):
            self._stream.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())
            self._stream.flush()
            os.fsync(self._stream.fileno())


@contextmanager
def open_ledger(folder: Path, told: Mapping[str, Any]) -> Iterator[Ledger]:
    """The folder, made where it is not there, for this prediction alone.

    UsageError where something else lies there, another prediction too, or where another process is at work; RegardError where it cannot be
    written.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    if (names and not names & {PROGRESS, MANIFEST}) or (folder.exists() and not folder.is_dir()):
        do = "Choose another --out."
        raise UsageError(message(str(folder), "a new or empty folder, or one to go on with", "something that exists", do))
    with explain_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder) as stream:
        clean(folder)
        done = dict[int, DonePart]()
        try:
            ledger = Ledger(folder, told, stream)
            done = ledger.done
            yield ledger
        except BaseException:
            with suppress(OSError):
                if not names and not done:  # nothing to go on with
                    clean(folder)
                    (folder / PROGRESS).unlink(missing_ok=True)
                    folder.rmdir()
                elif (folder / MANIFEST).is_file():
                    (folder / PROGRESS).unlink(missing_ok=True)
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[IO[bytes]]:
    """The file of progress, in the hands of this process alone.  Whoever held it takes its name away at the end."""
    while True:
        with explain_error(folder):
            stream = (folder / PROGRESS).open("ab+")
        with stream:
            try:
                if fcntl:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                do = "Wait for it, stop it, or choose another --out."
                expected = "a folder in which nobody else predicts"
                raise UsageError(message(str(folder), expected, "one in which another process does", do)) from None
            except OSError:  # a file system without locks
                pass
            if os.fstat(stream.fileno()).st_nlink:
                yield stream
                return


def _parsed(line: bytes) -> dict[str, Any]:
    """A line as an object; {} for one that was not written to its end."""
    try:
        found = parse(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _another(folder: Path, there: Mapping[str, Any], now: Mapping[str, Any]) -> RegardError:
    """What the parts that lie there were made of and these would not be."""
    was, wanted = _flat(there), _flat(now)
    name = next(name for name in sorted(was.keys() | wanted.keys()) if was.get(name) != wanted.get(name))
    expected, received = (str(each.get(name))[:40] for each in (was, wanted))
    do = "Choose another --out, or predict as before."
    return UsageError(message(f"{folder}: {name}", f"{expected}, as its parts were made", received, do))


def _flat(told: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found = dict[str, Any]()
    for name, value in told.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return found
