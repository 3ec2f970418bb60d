"""Dates by hand: every style on one day, the corners of the calendar, and no day on both sides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from regard.core.errors import ConfigError
from regard.tasks.transduce.demo_data import CHINESE, ENGLISH, FIRST, LAST, STYLES, dates, fits, han, han_short, ordinal


def test_a_style_is_named_by_what_it_makes_of_the_21st_of_november_2026():
    assert {name: style(date(2026, 11, 21)) for name, style in STYLES.items()} == {name: name for name in STYLES}
    assert len(ENGLISH) >= 8 and len(CHINESE) >= 6 and len(STYLES) == len(ENGLISH) + len(CHINESE)


@pytest.mark.parametrize(
    ("style", "day", "written"),
    [
        ("21st of November, 2026", date(1950, 1, 1), "1st of January, 1950"),
        ("the twenty-first of November, 2026", date(2049, 12, 31), "the thirty-first of December, 2049"),
        ("the twenty-first of November, 2026", date(1999, 5, 20), "the twentieth of May, 1999"),
        ("Saturday, 21 November 2026", date(2000, 2, 29), "Tuesday, 29 February 2000"),
        ("Nov 21 '26", date(2005, 9, 3), "Sep 3 '05"),
        ("21-Nov-2026", date(1968, 3, 4), "04-Mar-1968"),
        ("21/11/2026", date(1970, 1, 13), "13/1/1970"),
        ("二〇二六年十一月二十一日", date(2010, 10, 10), "二〇一〇年十月十日"),
        ("二零二六年十一月二十一日", date(2000, 12, 30), "二零零零年十二月三十日"),
        ("二〇二六年十一月廿一", date(1999, 1, 31), "一九九九年一月卅一"),
        ("2026年11月21日（周六）", date(2024, 2, 4), "2024年2月4日（周日）"),
        ("26年11月21日", date(1950, 6, 7), "50年6月7日"),
    ],
)
def test_written_by_hand(style, day, written):
    assert STYLES[style](day) == written


def test_numbers_in_words_by_hand():
    assert [ordinal(x) for x in (1, 2, 3, 4, 11, 12, 13, 22, 23, 31)] == "1st 2nd 3rd 4th 11th 12th 13th 22nd 23rd 31st".split()  # noqa: SIM905 - a row of words
    assert [han(x) for x in (1, 10, 11, 20, 21, 30)] == ["一", "十", "十一", "二十", "二十一", "三十"]
    assert [han_short(x) for x in (9, 19, 20, 29, 31)] == ["九", "十九", "廿", "廿九", "卅一"]


def test_numbers_alone_are_written_only_where_day_and_month_cannot_be_confused():
    assert fits("21/11/2026", date(2026, 11, 13)) and not fits("21/11/2026", date(2026, 11, 12))


def test_a_written_date_means_one_day_only():
    meaning = {}
    for i in range(0, (LAST - FIRST).days + 1, 3):
        day = FIRST + timedelta(days=i)
        for name in STYLES:
            if fits(name, day):
                assert meaning.setdefault(STYLES[name](day), day) == day


@pytest.mark.parametrize("count", [2, 50, 4001])
def test_no_day_of_validation_is_trained_on(count):
    train, valid = dates(0, count)
    assert len(train) + len(valid) == count and train and valid
    assert not {iso for _, iso in train} & {iso for _, iso in valid}


def test_no_day_is_on_both_sides_even_when_all_days_are_used_up():
    train, valid = dates(1, 45_000)
    used = {iso for _, iso in train} | {iso for _, iso in valid}
    assert not {iso for _, iso in train} & {iso for _, iso in valid}
    assert FIRST.isoformat() in used and LAST.isoformat() in used and len({iso for _, iso in train}) == 32_873


def test_every_style_and_every_month_is_trained_on_and_the_years_lie_in_their_window():
    train, _ = dates(2, 4000)
    written = {source for source, _ in train}
    for name, style in STYLES.items():
        assert any(style(date.fromisoformat(iso)) in written for _, iso in train if fits(name, date.fromisoformat(iso))), name
    assert {iso[5:7] for _, iso in train} == {f"{x:02}" for x in range(1, 13)}
    assert all("1950" <= iso[:4] <= "2049" for _, iso in train)


def test_the_seed_settles_everything():
    assert dates(3, 500) == dates(3, 500) != dates(4, 500)
    assert dates(0, 20)[0][:2] == [("the 2nd of April 1984", "1984-04-02"), ("22/1/1998", "1998-01-22")]


def test_too_few_dates_are_refused():
    with pytest.raises(ConfigError, match=r"count: expected at least 2 pairs.*received 1"):
        dates(0, 1)
