"""A column of times: what cannot be read, stands still, goes back, leaves rows out, or was moved by a clock change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from regard.check.finding import Finding, Seen
from regard.data.dates import spelling
from regard.ground.counted import many

SOME = 2000  # texts by which their manner is told
DAY = 86_400.0


def of_times(texts: Sequence[str], lines: Sequence[int], file: str) -> list[Finding]:
    """What is wrong with the times of rows.  lines: of each row."""
    manner = spelling(texts[:SOME])
    if isinstance(manner, str):
        return [
            Finding(
                "time-unreadable",
                "error",
                f"Times cannot be read: {manner}",
                len(texts),
                (Seen(file, lines[0], texts[0]),),
                "Write them as ISO has them.",
            )
        ]
    read = [manner.read(text) for text in texts]
    lost = [i for i, time in enumerate(read) if time is None]
    if lost:
        what = f"{many(len(lost), 'time')} cannot be read as the others are."
        seen = tuple(Seen(file, lines[i], texts[i]) for i in lost[:3])
        return [Finding("time-unreadable", "error", what, len(lost), seen, "Write all times in one way.")]
    dates = [time for time in read if isinstance(time, datetime)]
    zoned = {time.utcoffset() for time in dates}
    if 0 < len(dates) < len(read) or (len(zoned) > 1 and None in zoned):
        return [
            Finding(
                "time-unreadable", "error", "Times are written in several ways.", len(texts), (), "Write all times in one way."
            )
        ]
    at = np.array([seconds(time) for time in read])
    if len(zoned) > 1 and dates:
        wall = np.array([seconds(time.replace(tzinfo=None)) for time in dates])
        at = wall if np.median(np.abs(np.diff(wall))) >= DAY else at  # a day is one on the wall, whatever clocks do
    return _steps(at, texts, lines, file, dates)


def seconds(time: object) -> float:
    """Since 1970; on the clock of the wall where there is no offset."""
    if not isinstance(time, datetime):
        return float(time)  # type: ignore[arg-type]
    if time.tzinfo is not None:
        return time.timestamp()
    return (time - datetime(1970, 1, 1)).total_seconds()


def _steps(at: np.ndarray, texts: Sequence[str], lines: Sequence[int], file: str, dates: Sequence[datetime]) -> list[Finding]:
    apart = np.diff(at)
    if not len(apart):
        return []
    step = float(np.median(apart[apart > 0])) if (apart > 0).any() else 0.0
    back, still = np.flatnonzero(apart < 0), np.flatnonzero(apart == 0)
    gaps = np.flatnonzero(apart > step * (1 + 1e-3) + 1e-9)
    moved = [] if not dates or dates[0].tzinfo is not None else _clock_changes(apart, dates, step)
    back, still, gaps = (np.array([i for i in rows if i not in moved], dtype=int) for rows in (back, still, gaps))

    def told(kind: str, level: str, what: str, rows: Sequence[int], do: str, fixable: bool = False) -> Finding:
        seen = tuple(Seen(file, lines[i + 1], f"{texts[i]} then {texts[i + 1]}") for i in rows[:3])
        return Finding(kind, level, what, len(rows), seen, do, fixable)

    found = []
    if len(moved):
        what = f"Local times with a change of the clock, {many(len(moved), 'time')}: an hour is missing in spring or there twice in autumn."
        found.append(
            told("clock-change", "warning", what, sorted(moved), "Write UTC, or offsets (+01:00), or set forecast.gaps: ignore.")
        )
    if len(back):
        what = f"Times go back {many(len(back), 'time')}."
        found.append(told("time-order", "error", what, list(back), "Sort the rows, or --fix does it.", True))
    if len(still):
        what = f"{many(len(still), 'time is', 'times are')} there twice."
        found.append(
            told("time-twice", "error", what, list(still), "Keep one row of each time, or --fix does it: the first.", True)
        )
    if len(gaps) and not _calendar(apart, dates, step):
        level, what, do = _gap(gaps, apart, dates, step)
        found.append(told("time-gap", level, what, list(gaps), do))
    return found


def _gap(gaps: np.ndarray, apart: np.ndarray, dates: Sequence[datetime], step: float) -> tuple[str, str, str]:
    """Level, words and advice where rows are missing: of weekends it is but a note."""
    ignore = "Set forecast.gaps: ignore, where rows count and not their times"
    friday = bool(dates) and all(dates[int(i)].weekday() == 4 and abs(apart[i] - 3 * DAY) < 1 for i in gaps)
    if friday and abs(step - DAY) < 1:
        return "note", "Weekends are left out.", f"{ignore}."
    missing = float((apart[gaps] / step - 1).sum()) if step else 0
    what = (
        f"Rows are missing at {many(len(gaps), 'place')} (about {missing:,.0f} rows; the step is {_spoken(step, bool(dates))})."
    )
    return "warning", what, ignore + ("." if len(gaps) > 0.05 * len(apart) else ", or fill the rows in.")


def _clock_changes(apart: np.ndarray, dates: Sequence[datetime], step: float) -> list[int]:
    """Rows before a jump or a step back of an hour in a night of a Sunday, in the months in which clocks change."""
    if not 0 < step <= 3600:
        return []
    odd = np.flatnonzero((np.abs(apart - step - 3600) < 1) | (np.abs(apart - step + 3600) < 1))
    nights = [i for i in map(int, odd) if dates[i + 1].weekday() == 6 and dates[i].hour <= 4]
    return [i for i in nights if dates[i].month in ((3, 4, 9, 10) if apart[i] > step else (10, 11, 3, 4))]


def _calendar(apart: np.ndarray, dates: Sequence[datetime], step: float) -> bool:
    """Whether steps are months, quarters or years, whose lengths differ."""
    days = apart / DAY
    ranges = ((27.9, 31.1), (89.9, 92.1), (364.9, 366.1))
    return bool(dates) and any(low <= step / DAY <= high and bool(((days >= low) & (days <= high)).all()) for low, high in ranges)


def _spoken(step: float, dated: bool) -> str:
    if not dated:
        return f"{step:g}"
    for size, name in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")):
        if step >= size:
            return many(int(step / size), name) if step % size == 0 else f"{step / size:g} {name}s"
    return f"{step:g} seconds"
