"""Rows of cells by role, block by block, from files with columns, line-aligned files and JSON lines; lines at fault go elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from regard.check.bad_lines import RecordErrors
from regard.check.finding import Block, Finding, FindingPlace, Hits, short
from regard.check.form import FileForm, StatedForm, dictionary, join_caption_cells, split_csv_line
from regard.check.raw_lines import RawLines
from regard.data.examples import Place
from regard.data.plain_text import row_layout
from regard.data.records import is_comment
from regard.data.row_parser import RecordError, json_object, object_row

ROWS = 20_000  # of a block, about
Numbered = Iterable[tuple[int, str]]


@dataclass(frozen=True)
class OpenedFiles:
    """Files to read block by block.  bad: takes the lines at fault.  valid: they are validation data.  most: only so many rows, about."""

    files: Sequence[RawLines]
    form: FileForm
    given: StatedForm
    bad: RecordErrors
    valid: bool = False
    most: int | None = None


class RowStream:
    """The rows of a set of files.  After the last block, `wide` holds lines with more cells than most, `comments` their number,
    `blank` the empty lines of formats that have them between rows."""

    def __init__(self, read: OpenedFiles) -> None:
        self._opened, self.form, self._bad = tuple(read.files), read.form, read.bad
        self._valid, self._most = read.valid, read.most
        self.layout = read.form.layout()
        self.comments, self.wide, self.blank, self.rows = Hits(), Hits(), Hits(), 0
        self.paired = [0] * len(self._opened)

    def __iter__(self) -> Iterator[Block]:
        made = self._aligned() if self.form.format == "lines" else self._one_after_another()
        for block in made:
            self.rows += len(block.lines)
            if block.lines:
                yield block
            if self._most is not None and self.rows >= self._most:
                return

    def findings(self) -> list[Finding]:
        """None: `regard.check.structure` tells them, which knows the task."""
        return []

    def _one_after_another(self) -> Iterator[Block]:
        each = {"jsonl": self._keyed, "text": self._text, "json": self._unread, "arrays": self._unread}
        read = each.get(self.form.format, self._columns)
        for opened in self._opened:
            roles = [role for role, at in self.form.roles.items() if isinstance(at, int) or self.form.format == "jsonl"]
            rows = read(opened.file, numbered(opened))
            yield from blocks(rows, dict.fromkeys(roles, opened.file), size=ROWS, valid=self._valid)

    def _unread(self, file: str, lines: Numbered) -> Iterator[tuple[int, Sequence[str]]]:
        """Of formats without rows: what is wrong with its bytes is known behind the last line."""
        return ((number, []) for number, _ in lines if number < 0)

    def _text(self, file: str, lines: Numbered) -> Iterator[tuple[int, Sequence[str]]]:
        yield from ((number, [line]) for number, line in lines if line.strip())

    def _columns(self, file: str, lines: Numbered) -> Iterator[tuple[int, Sequence[str]]]:
        form, least, header = self.form, self.form.least(), self.form.header is not None
        places = [(role, column) for role, column in form.roles.items() if isinstance(column, int)]
        filled = [(role, column) for role, column in places if role != "features"]
        for at, line, row in split_rows(form, lines):
            if row is None:
                self._bad.add("quotes", file, at, line)
            elif not line.strip():
                if "features" in form.roles:  # UniMorph has blank lines between lemmas
                    self.blank.add(FindingPlace(file, at))
                else:
                    self._bad.add("empty-line", file, at, line)
            elif is_comment(row, least, self.layout, True):
                self.comments.add(FindingPlace(file, at, short(line)))
            elif header:
                header = False
            elif len(row) < least or not all(row[form.place(role, column, row)].strip() for role, column in filled):
                kind, received = self._fault(row, least)
                self._bad.add(kind, file, at, line, received)
            else:
                if len(row) > form.width and not form.last:
                    self.wide.add(FindingPlace(file, at, short(line)))
                yield at, [row[form.place(role, column, row)] for role, column in places]

    def _fault(self, row: Sequence[str], least: int) -> tuple[str, str]:
        """Its kind, and what was received."""
        if len(row) < least:
            return "too-few-columns", f"{len(row)} of {least} columns: {' | '.join(row)}"
        source = self.form.roles.get("source")
        kind = "empty-source" if isinstance(source, int) and not row[source].strip() else "empty-target"
        return kind, "an empty cell: " + " | ".join(row)

    def _keyed(self, file: str, lines: Numbered) -> Iterator[tuple[int, Sequence[str]]]:
        for at, line in lines:
            place = Place(file, at)
            try:
                rows = self.cells(json_object(line, place), place)
            except RecordError as fault:
                self._bad.add(fault.kind, file, at, line, str(fault).partition(": ")[2])
                continue
            yield from ((at, row) for row in rows)

    def cells(self, record: Mapping[str, Any], place: Place) -> list[list[str]]:
        """The cells of an object, in the order of the roles: of several targets each by itself.  RecordError as a training has it."""
        roles = self.form.roles
        lone = "target" not in roles
        layout = row_layout("jsonl", roles.get("source", "source")) if lone else self.layout
        row = object_row(record, place, layout, need_target=not lone)
        if not row.source.strip() or not all(target.strip() for target in row.targets) or not (lone or row.targets):
            side = "target" if row.source.strip() else "source"
            raise RecordError(f"{place}: expected a {side} with text in it; received an empty {side}.", f"empty-{side}")
        texts = {"source": row.source, "features": ";".join(row.features)}
        return [[target if role == "target" else texts.get(role, "") for role in roles] for target in row.targets or ("",)]

    def misaligned(self, row: Sequence[str]) -> str:
        """Why the lines of a row of line-aligned files do not go together; "" where they do."""
        return ""

    def _aligned(self) -> Iterator[Block]:
        files = [opened.file for opened in self._opened]
        roles = [next((role for role, at in self.form.roles.items() if at == i), "source") for i in range(len(files))]
        return blocks(self._side_by_side(files), dict(zip(roles, files, strict=True)), size=ROWS, valid=self._valid)

    def _side_by_side(self, files: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
        streams = [(line for _, lines in opened.pieces() for line in lines) for opened in self._opened]
        for number, row in enumerate(zip_longest(*streams), 1):
            self.paired = [n + (cell is not None) for n, cell in zip(self.paired, row, strict=True)]
            if None in row:
                continue
            empty = next((i for i, cell in enumerate(row) if not cell.strip()), None)
            if empty is not None:
                kind = "empty-source" if empty == 0 else "empty-target"
                self._bad.add(kind, files[empty], number, " ||| ".join(row), "an empty line")
                continue
            if why := self.misaligned(row):
                self._bad.add("tag-count", files[1], number, " ||| ".join(row), why)
                continue
            yield number, row


def blocks(rows: Iterable[tuple[int, Sequence[str]]], files: Mapping[str, str], *, size: int, valid: bool) -> Iterator[Block]:
    """Numbered rows, so many at a time.  files: of each role, in the order of the cells, the file in which they stand."""
    each = iter(rows)
    while part := list(islice(each, size)):
        columns = zip(*(row for _, row in part), strict=True)
        cells = {role: list(column) for role, column in zip(files, columns, strict=True)}
        yield Block([number for number, _ in part], cells, dict(files), valid)


def numbered(opened: RawLines) -> Iterator[tuple[int, str]]:
    """The lines of a file, each with its number."""
    with closing(opened.pieces()) as pieces:
        for number, lines in pieces:
            yield from enumerate(lines, number)


def split_rows(form: FileForm, lines: Numbered) -> Iterator[tuple[int, str, list[str] | None]]:
    """The rows of a table: the number of the first line of each, its text, and its cells; None where its quotes are none of CSV.

    A cell of CSV may hold line ends."""
    if form.format == "cmudict":
        yield from ((at, line, dictionary(line)) for at, line in lines)
    elif form.by_lines and form.quoted:
        for at, line in lines:
            yield at, line, join_caption_cells(split_csv_line(line, form.separator), form.width, form.separator)
    elif not form.quoted:
        yield from ((at, line, line.split(form.separator)) for at, line in lines)
    else:
        yield from _of_csv(form.separator, lines)


def _of_csv(separator: str, lines: Numbered) -> Iterator[tuple[int, str, list[str] | None]]:
    held = list[tuple[int, str]]()  # the lines of a row

    def fed() -> Iterator[str]:
        for number, line in lines:
            held.append((number, line))
            yield f"{line}\n"

    reader = csv.reader(fed(), delimiter=separator, strict=True)
    while True:
        held.clear()
        row: list[str] | None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = None
        if held:
            yield held[0][0], "\n".join(line for _, line in held), row
