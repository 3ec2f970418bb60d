"""Series of numbers: cells that are none, columns that do not change, times with gaps, doubles and clock changes, values that fill in."""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.check.bad import BadLines
from regard.check.finding import Finding, Hits, Seen, listed, many, short
from regard.check.form import Given
from regard.check.opened import Opened
from regard.check.times import of_times
from regard.data.dates import readable

FILLS = (-999.0, -9999.0, -99999.0, 9999.0, 99999.0, 999999.0, -32768.0, 9.969209968386869e36, 1e20, -1.0e30)
TIMES = ("time", "date", "datetime", "date time", "date_time", "timestamp", "t", "ds")
Floats = NDArray[np.float64]


class Series:
    """One file of rows of numbers.  Keeps 8 bytes of each cell."""

    def __init__(self, opened: Opened, bad: BadLines, given: Given) -> None:
        self._opened, self._bad, self._given = opened, bad, given
        self.separator, self.names, self.header, self.time = ",", list[str](), False, -1
        self.values: list[array[float]] = []
        self.texts: list[str] = []  # of times
        self.lines = array("Q")
        self._commas, self._blank, self._late = Hits(), Hits(), 0

    def read(self) -> None:
        """Reads all rows."""
        begun = False
        for number, text in ((n + i, line) for n, lines in self._opened.pieces() for i, line in enumerate(lines)):
            if not text.strip() or (not begun and text.startswith("#")):
                if begun:
                    self._blank.add(Seen(self._opened.file, number))
                continue
            if not begun:
                begun = True
                if self._begin(text):
                    continue
            self._row(number, text)

    def _begin(self, first: str) -> bool:
        """The separator, the names and the column of times; whether the first row is a header."""
        some = [line for line in _head(self._opened.file) if line.strip() and not line.startswith("#")]
        best = 0.0
        for sign in "\t;,|":
            widths = Counter(len(row) for row in csv.reader(some, delimiter=sign))
            width, times = widths.most_common(1)[0]
            if width > 1 and times / len(some) > best:
                best, self.separator = times / len(some), sign
        cells = [cell.strip() for cell in next(csv.reader([first], delimiter=self.separator))]
        self.header = not any(map(readable, cells)) and any(cell and _number(cell) is None for cell in cells)
        self.names = cells if self.header else [str(i + 1) for i in range(len(cells))]
        row = next(csv.reader(some[self.header : self.header + 1], delimiter=self.separator), [])
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
        cells = next(csv.reader([text], delimiter=self.separator))
        if len(cells) != len(self.names):
            self._bad.add("cells", self._opened.file, number, text, f"{len(cells)} cells, not {len(self.names)}: {short(text)}")
            return
        made = []
        for i, cell in enumerate(cells):
            if i == self.time:
                made.append(0.0)
                continue
            value = _number(cell)
            if value is None and self.separator != "," and "," in cell and (value := _number(cell.replace(",", "."))) is not None:
                self._commas.add(Seen(self._opened.file, number, short(text)))
            if value is None:
                received = repr(cell.strip()) if cell.strip() else "an empty cell"
                self._bad.add("no-number", self._opened.file, number, text, f"{self.names[i]}: {received}")
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

    def findings(self) -> list[Finding]:
        found = [*self._frame()]
        if self.rows < 2:
            return found
        for i, name in enumerate(self.names):
            if i != self.time:
                found += self._column(name, np.frombuffer(self.values[i], dtype=np.float64))
        found += self._same()
        if self.time >= 0:
            found += of_times(self.texts, [int(n) for n in self.lines], self._opened.file)
        return found

    def _frame(self) -> Iterator[Finding]:
        past, ahead = self._given.past, self._given.ahead
        if self.rows < past + ahead:
            what = f"{many(self.rows, 'row')}: a window needs forecast.past {past} + forecast.ahead {ahead} rows."
            yield Finding(
                "too-few-rows", "error", what, self.rows, (), "Give more rows, or lower forecast.past and forecast.ahead."
            )
        elif self.rows < 2 * (past + ahead):
            what = f"{many(self.rows, 'row')} give few windows of {past} + {ahead} rows: little is left for validation."
            yield Finding("too-few-rows", "warning", what, self.rows, (), "Give more rows, or lower forecast.past.")
        if self._commas.count:
            what = f"Numbers have decimal commas in {many(self._commas.count, 'row')}."
            yield Finding("decimal-comma", "note", what, self._commas.count, self._commas.first(), "They are read so.")
        if self._blank.count and self._blank.seen[0].line < (self.lines[-1] if self.rows else 0):
            what = f"{many(self._blank.count, 'empty line stands', 'empty lines stand')} between rows."
            yield Finding(
                "empty-line",
                "error",
                what,
                self._blank.count,
                self._blank.first(),
                "Fill in the rows, or --fix takes them out.",
                True,
            )

    def _column(self, name: str, x: Floats) -> Iterator[Finding]:
        steps = np.diff(x)
        if np.ptp(x) == 0:
            do = "Leave it out (forecast.columns), or keep it as it is."
            yield Finding("constant", "warning", f"Column {name} never changes: {x[0]:g} in every row.", self.rows, (), do)
            return
        yield from self._fills(name, x)
        changes = int((steps != 0).sum())
        if changes < 0.02 * len(steps):
            what = f"Column {name} hardly ever changes: {changes:,} times in {self.rows:,} rows."
            yield Finding(
                "nearly-constant", "note", what, changes, (), "Is it worth forecasting? Leave it out: forecast.columns."
            )
        elif changes > 0.5 * len(steps):
            yield from self._stuck(name, steps)
        size, usual = float(np.abs(x).max()), float(np.median(np.abs(steps[steps != 0])))
        if size > 2e5 * usual and size < 1e19:
            what = f"Column {name} has a level of {size:,.10g} and steps of {usual:.2g}: float32 holds 7 digits."
            yield Finding("level", "note", what, self.rows, (), "Keep forecast.level: instance or last, or take the level off.")
        low, middle, high = np.quantile(x, (0.005, 0.5, 0.995))
        far = np.flatnonzero(np.abs(x - middle) > 15 * (high - low) + 1e-12)
        if len(far) and len(far) < 0.005 * len(x) and high > low:
            what = f"Column {name} has {many(len(far), 'value')} far outside of all others"
            what += f" ({x[far[0]]:g}; 99 of 100 lie from {low:g} to {high:g})."
            seen = tuple(Seen(self._opened.file, self.lines[int(i)], f"{x[i]:g}") for i in far[:3])
            yield Finding("spike", "warning", what, len(far), seen, "Correct them: they rule the scale of the column.")

    def _fills(self, name: str, x: Floats) -> Iterator[Finding]:
        for fill in FILLS:
            there = np.isclose(x, fill, rtol=1e-6)
            rest = x[~there]
            if there.any() and len(rest) > 1 and abs(fill - rest.mean()) > 20 * (rest.std() or 1.0):
                rows = np.flatnonzero(there)
                what = f"Column {name} is {fill:g} in {many(len(rows), 'row')}: what programs write for a missing number."
                seen = tuple(Seen(self._opened.file, self.lines[int(i)], f"{x[i]:g}") for i in rows[:3])
                yield Finding(
                    "fill-value", "warning", what, len(rows), seen, "Fill in what is missing, by a neighbour or a mean."
                )

    def _stuck(self, name: str, steps: Floats) -> Iterator[Finding]:
        ends = np.flatnonzero(np.concatenate([[True], steps != 0, [True]]))
        longest = int(np.diff(ends).max())
        if longest > max(24, 0.01 * len(steps)):
            start = int(ends[int(np.diff(ends).argmax())])
            what = (
                f"Column {name} stands still for {longest:,} rows, though it changes all the time elsewhere: a sensor that hung?"
            )
            seen = (Seen(self._opened.file, self.lines[start]),)
            yield Finding("stuck", "note", what, longest, seen, "Fill in the rows from elsewhere, or cut the series there.")

    def _same(self) -> Iterator[Finding]:
        first: dict[int, int] = {}
        for i, column in enumerate(self.values):
            if i == self.time or self.rows < 20:
                continue
            twin = first.setdefault(hash(column.tobytes()), i)
            if twin != i and np.ptp(np.frombuffer(column, dtype=np.float64)) > 0:
                what = f"Columns {self.names[twin]} and {self.names[i]} are the same."
                yield Finding("same-columns", "warning", what, self.rows, (), "Leave one out: forecast.columns.")


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
