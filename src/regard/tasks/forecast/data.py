"""Series: rows of numbers at equal distances in time, and windows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regard.core.errors import DataError, message
from regard.tasks.forecast.timestamps import Clock

HELD = 1.8e19  # float32 holds its square
UNHELD = (
    "Is it the fill value of a missing number? A net has no number for what is missing: fill it in, or scale the column down."
)


@dataclass(frozen=True, eq=False)
class Series:
    """name: of its file.  columns: of the values.  values: "T C".  times: of the rows, or their numbers; clock: None without times;
    time: what its column of times is called.  line: of its first row in the file, 0 where there is none.  digits: that each column has
    behind the point, where a file says.  notes: what a reader of the file should know."""

    name: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    times: tuple[str, ...]
    clock: Clock | None = None
    time: str | None = None
    line: int = 0
    digits: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def part(self, first: int, last: int) -> Series:
        """Rows from `first` on, before `last`."""
        kept = None if self.clock is None else replace(self.clock, last=self.times[last - 1])
        line = self.line and self.line + first
        return replace(self, values=self.values[first:last], times=self.times[first:last], clock=kept, line=line)

    def after(self, ahead: int) -> list[str]:
        """The times of the rows that follow, or their numbers.  DataError where no calendar has them."""
        if self.clock is None:
            return [str(int(self.times[-1]) + n) for n in range(1, ahead + 1)]
        try:
            return self.clock.after(ahead)
        except (OverflowError, ValueError) as error:
            expected = "times that a calendar goes on from, up to the year 9999"
            do = "Correct the times, or train with forecast.time: none."
            raise DataError(message(self.name, expected, f"rows that end at {self.clock.last}", do)) from error

    def place(self, row: int, column: int) -> str:
        """Of a number, for messages."""
        where = f"{self.name}:{self.line + row}" if self.line else f"{self.name}, row {row + 1}"
        return f"{where}:{self.columns[column]}"

    def refuse_beyond(self, values: NDArray[np.float64], most: float, what: str) -> None:
        """DataError for the first of the values, those of the series or made of them, that is larger."""
        beyond = np.argwhere(~(np.abs(values) <= most))
        if len(beyond):
            row, column = map(int, beyond[0])
            raise DataError(message(self.place(row, column), what, f"{self.values[row, column]:g}", UNHELD))


@dataclass(frozen=True, eq=False)
class SeriesWindow:
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


def windows(series: Series, past: int, ahead: int, *, first: int = 0) -> list[SeriesWindow]:
    """Every window of a series whose forecast begins at row `first` or later."""
    begin = max(first - past, 0)
    return [SeriesWindow(series, start, past, ahead) for start in range(begin, len(series) - past - ahead + 1)]


def last_window(series: Series, past: int, ahead: int) -> SeriesWindow:
    """What follows the last row.  DataError where the series is too short."""
    if len(series) < past:
        do = "Give more rows before those to forecast from, or train with a smaller forecast.past."
        raise DataError(message(series.name, f"at least forecast.past = {past} rows", f"{len(series)}", do))
    return SeriesWindow(series, len(series) - past, past, ahead)


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
        what = f"a series, row {row + 1}, {columns[column]}"
        raise DataError(message(what, "a number", f"{found[row, column]}", "Fill it in."))
    made = Series("rows", tuple(columns), found, tuple(str(n) for n in range(1, len(found) + 1)))
    made.refuse_beyond(found, HELD, f"numbers up to {HELD:g}, whose square float32 holds")
    return made
