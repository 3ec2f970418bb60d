"""Files in and out: lines of UTF-8 with their numbers, fingerprints, and writing that never leaves half a file."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from regard.data import pipe
from regard.ground.errors import DataError, did_you_mean, message

BOM = b"\xef\xbb\xbf"
MANY = 1000  # names of a folder among which one that is meant is looked for


def shown(file: str) -> str:
    """The name of a file in messages: `-` is `<stdin>`."""
    return "<stdin>" if file == "-" else file


def lines(file: str, *, damaged: Callable[[DataError], None] | None = None) -> Iterator[str]:
    """The lines of a file (`.gz`: unpacked; `-`: standard input), lazily, without their ends (LF or CRLF) and without a BOM.

    DataError: a file that is not there, cannot be read, is not gzip though named so, or holds bytes that are not UTF-8.  damaged: it is
    handed the error of such a line, which is then passed by.
    """
    with _opened(file) as stream:
        whole = 0  # lines so far that are no ASCII, and yet UTF-8
        try:
            for number, raw in enumerate(stream, start=1):
                try:
                    text = _text(raw, file, number, whole)
                except DataError as fault:
                    if damaged is None:
                        raise
                    damaged(fault)
                    continue
                whole += not text.isascii()
                yield text
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                message(f"{file}", "a whole gzip file, as its name says", str(error), "Copy or pack it again, or drop the .gz.")
            ) from error


@contextmanager
def _opened(file: str) -> Iterator[Iterable[bytes]]:
    if file == "-":
        yield pipe.standard_input()
        return
    try:
        stream = gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb")  # noqa: SIM115  the `with` is below
    except FileNotFoundError as error:
        raise missing(file) from error
    except OSError as error:
        raise DataError(message(file, "a file that can be read", error.strerror or str(error), "Name another file.")) from error
    with stream:
        yield stream if isinstance(stream, gzip.GzipFile) else pipe.read(stream)


def missing(file: str) -> DataError:
    """The error for a file that is not there: names what its folder has instead."""
    folder, name = os.path.split(file)
    folder = folder or "."
    if not os.path.isdir(folder):
        return DataError(message(file, "a file", f"no folder {folder}", "Correct the path."))
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in islice(entries, MANY + 1))
    near = did_you_mean(name, names) if len(names) <= MANY else ""  # among more, to look for it would take longer than to read it
    return DataError(message(file, "a file", f"no such name in the folder {folder!r}", f"Correct the path.{near}"))


def _text(raw: bytes, file: str, number: int, whole: int) -> str:
    start = raw
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if number == 1:
        raw = raw.removeprefix(BOM)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        skipped = len(BOM) if number == 1 and start.startswith(BOM) else 0
        raise DataError(
            message(
                f"{shown(file)}:{number}",
                "UTF-8",
                f"byte 0x{error.object[error.start]:02x} as byte {error.start + skipped + 1} of the line",
                _encoding_hint(start, number, whole),
            )
        ) from error


def _encoding_hint(raw: bytes, number: int, whole: int) -> str:
    if number == 1 and raw.startswith(b"\x1f\x8b"):
        return "It looks like gzip: let its name end in .gz."
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "It looks like UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)."
    if whole:
        return f"The lines before it are UTF-8 ({whole:,} of them with other than ASCII): correct or remove this line alone."
    return "Save the file as UTF-8, for example with iconv -f LATIN1 -t UTF-8."


def refuse_streams(files: Sequence[str]) -> None:
    """DataError for what cannot be read a second time, as training must: standard input, pipes (`<(...)`), devices, folders."""
    for file in files:
        try:
            kind = "standard input" if file == "-" else _kind(file)
        except OSError:
            continue  # whoever reads it says what is wrong
        if kind:
            expected = "a file: training reads its data again"
            raise DataError(message(shown(file), expected, kind, "Save the data as a file."))


def _kind(file: str) -> str:
    """What a name stands for, in words; "" for a file."""
    mode = os.stat(file).st_mode
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode) or os.path.abspath(file).startswith(("/dev/", "/proc/")):
        return "a pipe, or what is one only for this command" if not stat.S_ISCHR(mode) else "a device"
    return "" if stat.S_ISREG(mode) else "what is no file"


def fingerprint(files: Sequence[str]) -> dict[str, str]:
    """The sha256 of each file as it lies on the disk, read in pieces: RAM stays flat."""
    marks = {}
    for file in files:
        if file == "-":
            raise DataError(message("-", "a file, to know it again", "standard input", "Save the data as a file."))
        try:
            with open(file, "rb") as stream:
                marks[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise missing(file) from error
        except OSError as error:
            raise DataError(
                message(file, "a file that can be read", error.strerror or str(error), "Name another file.")
            ) from error
    return marks
