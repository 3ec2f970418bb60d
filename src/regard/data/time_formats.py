"""How files write times: ISO and the ways beside it that can be read in one way only, and numbers; read, and written again alike."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

Moment = datetime | Decimal
WAYS = "an ISO time such as 2016-07-01 12:00 (or 2016-07, 2016/07/01, 01.07.2016), or a number"
CLOCK = r"(?:(?P<gap>[ T])(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d)(?:(?P<dot>[.,])(?P<f>\d+))?)?)?"
PARTS = re.compile(r"(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})(?:(?P=mark)(?P<c>\d{1,4}))?" + CLOCK)
ISO = re.compile(
    r"(?P<day>\d{4}-?\d\d-?\d\d)(?:(?P<gap>[^\d])(?P<h>\d\d)(?:(?P<colon>:?)(?P<m>\d\d)(?:(?P=colon)(?P<s>\d\d)"
    r"(?:(?P<dot>[.,])(?P<f>\d+))?)?)?)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?"
)
NAMED = re.compile(r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|^\d{4}\s*[qhw]\d")


class TimeFormat(ABC):
    """How the times of a column are written."""

    unit: float | None = None  # what the last digit says: seconds, or of numbers; None: times are not rounded

    @abstractmethod
    def read(self, text: str) -> Moment | None:
        """None for what is not written so."""

    @abstractmethod
    def write(self, time: Moment, like: str) -> str:
        """A time, written as the text `like` is."""


class IsoFormat(TimeFormat):
    """ISO 8601, extended or basic, in as many parts as the last time has."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        digits = [len(found["f"] or "") for text in texts if (found := ISO.fullmatch(text)) and found["s"]]
        self.unit = 10.0 ** -max(digits) if digits else None

    def read(self, text: str) -> datetime | None:
        if text.isdecimal() or not text.isascii():
            return None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None

    def write(self, time: Moment, like: str) -> str:
        assert isinstance(time, datetime)
        found = ISO.fullmatch(like)
        if found is None:  # a week's day, say
            return time.isoformat(" " if time.hour or time.minute or time.second else "T", "minutes")[: None if time.hour else 10]
        made = f"{time.year:04}-{time.month:02}-{time.day:02}"
        made = made if "-" in found["day"] else made.replace("-", "")
        if found["h"] is None and not (time.hour or time.minute or time.second):
            return made
        colon = ":" if found["colon"] is None else found["colon"]
        made += (found["gap"] or " ") + f"{time.hour:02}"
        if found["m"] is not None or found["h"] is None or time.minute or time.second:
            made += f"{colon}{time.minute:02}"
        return made + _seconds(time, found, colon) + _zone(time, found["zone"])


@dataclass(frozen=True)
class PartsFormat(TimeFormat):
    """Numbers with marks between them.  order: `ymd`, `dmy`, `mdy` or `ym`; padded: two digits for days and months; hours likewise."""

    order: str
    mark: str
    padded: bool
    hours: bool

    def read(self, text: str) -> datetime | None:
        found = PARTS.fullmatch(text)
        if found is None or found["mark"] != self.mark or (found["c"] is None) != (self.order == "ym"):
            return None
        given = dict(zip(self.order, (found["a"], found["b"], found["c"]), strict=False))
        if len(given["y"]) != 4 or len(given["m"]) > 2 or len(given.get("d", "1")) > 2:
            return None
        hour, minute, second = (int(found[x] or 0) for x in "hms")
        fraction = int((found["f"] or "0")[:6].ljust(6, "0"))
        try:
            return datetime(int(given["y"]), int(given["m"]), int(given.get("d", 1)), hour, minute, second, fraction)
        except ValueError:
            return None

    def write(self, time: Moment, like: str) -> str:
        assert isinstance(time, datetime)
        wide, found = "02" if self.padded else "", PARTS.fullmatch(like)
        parts = {"y": f"{time.year:04}", "m": f"{time.month:{wide}}", "d": f"{time.day:{wide}}"}
        made = self.mark.join(parts[x] for x in self.order)
        if found is None or (found["h"] is None and not (time.hour or time.minute or time.second)):
            return made
        made += (found["gap"] or " ") + f"{time.hour:{'02' if self.hours else ''}}:{time.minute:02}"
        return made + _seconds(time, found, ":")


class CompactFormat(TimeFormat):
    """Days in ISO's basic form, 20240131: numbers too, but for a column of nothing else."""

    def read(self, text: str) -> datetime | None:
        try:
            whole = len(text) == 8 and text.isascii() and text.isdecimal() and "1800" <= text < "2200"
            return datetime.strptime(text, "%Y%m%d") if whole else None
        except ValueError:
            return None

    def write(self, time: Moment, like: str) -> str:
        assert isinstance(time, datetime)
        return f"{time.year:04}{time.month:02}{time.day:02}"


class NumberFormat(TimeFormat):
    """Numbers, with as many digits as the column has."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        found = [number for text in texts if (number := self.read(text)) is not None]
        places = [_exponent(number) for number in found] or [0]
        self.least, self.unit = min(*places, 0), 10.0 ** min(*places, 0)
        self.powers = any("e" in text.lower() for text in texts)
        self.fixed = len(set(places)) == 1 or self.least == 0
        self.digits = {len(text.lower().partition("e")[0].partition(".")[2]) for text in texts}

    def read(self, text: str) -> Decimal | None:
        return number(text)

    def write(self, time: Moment, like: str) -> str:
        assert isinstance(time, Decimal)
        if self.powers:
            return f"{float(time):.{max(self.digits)}e}" if len(self.digits) == 1 else repr(float(f"{time:.12g}"))
        made = f"{round(time, -self.least):f}" if self.least else str(round(time))
        return made if self.fixed or "." not in made else made.rstrip("0").rstrip(".")


def number(text: str) -> Decimal | None:
    """A finite number as people and programs write them: no `1_0`; None for anything else."""
    try:
        found = Decimal(text.strip()) if "_" not in text else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def spelling(texts: Sequence[str]) -> TimeFormat | str:
    """How a column of times is written, by its first cell and, where that leaves more than one way, by all; or why it cannot be told."""
    first = texts[0]
    compact = CompactFormat()
    if all(compact.read(text) is not None for text in texts):
        return compact
    if number(first) is not None:
        return NumberFormat(texts)
    found, iso = PARTS.fullmatch(first), IsoFormat(texts)
    if found is None or all(iso.read(text) is not None for text in texts):
        return iso
    each = [match for text in texts if (match := PARTS.fullmatch(text))]
    if len(each) < len(texts):
        return iso
    one = any(len(x) == 1 for match in each for x in (match["a"], match["b"], match["c"]) if x)
    hour = any(len(match["h"] or "00") == 1 for match in each)
    order = _order(each)
    return PartsFormat(order, found["mark"], not one, not hour) if order in ("ymd", "dmy", "mdy", "ym") else order


def _order(found: Sequence[re.Match[str]]) -> str:
    """`ymd`, `dmy`, `mdy`, `ym`, or in words why none can be told."""
    first = found[0]
    if len(first["a"]) == 4:
        return "ymd" if first["c"] else "ym"
    if len(first["c"] or "") != 4:
        return f"{first[0]!r}, whose year has not four digits"
    if first["mark"] == "." or any(int(match["a"]) > 12 for match in found):
        return "dmy"
    if any(int(match["b"]) > 12 for match in found):
        return "mdy"
    return f"{first[0]!r}, of which day and month cannot be told apart"


def is_time(text: str) -> bool:
    """Whether a cell is a date or a time of some kind that is no number, readable or not."""
    text = text.strip()
    if number(text) is not None:
        return False
    return bool(IsoFormat().read(text) or _plausible(PARTS.fullmatch(text)) or NAMED.search(text))


def readable(text: str) -> bool:
    """Whether a cell is a date that can be read, though it may take others to know which."""
    text = text.strip()
    return number(text) is None and bool(IsoFormat().read(text) or _plausible(PARTS.fullmatch(text)))


def _plausible(found: re.Match[str] | None) -> bool:
    """Whether numbers with marks between them can be a date: of four digits one, the year."""
    if found is None:
        return False
    if found["c"] is None:
        return len(found["a"]) == 4 and found["mark"] != "." and 1 <= int(found["b"]) <= 12
    return (len(found["a"]) == 4) != (len(found["c"]) == 4) and int(found["b"]) <= 31


def _exponent(number: Decimal) -> int:
    found = number.as_tuple().exponent
    return found if isinstance(found, int) else 0


def _seconds(time: datetime, like: re.Match[str], colon: str) -> str:
    """Seconds and their fraction, where `like` has them, or there are some."""
    if like["s"] is None and not time.second:
        return ""
    digits = len(like["f"] or "")
    if not digits:
        return f"{colon}{time.second:02}"
    return f"{colon}{time.second:02}{like['dot']}{f'{time.microsecond:06}'.ljust(digits, '0')[:digits]}"


def _zone(time: datetime, like: str | None) -> str:
    offset = time.utcoffset()
    if offset is None:
        return ""
    if like == "Z" and not offset:
        return "Z"
    minutes = round(offset / timedelta(minutes=1))
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    if like is not None and len(like) == 3 and not rest:
        return f"{sign}{hours:02}"
    return f"{sign}{hours:02}{'' if like is not None and len(like) == 5 else ':'}{rest:02}"
