"""Rows of cells by role, block by block, from files with columns, line-aligned files and JSON lines; lines at fault go elsewhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import zip_longest
from typing import Any

from regard.check.bad import BadLines
from regard.check.finding import Block, Finding, Hits, Seen, short
from regard.check.form import Form, dictionary, joined
from regard.check.opened import Opened

ROWS = 20_000  # of a block, about


class Rows:
    """The rows of a set of files.  After the last block, `wide` holds lines with more cells than most, `comments` their number,
    `blank` the empty lines of formats that have them between rows."""

    def __init__(
        self, opened: Sequence[Opened], form: Form, bad: BadLines, *, valid: bool = False, most: int | None = None
    ) -> None:
        self._opened, self._form, self._bad, self._valid, self._most = tuple(opened), form, bad, valid, most
        self.comments, self.wide, self.blank, self.rows = Hits(), Hits(), Hits(), 0
        self.paired = [0] * len(self._opened)

    def __iter__(self) -> Iterator[Block]:
        made = self._aligned() if self._form.format == "lines" else self._one_after_another()
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
        for opened in self._opened:
            first = True
            for number, lines in _cut(opened):
                if self._form.format == "jsonl":
                    yield self._keyed(opened.file, number, lines)
                elif self._form.format == "text":
                    yield self._text(opened.file, number, lines)
                else:
                    yield self._columns(opened.file, number, lines, header=first and self._form.header is not None)
                first = False

    def _text(self, file: str, number: int, lines: list[str]) -> Block:
        kept = [i for i, line in enumerate(lines) if line.strip()]
        cells = {"source": [lines[i] for i in kept]}
        return Block([number + i for i in kept], cells, {"source": file}, self._valid)

    def _columns(self, file: str, number: int, lines: list[str], *, header: bool) -> Block:
        form, roles = self._form, self._form.roles
        places = [(role, column) for role, column in roles.items() if isinstance(column, int)]
        least = form.least()
        numbers, rows = [], []
        for at, line, row in self._split(number, lines):
            if header:
                header = False
                continue
            if form.comment and line.startswith(form.comment) and (len(row) < least or form.format == "cmudict"):
                self.comments.add(Seen(file, at, short(line)))
                continue
            if form.blanks and not line.strip():
                self.blank.add(Seen(file, at))
                continue
            if len(row) < least or not all(
                row[form.place(role, column, row)].strip() for role, column in places if role != "features"
            ):
                self._bad.add(self._fault(line, row, least), file, at, line, _received(row, least))
                continue
            if len(row) > form.width and not form.last:
                self.wide.add(Seen(file, at, short(line)))
            numbers.append(at)
            rows.append(row)
        cells = {role: [row[form.place(role, column, row)] for row in rows] for role, column in places}
        return Block(numbers, cells, dict.fromkeys(roles, file), self._valid)

    def _split(self, number: int, lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
        if self._form.format == "cmudict":
            yield from ((at, line, dictionary(line)) for at, line in enumerate(lines, number))
            return
        if not self._form.quoted:
            sign = self._form.separator
            for at, line in enumerate(lines, number):
                yield at, line, line.split(sign)
            return
        reader = csv.reader((line + "\n" for line in lines), delimiter=self._form.separator)
        at = 0
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = []
            whole = joined(row, self._form.width, self._form.separator) if self._form.task == "caption" else row
            yield number + at, lines[at], whole
            at = reader.line_num

    def _fault(self, line: str, row: Sequence[str], least: int) -> str:
        if not line.strip():
            return "empty-line"
        if len(row) < least:
            return "too-few-columns"
        source = self._form.roles.get("source")
        return "empty-source" if isinstance(source, int) and not row[source].strip() else "empty-target"

    def _keyed(self, file: str, number: int, lines: list[str]) -> Block:
        roles = self._form.roles
        numbers: list[int] = []
        cells: dict[str, list[str]] = {role: [] for role in roles}
        for at, line in enumerate(lines, number):
            record, fault, why = _record(line)
            row: list[tuple[str, ...]] = []
            if not fault:
                row, fault, why = _texts(record, roles)
            if fault:
                self._bad.add(fault, file, at, line, why)
                continue
            several = next((i for i, role in enumerate(roles) if role == "target"), None)
            for target in row[several] if several is not None else ("",):
                numbers.append(at)
                for i, role in enumerate(roles):
                    cells[role].append(target if i == several else ";".join(row[i]) if role == "features" else row[i][0])
        return Block(numbers, cells, dict.fromkeys(roles, file), self._valid)

    def _aligned(self) -> Iterator[Block]:
        files = [opened.file for opened in self._opened]
        streams = [(line for _, lines in opened.pieces() for line in lines) for opened in self._opened]
        roles = [next((role for role, at in self._form.roles.items() if at == i), "source") for i in range(len(files))]
        names = dict(zip(roles, files, strict=True))
        numbers: list[int] = []
        cells: dict[str, list[str]] = {role: [] for role in roles}
        for number, row in enumerate(zip_longest(*streams), 1):
            self.paired = [n + (cell is not None) for n, cell in zip(self.paired, row, strict=True)]
            if None in row:
                continue
            empty = next((i for i, cell in enumerate(row) if not cell.strip()), None)
            if empty is not None:
                kind = "empty-source" if empty == 0 else "empty-target"
                self._bad.add(kind, files[empty], number, " ||| ".join(row), "an empty line")
                continue
            if roles[:2] == ["tokens", "tags"] and len(row[0].split()) != len(row[1].split()):
                why = f"{len(row[0].split())} tokens, {len(row[1].split())} tags"
                self._bad.add("tag-count", files[1], number, " ||| ".join(row), why)
                continue
            numbers.append(number)
            for role, cell in zip(roles, row, strict=True):
                cells[role].append(cell)
            if len(numbers) >= ROWS:
                yield Block(numbers, cells, names, self._valid)
                numbers, cells = [], {role: [] for role in roles}
        yield Block(numbers, cells, names, self._valid)


def _cut(opened: Opened) -> Iterator[tuple[int, list[str]]]:
    """Pieces of at most so many lines."""
    with closing(opened.pieces()) as pieces:
        for number, lines in pieces:
            for start in range(0, len(lines), ROWS):
                yield number + start, lines[start : start + ROWS]


def _received(row: Sequence[str], least: int) -> str:
    if len(row) >= least:
        return "an empty cell: " + " | ".join(row)
    return f"{len(row)} of {least} columns: {' | '.join(row)}"


def _record(line: str) -> tuple[Any, str, str]:
    if not line.strip():
        return None, "empty-line", ""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, "no-json", str(error)
    return (record, "", "") if isinstance(record, dict) else (None, "no-json", "no object")


def _texts(record: dict[str, Any], roles: Any) -> tuple[list[tuple[str, ...]], str, str]:
    """The texts of each role; or a fault and what was received."""
    row: list[tuple[str, ...]] = []
    for role, key in roles.items():
        value = record.get(key)
        if value is None:
            if role == "features":
                row.append(())
                continue
            return [], "missing-key", f"no key {key!r} among {', '.join(map(repr, record))}"
        given = tuple(value) if isinstance(value, list) else (value,)
        if role == "target" and all(isinstance(text, int | float) and not isinstance(text, bool) for text in given):
            given = tuple(map(str, given))
        if not all(isinstance(text, str) for text in given) or not given:
            return [], "no-string", f"key {key!r}: {short(json.dumps(value, ensure_ascii=False))}"
        if role != "features" and not all(text.strip() for text in given):
            return [], "empty-source" if role == "source" else "empty-target", f"key {key!r} is empty"
        row.append(given)
    return row, "", ""
