"""The rows of a series as a CSV file has them: whatever parts their cells, with a header or none, a column of times or none."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from regard.core.errors import DataError, did_you_mean, message
from regard.data.examples import Place
from regard.data.text_files import lines, show_file
from regard.data.time_formats import is_time, readable

TIMES = ("time", "date", "datetime", "date time", "date_time", "timestamp", "t", "ds")  # headers of a column of times
RISING = ("year", "month", "day", "hour", "index", "period")  # headers of one, where it holds numbers that rise
LONG = ("unique_id", "item_id", "series_id")  # headers of the names of series that stand one under another
MARKS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}  # between cells, the surest first
SOME = 50  # rows from which it is told what parts cells
COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")  # a number with a decimal comma
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
        return finite(text.replace(",", ".") if self.comma else text)


def table_in(file: str) -> Table:
    """The whole table of a file.  DataError where it has no rows, or empty lines between them."""
    texts, start = _texts(file)
    return table_of(show_file(file), texts, start)


def table_of(name: str, texts: Sequence[str], start: int) -> Table:
    """The table of a file's lines, the first of which has the number `start`.  DataError where there are no rows."""
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
            raise DataError(message(f"{show_file(file)}:{empty}", "a row of numbers", "an empty line", do))
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
    return any(cell and finite(cell) is None and cell.lower() not in ("nan", "inf", "-inf") for cell in said)


def refuse_ambiguous_columns(table: Table) -> None:
    """DataError where columns cannot be told apart by their names, or hold series one under another."""
    for i, name in enumerate(table.names):
        if (not name and not (table.index and not i)) or name in table.names[:i]:
            received = f"{name!r} twice" if name else f"no name over column {i + 1}"
            do = "Correct the header."
            raise DataError(message(f"{table.place} (header)", "a different name over each column", received, do))
    names = [name.lower() for name in table.names]
    if table.header and (long := next((name for name in LONG if name in names), "")):
        received = f"series one under another, told apart by {table.names[names.index(long)]!r}"
        do = "Save each series as a file of its own, without that column, and name them all: --train a.csv --train b.csv."
        raise DataError(message(str(table.place), "one series, a row for each time", received, do))


def column_of_times(table: Table, time: Columns) -> int | None:
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


def kept_columns(table: Table, columns: Sequence[str], time: int | None) -> list[int]:
    """The places of the columns that are read.  DataError where one is not there, or none is left."""
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


def advice(table: Table, column: int, cell: str) -> str:
    """What to do about a cell that is no number."""
    if is_time(cell):
        name = table.names[column] if table.header else column + 1
        how = f"name their column: forecast.time={name}"
        return f"It looks like a time: write times as ISO has them (2016-07-01 12:00), and {how}."
    if "_" in cell or re.fullmatch(r"\s*[-+]?[\d.,']*\d[\d.,']*\s*", cell):
        return "Write it with a point for decimals and no mark between thousands: 1234.5."
    texts = [text for text in table.cells(column) if table.number(text) is None]
    if len(texts) == len(table.rows) > len(set(texts)):
        name = table.names[column]
        return f"If {name!r} tells series apart that stand one under another, save each as a file; else leave the column out."
    return "Fill it in: a net has no number for what is missing."


def finite(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in text else None
