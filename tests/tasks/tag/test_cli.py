"""Tagging through the doors: what is refused and in which words, and the command line, from files to figures."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import regard
from regard import runs
from regard.cli.main import run as command
from regard.config import load_config, read_config
from regard.core.errors import ConfigError, DataError, RegardError
from regard.inference import int8
from regard.tasks.quantization_report import REPORT
from regard.tasks.tag.demo_data import tickets
from regard.view import picture

MODEL = {"encoder": "bigru", "embedding": 12, "size": 12, "dropout": 0.1}
TRAIN = {"epochs": 2, "batch_tokens": 120, "learning_rate": 1e-2, "samples": 0, "threads": 1}
CHINESE = "我 一 月 一 号 去 郑 州"
FIGURES = ("slot_f1", "slot_precision", "slot_recall", "token_accuracy", "sentence_accuracy", "intent_accuracy", "loss")


def quiet(line: str) -> None:
    pass


def config(data: dict[str, list[str]], **more: Any) -> Any:
    return read_config({"task": "tag", "data": data, "model": MODEL, "train": TRAIN, "tag": {"letters": 6}, **more})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tickets, train.0 (tokens), train.1 (tags), train.2 (labels) and valid.*, and a run."""
    folder, data = tmp_path_factory.mktemp("tag"), {}
    for name, part in zip(("train", "valid"), tickets(3, 150), strict=True):
        rows = [[" ".join(s.tokens) for s in part], [" ".join(s.tags) for s in part], [s.label for s in part]]
        data[name] = [str(folder / f"{name}.{i}") for i in range(3)]
        for file, lines in zip(data[name], rows, strict=True):
            Path(file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    runs.train(config(data), folder / "run", say=quiet)
    return folder


def valid(made: Path, count: int = 3) -> list[str]:
    return [str(made / f"valid.{i}") for i in range(count)]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command says as it refuses, on stderr."""
    assert command(list(words)) == 2
    out, said = capsys.readouterr()
    assert not out and "Traceback" not in said and ": expected " in said and "; received " in said
    return said


# What files hold, and what is said of them: {x} stands for a file's path.
FAULTS = {
    "fewer tags than tokens": (
        {"a": "go to Rome\n", "b": "O O\n"},
        "{b}:1: expected as many tags as {a}:1 has tokens (3); received 2 tags. Correct the line. Or set data.on_bad_line: skip.",
    ),
    "more tags than tokens": ({"a": "x\ngo\n", "b": "O\nO O\n"}, "{b}:2: expected as many tags as {a}:2 has tokens (1); received 2"),
    "a line that is empty": ({"a": "x\n\n", "b": "O\n\n"}, "{a}:2: expected tokens; received an empty line"),
    "a token without its tag": ({"x.conll": "go O\nRome\n"}, "{x.conll}:2: expected a token and its tag; received 'Rome'"),
    "files that end at different lines": (
        {"a": "x\ny\n", "b": "O\n"},
        "line-aligned files: expected the same number of lines; received {a} 2, {b} 1. Find the line",
    ),
    "four files": ({"a": "x\n", "b": "O\n", "c": "l\n", "d": "m\n"}, "one file in columns, or two or three line-aligned ones"),
    "two files in columns": ({"a.conll": "x O\n", "b.conll": "x O\n"}, "received 2: {a.conll}, {b.conll}"),
    "an empty file": ({"x.conll": "\n\n"}, "{x.conll}: expected sentences with a tag for each token; received none"),
    "I from nothing": (
        {"x.conll": "go O\nto O\nRome I-to\n"},
        "{x.conll}:3: expected spans that begin with B (or S), and are closed where ends are marked; "
        "received I-to after O (token 3, 'Rome').",
    ),
    "I at the start": ({"a": "x\nRome\n", "b": "O\nI-to\n"}, "{b}:2: expected spans that begin with B"),
    "I of another kind": ({"x.conll": "New B-to\nYork I-from\n"}, "{x.conll}:2: expected spans that begin with B"),
    "BMES that is not closed": ({"x.conll": "郑 B-to\n州 E-to\n北 B-to\n走 O\n"}, "received O after B-to (token 4, '走')"),
    "BMES that ends open": ({"x.conll": "郑 S-to\n北 B-to\n京 M-to\n"}, "{x.conll}:3"),
    "E from nothing": ({"x.conll": "去 O\n州 E-to\n"}, "received E-to after O (token 2, '州'). Correct the line; or, where tags"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_training_on_bad_files_is_refused(fault, tmp_path):
    contents, said = FAULTS[fault]
    files = {name: str(tmp_path / name) for name in contents}
    for name, content in contents.items():
        Path(files[name]).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        runs.train(config({"train": list(files.values())}), tmp_path / "run", say=quiet)
    for name, path in files.items():
        said = said.replace(f"{{{name}}}", path)
    assert said in str(caught.value) and caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_bad_lines_are_skipped_where_asked_and_counted(made, tmp_path):
    good = [Path(file).read_text("utf-8") for file in (made / "train.0", made / "train.1")]
    files = [str(tmp_path / "a"), str(tmp_path / "b")]
    Path(files[0]).write_text("a b\nRome\n" + good[0], "utf-8")
    Path(files[1]).write_text("O\nI-to\n" + good[1], "utf-8")
    said: list[str] = []
    runs.train(config({"train": files, "on_bad_line": "skip"}), tmp_path / "run", say=said.append)
    text = "\n".join(said)
    assert "2 bad items were skipped" in text and f"{files[1]}:1: expected as many tags" in text and f"{files[1]}:2" in text
    assert command(["evaluate", str(tmp_path / "run"), *files]) == 0  # as training read them


def test_tags_that_are_no_spans(tmp_path, capsys):
    """Parts of speech: with tag.scheme none nothing is broken, and each tag is a span of its own."""
    (tmp_path / "x.conll").write_text("I PRP\ngo VB\n. .\n\nYou PRP\nsee VB\n. .\n\n" * 8, "utf-8")
    made = config({"train": [str(tmp_path / "x.conll")]}, tag={"letters": 4, "scheme": "none"}, train={**TRAIN, "epochs": 30})
    runs.train(made, tmp_path / "run", say=quiet)
    figures = regard.load(tmp_path / "run").evaluate([str(tmp_path / "x.conll")])["metrics"]
    assert figures["slot_f1"] == figures["token_accuracy"] == 1.0
    (tmp_path / "y.conll").write_text("I PRP\ngo PRP\n. .\n", "utf-8")
    figures = regard.load(tmp_path / "run").evaluate([str(tmp_path / "y.conll")])["metrics"]
    assert figures["slot_f1"] == pytest.approx(2 / 3) == figures["token_accuracy"]


def test_labels_that_a_run_has_not_learnt_are_refused_and_missing_ones_not_judged(made, tmp_path, capsys):
    data = {"train": [str(made / "train.0"), str(made / "train.1")], "valid": valid(made, 2)}
    runs.train(config(data), tmp_path / "run", say=quiet)
    assert "intent_accuracy" not in regard.load(tmp_path / "run").evaluate(valid(made, 2))["metrics"]
    said = refused(capsys, "evaluate", str(tmp_path / "run"), *valid(made))
    assert "this run has learnt no label of a sentence; received 3 files" in said and "valid.2" in said
    figures = regard.load(made / "run").evaluate(valid(made, 2))["metrics"]  # it knows labels, and the files say none
    assert "intent_accuracy" not in figures and figures["sentence_accuracy"] >= 0


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("model.decoder=gru", ["model.decoder", "no such key with task tag, which does not use it", "Remove it"]),
        ("decode.beam=3", ["decode.beam", "no such key with task tag"]),
        ("data.source_tokenizer=char", ["data.source_tokenizer", "no such key with task tag"]),
        ("train.label_smoothing=0.2", ["train.label_smoothing", "no such key with task tag"]),
        ("tag.heads=crf", ["tag.heads", "Did you mean 'head'?"]),
        ("tag.head=crff", ["tag.head", "crf", "softmax"]),
        ("tag.scheme=BIO", ["tag.scheme", "spans", "none"]),
        ("data.format=csv", ["data.format", "columns, conllu, jsonl, parquet or lines with task tag", "csv"]),
        ("data.format=lines", ["data.train", "2 or 3 files, line for line", "1: x.conll"]),
        ("tag.unseen=1.5", ["tag.unseen"]),
        ("train.metric=slot_f2", ["train.metric", "slot_f1 |", "Did you mean 'slot_f1'?"]),
        ("train.metric=bleu", ["train.metric", "received bleu"]),
        ("task=tags", ["task", "received 'tags'", "Did you mean 'tag'?"]),
        ("task=transduce", ["tag", "only with task: tag", "task transduce"]),
    ],
)
def test_keys_that_the_task_does_not_use_are_refused(override, said):
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["task=tag", "tag.head=crf", override], train=["x.conll"])
    for part in said:
        assert part in str(caught.value)


def test_what_cannot_be_built_is_refused_before_anything_is_read(tmp_path):
    made = config({"train": ["nowhere.conll"]}, model={"family": "transformer", "size": 8, "heads": 1}, tag={"letters": 8})
    with pytest.raises(ConfigError, match=r"model\.size: expected more than the 8 that stand beside each word's vector"):
        runs.train(made, tmp_path / "run", say=quiet)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "{run}", "{in}", "--beam", "3"], "--beam: expected a run whose task has it; tag knows --batch-size;"),
        (["evaluate", "{run}", "{in}", "{in}", "--beam", "3"], "--beam: expected a run whose task has it"),
        (["predict", "{run}", "{in}", "--n-best", "2", "--format", "tsv"], "--n-best: expected a run whose task has it"),
        (["evaluate", "{run}", "{in}", "{in}", "{in}", "{in}"], "one file in columns, or two or three line-aligned ones"),
        (["predict", "{run}", "{in}", "--with", "{run}"], "expected one run: task tag answers alone"),
    ],
)
def test_options_that_a_tagger_has_not(words, said, made, tmp_path, capsys):
    places = {"run": made / "run", "in": made / "valid.0", "out": tmp_path / "e.tsv"}
    assert said in refused(capsys, *(word.format(**places) for word in words))


def test_predictions_stay_in_line(made, tmp_path, capsys, monkeypatch):
    lines = [CHINESE, "", "   ", "I will go to Atlantis tomorrow", "x" * 300]
    (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    assert command(["predict", str(made / "run"), str(tmp_path / "in.txt")]) == 0
    out, said = capsys.readouterr()
    answers = out.split("\n")
    assert [len(answer.split()) for answer in answers] == [8, 0, 0, 6, 1, 0] and len(answers) == 6
    assert "'Atlantis' (1)" in said and "never saw" in said
    assert command(["predict", str(made / "run"), str(tmp_path / "in.txt"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5]
    best = rows[0]["predictions"][0]
    assert best["text"] == answers[0] and best["tokens"] == answers[0].split() and rows[0]["source_tokens"] == CHINESE.split()
    assert best["details"]["label"] in ("go", "book", "price", "time")
    for kind, start, end in best["details"]["spans"]:
        assert kind in ("from", "to", "date") and 0 <= start < end <= 8
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(f"{line}\n" for line in lines).encode())))
    assert command(["predict", str(made / "run"), "-"]) == 0
    assert capsys.readouterr().out == out


def test_columns_are_read_for_prediction(made, tmp_path, capsys):
    """Sentences of a .conll file answer one a line, with their tags or without."""
    tokens = [CHINESE.split(), ["leave", "Rome"]]
    for name, column in (("with.conll", "\tO"), ("without.conll", "")):
        rows = "\n\n".join("\n".join(token + column for token in sentence) for sentence in tokens)
        (tmp_path / name).write_text(f"-DOCSTART-{column}\n\n{rows}\n", "utf-8")
        assert command(["predict", str(made / "run"), str(tmp_path / name)]) == 0
        answers = capsys.readouterr().out.splitlines()
        assert answers == [p.text for p in regard.load(made / "run").predict([" ".join(t) for t in tokens])]


def test_evaluate_says_its_figures(made, capsys):
    assert command(["evaluate", str(made / "run"), *valid(made), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["metrics"]) == set(FIGURES) and found["items"] == 15 and found["files"] == valid(made)
    assert all(0 <= found["metrics"][name] <= 1 for name in FIGURES[:-1])
    assert command(["evaluate", str(made / "run"), *valid(made)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^slot_f1 .*conlleval", said, re.M) and re.search(r"^items +15$", said, re.M)


def test_a_column_file_is_judged_as_aligned_files_are(made, tmp_path):
    rows = zip(*(Path(file).read_text("utf-8").splitlines() for file in valid(made, 2)), strict=True)
    text = "\n\n".join("\n".join(map("\t".join, zip(a.split(), b.split(), strict=True))) for a, b in rows)
    (tmp_path / "valid.conll").write_text(text + "\n", "utf-8")
    model = regard.load(made / "run")
    assert model.evaluate([str(tmp_path / "valid.conll")])["metrics"] == model.evaluate(valid(made, 2))["metrics"]


def test_the_picture_stands_between_the_label_and_the_tokens(made, tmp_path, capsys):
    (found,) = regard.load(made / "run").predict([CHINESE])
    assert found.axes == {"pool": ("label", "token")}
    assert found.attention["pool"].shape == (1, 1, 8) and np.allclose(found.attention["pool"].sum(-1), 1)
    down, across = picture.axes(found, "pool")
    assert down.tokens == (found.details["label"],) and down.kind == "rows of pool"
    assert across.tokens == tuple(CHINESE.split()) and across.kind == "source"
    assert command(["view", str(made / "run"), "--text", CHINESE]) == 0
    assert found.details["label"] in capsys.readouterr().out
    for name in ("page.html", "picture.svg"):
        assert command(["view", str(made / "run"), str(made / "valid.0"), "--out", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 1000
    (tmp_path / "x.conll").write_text("leave O\nRome O\n", "utf-8")
    assert command(["view", str(made / "run"), str(tmp_path / "x.conll")]) == 0


def test_info(made, capsys):
    assert command(["info", str(made / "run")]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^task +tag$", said, re.M) and "tags 7" in said and "labels 4" in said and "best slot_f1" in said


def test_weights_of_one_byte(made, capsys, monkeypatch):
    """The same road in int8: answers in line, what changed is said, and no batch is seen."""
    monkeypatch.setattr(int8, "LEAST", 1)
    items = (made / "valid.0").read_text("utf-8").splitlines()
    plain, model = regard.load(made / "run").predict(items), regard.load(made / "run", precision="int8").predict(items)
    assert any(a.score != b.score for a, b in zip(plain, model, strict=True))
    alone = regard.load(made / "run", precision="int8").predict(items, batch_size=1)
    for a, b in zip(alone, model, strict=True):
        assert a.text == b.text and a.details == b.details and abs(a.score - b.score) < 1e-4
    assert command(["predict", str(made / "run"), str(made / "valid.0"), "--precision", "int8"]) == 0
    out, said = capsys.readouterr()
    assert out.splitlines() == [p.text for p in model]
    report = json.loads((made / "run" / REPORT).read_text("utf-8"))
    assert report["lines"] == 15 and f"int8: {report['changed']} of 15 validation lines" in said


def test_items_of_python(made):
    model = regard.load(made / "run")
    text, tokens = model.predict([CHINESE, tuple(CHINESE.split())])
    assert text.text == tokens.text and text.score == tokens.score
    with pytest.raises(RegardError, match=r"an item to tag: expected tokens that are texts; received \('a', 3\)"):
        model.predict([("a", 3)])
    with pytest.raises(TypeError, match="a list of texts"):
        model.predict(CHINESE)
