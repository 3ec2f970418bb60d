"""Times as files write them: steps that no rounding hides, calendars, clock changes, and what comes next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from regard.core.errors import DataError
from regard.data.examples import Place
from regard.tasks.forecast.time_steps import Step
from regard.tasks.forecast.timestamps import clock


def after(times, rows=2, gaps="error"):
    return clock(times, [Place("x.csv", i + 2) for i in range(len(times))], gaps=gaps).after(rows)


def spelled(make, count):
    return [make(i) for i in range(count)]


@pytest.mark.parametrize("gaps", ["error", "ignore"])
@pytest.mark.parametrize(
    ("times", "next_ones"),
    [
        # R writes months as fractions of a year, without the zeros at the end
        (spelled(lambda i: f"{1949 + i / 12:.11f}".rstrip("0").rstrip("."), 144), ["1961", "1961.08333333333"]),
        (spelled(lambda i: f"{1949 + i / 12:.11f}", 144), ["1961.00000000000", "1961.08333333333"]),
        (spelled(lambda i: f"{i / 360:.9f}", 100), ["0.277777778", "0.280555556"]),
        (spelled(lambda i: f"{i / 360:.3f}", 100), ["0.278", "0.281"]),  # rounded to a third of the step
        (spelled(lambda i: f"{i / 30000:.8f}", 90), ["0.00300000", "0.00303333"]),
        (spelled(lambda i: f"{i * 1e-7:.7e}", 200), ["2.0000000e-05", "2.0100000e-05"]),
        (spelled(lambda i: repr(i * 1e-7), 10), ["1e-06", "1.1e-06"]),
        (["1704351600000000000", "1704355200000000001", "1704358800000000002"], ["1704362400000000003", "1704366000000000004"]),
        (spelled(lambda i: f"2024-01-01 00:00:{i / 30:06.3f}", 60), ["2024-01-01 00:00:02.000", "2024-01-01 00:00:02.033"]),
        (spelled(lambda i: f"{i * 10 // 3}", 31), ["103", "106"]),
    ],
)
def test_a_step_is_not_rounded(times, next_ones, gaps):
    assert after(times, gaps=gaps) == next_ones


@pytest.mark.parametrize(
    ("times", "next_ones"),
    [
        (["1949-01", "1949-02", "1949-03"], ["1949-04", "1949-05"]),
        (["2023-10", "2024-01"], ["2024-04", "2024-07"]),
        (["2010/1/9 0:00", "2010/1/10 0:00"], ["2010/1/11 0:00", "2010/1/12 0:00"]),
        (["2010/01/30", "2010/01/31"], ["2010/02/01", "2010/02/02"]),
        (["01.01.2009 00:10:00", "01.01.2009 00:20:00"], ["01.01.2009 00:30:00", "01.01.2009 00:40:00"]),
        (["31/01/2009", "28/02/2009"], ["31/03/2009", "30/04/2009"]),
        (["12/30/2009", "12/31/2009"], ["01/01/2010", "01/02/2010"]),
        (["2016-7-31 9:00", "2016-7-31 10:00"], ["2016-7-31 11:00", "2016-7-31 12:00"]),
        (["2024-07-01T00:58-05:00", "2024-07-01T00:59-05:00"], ["2024-07-01T01:00-05:00", "2024-07-01T01:01-05:00"]),
        (["2024-07-01 00:00:00+0000", "2024-07-01 01:00:00+0000"], ["2024-07-01 02:00:00+0000", "2024-07-01 03:00:00+0000"]),
        (
            ["2024-01-01T00:00:00.000000000", "2024-01-01T00:00:00.500000000"],
            ["2024-01-01T00:00:01.000000000", "2024-01-01T00:00:01.500000000"],
        ),
        (["0010-03-21", "0010-03-22"], ["0010-03-23", "0010-03-24"]),
        (["2021-08-31", "2021-09-30", "2021-10-29", "2021-11-30"], ["2021-12-31", "2022-01-31"]),  # last weekdays of months
        (["2021-10-01", "2021-11-01", "2021-12-01", "2022-01-03"], ["2022-02-01", "2022-03-01"]),  # first ones
        (["2021-01-31", "2021-07-31"], ["2022-01-31", "2022-07-31"]),
    ],
)
def test_dates_are_read_and_written_alike(times, next_ones):
    assert after(times) == next_ones


@pytest.mark.parametrize("first", [date(2024, 1, 1), date(2024, 1, 3)])
def test_friday_is_followed_by_monday(first):
    days = [day for i in range(400) if (day := first + timedelta(i)).weekday() < 5][:250]
    holidays = {days[40], days[90], days[91]}
    known = [f"{day}" for day in days if day not in holidays]
    upcoming = [day for i in range(1, 9) if (day := days[-1] + timedelta(i)).weekday() < 5][:5]
    assert after(known, 5, "ignore") == [f"{day}" for day in upcoming]


def test_hours_and_days_of_trading():
    """Sunday to Thursday, four hours a day; Monday, Wednesday and Friday."""
    days = [date(2024, 1, 7) + timedelta(i) for i in range(60)]
    hours = [f"{day} {hour}:30" for day in days if day.weekday() in (6, 0, 1, 2, 3) for hour in ("09", "10", "11", "12")]
    last = max(i for i, text in enumerate(hours) if text.endswith("12:30") and date.fromisoformat(text[:10]).weekday() == 3)
    assert after(hours[: last + 1], 5, "ignore")[0][-5:] == "09:30"
    assert date.fromisoformat(after(hours[: last + 1], 1, "ignore")[0][:10]).weekday() == 6
    thrice = [f"{day}" for day in days if day.weekday() in (0, 2, 4)]
    assert [date.fromisoformat(x).weekday() for x in after(thrice[:24], 4, "ignore")] == [0, 2, 4, 0]


def test_times_at_no_distance_are_counted():
    times = [f"2024-01-01 00:{m:02}:{s:02}" for m, s in [(0, 1), (0, 5), (1, 30), (1, 41), (3, 7), (9, 9), (20, 0), (21, 1)]]
    assert after(times, 3, "ignore") == ["+1", "+2", "+3"]
    assert after(["1", "2", "4", "8", "16", "32", "64"], 2, "ignore") == ["+1", "+2"]


def test_a_day_is_a_day_when_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    days = [(datetime(2024, 10, 1, tzinfo=zone) + timedelta(i)).isoformat() for i in range(66)]
    assert after(days) == ["2024-12-06T00:00:00+01:00", "2024-12-07T00:00:00+01:00"]
    with pytest.raises(DataError, match=r"x\.csv:30: expected 2024-10-29T00:00:00\+01:00, one step \(1 day, 0:00:00\)"):
        after(days[:28] + days[29:])
    hours = [datetime.fromtimestamp(1729980000 + 3600 * i, zone).isoformat(" ", "minutes") for i in range(12)]
    assert after(hours, 1) == ["2024-10-27 11:00+01:00"]


def test_local_hours_of_a_night_that_has_one_more():
    hours = ["2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]
    with pytest.raises(
        DataError, match=r"x\.csv:5: .*the same time again: clocks were put back, it seems\. .*offset .*UTC.*gaps: ignore"
    ):
        after(hours)
    assert after(hours, 1, "ignore") == ["2024-10-27 04:00"]
    quarters = ["2024-10-27 02:15", "2024-10-27 02:30", "2024-10-27 02:45", "2024-10-27 02:00", "2024-10-27 02:15"]
    with pytest.raises(DataError, match="an earlier one: clocks were put back"):
        after(quarters)
    assert after(quarters, 1, "ignore") == ["2024-10-27 02:30"]
    with pytest.raises(DataError, match="Were clocks put forward"):
        after(["2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"])
    with pytest.raises(DataError, match=r"the same time again\. Sort the rows"):  # in summer a row is too many
        after(["2024-07-27 00:00", "2024-07-27 01:00", "2024-07-27 01:00", "2024-07-27 02:00"], gaps="ignore")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["0.003", "0.006", "0.011", "0.014"], r"x\.csv:4: expected 0\.009, one step"),
        (["1", "2", "4", "5", "6"], r"x\.csv:4: expected 3, one step"),
        (["1949.000", "1949.083", "1949.250"], r"x\.csv:4"),
        (["1949-01", "1949-02", "1949-04"], r"x\.csv:4: expected 1949-03, one step \(a month\)"),
        (["01/02/2009", "01/03/2009"], r"x\.csv:2: expected a time that reads in one way only; received '01/02/2009', of which"),
        (["01/02/09", "01/03/09"], r"x\.csv:2: .*'01/02/09', whose year has not four digits"),
        (["2024-01-01", "Jan 2"], r"x\.csv:3: expected an ISO time .*'Jan 2'"),
    ],
)
def test_gaps_and_dates_that_say_two_things_are_refused(times, said):
    with pytest.raises(DataError, match=said):
        after(times)


def test_no_calendar_goes_on_behind_9999():
    for days in (["9999-12-30", "9999-12-31"], ["9999-11-30", "9999-12-31"]):
        with pytest.raises((OverflowError, ValueError)):
            after(days)


def test_steps_are_like_each_other_as_far_as_they_are_known():
    assert Step(1 / 12).like(Step(0.083333)) and not Step(1 / 12).like(Step(1 / 13))
    assert Step(2678400.0, 1, True).like(Step(2592000.0, 1, True)) and not Step(3600.0, 0, True).like(Step(3601.0, 0, True))
