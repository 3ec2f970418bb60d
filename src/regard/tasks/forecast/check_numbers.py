"""Series of numbers: columns that do not change or hang, levels that float32 cannot hold, values that fill in, too few rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from regard.check.finding import Finding, FindingPlace, refusal
from regard.check.form import StatedForm
from regard.core.plural import many
from regard.data.time_formats import spelling
from regard.tasks.forecast.check_rows import Floats, SeriesRows
from regard.tasks.forecast.check_times import Times, of_times
from regard.tasks.forecast.data import HELD
from regard.tasks.forecast.series_file import fills
from regard.tasks.forecast.time_steps import Step, step_of

FAR = 1e17  # deviations from the rows of the first file, of which float32 holds sums of squares


def of_series(series: SeriesRows, given: StatedForm, *, held: bool, alone: bool) -> list[Finding]:
    """What is wrong with rows of numbers that were read.  held: they are to validate with; alone: nothing else is."""
    if series.refusal:
        return [refusal(series.refusal)]
    found = [*_frame(series, given, alone=alone)]
    if series.rows < 2:
        return found
    for i in series.kept:
        found += _column(series, series.names[i], series.column(i), held=held)
    found += [] if held else _same(series)
    if series.time >= 0:
        found += of_times(Times(series.texts, series.lines, series.file, given.gaps))
    return found


def _frame(series: SeriesRows, given: StatedForm, *, alone: bool) -> Iterator[Finding]:
    past, ahead = given.past, given.ahead
    left = series.rows - max(ahead, round(given.valid_share * series.rows)) if alone else series.rows
    if left < past + ahead:
        what = f"{many(series.rows, 'row')} in {series.file}: a window needs forecast.past {past} + forecast.ahead {ahead} rows"
        what += f", and {max(left, 0):,} are left to train on." if alone else "."
        do = "Give more rows, or lower forecast.past and forecast.ahead."
        yield Finding("too-few-rows", "error", what, series.rows, (), do)
    elif series.rows < 2 * (past + ahead) and alone:
        what = f"{many(series.rows, 'row')} give few windows of {past} + {ahead} rows: little is left for validation."
        yield Finding("too-few-rows", "warning", what, series.rows, (), "Give more rows, or lower forecast.past.")
    what = f"Numbers have decimal commas in {many(series.commas.count, 'row')}."
    yield from series.commas.report("decimal-comma", "note", what, "They are read so.")
    what = f"{many(series.blank.count, 'empty line stands', 'empty lines stand')} between rows."
    yield from series.blank.report("empty-line", "error", what, "Fill in the rows, or --fix takes them out.", True, skipped=True)


def _column(series: SeriesRows, name: str, x: Floats, *, held: bool) -> Iterator[Finding]:
    steps = np.diff(x)
    if np.ptp(x) == 0 and abs(x[0]) <= HELD:
        if not held:  # of validation data nothing is learnt
            what, do = (
                f"Column {name} never changes: {x[0]:g} in every row.",
                "Leave it out (forecast.columns), or keep it as it is.",
            )
            yield Finding("constant", "warning", what, series.rows, (), do, quiet=True)
        return
    filled = [*_fills(series, name, x)]
    yield from filled
    beyond = np.flatnonzero(np.abs(x) > HELD)
    if len(beyond) and not any(finding.level == "error" for finding in filled):
        seen = tuple(series.seen(int(i), f"{x[i]:g}") for i in beyond[:3])
        what = f"Column {name} has {many(len(beyond), 'number')} beyond {HELD:g}, whose square float32 does not hold."
        series.beyond("too-large", beyond.tolist(), name)
        yield Finding("too-large", "error", what, len(beyond), seen, "Fill in what is missing there, or scale the column down.")
    if held:
        return
    changes = int((steps != 0).sum())
    if changes < 0.02 * len(steps):
        what = f"Column {name} hardly ever changes: {many(changes, 'time')} in {many(series.rows, 'row')}."
        yield Finding("nearly-constant", "note", what, changes, (), "Is it worth forecasting? Leave it out: forecast.columns.")
    elif changes > 0.5 * len(steps):
        yield from _stuck(series, name, steps)
    yield from _range(series, name, x, steps)


def _range(series: SeriesRows, name: str, x: Floats, steps: Floats) -> Iterator[Finding]:
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


def _fills(series: SeriesRows, name: str, x: Floats) -> Iterator[Finding]:
    for fill, there in fills(x):
        rows = np.flatnonzero(there)
        what = f"Column {name} is {fill:g} in {many(len(rows), 'row')}: what programs write for a missing number."
        seen = tuple(series.seen(int(i), f"{x[i]:g}") for i in rows[:3])
        refused = abs(fill) > HELD
        if refused:
            series.beyond("fill-value", rows.tolist(), name)
        do = "Fill in what is missing, by a neighbour or a mean."
        yield Finding("fill-value", "error" if refused else "warning", what, len(rows), seen, do, quiet=True)


def _stuck(series: SeriesRows, name: str, steps: Floats) -> Iterator[Finding]:
    ends = np.flatnonzero(np.concatenate([[True], steps != 0, [True]]))
    longest = int(np.diff(ends).max())
    if longest > max(24, 0.01 * len(steps)):
        start = int(ends[int(np.diff(ends).argmax())])
        what = f"Column {name} stands still for {longest:,} rows, though it changes all the time elsewhere: a sensor that hung?"
        seen = (series.seen(start),)
        yield Finding("stuck", "note", what, longest, seen, "Fill in the rows from elsewhere, or cut the series there.")


def _same(series: SeriesRows) -> Iterator[Finding]:
    first: dict[int, int] = {}
    for i, column in series.values.items():
        if series.rows < 20:
            continue
        twin = first.setdefault(hash(column.tobytes()), i)
        if twin != i and np.ptp(series.column(i)) > 0:
            what = f"Columns {series.names[twin]} and {series.names[i]} are the same."
            yield Finding("same-columns", "warning", what, series.rows, (), "Leave one out: forecast.columns.")


def of_several(each: Sequence[SeriesRows]) -> Iterator[Finding]:
    """Whether files go together, as a training asks: the same columns, at the same distance, on the same scale."""
    read = [series for series in each if series.rows > 1 and not series.refusal]
    first, names = read[0] if read else None, [read[0].names[i] for i in read[0].kept] if read else []
    for series in read[1:]:
        assert first is not None  # where others are
        own, one = [series.names[i] for i in series.kept], (FindingPlace(series.file, 0),)
        if own != names:
            what = f"{series.file} has the columns {', '.join(own)}, {first.file} {', '.join(names)}."
            do = "Give files with the same columns, or name those that all have: forecast.columns."
            yield Finding("other-columns", "error", what, 1, one, do)
            continue
        steps = _step(first), _step(series)
        if steps[0] and steps[1] and not steps[1].like(steps[0]):
            what = f"The rows of {series.file} are {steps[1]} apart, those of {first.file} {steps[0]}."
            yield Finding("other-step", "error", what, 1, one, "Give files whose rows stand at the same distance.")
        for i, j in zip(first.kept, series.kept, strict=True):
            x, y = first.column(i), series.column(j)
            spread = float(x.std()) if np.ptp(x) else 1.0
            if float(np.abs(y - x.mean()).max()) > FAR * spread:
                what = f"Column {series.names[j]} of {series.file} has numbers that are nowhere near those of {first.file}."
                yield Finding("too-large", "error", what, 1, one, "Fill in what is missing there, or scale the column down.")


def _step(series: SeriesRows) -> Step | None:
    manner = spelling(series.texts) if series.texts else ""
    read = [] if isinstance(manner, str) else [manner.read(text) for text in series.texts]
    moments = [time for time in read if time is not None]
    if isinstance(manner, str) or len(moments) < 2 or len(moments) < len(read) or len({type(time) for time in moments}) > 1:
        return None
    return step_of(moments, manner)
