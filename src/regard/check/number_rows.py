"""Rows of numbers as a file has them: whatever parts their cells, with a header or none; rows at fault go elsewhere."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regard.check.bad import BadLines
from regard.check.finding import Hits, Seen, listed, short
from regard.check.form import Given, separated
from regard.check.opened import Opened
from regard.data.dates import readable
from regard.ground.counted import many

TIMES = ("time", "date", "datetime", "date time", "date_time", "timestamp", "t", "ds")
Floats = NDArray[np.float64]


class Series:
    """One file of rows of numbers.  Keeps 8 bytes of each cell."""

    def __init__(self, opened: Opened, bad: BadLines, given: Given) -> None:
        self._opened, self._bad, self._given, self.file = opened, bad, given, opened.file
        self.separator, self.names, self.header, self.time = ",", list[str](), False, -1
        self.values: list[array[float]] = []
        self.texts: list[str] = []  # of times
        self.lines = array("Q")
        self.commas, self.blank = Hits(), Hits()

    def read(self) -> None:
        """Reads all rows."""
        begun = False
        for number, text in ((n + i, line) for n, lines in self._opened.pieces() for i, line in enumerate(lines)):
            if not text.strip() or (not begun and text.startswith("#")):
                if begun:
                    self.blank.add(Seen(self.file, number))
                continue
            if not begun:
                begun = True
                if self._begin(text):
                    continue
            self._row(number, text)

    def _begin(self, first: str) -> bool:
        """The separator, the names and the column of times; whether the first row is a header."""
        some = [line for line in _head(self.file) if line.strip() and not line.startswith("#")] or [first]
        best = 0.0
        for sign in "\t;,|":
            widths = Counter(len(separated(line, sign)) for line in some)
            width, times = widths.most_common(1)[0]
            if width > 1 and times / len(some) > best:
                best, self.separator = times / len(some), sign
        cells = [cell.strip() for cell in separated(first, self.separator)]
        self.header = not any(map(readable, cells)) and any(cell and _number(cell) is None for cell in cells)
        self.names = cells if self.header else [str(i + 1) for i in range(len(cells))]
        row = separated(some[self.header], self.separator) if len(some) > self.header else []
        self.time = self._column_of_times(row)
        self.values = [array("d") for name in self.names]
        return self.header

    def _column_of_times(self, row: Sequence[str]) -> int:
        said = self._given.time
        if said == "none":
            return -1
        if isinstance(said, int):
            return said - 1
        if said != "auto" and said in self.names:
            return self.names.index(said)
        if self.header and self.names[0].lower() in TIMES:
            return 0
        return next((i for i, cell in enumerate(row) if readable(cell.strip())), -1)

    def _row(self, number: int, text: str) -> None:
        cells = separated(text, self.separator)
        if len(cells) != len(self.names):
            self._bad.add("cells", self.file, number, text, f"{len(cells)} cells, not {len(self.names)}: {short(text)}")
            return
        made = []
        for i, cell in enumerate(cells):
            if i == self.time:
                made.append(0.0)
                continue
            value = _number(cell)
            if value is None and self.separator != "," and "," in cell and (value := _number(cell.replace(",", "."))) is not None:
                self.commas.add(Seen(self.file, number, short(text)))
            if value is None:
                received = repr(cell.strip()) if cell.strip() else "an empty cell"
                self._bad.add("no-number", self.file, number, text, f"{self.names[i]}: {received}")
                return
            made.append(value)
        self.lines.append(number)
        for column, x in zip(self.values, made, strict=True):
            column.append(x)
        if self.time >= 0:
            self.texts.append(cells[self.time].strip())

    @property
    def rows(self) -> int:
        return len(self.lines)

    def facts(self) -> str:
        """A sentence on what was recognised."""
        kept = [name for i, name in enumerate(self.names) if i != self.time]
        times = f"times in {self.names[self.time]}" if self.time >= 0 else "no column of times"
        return f"{many(len(kept), 'column')} of numbers ({listed(kept)}); {times}."

    def column(self, i: int) -> Floats:
        """The values of a column."""
        return np.frombuffer(self.values[i], dtype=np.float64)

    def seen(self, row: int, text: str = "") -> Seen:
        """The place of a row."""
        return Seen(self.file, self.lines[row], text)


def _head(file: str) -> list[str]:
    stream = Opened(file).pieces()
    try:
        return next(stream, (1, []))[1][:200]
    finally:
        stream.close()


def _number(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in cell else None
