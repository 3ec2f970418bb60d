"""Forecasts beside least squares, blended with it, and the digits that they are written with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.core.errors import DataError
from regard.tasks.forecast.demo_data import csv, floods

from .forecasts import config, quiet, river


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with river.csv and a run."""
    return river(tmp_path_factory.mktemp("forecast"))


def test_a_forecast_has_no_probability(made, tmp_path, capsys):
    """Neither in Python nor on a page, nor in a terminal, nor as JSON or columns."""
    (found,) = regard.load(made / "run").predict([str(made / "river.csv")])
    assert found.score is None and "probability" not in found._repr_html_()
    run, file = str(made / "run"), str(made / "river.csv")
    assert command(["predict", run, file, "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["score"] is None
    assert command(["predict", run, file, "--format", "tsv"]) == 0
    assert capsys.readouterr().out.startswith("1\t1\t\train ")
    assert command(["view", run, file, "--out", str(tmp_path / "x.html")]) == 0
    assert '"score": null' in (tmp_path / "x.html").read_text() or '"score":null' in (tmp_path / "x.html").read_text()
    capsys.readouterr()
    assert command(["view", run, file]) == 0
    assert "(0.000)" not in capsys.readouterr().out


@pytest.mark.parametrize("blend", [False, True])
def test_least_squares_can_be_kept(made, tmp_path, capsys, blend):
    """A run without updates: predicted, judged and seen as any other; its figures are those of the line beside a net."""
    said: list[str] = []
    runs.train(config([made / "river.csv"], model="linear", blend=blend), tmp_path / "run", say=said.append)
    assert any("there are no updates" in line for line in said) and any("blend, of" in line for line in said) == blend
    figures = regard.load(tmp_path / "run").evaluate([str(made / "river.csv")])["metrics"]
    net = regard.load(made / "run").evaluate([str(made / "river.csv")])["metrics"]
    assert figures["linear_mse"] == pytest.approx(net["linear_mse"], rel=1e-9)
    assert (figures["mse"] == pytest.approx(figures["linear_mse"], rel=1e-5)) != blend
    assert command(["predict", str(tmp_path / "run"), str(made / "river.csv")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert command(["view", str(tmp_path / "run"), str(made / "river.csv")]) in (0, 2)
    assert "attention" in "".join(capsys.readouterr())
    runs.train(config([made / "river.csv"], model="linear", blend=blend), tmp_path / "run", resume=True, say=quiet)
    assert regard.load(tmp_path / "run").evaluate([str(made / "river.csv")])["metrics"] == figures


def test_it_is_said_where_least_squares_is_better(made, tmp_path):
    said: list[str] = []
    runs.train(config([made / "river.csv"]), tmp_path / "run", say=said.append)
    (note,) = [line for line in said if line.startswith("note: on the validation rows least squares is better than the net")]
    assert "forecast.model=linear keeps it, forecast.blend=true mixes both" in note
    said.clear()
    run = runs.train(config([made / "river.csv"], blend=True), tmp_path / "blend", say=said.append)
    assert run.metrics["mse"] <= min(run.metrics[f"{way}mse"] for way in ("net_", "linear_", "naive_", "profile_"))
    assert not any("is better" in line for line in said)
    found = regard.load(tmp_path / "blend").evaluate([str(made / "river.csv")])["metrics"]
    assert found["mse"] < min(found["net_mse"], found["linear_mse"])


def test_a_column_that_never_changes_and_numbers_large_beside_their_change(tmp_path, capsys, monkeypatch):
    """14.62 has a deviation of 1e-13, which is none; a meter keeps its hundredths, a latitude its metres."""
    monkeypatch.chdir(tmp_path)
    level = np.sin(np.arange(130) / 4)
    rows = [f"{i},{1234567 + i * 0.25 + 0.1 * level[i]:.2f},14.62,{48.13715 + 1e-5 * level[i]:.7f}" for i in range(130)]
    Path("x.csv").write_text("time,kwh,setpoint,latitude\n" + "\n".join(rows) + "\n")
    Path("y.csv").write_text("time,kwh,setpoint,latitude\n" + "\n".join(row.replace("14.62", "14.7") for row in rows) + "\n")
    said: list[str] = []
    runs.train(config([Path("x.csv")], level="last"), "run", say=said.append)
    assert "note: setpoint never changes in the training rows." in said
    found = "x.csv: 130 rows; forecast: kwh, setpoint, latitude; times: time (0 to 129; a step: 1)"
    assert any(line.startswith(found) for line in said)
    assert json.loads(Path("run/series.json").read_text())["spread"][1] == 1.0
    assert command(["evaluate", "run", "y.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["mse"] < 10
    assert command(["predict", "run", "x.csv"]) == 0
    told = [row.split(",") for row in capsys.readouterr().out.splitlines()[1:]]
    (found,) = regard.load("run").predict(["x.csv"])
    right = np.array(found.details["values"])  # as the net said them, unrounded
    written = np.array([[float(x) for x in row[1:]] for row in told])
    assert len({row[1] for row in told}) == len({row[3] for row in told}) == 5
    assert (abs(written - right) <= [1e-2, 1e-5, 1e-9]).all() and abs(right[:, 0] - 1234600).max() < 10


def test_numbers_far_from_all_training_rows_are_refused(made, tmp_path):
    _, values = floods(3, 40)
    values[30, 1] = 1e18
    (tmp_path / "x.csv").write_text(csv(floods(3, 40)[0], values))
    with pytest.raises(DataError, match=r"x\.csv:32:level: expected a number within 1e\+17 deviations .*; received 1e\+18"):
        regard.load(made / "run").predict([str(tmp_path / "x.csv")])
