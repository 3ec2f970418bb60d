"""A series written again: in the order of its times, each time once, without empty lines and rows that cannot be read."""

from __future__ import annotations

from collections import Counter
from typing import IO

from regard.check.bad_lines import RecordErrors
from regard.check.form import StatedForm
from regard.check.raw_lines import RawLines
from regard.core.errors import DataError
from regard.data.time_formats import spelling
from regard.tasks.forecast.check_rows import SeriesRows
from regard.tasks.forecast.check_times import seconds


def in_order(file: str, stream: IO[str], taken: Counter[str], given: StatedForm) -> int:
    """Writes the rows of a series in the order of their times, each time once, without empty lines; how many.

    DataError where a training would refuse the file as a whole."""
    series = SeriesRows(RawLines(file), RecordErrors(), given)
    series.read()
    if series.refusal:
        raise DataError(series.refusal)
    lines = [line for _, some in RawLines(file).pieces() for line in some]
    for line in lines[: series.first - 1]:
        if line.strip():
            stream.write(line + "\n")
    rows = [int(number) for number in series.lines]
    manner = spelling(series.texts) if series.texts else ""
    read = [] if isinstance(manner, str) else [manner.read(text) for text in series.texts]
    order = list(range(len(rows)))
    if read and None not in read:
        at = [seconds(time) for time in read]
        order.sort(key=lambda i: at[i])
        kept = [i for n, i in enumerate(order) if not n or at[i] != at[order[n - 1]]]
        taken["time-twice"] += len(order) - len(kept)
        order = kept
    for i in order:
        stream.write(lines[rows[i] - 1] + "\n")
    taken["bad"] += len([line for line in lines[series.first - 1 :] if line.strip()]) - len(rows)
    return len(order)
