"""A column of times: what cannot be read, stands still, goes back, leaves rows out, or was moved by a clock change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from regard.check.finding import Finding, FindingPlace, refusal
from regard.core.errors import DataError
from regard.core.plural import many
from regard.data.examples import Place
from regard.data.time_formats import Moment, spelling
from regard.tasks.forecast.time_steps import Step, apart_of, with_gaps
from regard.tasks.forecast.timestamps import clock

DAY, HOUR = 86_400.0, 3600.0
IGNORE = "forecast.gaps: ignore"


@dataclass(frozen=True)
class Times:
    """The times of the rows of a file.  lines: of each row; gaps: as `forecast.gaps`."""

    texts: Sequence[str]
    lines: Sequence[int]
    file: str
    gaps: str = "error"

    def told(self, kind: str, level: str, what: str, rows: Sequence[int], do: str, fixable: bool = False) -> Finding:
        """A finding on rows, each beside the one before."""
        seen = tuple(FindingPlace(self.file, self.lines[i + 1], f"{self.texts[i]} then {self.texts[i + 1]}") for i in rows[:3])
        config = (IGNORE,) if f"Set {IGNORE}" in do else ()
        return Finding(kind, level, what, len(rows), seen, do, fixable, config)

    @property
    def refuses(self) -> str:
        """The level of what a training refuses but where gaps are ignored."""
        return "error" if self.gaps == "error" else "note"


def of_times(times: Times) -> list[Finding]:
    """What is wrong with the times of rows; an error where a training refuses them."""
    manner = spelling(times.texts)
    if isinstance(manner, str):
        first = (FindingPlace(times.file, times.lines[0], times.texts[0]),)
        do = "Write them as ISO has them."
        return [Finding("time-unreadable", "error", f"Times cannot be read: {manner}", len(times.texts), first, do)]
    read = [manner.read(text) for text in times.texts]
    lost = [i for i, time in enumerate(read) if time is None]
    if lost:
        what = f"{many(len(lost), 'time')} cannot be read as the others are."
        seen = tuple(FindingPlace(times.file, times.lines[i], times.texts[i]) for i in lost[:3])
        return [Finding("time-unreadable", "error", what, len(lost), seen, "Write all times in one way.")]
    moments = [time for time in read if time is not None]
    kinds = {(isinstance(time, datetime), getattr(time, "tzinfo", None) is None) for time in moments}
    if len(kinds) > 1:
        what, do = "Times are written in several ways.", "Write all times in one way."
        return [Finding("time-unreadable", "error", what, len(times.texts), (), do)]
    found = [*_steps(times, moments, *with_gaps(moments, manner))]
    return found if any(finding.level == "error" for finding in found) else [*found, *_refused(times)]


def _refused(times: Times) -> list[Finding]:
    """What a training says, where it refuses times of which nothing else was told."""
    try:
        clock(times.texts, [Place(times.file, line) for line in times.lines], gaps=times.gaps)
    except DataError as error:
        return [refusal(error, "time-gap")]
    return []


def seconds(time: object) -> float:
    """Since 1970; on the clock of the wall where there is no offset."""
    if not isinstance(time, datetime):
        return float(time)  # type: ignore[arg-type]
    if time.tzinfo is not None:
        return time.timestamp()
    return (time - datetime(1970, 1, 1)).total_seconds()


def _steps(times: Times, read: Sequence[Moment], step: Step, fit: np.ndarray) -> Iterator[Finding]:
    apart, dates = apart_of(read), [time for time in read if isinstance(time, datetime)]
    if not len(apart):
        return
    moved = _clock_changes(apart, dates, step.much) if dates and dates[0].tzinfo is None else []
    other = np.array([i not in moved for i in range(len(apart))])
    back, still = np.flatnonzero((apart < 0) & other), np.flatnonzero((apart == 0) & other)
    gaps = np.flatnonzero(~fit & (apart > 0) & other)
    if moved:
        what = f"Local times with a change of the clock, {many(len(moved), 'time')}: an hour is missing in spring or there twice in autumn."
        do = f"Set {IGNORE}, or write UTC, or offsets (+01:00)."
        yield times.told("clock-change", times.refuses, what, sorted(moved), do)
    if len(back):
        what = f"Times go back {many(len(back), 'time')}."
        yield times.told("time-order", "error", what, list(back), "Sort the rows, or --fix does it.", True)
    if len(still):
        what = f"{many(len(still), 'time is', 'times are')} there twice."
        do = "Keep one row of each time, or --fix does it: the first."
        yield times.told("time-twice", "error", what, list(still), do, True)
    if len(gaps):
        what, do = _gap(gaps, apart, dates, step)
        yield times.told("time-gap", times.refuses, what, list(gaps), do)


def _gap(gaps: np.ndarray, apart: np.ndarray, dates: Sequence[datetime], step: Step) -> tuple[str, str]:
    """Words and advice where rows are missing."""
    ignore = f"Set {IGNORE}, where rows count and not their times"
    friday = bool(dates) and all(dates[int(i)].weekday() == 4 and abs(apart[i] - 3 * DAY) < 1 for i in gaps)
    if friday and abs(step.much - DAY) < 1:
        return "Weekends are left out.", f"{ignore}."
    missing = float((apart[gaps] / step.much - 1).sum()) if step.much else 0
    what = f"Rows are missing at {many(len(gaps), 'place')} (about {many(round(missing), 'row')}; the step is {_spoken(step)})."
    if missing < 0.5:
        what = f"At {many(len(gaps), 'place')} rows are not one step apart ({_spoken(step)})."
    return what, ignore + ("." if len(gaps) > 0.05 * len(apart) else ", or fill the rows in.")


def _clock_changes(apart: np.ndarray, dates: Sequence[datetime], step: float) -> list[int]:
    """Rows before a jump or a step back of an hour in a night of a Sunday, in the months in which clocks change."""
    if not 0 < step <= HOUR:
        return []
    odd = np.flatnonzero((np.abs(apart - step - HOUR) < 1) | (np.abs(apart - step + HOUR) < 1))
    nights = [i for i in map(int, odd) if dates[i + 1].weekday() == 6 and dates[i].hour <= 4]
    return [i for i in nights if dates[i].month in ((3, 4, 9, 10) if apart[i] > step else (10, 11, 3, 4))]


def _spoken(step: Step) -> str:
    if step.months or not step.seconds:
        return str(step)
    for size, name in ((DAY, "day"), (HOUR, "hour"), (60.0, "minute"), (1.0, "second")):
        if step.much >= size:
            return many(int(step.much / size), name) if step.much % size == 0 else f"{step.much / size:g} {name}s"
    return f"{step.much:g} seconds"
