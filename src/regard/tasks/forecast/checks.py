"""What is asked of series of numbers (`regard check`); and a series written again, in the order of its times, each time once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO

from regard.check.bad_lines import RecordErrors
from regard.check.case import Case
from regard.check.finding import Finding
from regard.check.form import FileForm, StatedForm
from regard.check.look import Look
from regard.check.ranking import rank
from regard.check.raw_lines import RawLines
from regard.check.report import CheckReport, config_lines, is_among, nothing_in, used_twice
from regard.check.task_checks import TaskChecks, Writer
from regard.core.errors import DataError
from regard.data.series_table import TIMES
from regard.data.time_formats import spelling
from regard.tasks.forecast.check_numbers import of_series, of_several
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


class ForecastChecks(TaskChecks):
    """Of a task whose files are rows of numbers."""

    roles = ()
    told: Mapping[str, str] = {key: key for key in ("past", "ahead", "time", "gaps", "columns")}
    tabular = aligned = parquet = False

    def sure(self, look: Look) -> int:
        """A table of numbers, a column of times aside."""
        if look.kind != "table":
            return 0
        width, header = look.table.width, look.table.header
        numeric = sum(held.manner == "numbers" for held in look.table.held)
        timed = bool(header) and header is not None and header[0].lower() in TIMES
        numbers = numeric == width > 1 or (look.ends[0] == ".csv" and numeric >= max(1, width - 1))
        return 9 if numbers or (timed and numeric >= width - 1) else 0

    def report(self, files: Sequence[str], valid: Sequence[str], form: FileForm, given: StatedForm) -> CheckReport:
        bad, found, facts, each, opened = RecordErrors(), list[Finding](), list[str](), list[SeriesRows](), list[RawLines]()
        again = [file for file in valid if is_among(file, files)]
        for file in (*files, *(file for file in valid if file not in again)):
            opened.append(RawLines(file, bad))
            each.append(SeriesRows(opened[-1], bad, given))
            each[-1].read()
            found += of_series(each[-1], given, held=file not in files, alone=not valid)
            found += opened[-1].findings()
            facts.append(f"{file}: {each[-1].facts()}")
        refused = [finding for finding in found if finding.kind == "refused"]  # whatever else is wrong, it comes of that
        found = refused or [*found, *of_several(each), *map(used_twice, again), *bad.findings()]
        rows = sum(series.rows for series in each[: len(files)])
        if not rows and not bad.count and not refused:
            found.append(nothing_in(files))
        lines, found = sum(o.lines for o in opened[: len(files)]), list(dict.fromkeys(found))
        case, ranked = Case(self, form, given), rank(found)
        return CheckReport(tuple(files), tuple(valid), case, rows, lines, ranked, bad, tuple(facts), config_lines(case, found))

    def writer(self, report: CheckReport, changed: Counter[str], taken: Counter[str]) -> Writer:
        return lambda file, stream: in_order(file, stream, taken, report.case.given)
