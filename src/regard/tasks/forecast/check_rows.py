"""Rows of numbers as a file has them: whatever parts their cells, with a header or none; rows at fault go elsewhere."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from regard.check.bad_lines import RecordErrors
from regard.check.finding import FindingPlace, Hits, list_words, short
from regard.check.form import StatedForm, split_csv_line
from regard.check.raw_lines import RawLines
from regard.check.rows import numbered
from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.series_table import Table, advice, column_of_times, finite, kept_columns, refuse_ambiguous_columns, table_of

HEAD = 200  # rows by which a file is recognised
Floats = NDArray[np.float64]


class SeriesRows:
    """One file of rows of numbers.  Keeps 8 bytes of each cell.

    After `read`: kept: the columns that a training reads; time: that of the times, -1: there is none; refusal: why a training refuses
    the file as a whole, whatever else is wrong with it."""

    def __init__(self, opened: RawLines, bad: RecordErrors, given: StatedForm) -> None:
        self._opened, self._bad, self._given, self.file = opened, RecordErrors(), given, opened.file
        self._told = bad
        self.separator, self.names, self.time = ",", list[str](), -1
        self.kept: list[int] = []
        self.values: dict[int, array[float]] = {}
        self.texts: list[str] = []  # of times
        self.lines = array("Q")
        self.commas, self.blank, self.refusal = Hits(), Hits(), ""
        self.first = 1  # line that is a row, if it can be read
        self._words: Counter[int] = Counter()  # of each column, cells that are no numbers
        self._rows = 0

    def read(self) -> None:
        """Reads all rows."""
        table = self._begin()
        empty = list[int]()
        for number, text in numbered(self._opened):
            if table is None or number < self.first:
                continue
            if not text.strip():
                empty.append(number)
                continue
            for line in empty:
                self.blank.add(FindingPlace(self.file, line))
                self._told.add("empty-row", self.file, line, "")
            empty = []
            self._row(number, text)
        worded = next((i for i, count in self._words.items() if count == self._rows > 1), None)
        if table is not None and worded is not None:
            self.refusal = self._worded(table, worded)
        else:
            self._told.take(self._bad)

    def _begin(self) -> Table | None:
        """What the first rows say, as a training takes them."""
        head = [(number, line) for number, line in islice(numbered(RawLines(self.file)), HEAD) if line.strip()]
        while head and head[0][1].startswith("#"):
            head = head[1:]
        try:
            table = table_of(self.file, [line for _, line in head], head[0][0] if head else 1)
            self.names, self.separator = table.names, table.mark
            refuse_ambiguous_columns(table)
            clocked = column_of_times(table, self._given.time)
            self.kept = kept_columns(table, self._given.columns, clocked)
        except DataError as error:
            self.refusal = str(error)
            return None
        self.time = -1 if clocked is None else clocked
        self.first = table.line + table.header
        self.values = {i: array("d") for i in self.kept}
        return table

    def _worded(self, table: Table, column: int) -> str:
        cell = next(iter(table.cells(column)), "")
        place = f"{self.file}:{table.rows[0][0]}:{table.names[column]}"
        return message(place, "a number", f"{cell!r}, and no number in any row", advice(table, column, cell))

    def _row(self, number: int, text: str) -> None:
        cells = split_csv_line(text, self.separator)
        if len(cells) != len(self.names):
            self._bad.add("cells", self.file, number, text, f"{len(cells)} cells, not {len(self.names)}: {short(text)}")
            return
        self._rows += 1
        made, wrong = [], list[int]()
        for i in self.kept:
            value = finite(cells[i])
            if value is None and self.separator != "," and "," in cells[i]:
                value = finite(cells[i].replace(",", "."))
                if value is not None:
                    self.commas.add(FindingPlace(self.file, number, short(text)))
            if value is None:
                wrong.append(i)
            else:
                made.append(value)
        if wrong:
            self._words.update(wrong)
            cell = cells[wrong[0]].strip()
            received = repr(cell) if cell else "an empty cell"
            self._bad.add("no-number", self.file, number, text, f"{self.names[wrong[0]]}: {received}")
            return
        self.lines.append(number)
        for i, x in zip(self.kept, made, strict=True):
            self.values[i].append(x)
        if self.time >= 0:
            self.texts.append(cells[self.time].strip())

    @property
    def rows(self) -> int:
        return len(self.lines)

    def facts(self) -> str:
        """A sentence on what was recognised."""
        kept = [self.names[i] for i in self.kept]
        times = f"times in {self.names[self.time]}" if self.time >= 0 else "no column of times"
        return f"{many(len(kept), 'column')} of numbers ({list_words(kept)}); {times}." if kept else "no series."

    def column(self, i: int) -> Floats:
        """The values of a column."""
        return np.frombuffer(self.values[i], dtype=np.float64)

    def seen(self, row: int, text: str = "") -> FindingPlace:
        """The place of a row."""
        return FindingPlace(self.file, self.lines[row], text)

    def beyond(self, kind: str, rows: Sequence[int], text: str) -> None:
        """Rows that a training refuses for a number in them."""
        for row in rows:
            self._told.add(kind, self.file, self.lines[row], text)
