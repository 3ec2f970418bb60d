"""Times of rows that stand at equal distances: which they are, and which come after them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice, pairwise

import numpy as np

from regard.core.errors import DataError, message
from regard.data.examples import Place
from regard.data.time_formats import WAYS, IsoFormat, Moment, NumberFormat, TimeFormat, spelling
from regard.tasks.forecast.time_steps import Step, apart_of, between, fits, later, step_of, with_gaps

OFTEN = 0.5  # share of rows that a step must fit to be one
SELDOM = 0.25  # share of the most frequent weekday's, or hour's, count below which one is none
HOUR, WEEK, MINUTES = 3600.0, 7 * 86_400.0, 1440  # seconds; minutes of a day: at more hours rows keep to none
FEW, MANY = 10, 2000  # rows from which on weekdays and hours are looked for, and of which they are tried


@dataclass(frozen=True)
class Clock:
    """last: the time of a row, as its file writes it.  step: None where there is but one row, or rows at no one distance.

    weekdays, hours: those (0 is Monday; seconds of a day) that rows keep to where gaps are ignored; empty: to all.
    """

    last: str
    step: Step | None
    spelling: TimeFormat
    weekdays: frozenset[float] = frozenset()
    hours: tuple[float, ...] = ()

    def after(self, rows: int) -> list[str]:
        """The times of so many rows that follow, written as the last is; `+1`, `+2`, ... where there is no step.

        OverflowError beyond the year 9999.
        """
        if self.step is None:
            return [f"+{n}" for n in range(1, rows + 1)]
        return [self.spelling.write(time, self.last) for time in islice(self._following(self.step), rows)]

    def _following(self, step: Step) -> Iterator[Moment]:
        last = self.spelling.read(self.last)
        assert last is not None
        if self.hours and isinstance(last, datetime):
            return _kept_to(last, self.weekdays, self.hours)
        return (later(last, step, n) for n in count(1))


def clock(texts: Sequence[str], places: Sequence[Place], *, gaps: str) -> Clock:
    """The clock of a column of times.  DataError, with the place, where they go back, stand still, or (gaps: error) leave rows out."""
    manner = spelling(texts)
    if isinstance(manner, str):
        do = "Write times as ISO has them, 2016-07-01, or say that rows count alone: forecast.time: none."
        raise DataError(message(str(places[0]), "a time that reads in one way only", manner, do))
    times = [_moment(text, place, manner) for text, place in zip(texts, places, strict=True)]
    if len(set(map(_kind, times))) > 1:
        at = next(i for i in range(1, len(times)) if _kind(times[i]) != _kind(times[0]))
        do = "Write them all in one way."
        raise DataError(message(str(places[at]), f"a time written as the first is ({texts[0]})", repr(texts[at]), do))
    if len(times) == 1:
        return Clock(texts[-1], None, manner)
    step = step_of(times, manner)
    for back in np.flatnonzero(apart_of(times) <= 0).tolist():
        if gaps == "error" or not _set_back(times[back], times[back + 1], step):
            raise DataError(_not_after(back, texts, places, times, step))
    fit = fits(times, step, manner)
    if fit.all():
        return Clock(texts[-1], step, manner)
    if gaps == "error":
        step, fit = with_gaps(times, manner)
        raise DataError(_gap(int(np.argmin(fit)), texts, places, times, step, manner))
    return _loosely(texts[-1], times, float(fit.mean()), step, manner)


def short(times: Sequence[str]) -> tuple[str, ...]:
    """Times as labels: without the year where all have the same, and without seconds where none has any."""
    if not all(len(t) >= 10 and t[4] == "-" for t in times):
        return tuple(times)
    whole = all(len(t) == 19 and t.endswith(":00") for t in times)
    cut = 5 if len({t[:5] for t in times}) == 1 else 0
    return tuple(t[cut:-3] if whole else t[cut:] for t in times)


def _moment(text: str, place: Place, manner: TimeFormat) -> Moment:
    found = manner.read(text)
    if found is None:
        found = NumberFormat().read(text) or IsoFormat().read(text)  # of another kind, which is said then
    if found is None:
        raise DataError(message(str(place), WAYS, repr(text), "Write it so, or name the column of times: forecast.time."))
    return found


def _kind(time: Moment) -> tuple[bool, bool]:
    return isinstance(time, datetime), getattr(time, "tzinfo", None) is None


def _set_back(a: Moment, b: Moment, step: Step) -> bool:
    """Whether a local time comes again because clocks were put back by an hour."""
    if not isinstance(a, datetime) or a.tzinfo is not None or step.months or not 0 < step.much <= HOUR:
        return False
    return math.isclose(between(a, b), step.much - HOUR, abs_tol=1.0) and a.month in (3, 4, 9, 10, 11)


def _not_after(at: int, texts: Sequence[str], places: Sequence[Place], times: Sequence[Moment], step: Step) -> str:
    gone = between(times[at], times[at + 1])
    what, do = "the same time again" if gone == 0 else "an earlier one", "Sort the rows, and keep one of each time."
    if _set_back(times[at], times[at + 1], step):
        what += ": clocks were put back, it seems"
        do = "No row is too many then: write times with their offset (2016-10-30 02:00+01:00) or in UTC, or set forecast.gaps: ignore."
    return message(str(places[at + 1]), f"a time after {texts[at]}", f"{texts[at + 1]}, {what}", do)


def _gap(at: int, texts: Sequence[str], places: Sequence[Place], times: Sequence[Moment], step: Step, manner: TimeFormat) -> str:
    do = "Fill in the rows that are missing, or, where rows count and not their times, set forecast.gaps: ignore."
    a, b = times[at], times[at + 1]
    if isinstance(a, datetime) and isinstance(b, datetime) and a.tzinfo is None and 0 < step.much <= HOUR:
        forward = math.isclose(between(a, b), step.much + HOUR, abs_tol=1.0) and b.hour <= 4 and b.weekday() == 6
        if forward and b.month in (3, 4, 9, 10):
            do = "Were clocks put forward? Write times with their offset, or in UTC, or set forecast.gaps: ignore. Else fill in the row."
    try:
        want = manner.write(later(a, step, 1), texts[at])
    except (OverflowError, ValueError):
        want = "a time"
    return message(str(places[at + 1]), f"{want}, one step ({step}) after {texts[at]}", texts[at + 1], do)


def _loosely(last: str, times: Sequence[Moment], fit: float, step: Step, manner: TimeFormat) -> Clock:
    """The clock of rows whose gaps are ignored: on the weekdays, at the hours that they keep to, where that says of more rows than a step
    (fit: of what share) when they come; without a step where neither says it of half of them."""
    dates = [t for t in times if isinstance(t, datetime)]
    weekdays, hours = _often([t.weekday() for t in dates]), _often([_hour(t) for t in dates])
    if dates and not step.months and step.much <= WEEK and len(dates) >= FEW and len(hours) <= MINUTES:
        kept, at = frozenset[float]() if len(weekdays) == 7 else weekdays, tuple(sorted(hours))
        some = list(pairwise(dates[-MANY:]))
        known = sum(next(_kept_to(a, kept, at)) == b for a, b in some) / len(some)
        if known > max(fit, OFTEN):
            return Clock(last, step, manner, kept, at)
    return Clock(last, step if fit >= OFTEN else None, manner)


def _hour(time: datetime) -> float:
    """In seconds."""
    return time.hour * 3600.0 + time.minute * 60 + time.second + time.microsecond / 1e6


def _often(found: Sequence[float]) -> frozenset[float]:
    counts = Counter(found)
    return frozenset(x for x, n in counts.items() if n >= SELDOM * max(counts.values()))


def _kept_to(time: datetime, weekdays: frozenset[float], hours: Sequence[float]) -> Iterator[datetime]:
    """The times behind one, on such days (empty: all), at such hours."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        if not weekdays or day.weekday() in weekdays:
            yield from (at for hour in hours if (at := day + timedelta(seconds=hour)) > time)
        day += timedelta(days=1)
