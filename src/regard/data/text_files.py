"""Files in and out: lines of UTF-8 with their numbers, fingerprints, and writing that never leaves half a file."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice

from regard.core.errors import DataError, did_you_mean, message
from regard.data import line_stream
from regard.data.parts import all_parts

BOM = b"\xef\xbb\xbf"
UTF_16 = "It looks like UTF-16: save it as UTF-8 (iconv -f UTF-16LE -t UTF-8)."
MANY = 1000  # names of a folder among which one that is meant is looked for


@dataclass(frozen=True, slots=True)
class LineSpan:
    """Some lines of a file that is not packed.  begin: the byte where they begin; first: the number of the first; count: how many."""

    begin: int
    first: int
    count: int


def show_file(file: str) -> str:
    """The name of a file in messages: `-` is `<stdin>`."""
    return "<stdin>" if file == "-" else file


def lines(file: str, *, damaged: Callable[[DataError], None] | None = None, span: LineSpan | None = None) -> Iterator[str]:
    """The lines of a file (`.gz`: unpacked; `-`: standard input), lazily, without their ends (LF or CRLF) and without a BOM.

    DataError: a file that is not there, cannot be read, is not gzip though named so, or holds bytes that are not UTF-8.  damaged: it is
    handed the error of such a line, which is then passed by.  span: some of its lines alone.
    """
    with _opened(file, begin=span.begin if span else 0) as stream:
        whole = 0  # lines so far that are no ASCII, and yet UTF-8
        try:
            each = _ended(stream, file) if span is None else islice(stream, span.count)
            for number, raw in enumerate(each, start=span.first if span else 1):
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
            do = "Copy or pack it again, or drop the .gz."
            raise DataError(message(file, "a whole gzip file, as its name says", str(error), do)) from error


@contextmanager
def _opened(file: str, *, begin: int = 0) -> Iterator[Iterable[bytes]]:
    if file == "-":
        yield line_stream.standard_input()
        return
    try:
        stream = gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb")  # noqa: SIM115  the `with` is below
    except OSError as error:
        raise explain_unreadable(file, error) from error
    with stream:
        if begin:
            stream.seek(begin)
        yield stream if isinstance(stream, gzip.GzipFile) else line_stream.read(stream)


def _ended(stream: Iterable[bytes], file: str) -> Iterator[bytes]:
    """The lines of a stream.  DataError where its only line has returns in it: line ends of before 2001, which are none here."""
    each = iter(stream)
    first = next(each, b"")
    if b"\r" in first.rstrip(b"\r\n") and b"\0" not in first:
        second = next(each, b"")
        if not second:
            received = f"{first.count(13):,} returns (CR) and no line feed"
            do = "Write line feeds: tr '\\r' '\\n' < FILE > NEW."
            raise DataError(message(show_file(file), "lines that end with a line feed (LF), or with CR and LF", received, do))
        each = chain([second], each)
    yield from chain([first] if first else [], each)


def explain_unreadable(file: str, error: OSError) -> DataError:
    """The error for a file that is not there, or that the system does not let be read."""
    if isinstance(error, FileNotFoundError):
        return missing(file)
    return DataError(message(file, "a file that can be read", error.strerror or str(error), "Name another file."))


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
        text = raw.decode()
    except UnicodeDecodeError as error:
        skipped = len(BOM) if number == 1 and start.startswith(BOM) else 0
        received = f"byte 0x{error.object[error.start]:02x} as byte {error.start + skipped + 1} of the line"
        hint = _encoding_hint(start, number, whole)
        raise DataError(message(f"{show_file(file)}:{number}", "UTF-8", received, hint)) from error
    if "\0" in text:
        received = f"{raw.count(0):,} NUL bytes, the first as byte {raw.index(0) + 1} of the line"
        do = UTF_16 if is_wide(raw) else "Remove it: text has none."
        raise DataError(message(f"{show_file(file)}:{number}", "text", received, do))
    return text


def is_wide(raw: bytes) -> bool:
    """Whether bytes are 0 as in UTF-16 with some Latin letters, blanks or tabs among others: many, and all at every other place."""
    return 8 * raw.count(0) > len(raw) and 0 in (raw[::2].count(0), raw[1::2].count(0))


def _encoding_hint(raw: bytes, number: int, whole: int) -> str:
    if number == 1 and raw.startswith(b"\x1f\x8b"):
        return "It looks like gzip: let its name end in .gz."
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "It looks like UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)."
    if is_wide(raw):
        return UTF_16
    if whole:
        return f"The lines before it are UTF-8 ({whole:,} of them with other than ASCII): correct or remove this line alone."
    return "Save the file as UTF-8, for example with iconv -f LATIN1 -t UTF-8."


def refuse_streams(files: Sequence[str], reader: str = "training") -> None:
    """DataError for what cannot be read a second time, as a reader must: standard input, pipes (`<(...)`), devices; and for names that
    stand for no parts (`parts.find_parts`)."""
    for file in all_parts(files):
        try:
            kind = "standard input" if file == "-" else _kind(file)
        except OSError:
            continue  # whoever reads it says what is wrong
        if kind:
            expected = f"a file: {reader} reads its data again"
            raise DataError(message(file, expected, kind, "Save the data as a file, and name that."))


def _kind(file: str) -> str:
    """What a name stands for, in words; "" for a file."""
    mode = os.stat(file).st_mode
    if stat.S_ISFIFO(mode) or os.path.abspath(file).startswith(("/dev/", "/proc/")):
        return "a pipe, or what is one only for this command" if not stat.S_ISCHR(mode) else "a device"
    return "" if stat.S_ISREG(mode) else "what is no file"


def fingerprint(files: Sequence[str]) -> dict[str, str]:
    """The sha256 of each file, and of each part, as it lies on the disk, read in pieces: RAM stays flat."""
    marks = {}
    for file in all_parts(files):
        if file == "-":
            raise DataError(message("-", "a file, to know it again", "standard input", "Save the data as a file."))
        try:
            with open(file, "rb") as stream:
                marks[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise explain_unreadable(file, error) from error
    return marks
