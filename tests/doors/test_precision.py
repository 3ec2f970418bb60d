"""`--precision int8`: the same road, a report of what changes, and lines that stay in line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import regard
from regard.doors.cli.main import run as command
from regard.networks import int8
from regard.workshop.jobs.parity import REPORT, parity

from .trained import RECURRENT, train_dates

SOURCES = ["3 May 2021", "", "12 June 1999", "1 January 2000"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_dates(tmp_path_factory.mktemp("int8"), RECURRENT, epochs=2, pairs=600)


@pytest.fixture(autouse=True)
def small_matrices_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "LEAST", 1)


def test_the_command_answers_line_by_line_and_says_what_changed(made, tmp_path, capsys):
    file = tmp_path / "in.txt"
    file.write_text("\n".join(SOURCES) + "\n", "utf-8")
    assert command(["predict", str(made), str(file), "--precision", "int8"]) == 0
    out, said = capsys.readouterr()
    ours = regard.load(made, precision="int8").predict(SOURCES)
    assert out.split("\n") == [*(p.text for p in ours), ""]
    report = json.loads((made / REPORT).read_text("utf-8"))
    assert report["lines"] == len((made.parent / "valid.tsv").read_text("utf-8").splitlines())
    assert f"int8: {report['changed']} of {report['lines']} validation lines" in said


def test_scores_differ_from_float32_and_not_by_batch(made):
    plain, model = regard.load(made).predict(SOURCES), regard.load(made, precision="int8")
    whole = model.predict(SOURCES)
    assert whole[0].score != plain[0].score
    for alone, together in zip(model.predict(SOURCES, batch_size=1), whole, strict=True):
        assert alone.text == together.text and abs(alone.score - together.score) < 1e-5


def test_the_report_is_of_these_weights(made):
    first = parity(made)
    (made / REPORT).write_text(json.dumps({"lines": 7, "changed": 7, "model": "another"}), "utf-8")
    assert parity(made) == first
    (made / REPORT).write_text("{", "utf-8")
    assert parity(made) == first


def test_without_validation_files_it_says_so(made, capsys):
    (made / REPORT).unlink(missing_ok=True)
    file = made.parent / "valid.tsv"
    kept = file.read_bytes()
    file.unlink()
    try:
        other = made.parent / "three.tsv"
        other.write_text("3 May 2021\t2021-05-03\n", "utf-8")
        assert command(["evaluate", str(made), str(other), "--precision", "int8"]) == 0
        assert "the validation files" in capsys.readouterr().err
    finally:
        file.write_bytes(kept)
