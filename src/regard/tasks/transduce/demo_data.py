"""Dates as people write them in English and Chinese, with their ISO form: the data of the demo, made here, so that it needs no file.

`21st of November, 2026`, `Nov 21 '26` and `二〇二六年十一月二十一日` all become `2026-11-21`.  A written date means one day only:
two-digit years lie from 1950 to 2049, and numbers alone are written only where day and month cannot be confused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from regard.core.errors import ConfigError, message

FIRST, LAST = date(1950, 1, 1), date(2049, 12, 31)
_MONTHS = "January February March April May June July August September October November December"
_TEENS = "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
MONTHS, TEENS = _MONTHS.split(), _TEENS.split()
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
ONES = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
ORDINALS = [*ONES, *TEENS, "twentieth", *(f"twenty-{x}" for x in ONES), "thirtieth", "thirty-first"]
HAN_DIGITS = "〇一二三四五六七八九"
HAN_WEEKDAYS = "一二三四五六日"
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
VALID_SHARE = 0.1

Style = Callable[[date], str]


def ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def han(number: int) -> str:
    """A number from 1 to 99 as it is read: 三, 十, 十二, 二十, 二十一."""
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else HAN_DIGITS[tens]) + ("十" if tens else "") + (HAN_DIGITS[ones] if ones else "")


def han_short(number: int) -> str:
    """The same with the short forms of the calendar: 廿一 for 二十一, 卅 for 三十."""
    return han(number).replace("二十", "廿").replace("三十", "卅")


def han_year(day: date) -> str:
    """The four digits of the year, one by one: 二〇二六."""
    return "".join(HAN_DIGITS[int(x)] for x in str(day.year))


def month(day: date) -> str:
    return MONTHS[day.month - 1]


def weekday(day: date) -> str:
    return WEEKDAYS[day.weekday()]


def short_year(day: date) -> str:
    """The last two digits: 50 to 99 stand for 1950 to 1999, 00 to 49 for 2000 to 2049."""
    return f"{day.year % 100:02}"


ENGLISH: dict[str, Style] = {
    "21st of November, 2026": lambda d: f"{ordinal(d.day)} of {month(d)}, {d.year}",
    "the 21st of November 2026": lambda d: f"the {ordinal(d.day)} of {month(d)} {d.year}",
    "the twenty-first of November, 2026": lambda d: f"the {ORDINALS[d.day - 1]} of {month(d)}, {d.year}",
    "November 21, 2026": lambda d: f"{month(d)} {d.day}, {d.year}",
    "November 21st, 2026": lambda d: f"{month(d)} {ordinal(d.day)}, {d.year}",
    "Saturday, 21 November 2026": lambda d: f"{weekday(d)}, {d.day} {month(d)} {d.year}",
    "Sat Nov 21 2026": lambda d: f"{weekday(d)[:3]} {month(d)[:3]} {d.day} {d.year}",
    "21 Nov 2026": lambda d: f"{d.day} {month(d)[:3]} {d.year}",
    "21-Nov-2026": lambda d: f"{d.day:02}-{month(d)[:3]}-{d.year}",
    "Nov 21 '26": lambda d: f"{month(d)[:3]} {d.day} '{short_year(d)}",
    "21 NOVEMBER 2026": lambda d: f"{d.day} {month(d).upper()} {d.year}",
    "2026/11/21": lambda d: f"{d.year}/{d.month:02}/{d.day:02}",
    "21/11/2026": lambda d: f"{d.day}/{d.month}/{d.year}",
}
CHINESE: dict[str, Style] = {
    "二〇二六年十一月二十一日": lambda d: f"{han_year(d)}年{han(d.month)}月{han(d.day)}日",
    "二零二六年十一月二十一日": lambda d: f"{han_year(d).replace('〇', '零')}年{han(d.month)}月{han(d.day)}日",
    "二〇二六年十一月廿一": lambda d: f"{han_year(d)}年{han(d.month)}月{han_short(d.day)}",
    "二〇二六年十一月二十一号星期六": lambda d: f"{han_year(d)}年{han(d.month)}月{han(d.day)}号星期{HAN_WEEKDAYS[d.weekday()]}",
    "2026年11月21日": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "2026年11月21日（周六）": lambda d: f"{d.year}年{d.month}月{d.day}日（周{HAN_WEEKDAYS[d.weekday()]}）",
    "２０２６年１１月２１日": lambda d: f"{d.year}年{d.month}月{d.day}日".translate(WIDE),
    "26年11月21日": lambda d: f"{short_year(d)}年{d.month}月{d.day}日",
}
STYLES = ENGLISH | CHINESE
DAY_OR_MONTH_FIRST = "21/11/2026"


def fits(style: str, day: date) -> bool:
    """Whether a day can be written so without being mistaken for another: 21/11/2026 can, 5/11/2026 cannot."""
    return style != DAY_OR_MONTH_FIRST or day.day > 12


def dates(seed: int, count: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(train, valid): together `count` pairs of a written date and its ISO form, a tenth of them in `valid`.

    No day (year, month, day) of `valid` occurs in `train`, in whatever style.  Seed and count settle the pairs, on every machine.
    Days are used once each before any is used again; about half are written in English, half in Chinese.
    ConfigError where count is below 2.
    """
    if count < 2:
        expected = "at least 2 pairs, one to train on and one to judge by"
        raise ConfigError(message("count", expected, str(count), "Ask for more dates."))
    random = Random(seed)
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    random.shuffle(days)
    aside = round(VALID_SHARE * len(days))
    valid_count = max(1, round(VALID_SHARE * count))
    return _write(days[aside:], count - valid_count, random), _write(days[:aside], valid_count, random)


def _write(days: list[date], count: int, random: Random) -> list[tuple[str, str]]:
    pairs = []
    for i in range(count):
        day = days[i % len(days)]
        styles = [style for style in random.choice((ENGLISH, CHINESE)) if fits(style, day)]
        pairs.append((STYLES[random.choice(styles)](day), day.isoformat()))
    return pairs
