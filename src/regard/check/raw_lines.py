"""A file as it lies on the disk: its lines with their numbers, whatever its encoding, and what is wrong with its bytes."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, cast

from regard.check.bad_lines import RecordErrors
from regard.check.finding import FIX, Finding, FindingPlace, Hits, short
from regard.core.plural import many
from regard.data.file_format import is_parquet
from regard.data.parquet import parquet_rows
from regard.data.text_files import explain_unreadable, is_wide

PIECE = 1 << 22  # bytes that are read at a time
AT_ONCE = 5000  # rows of a Parquet file
MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
HIGH = re.compile(rb"[\x80-\xff]+")
NAMES = {"cp1252": "Latin-1 (Windows-1252)", "gb18030": "GB 18030", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


@dataclass
class RawLines:
    """A file that is read piece by piece.  After the last piece: how many lines it had, and what was wrong with its bytes.

    encoding: utf-8, or what the bytes that are no UTF-8 look like, by which those lines are read.  faults: where lines whose bytes are
    wrong are told."""

    file: str
    faults: RecordErrors | None = None
    encoding: str = "utf-8"
    lines: int = 0
    returns: int = 0  # lines that end in CR LF
    old: bool = False  # whether lines end in CR alone
    bad: Hits = field(default_factory=Hits)
    nul: Hits = field(default_factory=Hits)
    torn: str = ""  # why a packed file broke off

    def pieces(self) -> Generator[tuple[int, list[str]], None, None]:
        """The number of a first line, and it and some that follow, without their ends (LF or CR LF; CR where there is no LF) and without
        a mark of the encoding.  The rows of a Parquet file are lines of JSON.

        DataError where the file is not there or cannot be read."""
        if is_parquet(self.file):
            for number, made in _of_parquet(self.file):
                yield number, made
                self.lines = number - 1 + len(made)
            return
        rest, number = b"", 1
        with closing(self._bytes()) as pieces:
            for piece in pieces:
                whole = rest + piece
                cut = whole.rfind(b"\n") + 1
                rest = whole[cut:]
                if cut:
                    text = self._text(whole[:cut], number)
                    made = text.split("\n")[:-1]
                    made = self._ended(made) if "\r" in text else made
                    yield number, made
                    number += len(made)
        if rest:
            made = self._ended([self._text(rest, number)])
            yield number, made
            number += 1
        self.lines = number - 1

    @property
    def broken(self) -> bool:
        """Whether a training refuses its bytes."""
        return bool(self.bad.count or self.nul.count or self.torn or self.old or self.encoding != "utf-8")

    def _bytes(self) -> Generator[bytes, None, None]:
        try:
            stream = cast(IO[bytes], gzip.open(self.file) if self.file.endswith(".gz") else open(self.file, "rb"))  # noqa: SIM115
        except OSError as error:
            raise explain_unreadable(self.file, error) from error
        with stream:
            try:
                first = stream.read(PIECE)
                for mark, name in MARKS:
                    if first.startswith(mark):
                        yield from self._wide(first[2:], stream, name)
                        return
                if is_wide(start := first.partition(b"\n")[0]):  # UTF-16 without a mark
                    yield from self._wide(first, stream, "utf-16-le" if start[1::2].count(0) else "utf-16-be")
                    return
                self.old = b"\r" in first.rstrip(b"\r\n") and b"\n" not in first.rstrip(b"\r\n")
                piece = first.removeprefix(codecs.BOM_UTF8)
                while piece:
                    yield piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if self.old else piece
                    piece = stream.read(PIECE)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                self.torn = str(error)
            except OSError as error:
                raise explain_unreadable(self.file, error) from error

    def _wide(self, first: bytes, stream: IO[bytes], name: str) -> Generator[bytes, None, None]:
        """UTF-16, as the UTF-8 that it should have been."""
        self.encoding = name
        decoder = codecs.getincrementaldecoder(name)(errors="replace")
        piece = first
        while piece:
            yield decoder.decode(piece).encode("utf-8", errors="replace")
            piece = stream.read(PIECE)
        yield decoder.decode(b"", final=True).encode("utf-8", errors="replace")

    def _text(self, raw: bytes, number: int) -> str:
        if b"\0" in raw:
            for at, line in enumerate(raw.split(b"\n"), number):
                if b"\0" in line:
                    self._told("nul", self.nul, at, line.decode(errors="replace"))
            raw = raw.replace(b"\0", b"")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "\n".join(self._line(line, number + i) for i, line in enumerate(raw.split(b"\n")))

    def _line(self, raw: bytes, number: int) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            if self.encoding == "utf-8":
                self.encoding = _guessed(raw)
            text = raw.decode(self.encoding if self.encoding != "utf-8" else "cp1252", errors="replace")
            self._told("encoding", self.bad, number, text)
            return text

    def _told(self, kind: str, hits: Hits, number: int, text: str) -> None:
        hits.add(FindingPlace(self.file, number, short(text)))
        if self.faults is not None:
            self.faults.add(kind, self.file, number, text)

    def _ended(self, made: list[str]) -> list[str]:
        self.returns += sum(line.endswith("\r") for line in made)
        return [line[:-1] if line.endswith("\r") else line for line in made]

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the bytes."""
        name = NAMES.get(self.encoding, self.encoding)
        if self.encoding.startswith("utf-16"):
            do = f"Save it as UTF-8: iconv -f UTF-16 -t UTF-8, or {FIX}."
            yield Finding("encoding", "error", f"{self.file} is UTF-16, not UTF-8.", self.lines, (), do, True)
        else:
            what = f"{many(self.bad.count, 'line is', 'lines are')} not UTF-8; the bytes look like {name}."
            source = {"cp1252": "CP1252", "gb18030": "GB18030"}.get(self.encoding, "LATIN1")
            do = f"Save the file as UTF-8: iconv -f {source} -t UTF-8, or {FIX}."
            yield from self.bad.report("encoding", "error", what, do, True)
        what = f"{many(self.nul.count, 'line has', 'lines have')} NUL bytes in {self.file}, which no text has."
        yield from self.nul.report("nul", "error", what, f"Remove them, or {FIX}.", True)
        if self.old:
            what = f"{self.file}: lines end in a return (CR) alone, as files did before 2001."
            do = f"Write line feeds: tr '\\r' '\\n' < FILE > NEW, or {FIX}."
            yield Finding("line-ends", "error", what, self.lines, (), do, True)
        if self.torn:
            what = f"{self.file} breaks off: {self.torn}."
            yield Finding("torn", "error", what, 1, (FindingPlace(self.file, self.lines),), "Copy or pack it again.")
        if 0 < self.returns < self.lines:
            what = f"{many(self.returns, 'line ends', 'lines end')} in CR LF, the others in LF."
            do = f"Both are read; {FIX}: LF everywhere."
            yield Finding("line-ends", "note", what, self.returns, (), do, True)


def _of_parquet(file: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a Parquet file as JSON; what it has no word for stands as an object, which is no text either."""
    made, number = list[str](), 1
    for _, record in parquet_rows(file):
        made.append(json.dumps(record, ensure_ascii=False, default=lambda value: {type(value).__name__: str(value)}))
        if len(made) == AT_ONCE:
            yield number, made
            number, made = number + len(made), []
    if made:
        yield number, made


def _guessed(raw: bytes) -> str:
    """What bytes that are no UTF-8 look like: single ones among letters are Latin-1, runs of even length may be Chinese."""
    runs = [len(run) for run in HIGH.findall(raw)]
    if runs and max(runs) >= 4 and all(n % 2 == 0 for n in runs):
        try:
            raw.decode("gb18030")
            return "gb18030"
        except UnicodeDecodeError:
            pass
    return "cp1252"
