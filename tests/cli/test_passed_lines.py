"""Lines that hold nothing to read are told of: a first line that is taken for a header, comments in tagged files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard import runs
from regard.cli.main import run as command
from regard.config import read_config

from .. import fuzz

HEADERS = {"transduce": "word\tpronunciation\n", "classify": "text\tlabel\n", "pair": "premise\thypothesis\tlabel\n"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, fuzz.Base]:
    return fuzz.bases(tmp_path_factory.mktemp("bases"), only=("tag", *HEADERS))


def begun(given: fuzz.Base, head: str, folder: Path) -> str:
    file = folder / given.data[0].name
    file.write_text(head + given.data[0].read_text("utf-8"), "utf-8")
    return str(file)


@pytest.mark.parametrize("task", HEADERS)
def test_a_first_line_that_is_taken_for_a_header_is_told_of(
    task: str, base: dict[str, fuzz.Base], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run was trained without one, so that nothing but the line itself says so, and it has no answer."""
    given, run = base[task], str(base[task].run)
    file, lines = begun(given, HEADERS[task], tmp_path), given.data[0].read_text("utf-8").count("\n")
    assert command(["predict", run, file]) == 0
    out, said = capsys.readouterr()
    assert out.count("\n") == lines and f"note: {file}:1 is taken for a header, and has no answer; data.header: false" in said
    assert command(["predict", run, file, "--quiet"]) == 0 and "header" not in capsys.readouterr().err
    assert command(["evaluate", run, file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == {"header": 1}
    assert command(["evaluate", run, file]) == 0 and "1 header line\n" in capsys.readouterr().out
    assert command(["evaluate", run, str(given.data[0]), "--json"]) == 0
    assert "passed" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("task", HEADERS)
def test_a_first_line_of_validation_data_that_is_taken_for_a_header_is_told_of(
    task: str, base: dict[str, fuzz.Base], tmp_path: Path
) -> None:
    given, said = base[task], list[str]()
    data = {"train": [str(given.data[0])], "valid": [begun(given, HEADERS[task], tmp_path)]}
    runs.train(read_config({**given.config, "data": data}), tmp_path / "run", say=said.append)
    (told,) = (line for line in said if line.startswith("valid: "))
    assert told.endswith("items. Besides, 1 header line.")


def test_comments_of_tagged_sentences_are_counted(
    base: dict[str, fuzz.Base], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, said = base["tag"], list[str]()
    file = begun(given, "# id = 3\n# nobody knows\n", tmp_path)
    data = {"train": [file], "valid": [str(given.data[0])]}
    runs.train(read_config({**given.config, "data": data}), tmp_path / "run", say=said.append)
    assert f"train: {file}: 6 items. Besides, 2 comment lines." in said
    assert command(["evaluate", str(given.run), file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] == {"comment": 2}
