"""Records of a file, one by one: lines, cells of a table (TSV, CSV, a pronouncing dictionary), objects (JSON lines, Parquet); and what
a task makes of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

from regard.core.errors import DataError, message
from regard.data.column_content import find_separator
from regard.data.column_names import is_header
from regard.data.columns import Layout
from regard.data.examples import Place
from regard.data.parquet import Column, parquet_rows
from regard.data.row_parser import RecordError, json_object
from regard.data.text_files import lines, show_file

HEAD = 1000  # lines that are looked at for what parts the cells of CSV
VARIANT = re.compile(r"(.+)\(\d+\)")
T = TypeVar("T")
Made = TypeVar("Made", covariant=True)
Placed = Iterator[tuple[Place, T]]


@dataclass(frozen=True, slots=True)
class PassedLine:
    """A line that holds nothing to read: a `comment`, a `blank` line where the format has them between blocks, or a `header` over columns
    that go by their numbers, so that nothing says that it is one."""

    kind: str


NO_RECORD = (RecordError, PassedLine)


class RecordParser(Protocol[Made]):
    """What a task adds: how a record becomes its own.  It is for one file, since it remembers where a header has the columns.

    need_target: training and evaluation want what is right; to predict from, it may be missing.  width: the cells that a line has at
    least which is no comment; None before a header was read where columns go by names.
    """

    layout: Layout
    need_target: bool

    @property
    def width(self) -> int | None: ...

    @property
    def stored(self) -> Sequence[Column]:
        """The columns of Parquet that are read."""

    def read_header(self, cells: list[str], place: Place) -> None:
        """DataError where columns go by names that the header has not."""

    def of_cells(self, cells: list[str], place: Place) -> Made:
        """RecordError where they are at fault, as below."""

    def of_object(self, record: dict[str, Any], place: Place) -> Made: ...

    def of_blank(self, place: Place) -> Made | PassedLine:
        """What a blank line is, in a table or among objects to predict from."""


def read_records(
    file: str, format: str, separator: str = "\t", *, stream: Iterable[str] | None = None, blanks: bool = False, first: int = 1
) -> Placed[Any]:
    """Each record of a file with its place: a line (`lines`), a list of cells (`tsv`, `csv`, `cmudict`; a blank line has none), or an
    object (`jsonl`, `parquet`); RecordError for a line that is no record.

    separator: what parts cells; "" for CSV whose lines say it.  stream: the lines of the file where they are read already; first: the
    number of its first line.  blanks: a blank line among JSON lines is a `PassedLine`, no fault.  A cell of CSV may hold line ends: its
    place is that of its first line.
    DataError for a file that cannot be read.
    """
    if format == "parquet":
        return parquet_rows(file)
    name, each = show_file(file), lines(file) if stream is None else stream
    if format == "lines":
        return ((Place(name, number), line) for number, line in enumerate(each, first))
    if format == "jsonl":
        return _objects(each, name, blanks, first)
    if format == "csv":
        return _csv(iter(each), name, separator)
    return _dictionary(each, name, first) if format == "cmudict" else _cells(each, name, separator, first)


def parse_each(found: Placed[Any], parse: Callable[[Any, Place], T]) -> Placed[T | RecordError | PassedLine]:
    """What is made of each record, or what is wrong with it."""
    for place, record in found:
        try:
            yield place, record if isinstance(record, NO_RECORD) else parse(record, place)
        except RecordError as fault:
            yield place, fault


def parse_records(
    file: str, parser: RecordParser[T], stream: Iterable[str] | None = None, *, first: int = 1
) -> Placed[T | RecordError | PassedLine]:
    """What a task makes of the records of a table, of JSON lines or of Parquet, or what is wrong with a line, in order; a header gives
    none (`PassedLine`, where columns have numbers).  stream: as in `read_records`; first: the number of its first line, where it begins in
    the middle of the file, below the header, which the parser then knows.  DataError where columns go by names that the header
    has not.
    """
    layout = parser.layout
    if layout.format == "parquet":
        return parse_each(parquet_rows(file, parser.stored, filled=parser.need_target), parser.of_object)
    found = read_records(file, layout.format, layout.parts, stream=stream, blanks=not parser.need_target, first=first)
    if layout.format != "jsonl":
        return _parse_table(found, parser, show_file(file), begun=first > 1)
    made = parse_each(found, parser.of_object)
    return ((place, parser.of_blank(place) if isinstance(one, PassedLine) else one) for place, one in made)


def _objects(each: Iterable[str], name: str, blanks: bool, first: int) -> Placed[Any]:
    for number, line in enumerate(each, first):
        place = Place(name, number)
        try:
            yield place, json_object(line, place)
        except RecordError as fault:
            yield place, PassedLine("blank") if blanks and fault.kind == "empty-line" else fault


def _cells(each: Iterable[str], name: str, separator: str, first: int) -> Placed[list[str]]:
    for number, line in enumerate(each, first):
        yield Place(name, number), line.split(separator) if line.strip() or separator in line else []


def _dictionary(each: Iterable[str], name: str, first: int) -> Placed[list[str]]:
    for number, line in enumerate(each, first):
        told = re.split(r"\s#", line)[0].split(None, 1)
        word = VARIANT.fullmatch(told[0]) if told else None
        cells = [word[1] if word else told[0], *(" ".join(rest.split()) for rest in told[1:])] if told else []
        yield Place(name, number), cells


def _csv(stream: Iterator[str], name: str, separator: str) -> Placed[list[str] | RecordError]:
    taken = 0

    def counted(lines: Iterator[str]) -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield f"{line}\n"

    if not separator:
        head = list(islice(stream, HEAD))
        stream = chain(head, stream)
        filled = [line for line in head if line.strip() and not line.startswith("#")]
        found = find_separator(filled, certain=True) if filled else None
        separator = found[0] if found else ","
    reader = csv.reader(counted(stream), delimiter=separator, strict=True)
    while True:
        place = Place(name, taken + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            received = "a quote that is opened and not closed as it should be" if taken >= place.line else str(error)
            yield place, RecordError.at(place, "cells as CSV has them, quoted where they hold separators", received, "quotes")
            continue
        yield place, [] if cells and not "".join(cells).strip() and len(cells) == 1 else cells


def _parse_table(found: Placed[Any], parser: RecordParser[T], name: str, *, begun: bool) -> Placed[T | RecordError | PassedLine]:
    layout, marks, need_target = parser.layout, parser.layout.marks, parser.need_target
    named = parser.width is None
    for place, cells in found:
        try:
            if isinstance(cells, RecordError):
                yield place, cells
            elif not cells:
                yield place, parser.of_blank(place)
            elif cells[0].startswith(marks) and is_comment(cells, parser.width or 2, layout, need_target):
                yield place, PassedLine("comment")
            elif begun or not (named or layout.header is True or (layout.header == "auto" and is_header(cells))):
                begun = True
                yield place, parser.of_cells(cells, place)
            else:
                begun = True
                if named:
                    parser.read_header(cells, place)
                else:
                    yield place, PassedLine("header")
        except RecordError as fault:
            yield place, fault
    if parser.width is None:
        do = "Give a file whose first line names its columns."
        raise DataError(message(name, "a header and lines below it", "an empty file", do))


def is_comment(cells: Sequence[str], needed: int, layout: Layout, need_target: bool) -> bool:
    """Whether a line is a comment.  needed: the cells of a line that is none; need_target: it is one of training or evaluation."""
    if not cells[0].startswith(layout.marks):
        return False
    if layout.comment != "auto":
        return True
    return need_target and (len(cells) < needed or (layout.format == "csv" and cells[0].startswith("# ")))


def headless(place: Place) -> str:
    """What is said of a first line to predict from that is taken for a header though nothing names its columns."""
    return f"note: {place} is taken for a header, and has no answer; data.header: false in the run's config.yaml reads it as the others."
