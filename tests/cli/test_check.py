"""`regard check` at the command line, and what a training says of its data before it reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from regard import runs
from regard.cli.main import run as command
from regard.config import read_config
from tests.cli import clean_files as clean

MESSY = "word\tpronunciation\n# by ear\n" + clean.tsv(clean.words(80)) + "tryk\nchat\t\nche\u0301\tʃ e ~ ʃ ɛ\nzut \tz y t \n"


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    file = tmp_path / "words.tsv"
    file.write_text(MESSY, "utf-8")
    return file


def test_one_screen_most_harmful_first(messy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["check", str(messy)]) == 2
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert "header (word, pronunciation)" in lines[0] and "comments (#)" in lines[0] and len(lines) < 45
    levels = [line.split()[0] for line in lines if line.startswith(("error ", "warning ", "note "))]
    assert levels == sorted(levels, key=("error", "warning", "note").index) and "error" in levels
    assert f"{messy}:83: 1 of 2 columns: tryk" in out and "data.target_tokenizer: space" in out


def test_json_holds_everything_and_bad_every_line(messy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.tsv"
    assert command(["check", str(messy), "--json", "--bad", str(bad)]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["recognised"]["header"] == ["word", "pronunciation"] and told["recognised"]["task"] == "transduce"
    kinds = {finding["kind"] for finding in told["findings"]}
    assert {"too-few-columns", "empty-target", "several-readings", "ends", "header", "comments", "normal-forms"} <= kinds
    assert [row["line"] for row in told["bad_lines"]] == [83, 84]
    rows = [line.split("\t") for line in bad.read_text("utf-8").splitlines()]
    assert [row[1] for row in rows] == ["line", "83", "84"] and rows[1][2] == "too-few-columns"


def test_columns_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "words.tsv"
    file.write_text(clean.tsv((b, a) for a, b in clean.words()), "utf-8")
    assert command(["check", str(file), "data.source=2", "data.target=1"]) == 0
    assert "source = column 2 (words); target = column 1 (phones" in capsys.readouterr().out


def test_the_last_column_of_each_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mfa.dict"
    rows = [line.split("\t") for line in clean.tsv(clean.words(80)).splitlines()]
    rows = [[word, "0.99", "1.0", phones] if i % 3 else [word, phones] for i, (word, phones) in enumerate(rows)]
    file.write_text("".join("\t".join(row) + "\n" for row in [*rows, ["zut", "0.9", "1.0", "z y t "]]), "utf-8")
    keys = ["data.target=last", "data.source=1", "data.format=tsv"]
    assert command(["check", str(file), *keys, "--fix", str(tmp_path / "clean.tsv")]) == 0
    told = capsys.readouterr()
    assert "target = column 4" in told.out and "81 rows" in told.out and "data.target: last" in told.out
    assert "data.target=last" in told.err
    cleaned = [line.split("\t") for line in (tmp_path / "clean.tsv").read_text("utf-8").splitlines()]
    assert cleaned == [*rows, ["zut", "0.9", "1.0", "z y t"]]


def test_what_can_be_read_only_once_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert command(["check", str(fifo)]) == 2
    assert "received a pipe" in capsys.readouterr().err


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["check", "no-such.tsv"]) == 2
    assert "Correct the path" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], []])
def test_it_never_loads_torch(messy: Path, words: list[str]) -> None:
    program = "import sys; from regard.cli.main import run; run(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    given = ["check", *(words or [str(messy)])]
    done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_training_says_what_is_harmful_before_it_reads(tmp_path: Path) -> None:
    file, said = tmp_path / "words.tsv", list[str]()
    file.write_text(clean.tsv(clean.words(120)).replace("\n", " \n", 40), "utf-8")
    tiny = {"size": 8, "embedding": 8}
    given = {"train": [str(file)], "target_tokenizer": "space"}
    config = read_config({"data": given, "model": tiny, "train": {"epochs": 1, "threads": 1}})
    runs.train(config, tmp_path / "run", say=said.append)
    notes = [line for line in said if line.startswith("note: White space at an end in 40 targets")]
    assert notes and f"{file}:1" in notes[0]
    assert any("regard check" in line and "--fix" in line for line in said)
    file.write_text(clean.tsv(clean.words(120)), "utf-8")
    quiet = list[str]()
    runs.train(config, tmp_path / "other", say=quiet.append)
    assert not [line for line in quiet if "regard check" in line]
