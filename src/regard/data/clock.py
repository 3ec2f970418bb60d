"""Times of rows that stand at equal distances: which they are, and which come after them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from regard.data.items import Place
from regard.ground.errors import DataError, message

Moment = datetime | float
MONTHS = {
    range(28, 32): 1,
    range(90, 93): 3,
    range(365, 367): 12,
}  # days between rows that are a month, a quarter or a year apart
ISO = "an ISO time such as 2016-07-01 12:00, or a number"


@dataclass(frozen=True)
class Step:
    """From one row to the next: so many months, or so much: seconds, or a difference of numbers."""

    much: float
    months: int = 0
    seconds: bool = False

    def __str__(self) -> str:
        if self.months:
            return "a month" if self.months == 1 else f"{self.months} months"
        return str(timedelta(seconds=self.much)) if self.seconds else f"{self.much:g}"

    def like(self, other: Step) -> bool:
        """Whether both are the same: a month is one, however long it was."""
        alike = (self.months, self.seconds) == (other.months, other.seconds)
        return alike and (bool(self.months) or math.isclose(self.much, other.much, rel_tol=1e-6))


@dataclass(frozen=True)
class Clock:
    """last: the time of a row, as its file writes it.  step: None where there is but one row."""

    last: str
    step: Step | None

    def after(self, count: int) -> list[str]:
        """The times of so many rows that follow, written as the last is."""
        step = self.step or Step(0.0)
        begin = (_day(self.last) if step.seconds else None) or moment(self.last)
        assert begin is not None
        return [_written(_later(begin, step, n), self.last) for n in range(1, count + 1)]


def moment(text: str) -> Moment | None:
    """A time or a number; None for anything else."""
    try:
        number = float(text)
        return number if math.isfinite(number) and "_" not in text else None
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def clock(texts: Sequence[str], places: Sequence[Place], *, gaps: str) -> Clock:
    """The clock of a column of times.  DataError, with the place, where they go back, stand still, or (gaps: error) leave rows out."""
    days = all(map(_day, texts))
    times = [_moment(text, place, days=days) for text, place in zip(texts, places, strict=True)]
    if len({(isinstance(t, datetime), getattr(t, "tzinfo", None) is None) for t in times}) > 1:
        at = next(i for i in range(1, len(times)) if _kind(times[i]) != _kind(times[0]))
        do = "Write them all in one way."
        raise DataError(message(str(places[at]), f"a time written as the first is ({texts[0]})", repr(texts[at]), do))
    apart = [_apart(a, b) for a, b in pairwise(times)]
    for i, gone in enumerate(apart):
        if gone <= 0:
            what = "the same time again" if gone == 0 else "an earlier one"
            do = "Sort the rows, and keep one of each time."
            raise DataError(message(str(places[i + 1]), f"a time after {texts[i]}", f"{texts[i + 1]}, {what}", do))
    if not apart:
        return Clock(texts[-1], None)
    step = _step(times, apart)
    for i in range(len(apart)):
        if gaps == "error" and not _follows(times[i], times[i + 1], step):
            want = _written(_later(times[i], step, 1), texts[i])
            do = "Fill in the rows that are missing, or, where rows count and not their times, set forecast.gaps: ignore."
            raise DataError(message(str(places[i + 1]), f"{want}, one step ({step}) after {texts[i]}", texts[i + 1], do))
    return Clock(texts[-1], step)


def short(times: Sequence[str]) -> tuple[str, ...]:
    """Times as labels: without the year where all have the same, and without seconds where none has any."""
    if not all(len(t) >= 10 and t[4] == "-" for t in times):
        return tuple(times)
    whole = all(len(t) == 19 and t.endswith(":00") for t in times)
    cut = 5 if len({t[:5] for t in times}) == 1 else 0
    return tuple(t[cut:-3] if whole else t[cut:] for t in times)


def _day(text: str) -> datetime | None:
    """A day in ISO's basic form, 20240131: a number too, but for a column of nothing else."""
    whole = text.strip()
    try:
        return datetime.strptime(whole, "%Y%m%d") if len(whole) == 8 and whole.isdigit() and "1800" <= whole < "2200" else None
    except ValueError:
        return None


def _moment(text: str, place: Place, *, days: bool) -> Moment:
    found = _day(text) if days else moment(text)
    if found is None:
        do = "Write it so, or name the column of times: forecast.time."
        raise DataError(message(str(place), ISO, repr(text), do))
    return found


def _kind(time: Moment) -> tuple[bool, bool]:
    return isinstance(time, datetime), getattr(time, "tzinfo", None) is None


def _apart(a: Moment, b: Moment) -> float:
    """Seconds, or the difference of two numbers."""
    if isinstance(a, datetime) and isinstance(b, datetime):
        return (b - a).total_seconds()
    assert isinstance(a, float) and isinstance(b, float)
    return b - a


def _step(times: Sequence[Moment], apart: Sequence[float]) -> Step:
    """The distance that most rows have; months, where all are whole ones and their days are of one number."""
    most = Counter(round(gone, 6) for gone in apart).most_common(1)[0][0]
    days = most / 86_400
    months = next((count for lengths, count in MONTHS.items() if days in lengths), 0)
    dates = [t for t in times if isinstance(t, datetime)]
    ends = len({t.day for t in dates}) == 1 or all((t + timedelta(days=1)).day == 1 for t in dates)
    return Step(most, months if dates and months and ends else 0, bool(dates))


def _later(time: Moment, step: Step, count: int) -> Moment:
    if isinstance(time, float):
        return time + step.much * count
    if not step.months:
        return time + timedelta(seconds=step.much * count)
    whole = time.year * 12 + time.month - 1 + step.months * count
    first = time.replace(year=whole // 12, month=whole % 12 + 1, day=1)
    at_end = (time + timedelta(days=1)).day == 1 and time.day > 1
    return first.replace(day=_days(first) if at_end else min(time.day, _days(first)))


def _days(time: datetime) -> int:
    """Of its month."""
    return ((time.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day


def _follows(a: Moment, b: Moment, step: Step) -> bool:
    if isinstance(a, float):
        return math.isclose(_apart(a, b), step.much, rel_tol=1e-6, abs_tol=1e-9)
    return abs(_apart(_later(a, step, 1), b)) < 1e-3


def _written(time: Moment, like: str) -> str:
    """As the text `like` is written."""
    if isinstance(time, float):
        places = len(like.partition(".")[2]) if "e" not in like.lower() else 6
        return f"{time:.{places}f}" if places else f"{time:.0f}" if time.is_integer() else f"{time:.10g}"
    like = like.strip()
    try:
        date.fromisoformat(like)
        whole = not (time.hour or time.minute or time.second)
        if whole:
            return time.strftime("%Y-%m-%d" if "-" in like else "%Y%m%d")
        return time.isoformat(" ", "minutes")
    except ValueError:
        pass
    if "-" not in like[:8]:  # ISO's basic form, 20240101T000000
        made = time.strftime("%Y%m%dT%H%M%S" if len(like.rstrip("Z")) > 13 else "%Y%m%dT%H%M")
        return made + "Z" * like.endswith("Z")
    part = like[11:].split("+")[0].rstrip("Z")
    spec = "minutes" if part.count(":") < 2 else "microseconds" if "." in part else "seconds"
    made = time.isoformat(like[10], spec)
    return made.replace("+00:00", "Z") if like.endswith("Z") else made
