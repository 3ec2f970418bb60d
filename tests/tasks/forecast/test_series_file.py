"""CSV as people have it: what parts cells, headers, columns of times, decimal commas, and numbers that are none."""

from __future__ import annotations

import numpy as np
import pytest

from regard.core.errors import DataError
from regard.tasks.forecast.data import of_numbers
from regard.tasks.forecast.series_file import describe, read_series

ROWS = [(f"2024-01-{1 + i // 24:02} {i % 24:02}:00", 10.126 + i, 5.5 + i % 7) for i in range(30)]


def read(tmp_path, text, **more):
    (tmp_path / "x.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_series(str(tmp_path / "x.csv"), **more)


def table(head, row):
    return "\n".join([*([head] if head is not None else []), *(row(*each) for each in ROWS)]) + "\n"


DIALECTS = {
    "commas in names, semicolons between": (
        table("date;load, kW;temp, C", lambda t, a, b: f"{t};{a};{b}"),
        "date",
        "load, kW",
        "",
    ),
    "commas in names, tabs between": (table("date\tload, kW\ttemp, C", lambda t, a, b: f"{t}\t{a}\t{b}"), "date", "load, kW", ""),
    "quoted": (table('"date","load","temp"', lambda t, a, b: f'"{t}","{a}","{b}"'), "date", "load", ""),
    "bars": (table("date|load|temp", lambda t, a, b: f"{t}|{a}|{b}"), "date", "load", ""),
    "decimal commas": (
        table("date;load;temp", lambda t, a, b: f"{t};{a};{b}".replace(".", ",")),
        "date",
        "load",
        "decimal commas: 10,126 is 10.126",
    ),
    "pandas' index of times": (table(",load,temp", lambda t, a, b: f"{t},{a},{b}"), "", "load", ""),
    "R's numbers of rows, and times": (
        table('"","time","load","temp"', lambda t, a, b: f'"{round(a - 9)}",{t},{a},{b}'),
        "time",
        "load",
        "",
    ),
    "pandas' index saved twice": (
        table("Unnamed: 0,ds,load,temp", lambda t, a, b: f"{round(a - 10)},{t},{a},{b}"),
        "ds",
        "load",
        "",
    ),
    "dates with slashes": (
        table("Date Time,load,temp", lambda t, a, b: f"{t.replace('-', '/')},{a},{b}"),
        "Date Time",
        "load",
        "",
    ),
    "dates with dots": (
        table("when,load,temp", lambda t, a, b: f"{t[8:10]}.{t[5:7]}.{t[:4]} {t[11:]}:00,{a},{b}"),
        "when",
        "load",
        "",
    ),
    "times last": (table("load,temp,when", lambda t, a, b: f"{a},{b},{t}"), "when", "load", ""),
    "no header": (table(None, lambda t, a, b: f"{t},{a},{b}"), "1", "2", "no header"),
    "comments first": ("# made by hand\n# twice\n" + table("date,load,temp", lambda t, a, b: f"{t},{a},{b}"), "date", "load", ""),
    "a BOM and CRLF": (
        ("\ufeff" + table("date,load,temp", lambda t, a, b: f"{t},{a},{b}")).replace("\n", "\r\n"),
        "date",
        "load",
        "",
    ),
}


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_dialects(dialect, tmp_path):
    text, time, first, note = DIALECTS[dialect]
    found = read(tmp_path, text)
    assert found.time == time and found.columns[0] == first and found.values.shape == (30, 2)
    np.testing.assert_allclose(found.values, [row[1:] for row in ROWS])
    assert found.clock is not None and str(found.clock.step) == "1:00:00"
    assert note in describe(found) and first in describe(found)


def test_columns_that_are_times_or_none(tmp_path):
    year = read(tmp_path, "year,load\n" + "".join(f"{1990 + i},{i}\n" for i in range(9)))
    assert (year.time, year.columns, year.after(2)) == ("year", ("load",), ["1999", "2000"])
    month = read(tmp_path, "Month,Passengers\n1949-01,112\n1949-02,118\n1949-03,132\n")
    assert (month.time, month.after(1)) == ("Month", ["1949-04"])
    index = read(tmp_path, ",load\n" + "".join(f"{i},{i % 3}\n" for i in range(5)))
    assert (index.time, index.columns, index.after(2)) == ("", ("load",), ["5", "6"])
    apart = read(tmp_path, "year,month,load\n1990,11,1\n1990,12,2\n1991,1,3\n")
    assert apart.time is None and "no column of times" in describe(apart) and "year, month, load" in describe(apart)
    assert read(tmp_path, ",load\n5,1\n4,2\n", time="none").columns == ("load",)  # a column without a name is no series
    pandas = describe(read(tmp_path, "0,1\n0.5,3\n0.25,4\n"))
    assert "forecast: 1, 2" in pandas and "is it pandas' header?" in pandas
    two = describe(read(tmp_path, "10,126\n10,127\n"))
    assert "forecast: 1, 2" in two and "no header" in two


def test_air_passengers_of_r(tmp_path):
    """R's data sets: numbers of rows, months as parts of a year."""
    rows = [f'"{i + 1}",{1949 + i / 12:.11f}'.rstrip("0").rstrip(".") + f",{i % 12}" for i in range(144)]
    found = read(tmp_path, '"","time","AirPassengers"\n' + "\n".join(rows) + "\n")
    assert found.columns == ("AirPassengers",) and found.after(2) == ["1961", "1961.08333333333"]


REFUSED = {
    "a cell that looks like a time": (
        "a,Period\n1,1949-01\n2,1949-02\n3,Jan-49\n",
        {"time": "none"},
        r"x\.csv:2:Period: expected a number; received '1949-01'\. It looks like a time: .*forecast\.time=Period",
    ),
    "a month by name": ("a,b\nJan-49,1\nFeb-49,2\n", {}, r"x\.csv:2:a: .*It looks like a time: write times as ISO"),
    "a decimal comma between quotes": ('a,b\n1,"10,126"\n', {}, r"x\.csv:2:b: .*'10,126'\. Write it with a point"),
    "a decimal comma alone": (
        "load\n10,126\n10,127\n",
        {},
        r"x\.csv:2: expected 1 cells.* received 2\. Has it a decimal comma\?",
    ),
    "both marks": ("a;b\n1.234,5;1\n", {}, r"x\.csv:2:a: .*Write it with a point for decimals and no mark between thousands"),
    "an underscore": ("a,b\n1,2\n1_0,2\n", {}, r"x\.csv:3:a: expected a number; received '1_0'"),
    "a long table": (
        "unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,2\n",
        {},
        r"x\.csv:1: .*one under another.*'unique_id'.*file of its own",
    ),
    "a long table of another name": (
        "d,s,y\n2024-01-01,a,1\n2024-01-02,a,2\n2024-01-03,b,1\n",
        {},
        r"x\.csv:2:s: .*'s' tells series apart",
    ),
    "a carriage return within a line": (b"a,b\n1,2\n3,4\r5,6\n", {}, r"x\.csv:3: .*a carriage return within it"),
    "line ends of old": (b"a,b\r1,2\r3,4\r", {}, r"x\.csv: .*returns \(CR\) and no line feed"),
    "a cell without end": ("a,b\n1," + "2" * 140_000 + "\n", {}, r"x\.csv:2: .*field larger than field limit"),
    "netCDF's fill value": (
        "a,b\n1,2\n3,9.97e36\n",
        {},
        r"x\.csv:3:b: expected a number up to 1\.8e\+19.*received 9\.97e\+36.*fill value",
    ),
    "what no float holds": ("a,b\n1,2\n3,1e400\n", {}, r"x\.csv:3:b: expected a number; received '1e400'"),
    "its square is too large": ("a,b\n1,2\n3,-2e19\n", {}, r"x\.csv:3:b: .*received -2e\+19"),
    "days and months": ("date,a\n01/02/2009,1\n01/03/2009,2\n", {}, r"x\.csv:2: .*day and month cannot be told apart.*ISO"),
    "a mark too few": ("a;b\n1;2\n3,4\n", {}, r"x\.csv:3: expected 2 cells.*received 1\. .*parted by semicolons"),
}


@pytest.mark.parametrize("fault", list(REFUSED))
def test_what_is_refused(fault, tmp_path):
    text, more, said = REFUSED[fault]
    with pytest.raises(DataError, match=said):
        read(tmp_path, text, **more)


def test_fill_values_are_noted_where_they_are_far(tmp_path):
    rows = "".join(f"{20 + i % 3},{9000 + 300 * i}\n" for i in range(12))
    found = describe(read(tmp_path, f"a,b\n{rows}-9999,9999\n"))
    assert "a is -9999 in 1 row" in found and "b is" not in found


def test_numbers_in_hand_that_no_float32_holds():
    with pytest.raises(DataError, match=r"rows, row 2:a: expected numbers up to 1\.8e\+19.*received 1e\+38"):
        of_numbers([1.0, 1e38], ["a"])


def test_no_time_behind_9999(tmp_path):
    with pytest.raises(DataError, match=r"x\.csv: expected times that a calendar goes on from.*9999-12-31"):
        read(tmp_path, "date,a\n9999-12-30,1\n9999-12-31,2\n").after(2)
    assert read(tmp_path, "date,a\n9999-10-31,1\n9999-11-30,2\n").after(1) == ["9999-12-31"]
