"""Series from CSV files as people have them: whatever parts their cells, with a header or none, a column of times or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.core.errors import DataError, message
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.series_table import (
    COMMA,
    MARKS,
    Columns,
    Row,
    Table,
    advice,
    column_of_times,
    kept_columns,
    refuse_ambiguous_columns,
    table_in,
)
from regard.data.time_formats import number
from regard.tasks.forecast.data import HELD, Series
from regard.tasks.forecast.timestamps import clock

FILLS = (  # what files write for a missing number
    *(-999.0, -9999.0, -99999.0, 9999.0, 99999.0, 999999.0, -32768.0),
    *(9.969209968386869e36, 1e20, -1.0e30),  # of netCDF and its like
)
WIDE = 20  # deviations from the mean of the rest beyond which such a number is taken for one that is missing


def read_series(file: str, *, columns: Sequence[str] = (), time: Columns = "auto", gaps: str = "error") -> Series:
    """The series of a CSV file (tabs, semicolons, commas or bars; a header, or none).

    columns: those that are kept, in this order; none: all but the times.  time: the column of times, by its header or its number
    from 1; auto: the one whose header or cells say so; none: there is none.  gaps: `error` refuses times that leave a
    row out, `ignore` takes rows as they come.  DataError names file, line and column.
    """
    table = table_in(file)
    refuse_ambiguous_columns(table)
    clocked = column_of_times(table, time)
    kept = kept_columns(table, columns, clocked)
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


def describe(series: Series) -> str:
    """A line for people on what was found in a file."""
    columns, made = ", ".join(series.columns), series.clock
    if made is None:
        times = "no column of times"
    else:
        step = f"a step: {made.step}" if made.step else "at no one distance: what follows is counted +1, +2, ..."
        step += ", on the weekdays and at the hours that rows keep to" if made.hours else ""
        times = f"times: {series.time or 'the first column'} ({series.times[0]} to {series.times[-1]}; {step})"
    return "; ".join([f"{series.name}: {many(len(series), 'row')}", f"forecast: {columns}", times, *series.notes])


def _numbers(table: Table, row: Row, kept: Sequence[int]) -> list[float]:
    line, cells = row
    if len(cells) != len(table.names):
        expected = f"{len(table.names)} cells, as the first row has"
        do = f"Correct the line; cells are parted by {MARKS[table.mark]} here."
        if table.mark == "," and len(table.names) == 1 and len(cells) == 2:
            do = "Has it a decimal comma? Write 10.126 for 10,126, or part cells by semicolons."
        raise DataError(message(f"{table.name}:{line}", expected, f"{len(cells)}", do))
    made = [table.number(cells[i]) for i in kept]
    if None in made:
        at = kept[made.index(None)]
        received = repr(cells[at].strip()) if cells[at].strip() else "an empty cell"
        raise DataError(message(f"{table.name}:{line}:{table.names[at]}", "a number", received, advice(table, at, cells[at])))
    return [x for x in made if x is not None]


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
        doubt = ", and the first row, 0 1 ..., is taken for numbers: is it pandas' header?"
        yield "no header: columns are called by their numbers" + doubt * (whole and len(table.rows) > 1)


def _filled(names: Sequence[str], values: NDArray[np.float64]) -> Iterator[str]:
    for name, column in zip(names, values.T, strict=True):
        for fill, there in fills(column):
            yield f"{name} is {fill:g} in {many(int(there.sum()), 'row')}: if that stands for a missing number, fill it in"


def fills(column: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.bool_]]]:
    """What other programs write for a missing number, where a column has it far from all the rest; and in which rows that is."""
    for fill in FILLS:
        there = np.isclose(column, fill, rtol=1e-6)
        rest = column[~there]
        if there.any() and len(rest) > 1 and abs(fill - rest.mean()) > WIDE * (rest.std() or 1.0):
            yield fill, there
