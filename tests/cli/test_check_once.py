"""What a training says of its data is said once, by the data doctor or by the reading itself; and counts agree wherever they are told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.check.bad_lines import WHY
from regard.check.examine import examine
from regard.check.rewrite import rewrite
from regard.check.screen import FULL, screen
from regard.cli.main import run as command
from regard.config import read_config
from regard.core.errors import DataError, UsageError
from regard.data.file_format import recognize
from tests.cli import clean_files as clean
from tests.cli.test_check_tasks import TAGGED, renamed

TINY = {"model": {"size": 8, "embedding": 8}, "train": {"epochs": 1, "threads": 1, "samples": 0}}


def heard(folder: Path, name: str, text: str, *, valid: str = "", **sections: Any) -> list[str]:
    """The notes of a training on such a file."""
    file, said = folder / name, list[str]()
    file.write_text(text, "utf-8")
    data = {
        "train": [str(file)],
        **({"valid": [str(file if valid == text else folder / "v")]} if valid else {}),
        **sections.pop("data", {}),
    }
    runs.train(read_config({"data": data, **TINY, **sections}), folder / "run", say=said.append)
    return [line for line in said if line.startswith("note:") or "looks like" in line or "mark no spans" in line]


def asked() -> str:
    """Questions whose answers begin inside a word."""
    records = clean.questions(30)
    for record in records:
        answer = record["answers"][0]  # type: ignore[index]
        answer.update(text=answer["text"][1:], answer_start=answer["answer_start"] + 1)
    return clean.jsonl(records)


def test_answers_out_of_reach_are_told_once(tmp_path: Path) -> None:
    notes = heard(tmp_path, "a.jsonl", asked(), task="read")
    assert len([line for line in notes if "within a token" in line or "inside a word" in line]) == 2  # of training, of validation
    assert not any("inside a word" in line for line in notes)


def test_tags_without_a_scheme_are_told_once(tmp_path: Path) -> None:
    bare = renamed(lambda i, a, b: (a, b.removeprefix("B-").removeprefix("I-")))(TAGGED)
    notes = heard(tmp_path, "a.conll", bare, task="tag")
    assert len([line for line in notes if "mark no spans" in line]) == 1


def test_a_line_that_may_be_a_header_is_told_once(tmp_path: Path) -> None:
    notes = heard(tmp_path, "a.tsv", "wort\tlaut\n".replace("laut", "lautschrift x") + clean.tsv(clean.words(90)))
    assert len([line for line in notes if "header" in line]) <= 1


def test_one_file_for_both_sets_is_counted_once(tmp_path: Path) -> None:
    text = clean.tsv(clean.words(120)).replace("\n", " \n", 40)
    notes = heard(tmp_path, "a.tsv", text, valid=text, data={"target_tokenizer": "space"})
    assert [line for line in notes if "White space at an end in 40 targets" in line]
    assert len([line for line in notes if "validation items have a source" in line or "validation data" in line]) == 1
    file = str(tmp_path / "a.tsv")
    told = {finding.kind: finding for finding in examine([file], valid=[file]).findings}
    assert (
        told["ends"].count == 40
        and told["shared"].level == "warning"
        and "training data and validation data" in told["shared"].what
    )


@pytest.mark.parametrize(
    ("name", "task", "text"),
    [
        ("a.tsv", "transduce", clean.tsv(clean.words(30)) + "one\n\ntwo\t\n\tthree\n"),
        ("a.csv", "transduce", 'word,pronunciation\nba,b a\nbe,b e\nbo\n\n"b"i,b i\nbu,b u\n'),
        ("a.jsonl", "transduce", '{"source": "a", "target": "b"}\n{"source": "a"}\n\n{\n{"source": 1, "target": "b"}\n'),
        ("a.jsonl", "classify", '{"text": "a", "label": "b"}\n{"text": "a", "label": ["b", "c"]}\n{"text": "c", "label": "d"}\n'),
        ("a.conll", "tag", TAGGED + "no tag\nhere\n\nso\tO\nOslo\tI-LOC\n\nso\tO\nOslo\tI-LOC\n\n"),
        (
            "a.jsonl",
            "tag",
            '{"tokens": ["a"], "tags": ["O", "O"]}\n{"tokens": ["a"]}\n{"tokens": ["b", "c"], "tags": ["B-X", "O"]}\n',
        ),
        ("a.jsonl", "read", clean.jsonl(clean.questions(9)) + '{"context": "a", "question": "b", "answers": []}\n{}\n'),
        (
            "a.csv",
            "forecast",
            clean.csv(clean.hours(200)) + "2024-01-09 08:00,NaN,1\n2024-01-09 09:00,1\n\n2024-01-09 10:00,1e30,1\n",
        ),
        ("a.tsv", "pair", clean.tsv(clean.ratings(30)) + "a\tb\n\tb\t1.0\n"),
        ("latin.tsv", "transduce", "été\te t e\nbo\tb o\n"),
    ],
)
def test_counts_of_bad_lines_agree(tmp_path: Path, name: str, task: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    file, bad = tmp_path / name, tmp_path / "bad.tsv"
    file.write_bytes(text.encode("latin-1" if name == "latin.tsv" else "utf-8"))
    assert command(["check", str(file), "--task", task, "--json", "--bad", str(bad)]) == 2
    told = json.loads(capsys.readouterr().out)
    kinds = [row["kind"] for row in told["bad_lines"]]
    rows = [line.split("\t") for line in bad.read_text("utf-8").split("\n")[1:-1]]
    assert [row[2] for row in rows] == kinds and all(len(row) == 5 for row in rows) and kinds
    assert {finding["kind"]: finding["count"] for finding in told["findings"] if finding["kind"] in {*WHY} | {*kinds}} == {
        kind if kind != "empty-row" else "empty-line": kinds.count(kind) for kind in kinds
    }
    assert command(["check", str(file), "--task", task]) == 2
    screen = capsys.readouterr().out
    for finding in told["findings"][:9]:
        assert finding["what"] in screen


def test_sentences_that_come_twice_are_not_said_to_be_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "a.conll"
    file.write_text(TAGGED + TAGGED[: TAGGED.index("\n\n") + 2], "utf-8")
    report = examine([str(file)])
    (found,) = [finding for finding in report.findings if finding.kind == "duplicates"]
    assert not found.fixable and "--fix" not in found.do


@pytest.mark.parametrize(
    ("name", "task", "text", "wrong"),
    [
        ("a.jsonl", "tag", '{"tokens": ["so", "New  York"], "tags": ["o", "I-LOC"], "id": 7}\n', {"outside", "broken-spans"}),
        ("a.conll", "tag", "so o\nNew I-LOC\n\n", {"outside", "broken-spans"}),
    ],
)
def test_tags_of_any_format_are_corrected(tmp_path: Path, name: str, task: str, text: str, wrong: set[str]) -> None:
    lines = [{"tokens": [a for a, _ in rows], "tags": [b for _, b in rows]} for rows in clean.tagged(40)]
    whole = clean.jsonl(lines) if name.endswith("jsonl") else TAGGED
    file, out = tmp_path / name, tmp_path / f"clean-{name}"
    file.write_text(whole + text, "utf-8")
    report = examine([str(file)], task=task)
    assert wrong <= {finding.kind for finding in report.findings if finding.fixable}
    rewrite(report, out, report.files)
    made = out.read_text("utf-8")
    assert made.startswith(whole)
    if name.endswith("jsonl"):
        assert json.loads(made.splitlines()[-1]) == {"tokens": ["so", "New  York"], "tags": ["O", "B-LOC"], "id": 7}
    else:
        assert made.endswith("so O\nNew B-LOC\n\n")
    assert not wrong & {finding.kind for finding in examine([str(out)], task=task).findings}


def test_what_no_copy_is_written_of_is_not_said_to_be_fixed(tmp_path: Path) -> None:
    records = clean.questions(9)
    records[3]["question"] = "Where  did\u00a0she go? &amp;"
    (tmp_path / "a.jsonl").write_text(clean.jsonl(records) + "{\n", "utf-8")
    for finding in examine([str(tmp_path / "a.jsonl")]).findings:
        assert not finding.fixable and "--fix" not in finding.do


def test_every_finding_comes_with_its_line(tmp_path: Path) -> None:
    """Those too that the screen tells in one line: here letters of two scripts."""
    lines = clean.tsv(clean.words(200)).splitlines()
    damage = (
        " {}",
        "{} ",
        "{}  s",
        "{} g",
        "{} (en)",
        "{} ~ s",
        "{} *",
        "{}\u00a0s",
        "b\u0430{}",
        "be\u0301{}",
        "a\u200bb{}",
        "&amp;{}",
    )
    for i, change in enumerate(damage, 20):
        lines[i] = change.format(lines[i])
    (tmp_path / "a.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    report = examine([str(tmp_path / "a.tsv")])
    assert "look-alike" in {finding.kind for finding in report.findings} and len(report.findings) > FULL
    for finding in report.findings:
        assert (
            finding.seen[0].line
            and str(finding.seen[0]) in screen(report).partition(finding.what)[2].partition("\n" + finding.level)[0]
        )


def test_a_row_whose_cells_come_again_is_no_header(tmp_path: Path) -> None:
    """`pos` is what columns are called, and a label."""
    words = [word for word, _ in clean.words(90)]
    rows = [("good", "pos"), *((word, "pos" if i % 2 else "neg") for i, word in enumerate(words)), ("good", "pos")]
    file = tmp_path / "a.tsv"
    file.write_text(clean.tsv(rows), "utf-8")
    report = examine([str(file)], task="classify")
    assert "header" not in {finding.kind for finding in report.findings} and report.rows == 92
    assert not recognize(str(file)).notes
    file.write_text(clean.tsv([("word", "pos"), *rows[1:]]).replace("\tpos", "\tnoun").replace("noun", "pos", 1), "utf-8")
    assert "header" in {finding.kind for finding in examine([str(file)], task="classify").findings}


def test_standard_input_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["check", "-"]) == 2
    said = capsys.readouterr().err
    assert "regard check reads its data again; received standard input" in said and "Save the data as a file" in said


def test_parquet_is_read_as_training_reads_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which reads Parquet, is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, which reads Parquet, is not installed")
    words = [*clean.words(90), ("zut", "z y t "), ("", "a"), ("chat", None)]
    file, out = tmp_path / "a.parquet", tmp_path / "clean.jsonl"
    parquet.write_table(pyarrow.table({"source": [a for a, _ in words], "target": [b for _, b in words]}), file)
    report = examine([str(file)])
    assert report.rows == 91 and {"ends", "empty-source", "no-string"} <= {finding.kind for finding in report.findings}
    assert sorted(report.bad.numbers[str(file)]) == [92, 93]
    with pytest.raises(UsageError, match=r"clean\.jsonl"):
        rewrite(report, tmp_path / "clean.parquet", report.files)
    rewrite(report, out, report.files)
    assert [json.loads(line) for line in out.read_text("utf-8").splitlines()][-1] == {"source": "zut", "target": "z y t"}
    sentences = [{"tokens": [a for a, _ in rows], "ner_tags": [b for _, b in rows]} for rows in clean.tagged(40)]
    parquet.write_table(pyarrow.Table.from_pylist(sentences), file)
    assert examine([str(file)], task="tag").rows == 40 and examine([str(file)]).case.task == "tag"
    with pytest.raises(DataError, match="task forecast reads; received Parquet"):
        examine([str(file)], task="forecast")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"pip install -e '\.\[parquet\]'"):
        examine([str(tmp_path / "a.parquet")])


def test_a_training_says_how_each_side_is_cut(tmp_path: Path) -> None:
    file, said = tmp_path / "words.tsv", list[str]()
    file.write_text("".join(f"wort{i}\tv ɔ ʁ t {'a' * (i % 2 + 1)}\n" for i in range(30)), "utf-8")
    runs.train(read_config({"data": {"train": [str(file)]}, **TINY}), tmp_path / "run", say=said.append)
    (line,) = [line for line in said if " parameters; " in line]
    assert "source symbols (char) and " in line and "target symbols (space); " in line
