"""Forecasting through the doors: CSV in, CSV out, where it looked, and everything that a file can have wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.core.errors import ConfigError, DataError, RunFolderError, UsageError
from regard.tasks.forecast.demo_data import COLUMNS, csv, floods

from .forecasts import config, quiet, river


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with river.csv and a run."""
    return river(tmp_path_factory.mktemp("forecast"))


def test_what_follows_comes_as_a_table(made, capsys):
    assert command(["predict", str(made / "run"), str(made / "river.csv")]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "time,rain,level,temperature" and len(rows) == 6
    assert [row.split(",")[0] for row in rows[1:]] == [f"2024-01-07 {16 + n}:00" for n in range(5)]
    told = np.array([[float(x) for x in row.split(",")[1:]] for row in rows[1:]])
    _, values = floods(3, 160)
    (found,) = regard.load(made / "run").predict([values])
    np.testing.assert_allclose(told, found.details["values"], rtol=1e-5)
    assert abs(told[:, 1] - values[:, 1].mean()).max() < 60  # in the units of the file
    (again,) = regard.load(made / "run").predict([str(made / "river.csv")])
    assert again.details["values"] == found.details["values"] and again.text == found.text


def test_it_shows_where_it_looked(made, capsys):
    (found,) = regard.load(made / "run").predict([str(made / "river.csv")])
    assert set(found.attention) == {f"{c}.{n}" for c in COLUMNS for n in ("encoder.0.self", "decoder.0.self", "decoder.0.cross")}
    cross = found.attention["level.decoder.0.cross"]
    assert cross.shape == (2, 2, 4) and cross.sum(-1) == pytest.approx(1, abs=1e-5)
    rows, columns = found.sides["level.decoder.0.cross"]
    assert rows == ("01-07 16:00", "01-07 19:00")  # the first row of each step ahead, and of each patch
    assert columns == tuple(f"01-07 {hour:02}:00" for hour in (4, 7, 10, 13))
    named = {name.partition(".")[2]: called for name, called in found.axes.items()}
    assert named["encoder.0.self"] == ("past", "past") and named["decoder.0.cross"] == ("forecast", "past")
    assert named["decoder.0.self"] == ("forecast", "forecast")
    assert command(["view", str(made / "run"), str(made / "river.csv")]) == 0
    assert "temperature.decoder.0.cross" in capsys.readouterr().out


def test_evaluate_has_a_row_for_what_needs_no_net(made, capsys):
    assert command(["evaluate", str(made / "run"), str(made / "river.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["items"] == 160 - 12 - 5 + 1
    for way in ("", "naive_", "seasonal_", "profile_", "linear_"):
        assert 0 < found["metrics"][f"{way}mae"] and 0 < found["metrics"][f"{way}mse"]


def test_validation_windows_look_back_and_training_windows_never_ahead(made):
    from regard.tasks import registry

    data = registry.of("forecast").read(config([made / "river.csv"]), quiet)  # the last 16 of 160 rows are set aside
    assert max(w.border + w.ahead for w in data.train) == 144 and all(len(w.series) == 144 for w in data.train)
    assert (data.valid[0].border, data.valid[0].start, len(data.valid)) == (144, 132, 12)


def test_scale_is_that_of_the_training_rows(made):
    _, values = floods(3, 160)
    told = json.loads((made / "run" / "series.json").read_text())
    np.testing.assert_allclose(told["mean"], values[:144].mean(0))
    np.testing.assert_allclose(told["spread"], values[:144].std(0))
    assert told["columns"] == list(COLUMNS) and told["step"] == {"much": 3600.0, "months": 0, "seconds": True}


def test_several_files_columns_by_name_and_no_times(made, tmp_path):
    _, values = floods(4, 60)
    for name, order in (("a", (0, 1)), ("b", (1, 0))):
        rows = "\n".join(";".join(str(row[i]) for i in order) for row in values)
        (tmp_path / f"{name}.csv").write_text(f"{';'.join('pq'[i] for i in order)}\n{rows}\n", encoding="utf-8")
    runs.train(config([tmp_path / "a.csv", tmp_path / "b.csv"], columns=["q", "p"]), tmp_path / "run", say=quiet)
    model = regard.load(tmp_path / "run")
    (one,), (other,) = (model.predict([str(tmp_path / f"{name}.csv")]) for name in "ab")
    assert one.details == other.details and one.details["columns"] == ["q", "p"] and one.lines[0] == "q,p"
    assert one.details["times"] == ["61", "62", "63", "64", "65"]


def test_names_with_commas_are_quoted(tmp_path):
    """What is written can be read again."""
    lines = [f"2024-01-01 {h:02}:00,{h},{h}" for h in range(24)] + [f"2024-01-02 {h:02}:00,{h},{h}" for h in range(24)]
    (tmp_path / "x.csv").write_text('time,"load, MW",b\n' + "\n".join(lines) + "\n", encoding="utf-8")
    runs.train(config([tmp_path / "x.csv"]), tmp_path / "run", say=quiet)
    (found,) = regard.load(tmp_path / "run").predict([str(tmp_path / "x.csv")])
    assert found.lines[0] == 'time,"load, MW",b'
    (tmp_path / "y.csv").write_text("\n".join([found.lines[0], *lines, *found.lines[1:]]) + "\n", encoding="utf-8")
    assert regard.load(tmp_path / "run").predict([str(tmp_path / "y.csv")])[0].lines[0] == found.lines[0]


HEAD = "time,a,b\n"
ROWS = [f"2024-01-01 {h:02}:00,{h},{h * h}" for h in range(24)]


def rows(change: dict[int, str | None]) -> str:
    """The file with some of its lines (from 1, the header is the first) replaced, or left out."""
    lines = [change.get(i + 2, row) for i, row in enumerate(ROWS)]
    return HEAD + "\n".join(line for line in lines if line is not None) + "\n"


FAULTS = {
    "a gap": (
        rows({7: None}),
        ["x.csv:7", "2024-01-01 05:00, one step (1:00:00) after 2024-01-01 04:00", "2024-01-01 06:00", "forecast.gaps"],
    ),
    "time that goes back": (rows({7: ROWS[1]}), ["x.csv:7", "a time after 2024-01-01 04:00", "2024-01-01 01:00, an earlier one"]),
    "a time twice": (rows({7: ROWS[4]}), ["x.csv:7", "2024-01-01 04:00, the same time again", "keep one of each"]),
    "no time": (rows({7: "noon,1,2"}), ["x.csv:7", "an ISO time", "'noon'"]),
    "times of two kinds": (rows({7: "5,1,2"}), ["x.csv:7", "written as the first is", "'5'"]),
    "text": (rows({7: "2024-01-01 05:00,5,many"}), ["x.csv:7:b", "a number", "'many'", "Fill it in"]),
    "an empty cell": (rows({7: "2024-01-01 05:00,,25"}), ["x.csv:7:a", "a number", "an empty cell"]),
    "NaN": (rows({7: "2024-01-01 05:00,5,NaN"}), ["x.csv:7:b", "a number", "'NaN'"]),
    "a cell too few": (rows({7: "2024-01-01 05:00,5"}), ["x.csv:7", "3 cells", "2"]),
    "an empty line": (rows({7: ""}), ["x.csv:7", "a row of numbers", "an empty line"]),
    "too short": (
        HEAD + "\n".join(ROWS[:18]) + "\n",
        ["x.csv", "at least 17 rows to train on", "18 rows", "lower forecast.past"],
    ),
    "a word in the first row, without a header": (
        "2024-01-01 00:00,NA,1\n2024-01-01 01:00,2,3\n",
        ["x.csv:1", "a number", "'NA'"],
    ),
    "an empty file": ("", ["x.csv", "rows of numbers", "no rows"]),
    "a header alone": (HEAD, ["x.csv", "rows of numbers below the header", "none"]),
    "a name twice": ("time,a,a\n1,2,3\n", ["x.csv:1 (header)", "'a' twice"]),
    "no name": ("time,a,\n1,2,3\n", ["x.csv:1 (header)", "no name over column 3"]),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_bad_files_are_refused(fault, tmp_path, capsys, monkeypatch):
    text, said = FAULTS[fault]
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(text, encoding="utf-8")
    Path("c.yaml").write_text(config([Path("x.csv")]).to_yaml(), encoding="utf-8")
    assert command(["train", "c.yaml", "--out", "run"]) == 2
    told = capsys.readouterr().err
    assert all(part in told for part in said), told
    assert "Traceback" not in told and not Path("run").exists()


def test_gaps_may_be_ignored(tmp_path):
    (tmp_path / "x.csv").write_text(rows({7: None}), encoding="utf-8")
    runs.train(config([tmp_path / "x.csv"], gaps="ignore", past=8, ahead=3), tmp_path / "run", say=quiet)


def test_files_that_differ_are_refused(made, tmp_path):
    (tmp_path / "a.csv").write_text(rows({}), encoding="utf-8")
    (tmp_path / "b.csv").write_text(rows({}).replace("time,a,b", "time,a,c"), encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.csv: expected the columns of .*a\.csv \(a, b\); received a, c\."):
        runs.train(config([tmp_path / "a.csv", tmp_path / "b.csv"]), tmp_path / "run", say=quiet)
    with pytest.raises(DataError, match=r"a\.csv:1 \(columns\): expected a column 'rain'; received a, b\."):
        list(regard.load(made / "run").predict([str(tmp_path / "a.csv")]))
    daily = csv([f"2024-01-{day:02}" for day in range(1, 31)], floods(3, 30)[1])
    (tmp_path / "daily.csv").write_text(daily, encoding="utf-8")
    with pytest.raises(DataError, match=r"daily\.csv: expected rows 1:00:00 apart, as in training; received 1 day, 0:00:00\."):
        regard.load(made / "run").evaluate([str(tmp_path / "daily.csv")])


def test_too_little_to_forecast_from(made, tmp_path):
    (tmp_path / "short.csv").write_text(csv(*floods(3, 10)), encoding="utf-8")
    model = regard.load(made / "run")
    with pytest.raises(DataError, match=r"short\.csv: expected at least forecast\.past = 12 rows; received 10\."):
        model.predict([str(tmp_path / "short.csv")])
    with pytest.raises(DataError, match=r"short\.csv: expected at least 17 rows, for one window .* received 10\."):
        model.evaluate([str(tmp_path / "short.csv")])
    with pytest.raises(DataError, match=r"rows of 3 numbers: rain, level, temperature; received shape \(12, 2\)"):
        model.predict([np.zeros((12, 2))])
    with pytest.raises(DataError, match=r"a series, row 3, level: expected a number; received nan\."):
        model.predict([np.where(np.arange(36).reshape(12, 3) == 7, np.nan, 1.0)])
    with pytest.raises(UsageError, match="n_best: expected a run whose task has it; forecast knows batch_size"):
        model.predict([np.zeros((12, 3))], n_best=2)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"patch": 13}, r"forecast\.patch: expected at most forecast\.past \(12\); received 13"),
        ({"season": 13}, r"forecast\.season: expected at most forecast\.past \(12\); received 13"),
        ({"stride": 4}, r"forecast\.stride: expected at most forecast\.patch \(3\)"),
        ({"past": 2000, "patch": 1}, r"forecast\.past: expected at most data\.max_source_length \(1000\) places; received 2000"),
        ({"head": "fat"}, "forecast.head"),
    ],
)
def test_keys_that_do_not_fit(more, said):
    with pytest.raises(ConfigError, match=said):
        config([Path("x.csv")], **more)


def test_a_damaged_run_is_named(made, tmp_path):
    import shutil

    shutil.copytree(made / "run", tmp_path / "run")
    (tmp_path / "run" / "series.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"series\.json and linear\.safetensors that regard wrote"):
        regard.load(tmp_path / "run")
