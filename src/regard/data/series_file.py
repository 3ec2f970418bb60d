"""Series from CSV files as people have them: whatever parts their cells, with a header or none, a column of times or none."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray

from regard.data.clock import clock
from regard.data.dates import dated, number, readable
from regard.data.files import lines, shown
from regard.data.items import Place
from regard.data.series import HELD, Series
from regard.ground.counted import many
from regard.ground.errors import DataError, did_you_mean, message

TIMES = ("time", "date", "datetime", "date time", "date_time", "timestamp", "t", "ds")  # headers of a column of times
RISING = ("year", "month", "day", "hour", "index", "period")  # headers of one, where it holds numbers that rise
LONG = ("unique_id", "item_id", "series_id")  # headers of the names of series that stand one under another
MARKS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}  # between cells, the surest first
SOME = 50  # rows from which it is told what parts cells
COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")  # a number with a decimal comma
FILLS = (-999.0, -9999.0, -99999.0, 9999.0, 99999.0, 999999.0)  # what files write for a missing number
WIDE = 100  # deviations from the mean of the rest beyond which such a number is taken for one that is missing
Columns = int | str
Row = tuple[int, list[str]]  # line number and cells


@dataclass(frozen=True)
class Table:
    """Rows of cells under names.  header: whether the file has one; index: whether its first column has no name; comma: whether numbers
    have decimal commas."""

    name: str
    names: list[str]
    rows: list[Row]
    mark: str
    header: bool
    index: bool
    comma: bool
    line: int  # of the header, or of the first row

    @property
    def place(self) -> Place:
        return Place(self.name, self.line)

    def cells(self, column: int) -> list[str]:
        return [cells[column].strip() if column < len(cells) else "" for _, cells in self.rows]

    def number(self, text: str) -> float | None:
        """A finite one, as the file writes them; None for anything else."""
        return _float(text.replace(",", ".") if self.comma else text)


def read_series(file: str, *, columns: Sequence[str] = (), time: Columns = "auto", gaps: str = "error") -> Series:
    """The series of a CSV file (tabs, semicolons, commas or bars; a header, or none).

    columns: those that are kept, in this order; none: all but the times.  time: the column of times, by its header or its number
    from 1; auto: the one whose header or cells say so; none: there is none.  gaps: `error` refuses times that leave a
    row out, `ignore` takes rows as they come.  DataError names file, line and column.
    """
    table = _table(file)
    _told_apart(table)
    clocked = _time(table, time)
    kept = _kept(table, columns, clocked)
    values = np.array([_numbers(table, row, kept) for row in table.rows])
    names = tuple(table.names[i] for i in kept)
    times, made = [str(n) for n in range(1, len(values) + 1)], None
    if clocked is not None:
        times = table.cells(clocked)
        made = clock(times, [Place(table.name, line) for line, _ in table.rows], gaps=gaps)
    digits = tuple(max(_digits(cells[i], table.comma) for _, cells in table.rows) for i in kept)
    called, line = None if clocked is None else table.names[clocked], table.rows[0][0]
    found = Series(table.name, names, values, tuple(times), made, called, line, digits, (*_notes(table), *_filled(names, values)))
    found.refuse_beyond(values, HELD, f"a number up to {HELD:g}, whose square float32 holds")
    return found


def described(series: Series) -> str:
    """A line for people on what was found in a file."""
    columns, made = ", ".join(series.columns), series.clock
    if made is None:
        times = "no column of times"
    else:
        step = f"a step: {made.step}" if made.step else "at no one distance: what follows is counted +1, +2, ..."
        step += ", on the weekdays and at the hours that rows keep to" if made.hours else ""
        times = f"times: {series.time or 'the first column'} ({series.times[0]} to {series.times[-1]}; {step})"
    return f"{series.name}: {many(len(series), 'row')}; forecast: {columns}; {times}" + "".join(
        f"; {note}" for note in series.notes
    )


def _table(file: str) -> Table:
    name, (texts, start) = shown(file), _texts(file)
    if not texts:
        raise DataError(message(name, "a CSV file with rows of numbers", "no rows", "Give a file with data."))
    mark = _mark(texts[:SOME])
    rows = [(start + i, _cells(text, mark, Place(name, start + i))) for i, text in enumerate(texts)]
    comma = mark != "," and any(COMMA.fullmatch(cell) for _, cells in rows[1:] for cell in cells)
    first = [cell.strip() for cell in rows[0][1]]
    header = _header(first, comma)
    index = header and len(first) > 1 and first[0].lower() in ("", "unnamed: 0")
    if header and len(rows) == 1:
        raise DataError(message(name, "rows of numbers below the header", "none", "Give a file with data."))
    names = first if header else [str(n) for n in range(1, len(first) + 1)]
    return Table(name, ["", *names[1:]] if index else names, rows[1:] if header else rows, mark, header, index, comma, start)


def _texts(file: str) -> tuple[list[str], int]:
    """The lines of a file, less empty ones at its end and comments before its first row; and the number of the first."""
    found, empty, start = list[str](), 0, 1
    for line, text in zip(count(1), lines(file), strict=False):
        if not text.strip():
            empty = empty or line
        elif not found and text.startswith("#"):
            start, empty = line + 1, 0
        elif empty:
            do = "Fill in the row, or remove the line."
            raise DataError(message(f"{shown(file)}:{empty}", "a row of numbers", "an empty line", do))
        else:
            found.append(text)
    return found, start


def _mark(texts: Sequence[str]) -> str:
    """What parts cells: the surest mark that gives the most rows the same number of them, more than one."""
    best, share = ",", 0.0
    for mark in MARKS:
        counts = Counter(len(row) for text in texts if (row := _parted(text, mark)))
        many, rows = max(counts.items(), key=lambda pair: pair[1], default=(1, 0))
        if many > 1 and rows / len(texts) > share:
            best, share = mark, rows / len(texts)
    return best


def _parted(text: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=mark))
    except csv.Error:
        return []


def _cells(text: str, mark: str, place: Place) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=mark))
    except csv.Error as error:
        what = "a carriage return within it" if "\r" in text else str(error)
        do = "Save the file with one row a line (LF or CRLF), and numbers in its cells."
        raise DataError(message(str(place), "a row of cells", what, do)) from error


def _header(cells: Sequence[str], comma: bool) -> bool:
    """Whether the first row holds names: some cell that is no number, no time and not empty; and none a date, which is no name."""
    if any(map(readable, cells)):
        return False
    said = [cell.replace(",", ".") if comma and COMMA.fullmatch(cell) else cell for cell in cells]
    return any(cell and _float(cell) is None and cell.lower() not in ("nan", "inf", "-inf") for cell in said)


def _told_apart(table: Table) -> None:
    for i, name in enumerate(table.names):
        if (not name and not (table.index and not i)) or name in table.names[:i]:
            received = f"{name!r} twice" if name else f"no name over column {i + 1}"
            do = "Correct the header."
            raise DataError(message(f"{table.place} (header)", "a different name over each column", received, do))
    names = [name.lower() for name in table.names]
    if table.header and (long := next((name for name in LONG if name in names), "")):
        raise DataError(_stacked(str(table.place), table.names[names.index(long)]))


def _stacked(place: str, column: str) -> str:
    do = "Save each series as a file of its own, without that column, and name them all: --train a.csv --train b.csv."
    return message(place, "one series, a row for each time", f"series one under another, told apart by {column!r}", do)


def _time(table: Table, time: Columns) -> int | None:
    """The place of the column of times."""
    names, first = table.names, table.rows[0][1]
    if time == "none":
        return None
    if time == "auto":
        rest = range(int(table.index), len(names))
        by_cell = [i for i in range(min(len(names), len(first))) if readable(first[i])]
        if table.header and len(rest) and names[rest[0]].lower() in TIMES:
            return rest[0]
        if by_cell and (by_cell[0] <= int(table.index) or len(by_cell) == 1):
            return by_cell[0]
        if table.header and len(rest) > 1 and names[rest[0]].lower() in RISING and _rises(table, rest[0]):
            return rest[0]
        return 0 if table.index and len(names) > 1 and _rises(table, 0) else None
    if isinstance(time, int) and time <= len(names):
        return time - 1
    if str(time) in names:
        return names.index(str(time))
    do = f"Set forecast.time to a column that is there, or none.{did_you_mean(time, names)}"
    raise DataError(message(str(table.place), f"a column of times {time!r}", ", ".join(names), do))


def _rises(table: Table, column: int) -> bool:
    """Whether a column holds numbers, each larger than the one before."""
    cells = [cells[column] if column < len(cells) else "" for _, cells in table.rows]
    found = [x for cell in cells if (x := table.number(cell)) is not None]
    return len(found) == len(cells) and all(a < b for a, b in pairwise(found))


def _kept(table: Table, columns: Sequence[str], time: int | None) -> list[int]:
    names = table.names
    for column in columns:
        if column not in names:
            near = did_you_mean(column, names)
            received = ", ".join(name for i, name in enumerate(names) if i != time)
            do = f"Give the columns of training.{near}"
            raise DataError(message(f"{table.place} (columns)", f"a column {column!r}", received, do))
    rest = [i for i in range(len(names)) if i != time and not (table.index and i == 0)]
    found = [names.index(column) for column in columns] if columns else rest
    if not found:
        raise DataError(message(str(table.place), "a column of numbers", "times alone", "Give a file with values."))
    return found


def _numbers(table: Table, row: Row, kept: Sequence[int]) -> list[float]:
    line, cells = row
    if len(cells) != len(table.names):
        expected, do = (
            f"{len(table.names)} cells, as the first row has",
            f"Correct the line; cells are parted by {MARKS[table.mark]} here.",
        )
        if table.mark == "," and len(table.names) == 1 and len(cells) == 2:
            do = "Has it a decimal comma? Write 10.126 for 10,126, or part cells by semicolons."
        raise DataError(message(f"{table.name}:{line}", expected, f"{len(cells)}", do))
    made = [table.number(cells[i]) for i in kept]
    if None in made:
        at = kept[made.index(None)]
        received = repr(cells[at].strip()) if cells[at].strip() else "an empty cell"
        raise DataError(message(f"{table.name}:{line}:{table.names[at]}", "a number", received, _advice(table, at, cells[at])))
    return [x for x in made if x is not None]


def _advice(table: Table, column: int, cell: str) -> str:
    """What to do about a cell that is no number."""
    if dated(cell):
        name = table.names[column] if table.header else column + 1
        return (
            f"It looks like a time: write times as ISO has them (2016-07-01 12:00), and name their column: forecast.time={name}."
        )
    if "_" in cell or re.fullmatch(r"\s*[-+]?[\d.,']*\d[\d.,']*\s*", cell):
        return "Write it with a point for decimals and no mark between thousands: 1234.5."
    texts = [text for text in table.cells(column) if table.number(text) is None]
    if len(texts) == len(table.rows) > len(set(texts)):
        name = table.names[column]
        return f"If {name!r} tells series apart that stand one under another, save each as a file; else leave the column out."
    return "Fill it in: a net has no number for what is missing."


def _float(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in text else None


def _digits(text: str, comma: bool) -> int:
    """Behind the point of a number."""
    if "e" in text or "E" in text:
        found = number(text.replace(",", ".") if comma else text)
        power = found.as_tuple().exponent if found is not None else 0
        return max(-power, 0) if isinstance(power, int) else 0
    return len(text.strip().partition("," if comma else ".")[2])


def _notes(table: Table) -> Iterator[str]:
    if table.comma:
        some = next(cell.strip() for _, cells in table.rows for cell in cells if COMMA.fullmatch(cell))
        yield f"numbers have decimal commas: {some} is {some.replace(',', '.')}"
    if not table.header:
        whole = [cell.strip() for cell in table.rows[0][1]] == [str(n) for n in range(len(table.names))]
        yield "no header: columns are called by their numbers" + (
            ", and the first row, 0 1 ..., is taken for numbers: is it pandas' header?" if whole and len(table.rows) > 1 else ""
        )


def _filled(names: Sequence[str], values: NDArray[np.float64]) -> Iterator[str]:
    """Of columns that hold what other programs write for a missing number, far from all the rest."""
    told: Callable[[float], str] = lambda x: f"{x:g}"
    for name, column in zip(names, values.T, strict=True):
        for fill in FILLS:
            there = column == fill
            rest = column[~there]
            if there.any() and len(rest) and abs(fill - rest.mean()) > WIDE * (rest.std() or 1.0):
                yield f"{name} is {told(fill)} in {many(int(there.sum()), 'row')}: if that stands for a missing number, fill it in"
