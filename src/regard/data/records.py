"""The lines of a table, one by one: TSV, CSV, a pronouncing dictionary, JSON lines, Parquet; what is a comment and what a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from regard.core.errors import DataError, message
from regard.data.column_content import delimited
from regard.data.column_names import is_header
from regard.data.columns import Layout
from regard.data.examples import Place
from regard.data.parquet import parquet_rows
from regard.data.row_parser import CORRECT, RecordError, Row, headed, input_row, json_object, numbered, object_row, pair_row
from regard.data.text_files import lines, shown

HEAD = 1000  # lines that are looked at for what parts the cells of CSV
VARIANT = re.compile(r"(.+)\(\d+\)")


@dataclass(frozen=True, slots=True)
class PassedLine:
    """A line that holds nothing to read: a `comment`, a `blank` line where the format has them between blocks, or a `header` over columns
    that go by their numbers, so that nothing says that it is one."""

    kind: str
    place: Place | None = None


Found = Row | RecordError | PassedLine


def file_rows(file: str, layout: Layout, *, need_target: bool) -> Iterator[tuple[Place, Found]]:
    """The rows of a file with columns, or what is wrong with a line, in order; a header gives none (`PassedLine`, where columns have
    numbers).

    need_target: training and evaluation want a target; to predict from, it may be missing, and only comments that the layout names
    are passed by.  DataError where columns go by names that the header has not.
    """
    if layout.format == "parquet":
        parse: Callable[[Any, Place], Row] = partial(object_row, layout=layout, need_target=need_target)
        return ((place, _parsed(parse, record, place)) for place, record in parquet_rows(file))
    return stream_rows(lines(file), shown(file), layout, need_target=need_target)


def stream_rows(stream: Iterator[str], name: str, layout: Layout, *, need_target: bool) -> Iterator[tuple[Place, Found]]:
    """`file_rows` of lines that are read already."""
    if layout.format == "lines":
        yield from ((Place(name, number), Row(line, (), ())) for number, line in enumerate(stream, 1))
        return
    if layout.format == "jsonl":
        told = partial(object_row, layout=layout, need_target=need_target)
        for number, line in enumerate(stream, 1):
            place = Place(name, number)
            blank = not need_target and not line.strip()
            yield place, Row("", (), ()) if blank else _parsed(lambda text, at: told(json_object(text, at), at), line, place)
        return
    yield from _table(stream, name, layout, need_target)


def cells_of(stream: Iterator[str], layout: Layout) -> Iterator[tuple[int, list[str] | str]]:
    """Each line's number and its cells; of one that cannot be cut, why.  An empty line has no cells.  A cell of CSV may hold line ends:
    its number is that of its first line."""
    if layout.format == "cmudict":
        for number, line in enumerate(stream, 1):
            told = re.split(r"\s#", line)[0].split(None, 1)
            word = VARIANT.fullmatch(told[0]) if told else None
            yield number, [word[1] if word else told[0], *(" ".join(rest.split()) for rest in told[1:])] if told else []
    elif layout.format == "csv":
        yield from _csv(stream, layout.parts)
    else:
        parts = layout.parts
        for number, line in enumerate(stream, 1):
            yield number, line.split(parts) if line.strip() or parts in line else []


def _csv(stream: Iterator[str], parts: str) -> Iterator[tuple[int, list[str] | str]]:
    taken = 0

    def counted(lines: Iterator[str]) -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield f"{line}\n"

    if not parts:
        head = list(islice(stream, HEAD))
        stream = chain(head, stream)
        found = delimited([line for line in head if line.strip() and not line.startswith("#")], certain=True)
        parts = found[0] if found else ","
    reader = csv.reader(counted(stream), delimiter=parts, strict=True)
    while True:
        start = taken + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, "a quote that is opened and not closed as it should be" if taken >= start else str(error)
            continue
        yield start, [] if cells and not "".join(cells).strip() and len(cells) == 1 else cells


def _table(stream: Iterator[str], name: str, layout: Layout, need_target: bool) -> Iterator[tuple[Place, Found]]:
    columns = None if layout.named else numbered(layout)
    needed, begun = 2 if columns is None else columns.width, False
    for number, cells in cells_of(stream, layout):
        place = Place(name, number)
        if isinstance(cells, str):
            yield (
                place,
                RecordError(
                    message(str(place), "cells as CSV has them, quoted where they hold separators", cells, CORRECT), "quotes"
                ),
            )
        elif not cells:
            yield place, _blank(place, layout) if need_target else Row("", (), ())
        elif is_comment(cells, needed, layout, need_target):
            yield place, PassedLine("comment")
        elif not begun and (columns is None or is_head(cells, layout)):
            begun = True
            if columns is not None:
                yield place, PassedLine("header", place)
            columns = columns or headed(layout, cells, place, need_target=need_target)
            needed = columns.width
        else:
            assert columns is not None  # a header was read, or none is there
            begun = True
            yield place, _parsed(partial(pair_row if need_target else input_row, columns=columns, layout=layout), cells, place)
    if columns is None:
        do = "Give a file whose first line names its columns."
        raise DataError(message(name, "a header and lines below it", "an empty file", do))


def _blank(place: Place, layout: Layout) -> Found:
    """UniMorph has blank lines between lemmas; elsewhere something is missing."""
    if layout.features is not None:
        return PassedLine("blank")
    return RecordError(message(str(place), "a source and a target", "an empty line", CORRECT), "empty-line")


def is_head(cells: Sequence[str], layout: Layout) -> bool:
    """Whether the first line is a header though columns go by numbers."""
    return layout.header is True or (layout.header == "auto" and is_header(cells))


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


def _parsed(parse: Callable[[Any, Place], Row], given: Any, place: Place) -> Row | RecordError:
    try:
        return parse(given, place)
    except RecordError as fault:
        return fault
