"""`--precision int8`: the same road, a report of what changes, and lines that stay in line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import regard
from regard.cli.main import run as command
from regard.core.errors import RegardError
from regard.inference import int8
from regard.tasks.quantization_report import REPORT, parity

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


def test_a_folder_that_cannot_be_written_is_used_all_the_same(made, tmp_path, capsys, monkeypatch):
    """A shared model, a CD, a full disk: the answers come, and what changed is said."""
    (made / REPORT).unlink(missing_ok=True)

    def refuse(path: Path, text: str) -> None:
        raise RegardError(f"cannot write {path}")

    monkeypatch.setattr("regard.tasks.quantization_report.write_text", refuse)
    file = tmp_path / "in.txt"
    file.write_text("\n".join(SOURCES) + "\n", "utf-8")
    for words in (["predict", str(made), str(file)], ["evaluate", str(made), str(made.parent / "valid.tsv")]):
        assert command([*words, "--precision", "int8"]) == 0
        out, said = capsys.readouterr()
        assert out.count("\n") >= len(SOURCES) and "validation lines are answered otherwise" in said
    assert not (made / REPORT).exists()


@pytest.mark.parametrize("by", ["run.json", "state.json"])
@pytest.mark.parametrize("harm", ["another file", "a pipe", "a device", "a name of no training"])
def test_other_files_of_that_name_are_not_read(made, harm, by, tmp_path, capsys):
    """What a stranger's config names may be a pipe without an end, and a name may by now be another file's."""
    run = tmp_path / "run"
    shutil.copytree(made, run)
    (run / REPORT).unlink(missing_ok=True)
    if by == "state.json":  # as in runs of before
        (run / "run.json").unlink()
    valid = tmp_path / "valid.tsv"
    if harm == "another file":
        valid.write_text("1 May 2021\t2021-05-01\n")
    elif harm == "a pipe":
        os.mkfifo(valid)
    elif harm == "a device":
        valid.symlink_to("/dev/zero")
    else:
        shutil.copy(made.parent / "valid.tsv", valid)
    text, name = (run / "config.yaml").read_text("utf-8"), str(made.parent / "valid.tsv")
    (run / "config.yaml").write_text(text.replace(name, str(valid)), "utf-8")
    if harm != "a name of no training":
        for path in [*run.glob("run.json"), *run.glob("checkpoints/*/state.json")]:
            state = json.loads(path.read_text("utf-8").replace(name, str(valid)))
            state.pop("check", None)
            path.write_text(json.dumps(state), "utf-8")
    assert parity(run) is None and not (run / REPORT).exists()
    assert command(["predict", str(run), str(made.parent / "train.tsv"), "--precision", "int8"]) == 0
    assert "are gone or others" in capsys.readouterr().err
