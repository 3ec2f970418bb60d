"""Series in the data doctor: gaps among rounded times, series one under another, several files; and what a training says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard import runs
from regard.check.examine import examine
from regard.check.form import StatedForm
from regard.config import read_config
from regard.core.errors import DataError
from regard.tasks.forecast.series_file import read_series
from tests.cli import clean_files as clean

FORECAST = {"past": 24, "ahead": 6}


def sampled(rate: float, digits: int, gap: int, rows: int = 400, at: int = 250) -> str:
    """Rows so many times a second, with times rounded to so many digits; from row `at` on `gap` rows later."""
    return "time,a\n" + "".join(f"{(i + gap * (i >= at)) / rate:.{digits}f},{i * i % 7}\n" for i in range(rows))


@pytest.mark.parametrize("gap", [1, 5, 200])
@pytest.mark.parametrize(("rate", "digits"), [(360, 3), (360, 4), (360, 5), (360, 6), (250, 3), (450, 3), (44.1, 3), (1000, 3)])
def test_a_gap_among_rounded_times_is_found_where_it_is(tmp_path: Path, rate: float, digits: int, gap: int) -> None:
    """MIT-BIH's ECGs have 360 rows a second: their times stray by a digit from equal steps, which is no gap."""
    file = tmp_path / "ecg.csv"
    file.write_text(sampled(rate, digits, 0), "utf-8")
    assert "time-gap" not in {finding.kind for finding in examine([str(file)], task="forecast").findings}
    file.write_text(sampled(rate, digits, gap), "utf-8")
    (found,) = [finding for finding in examine([str(file)], task="forecast").findings if finding.kind == "time-gap"]
    assert found.count == 1 and [seen.line for seen in found.seen] == [252] and found.level == "error"
    missing = int(found.what.partition("about ")[2].split()[0].replace(",", ""))
    assert missing == pytest.approx(gap, abs=max(1, 0.01 * gap))
    with pytest.raises(DataError, match=rf"ecg.csv:252: .*one step \({str(1 / rate)[:6]}"):
        read_series(str(file))


def test_exact_steps_forgive_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("t,a\n" + "".join(f"{i + (i >= 50)},{i % 7}\n" for i in range(400)), "utf-8")
    (found,) = [finding for finding in examine([str(file)], task="forecast").findings if finding.kind == "time-gap"]
    assert found.seen[0].line == 52 and "about 1 row; the step is 1" in found.what


def test_gaps_that_are_ignored_are_but_a_note(tmp_path: Path) -> None:
    file, rows = tmp_path / "a.csv", clean.hours(300)
    file.write_text(clean.csv(rows[:50] + rows[55:]), "utf-8")
    report = examine([str(file)], task="forecast", given=StatedForm(gaps="ignore"))
    assert [finding.level for finding in report.findings if finding.kind == "time-gap"] == ["note"] and report.worst == "note"
    assert "forecast.gaps: ignore" in examine([str(file)], task="forecast").config


def stacked() -> list[list[str]]:
    rows = clean.hours(60)[1:]
    return [["unique_id", "ds", "y"], *([f"s{k}", row[0], row[1]] for k in range(3) for row in rows)]


@pytest.mark.parametrize("first", ["unique_id", "store"])
def test_of_series_one_under_another_nothing_else_is_said(tmp_path: Path, first: str) -> None:
    """Nixtla's long form: that is the cause of whatever else is wrong with it."""
    file, rows = tmp_path / "long.csv", stacked()
    file.write_text(clean.csv([[first, *rows[0][1:]], *rows[1:]]), "utf-8")
    (found,) = examine([str(file)], task="forecast").findings
    assert found.level == "error" and f"'{first}'" in found.what + found.do and "save each" in found.do.lower()
    said = list[str]()
    config = read_config({"task": "forecast", "data": {"train": [str(file)]}, "forecast": FORECAST})
    with pytest.raises(DataError, match=f"'{first}'"):
        runs.train(config, tmp_path / "run", say=said.append)
    assert said == []


def test_what_is_true_of_several_files_is_said_once(tmp_path: Path) -> None:
    rows = [[*row[:2], "14.62" if i else "still"] for i, row in enumerate(clean.hours(300))]
    for name in ("a.csv", "b.csv", "v.csv"):
        (tmp_path / name).write_text(clean.csv(rows), "utf-8")
    files = [str(tmp_path / name) for name in ("a.csv", "b.csv", "v.csv")]
    found = examine(files[:2], valid=files[2:], task="forecast").findings
    assert len([finding for finding in found if finding.kind == "constant"]) == 1
    said = list[str]()
    tiny = {"model": {"size": 8}, "train": {"epochs": 1, "threads": 1}, "forecast": FORECAST}
    config = read_config({"task": "forecast", "data": {"train": files[:2], "valid": files[2:]}, **tiny})
    runs.train(config, tmp_path / "run", say=said.append)
    assert len([line for line in said if "never changes" in line]) == 1
