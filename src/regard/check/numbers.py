"""Series of numbers: columns that do not change or hang, levels that float32 cannot hold, values that fill in, too few rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from regard.check.finding import Finding
from regard.check.form import Given
from regard.check.number_rows import Floats, Series
from regard.check.times import of_times
from regard.ground.counted import many

FILLS = (-999.0, -9999.0, -99999.0, 9999.0, 99999.0, 999999.0, -32768.0, 9.969209968386869e36, 1e20, -1.0e30)


def of_series(series: Series, given: Given) -> list[Finding]:
    """What is wrong with rows of numbers that were read."""
    found = [*_frame(series, given)]
    if series.rows < 2:
        return found
    for i, name in enumerate(series.names):
        if i != series.time:
            found += _column(series, name, series.column(i))
    found += _same(series)
    if series.time >= 0:
        found += of_times(series.texts, [int(n) for n in series.lines], series.file)
    return found


def _frame(series: Series, given: Given) -> Iterator[Finding]:
    past, ahead = given.past, given.ahead
    if series.rows < past + ahead:
        what = f"{many(series.rows, 'row')}: a window needs forecast.past {past} + forecast.ahead {ahead} rows."
        yield Finding(
            "too-few-rows", "error", what, series.rows, (), "Give more rows, or lower forecast.past and forecast.ahead."
        )
    elif series.rows < 2 * (past + ahead):
        what = f"{many(series.rows, 'row')} give few windows of {past} + {ahead} rows: little is left for validation."
        yield Finding("too-few-rows", "warning", what, series.rows, (), "Give more rows, or lower forecast.past.")
    if series.commas.count:
        what = f"Numbers have decimal commas in {many(series.commas.count, 'row')}."
        yield Finding("decimal-comma", "note", what, series.commas.count, series.commas.first(), "They are read so.")
    if series.blank.count and series.blank.seen[0].line < (series.lines[-1] if series.rows else 0):
        what = f"{many(series.blank.count, 'empty line stands', 'empty lines stand')} between rows."
        yield Finding(
            "empty-line",
            "error",
            what,
            series.blank.count,
            series.blank.first(),
            "Fill in the rows, or --fix takes them out.",
            True,
        )


def _column(series: Series, name: str, x: Floats) -> Iterator[Finding]:
    steps = np.diff(x)
    if np.ptp(x) == 0:
        do = "Leave it out (forecast.columns), or keep it as it is."
        yield Finding("constant", "warning", f"Column {name} never changes: {x[0]:g} in every row.", series.rows, (), do)
        return
    yield from _fills(series, name, x)
    changes = int((steps != 0).sum())
    if changes < 0.02 * len(steps):
        what = f"Column {name} hardly ever changes: {many(changes, 'time')} in {many(series.rows, 'row')}."
        yield Finding("nearly-constant", "note", what, changes, (), "Is it worth forecasting? Leave it out: forecast.columns.")
    elif changes > 0.5 * len(steps):
        yield from _stuck(series, name, steps)
    size, usual = float(np.abs(x).max()), float(np.median(np.abs(steps[steps != 0])))
    if size > 2e5 * usual and size < 1e19:
        what = f"Column {name} has a level of {size:,.10g} and steps of {usual:.2g}: float32 holds 7 digits."
        yield Finding("level", "note", what, series.rows, (), "Keep forecast.level: instance or last, or take the level off.")
    low, middle, high = np.quantile(x, (0.005, 0.5, 0.995))
    far = np.flatnonzero(np.abs(x - middle) > 15 * (high - low) + 1e-12)
    if len(far) and len(far) < 0.005 * len(x) and high > low:
        what = f"Column {name} has {many(len(far), 'value')} far outside of all others"
        what += f" ({x[far[0]]:g}; 99 of 100 lie from {low:g} to {high:g})."
        seen = tuple(series.seen(int(i), f"{x[i]:g}") for i in far[:3])
        yield Finding("spike", "warning", what, len(far), seen, "Correct them: they rule the scale of the column.")


def _fills(series: Series, name: str, x: Floats) -> Iterator[Finding]:
    for fill in FILLS:
        there = np.isclose(x, fill, rtol=1e-6)
        rest = x[~there]
        if there.any() and len(rest) > 1 and abs(fill - rest.mean()) > 20 * (rest.std() or 1.0):
            rows = np.flatnonzero(there)
            what = f"Column {name} is {fill:g} in {many(len(rows), 'row')}: what programs write for a missing number."
            seen = tuple(series.seen(int(i), f"{x[i]:g}") for i in rows[:3])
            yield Finding("fill-value", "warning", what, len(rows), seen, "Fill in what is missing, by a neighbour or a mean.")


def _stuck(series: Series, name: str, steps: Floats) -> Iterator[Finding]:
    ends = np.flatnonzero(np.concatenate([[True], steps != 0, [True]]))
    longest = int(np.diff(ends).max())
    if longest > max(24, 0.01 * len(steps)):
        start = int(ends[int(np.diff(ends).argmax())])
        what = f"Column {name} stands still for {longest:,} rows, though it changes all the time elsewhere: a sensor that hung?"
        seen = (series.seen(start),)
        yield Finding("stuck", "note", what, longest, seen, "Fill in the rows from elsewhere, or cut the series there.")


def _same(series: Series) -> Iterator[Finding]:
    first: dict[int, int] = {}
    for i, column in enumerate(series.values):
        if i == series.time or series.rows < 20:
            continue
        twin = first.setdefault(hash(column.tobytes()), i)
        if twin != i and np.ptp(series.column(i)) > 0:
            what = f"Columns {series.names[twin]} and {series.names[i]} are the same."
            yield Finding("same-columns", "warning", what, series.rows, (), "Leave one out: forecast.columns.")
