"""From one row of a series to the next: the step that its times have, and where steps lead."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np

from regard.data.time_formats import Moment, TimeFormat

NEAR = 1e-3  # of a step, and of a second: a row may lie that far from where it should
DAY = 86_400.0
SHARE = 0.2  # of rows a step of one unit, or of two, must have to be a rounded one: else the longer ones are gaps


@dataclass(frozen=True)
class Step:
    """From one row to the next: so many months, or so much: seconds, or a difference of numbers.

    anchor: which day of its month each row is: the same `day`, its `end`, its `last` or its `first` weekday.
    wall: whole days by the clock on the wall, however many hours a day had.  origin: where rows that were rounded begin; loose: how far
    off their step may be.
    """

    much: float
    months: int = 0
    seconds: bool = False
    anchor: str = "day"
    wall: bool = False
    loose: float = 0.0
    origin: Moment | None = None

    def __str__(self) -> str:
        if self.months:
            return "a month" if self.months == 1 else f"{self.months} months"
        return str(timedelta(seconds=self.much)) if self.seconds else f"{self.much:g}"

    def like(self, other: Step) -> bool:
        """Whether both are the same: a month is one, however long it was."""
        alike = (self.months, self.seconds) == (other.months, other.seconds)
        near = NEAR * max(self.much, other.much) if not self.seconds else 1e-6 * self.much
        return alike and (bool(self.months) or abs(self.much - other.much) <= near + self.loose + other.loose)


def apart_of(times: Sequence[Moment]) -> np.ndarray:
    """From each to the next: seconds, or the difference of two numbers."""
    return np.array([between(a, b) for a, b in pairwise(times)], dtype=np.float64)


def between(a: Moment, b: Moment) -> float:
    if isinstance(a, datetime) and isinstance(b, datetime):
        return (b - a).total_seconds()
    assert isinstance(a, Decimal) and isinstance(b, Decimal)
    return float(b - a)


def step_of(times: Sequence[Moment], manner: TimeFormat) -> Step:
    """The distance that most rows have; months, where all are whole ones and their days are of one kind."""
    dates, apart = [t for t in times if isinstance(t, datetime)], apart_of(times)
    much = _usual(apart)
    if dates and (months := int(_usual(_months(dates)))) > 0 and (anchor := _anchor(dates)):
        return Step(much, months, True, anchor)
    if len({t.utcoffset() for t in dates}) > 1:
        walls = _usual(apart_of(_walls(dates)))
        if walls > 0 and walls % DAY == 0:
            return Step(walls, 0, True, wall=True)
    if rounded := _of_rounded(apart, manner.unit or 0.0, seconds=bool(dates)):
        first, origin = times[0], rounded[0]
        begin = first + timedelta(seconds=origin) if isinstance(first, datetime) else first + Decimal(repr(origin))
        return Step(rounded[1], 0, bool(dates), loose=2 * (manner.unit or 0.0) / len(apart), origin=begin)
    near = apart[abs(apart - much) <= NEAR * abs(much)]
    return Step(much if dates else float(near.mean()), 0, bool(dates))


def with_gaps(times: Sequence[Moment], manner: TimeFormat) -> tuple[Step, np.ndarray]:
    """The step of times of which some may be missing, and of each row but the first whether it lies one step behind the one before.

    Times that were rounded stray by a digit from their step, which is no gap: it is sought where most rows lie side by side.
    """
    step = step_of(times, manner)
    fit = fits(times, step, manner)
    if fit.all() or step.loose or step.months or not manner.unit:
        return step, fit
    apart = apart_of(times)
    forward = apart[apart > 0]
    near = forward[forward <= np.median(forward) + 1.001 * manner.unit] if len(forward) else forward
    usual = float(near.mean()) if len(near) else 0.0
    far = (apart <= 0) | (apart > max(usual + 1.001 * manner.unit, 1.5 * usual))
    ends = [-1, *np.flatnonzero(far).tolist(), len(apart)]
    first, last = max(pairwise(ends), key=lambda pair: pair[1] - pair[0])
    part = times[first + 1 : last + 1]
    rounded = step_of(part, manner) if len(part) > 2 else step
    if not rounded.loose or (loose := fits(times, rounded, manner)).all():
        return step, fit
    return rounded, loose


def _usual(apart: np.ndarray) -> float:
    """What most are, to four digits; of several, the first."""
    most = Counter(f"{x:.4g}" for x in apart.tolist()).most_common(1)[0][0]
    alike = [x for x in apart.tolist() if f"{x:.4g}" == most]
    return Counter(alike).most_common(1)[0][0]


def _of_rounded(apart: np.ndarray, unit: float, *, seconds: bool) -> tuple[float, float] | None:
    """(how far behind the first they begin, step) of times that were rounded to the last digit written; None where they were not.

    What is rounded from equal steps of k and a fraction of such units rises by k or by k + 1, both often, and strays from a line by
    hardly more than one of them.
    """
    if not unit or (seconds and apart.max() >= 60):
        return None
    counts = Counter(np.round(apart / unit).astype(np.int64).tolist())
    low, high = min(counts), max(counts)
    whole = unit >= 1 and not seconds  # 1 2 4: a row is missing
    if high - low != 1 or low < 1 + whole or (low == 1 and min(counts.values()) < SHARE * len(apart)):
        return None
    gone = np.concatenate([[0.0], np.cumsum(apart)]) / unit
    rows = np.arange(len(gone)) - (len(gone) - 1) / 2
    slope = float((rows * (gone - gone.mean())).sum() / (rows**2).sum())
    strays = gone - slope * rows
    return (float(strays.mean() + slope * rows[0]) * unit, slope * unit) if np.ptp(strays) <= 1.5 else None


def _anchor(dates: Sequence[datetime]) -> str:
    """Which day of its month all are; "" where there is no rule."""
    if len({t.time() for t in dates}) > 1:
        return ""
    if all(t.day == _days(t) for t in dates):
        return "end"
    most = max(t.day for t in dates)
    if all(t.day == min(most, _days(t)) for t in dates):
        return "day"
    for anchor in ("last", "first"):
        if len(dates) > 2 and all(t.day == _weekday(t, anchor) for t in dates):
            return anchor
    return ""


def later(time: Moment, step: Step, count: int) -> Moment:
    """The time so many steps behind one.  OverflowError or ValueError beyond the year 9999."""
    if step.origin is not None:
        count += round(between(step.origin, time) / step.much)
        time = step.origin
    if isinstance(time, Decimal):
        return time + Decimal(repr(step.much)) * count
    if not step.months:
        return time + timedelta(seconds=step.much * count)
    whole = time.year * 12 + time.month - 1 + step.months * count
    if whole // 12 > 9999:
        raise OverflowError("beyond the year 9999")
    first = time.replace(year=whole // 12, month=whole % 12 + 1, day=1)
    days = {"end": _days(first), "day": min(time.day, _days(first))}
    return first.replace(day=days.get(step.anchor) or _weekday(first, step.anchor))


def _days(time: datetime) -> int:
    """Of its month."""
    return monthrange(time.year, time.month)[1]


def _weekday(time: datetime, which: str) -> int:
    """The day of the last, or the first, Monday to Friday of a month."""
    if which == "last":
        last = time.replace(day=_days(time))
        return last.day - max(last.weekday() - 4, 0)
    first = time.replace(day=1).weekday()
    return 1 if first < 5 else 8 - first


def fits(times: Sequence[Moment], step: Step, manner: TimeFormat) -> np.ndarray:
    """Of each row but the first, whether it lies one step behind the one before."""
    dates = [t for t in times if isinstance(t, datetime)]
    if step.months:
        return _months(dates) == step.months
    apart = apart_of(_walls(dates) if step.wall else times)
    slack = min(NEAR, NEAR * step.much) if step.seconds else NEAR * abs(step.much)
    return np.abs(apart - step.much) <= slack + (1.001 * (manner.unit or 0.0) if step.loose else 0.0)


def _months(dates: Sequence[datetime]) -> np.ndarray:
    return np.diff([t.year * 12 + t.month for t in dates])


def _walls(dates: Sequence[datetime]) -> list[datetime]:
    """As clocks on the wall showed them."""
    return [t.replace(tzinfo=None) for t in dates]
