"""Series: rows of numbers at equal distances in time, from CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regard.data.clock import Clock, clock, moment
from regard.data.files import lines, shown
from regard.data.items import Place
from regard.ground.errors import DataError, did_you_mean, message

TIMES = ("time", "date", "datetime", "timestamp", "t")  # headers of a column of times
Columns = int | str


@dataclass(frozen=True, eq=False)
class Series:
    """name: of its file.  columns: of the values.  values: "T C".  times: of the rows, or their numbers; clock: None without times;
    time: what its column of times is called."""

    name: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    times: tuple[str, ...]
    clock: Clock | None = None
    time: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    def part(self, first: int, last: int) -> Series:
        """Rows from `first` on, before `last`."""
        kept = None if self.clock is None else replace(self.clock, last=self.times[last - 1])
        return replace(self, values=self.values[first:last], times=self.times[first:last], clock=kept)

    def after(self, ahead: int) -> list[str]:
        """The times of the rows that follow, or their numbers."""
        return self.clock.after(ahead) if self.clock else [str(int(self.times[-1]) + n) for n in range(1, ahead + 1)]


@dataclass(frozen=True, eq=False)
class Window:
    """`past` rows of a series from `start` on, and the `ahead` rows behind them, where it has them."""

    series: Series
    start: int
    past: int
    ahead: int

    @property
    def border(self) -> int:
        """The first row that is forecast."""
        return self.start + self.past

    @property
    def source(self) -> str:
        first, last = self.series.times[self.start], self.series.times[self.border - 1]
        return f"{self.series.name}: {first} - {last}"

    @property
    def place(self) -> str:
        return self.source

    @property
    def before(self) -> NDArray[np.float64]:
        """What is known: "past C"."""
        return self.series.values[self.start : self.border]

    @property
    def after(self) -> NDArray[np.float64] | None:
        """What is right: "ahead C", where the series goes on so far."""
        found = self.series.values[self.border : self.border + self.ahead]
        return found if len(found) == self.ahead else None

    @property
    def times(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the rows that are known, and of those that are forecast."""
        known = self.series.times[self.start : self.border]
        later = self.series.times[self.border : self.border + self.ahead]
        if len(later) < self.ahead:
            later = tuple(self.series.part(0, self.border).after(self.ahead))
        return known, later


def windows(series: Series, past: int, ahead: int, *, first: int = 0) -> list[Window]:
    """Every window of a series whose forecast begins at row `first` or later."""
    begin = max(first - past, 0)
    return [Window(series, start, past, ahead) for start in range(begin, len(series) - past - ahead + 1)]


def last_window(series: Series, past: int, ahead: int) -> Window:
    """What follows the last row.  DataError where the series is too short."""
    if len(series) < past:
        do = "Give more rows before those to forecast from, or train with a smaller forecast.past."
        raise DataError(message(series.name, f"at least forecast.past = {past} rows", f"{len(series)}", do))
    return Window(series, len(series) - past, past, ahead)


def of_numbers(values: ArrayLike, columns: Sequence[str]) -> Series:
    """A series of numbers in hand, "T C", or "T" of one column.  DataError for another shape, or what is no number."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(message("a series", "rows of numbers", str(error), "Give an array, rows by columns.")) from None
    found = found[:, None] if found.ndim == 1 and len(columns) == 1 else found
    if found.ndim != 2 or found.shape[1] != len(columns):
        expected = f"rows of {len(columns)} numbers: {', '.join(columns)}"
        raise DataError(message("a series", expected, f"shape {found.shape}", "Give an array, rows by columns."))
    if not np.isfinite(found).all():
        row, column = map(int, np.argwhere(~np.isfinite(found))[0])
        raise DataError(
            message(f"a series, row {row + 1}, {columns[column]}", "a number", f"{found[row, column]}", "Fill it in.")
        )
    return Series("rows", tuple(columns), found, tuple(str(n) for n in range(1, len(found) + 1)))


def read_series(file: str, *, columns: Sequence[str] = (), time: Columns = "auto", gaps: str = "error") -> Series:
    """The series of a CSV file (comma, semicolon or tab; a header, or none).

    columns: those that are kept, in this order; none: all but the times.  time: the column of times, by its header or its number
    from 1; auto: the first, where its header or its cells say so; none: there is none.  gaps: `error` refuses times that leave a
    row out, `ignore` takes rows as they come.  DataError names file, line and column.
    """
    name, rows = shown(file), _rows(file)
    try:
        line, first = next(rows)
    except StopIteration:
        raise DataError(message(name, "a CSV file with rows of numbers", "no rows", "Give a file with data.")) from None
    header = _header(first)
    names = [cell.strip() for cell in first] if header else [str(n) for n in range(1, len(first) + 1)]
    _told_apart(names, Place(name, line))
    cells = [*([] if header else [(line, first)]), *rows]
    if not cells:
        raise DataError(message(name, "rows of numbers below the header", "none", "Give a file with data."))
    clocked = _time(names, time, header, cells[0][1], Place(name, line))
    kept = _kept(names, columns, clocked, Place(name, line))
    values = np.array([_numbers(row, number, names, kept, name) for number, row in cells])
    if clocked is None:
        return Series(name, tuple(names[i] for i in kept), values, tuple(str(n) for n in range(1, len(values) + 1)))
    times, places = [row[clocked].strip() for _, row in cells], [Place(name, number) for number, _ in cells]
    made = clock(times, places, gaps=gaps)
    return Series(name, tuple(names[i] for i in kept), values, tuple(times), made, names[clocked])


def _rows(file: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row; empty lines at the end do not count."""
    found, empty, delimiter = lines(file), 0, ""
    for number, text in zip(count(1), found, strict=False):
        if not text.strip():
            empty = empty or number
            continue
        if empty:
            raise DataError(
                message(f"{shown(file)}:{empty}", "a row of numbers", "an empty line", "Fill in the row, or remove the line.")
            )
        delimiter = delimiter or max(",;\t", key=text.count)
        yield number, next(csv.reader([text], delimiter=delimiter))


def _header(cells: Sequence[str]) -> bool:
    """Whether the first row holds names: some cell that is no number, no time and not empty; and none a date, which is no name."""
    if any(isinstance(moment(cell), datetime) for cell in cells):
        return False
    return any(cell.strip() and moment(cell) is None and cell.strip().lower() not in ("nan", "inf", "-inf") for cell in cells)


def _told_apart(names: Sequence[str], place: Place) -> None:
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            received = f"{name!r} twice" if name else f"no name over column {i + 1}"
            raise DataError(message(f"{place} (header)", "a different name over each column", received, "Mend the header."))


def _time(names: Sequence[str], time: Columns, header: bool, cells: Sequence[str], place: Place) -> int | None:
    """The place of the column of times."""
    if time == "none":
        return None
    if time == "auto":
        cell = cells[0] if cells else ""
        by_cell = moment(cell) is not None and not isinstance(moment(cell), float)
        return 0 if by_cell or (header and names[0].lower() in TIMES) else None
    if isinstance(time, int) and time <= len(names):
        return time - 1
    if str(time) in names:
        return names.index(str(time))
    do = f"Set forecast.time to a column that is there, or none.{did_you_mean(time, names)}"
    raise DataError(message(str(place), f"a column of times {time!r}", ", ".join(names), do))


def _kept(names: Sequence[str], columns: Sequence[str], time: int | None, place: Place) -> list[int]:
    for column in columns:
        if column not in names:
            near = did_you_mean(column, names)
            received = ", ".join(name for i, name in enumerate(names) if i != time)
            raise DataError(
                message(f"{place} (columns)", f"a column {column!r}", received, f"Give the columns of training.{near}")
            )
    found = [names.index(column) for column in columns] if columns else [i for i in range(len(names)) if i != time]
    if not found:
        raise DataError(message(str(place), "a column of numbers", "times alone", "Give a file with values."))
    return found


def _numbers(cells: Sequence[str], line: int, names: Sequence[str], kept: Sequence[int], file: str) -> list[float]:
    place = Place(file, line)
    if len(cells) != len(names):
        raise DataError(message(str(place), f"{len(names)} cells, as the first row has", f"{len(cells)}", "Mend the line."))
    try:
        made = [float(cells[i]) for i in kept]
    except ValueError:
        made = [math.nan]
    if not all(map(math.isfinite, made)):
        at = next(i for i in kept if not _is_number(cells[i]))
        received = repr(cells[at].strip()) if cells[at].strip() else "an empty cell"
        do = "Fill it in: a net has no number for what is missing."
        raise DataError(message(f"{place}:{names[at]}", "a number", received, do))
    return made


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
