"""Reading, from its doors: files that are at fault, keys that do not fit, and answers line for line with what was asked."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.api import load
from regard.cli.main import run as regard
from regard.config import read_config
from regard.core.errors import ConfigError, DataError
from regard.data.report import gather
from regard.tasks.read.data import read_asked, read_questions
from regard.tasks.read.demo_data import moves
from regard.tasks.read.task import ReadTask

PASSAGE = "The tower stands in Pisa. It leans."
QA = {"id": "q7", "question": "Where?", "answers": [{"text": "Pisa", "answer_start": 20}]}
CLOZE = {"id": 1, "doc": ["Tom has a dog .", "The XXXXX barks ."], "query": "The XXXXX barks .", "answer": "dog"}


def squad(qa: Any, context: Any = PASSAGE) -> str:
    return json.dumps({"data": [{"title": "", "paragraphs": [{"context": context, "qas": [qa]}]}]})


def row(**more: Any) -> str:
    return json.dumps({"context": PASSAGE, "question": "Where?", "answers": [{"text": "Pisa", "start": 20}]} | more)


# the name of the file, what it holds, whether its questions are cloze, and what the message must say; {} stands for the path
FAULTS: dict[str, tuple[str, str, bool, list[str]]] = {
    "an answer that is not in the passage": (
        "x.json",
        squad(QA | {"answers": [{"text": "Rome", "answer_start": 20}]}),
        False,
        [
            "{}, data[0].paragraphs[0].qas[0] (id 'q7').answers[0]",
            "stands in the passage, to the letter",
            "'Rome'",
            "Correct the line",
        ],
    ),
    "an answer in other letters": (
        "x.jsonl",
        row(answers=[{"text": "pisa", "start": 20}]),
        False,
        ["{}:1.answers[0]", "stands in the passage, to the letter", "'pisa'"],
    ),
    "an answer that stands elsewhere": (
        "x.json",
        squad(QA | {"answers": [{"text": "Pisa", "answer_start": 21}]}),
        False,
        ["(id 'q7')", "answer_start 20, where 'Pisa' stands", "21, where 'isa.' stands", "counted from 0"],
    ),
    "an answer before the beginning": (
        "x.jsonl",
        row(answers=[{"text": "Pisa", "start": -1}]),
        False,
        ["start 20", "-1, where nothing"],
    ),
    "no answer": ("x.json", squad(QA | {"answers": []}), False, ["(id 'q7')", "an answer", "received none", "SQuAD 2"]),
    "an answer without its place": (
        "x.jsonl",
        row(answers=[{"text": "Pisa"}]),
        False,
        ["{}:1.answers[0]", "the key 'answer_start'", "'text'"],
    ),
    "an answer whose place is a word": (
        "x.jsonl",
        row(answers=[{"text": "Pisa", "start": "20"}]),
        False,
        ["the number of its first character (start)"],
    ),
    "answers that are no list": ("x.jsonl", row(answers="Pisa"), False, ["{}:1.answers", "a list", "Pisa"]),
    "an empty passage": ("x.json", squad(QA, " "), False, ["key 'context'", "a text with something in it", "an empty one"]),
    "an empty question": ("x.jsonl", row(question=""), False, ["{}:1, key 'question'", "an empty one"]),
    "a passage that is no text": ("x.jsonl", row(context=3), False, ["{}:1, key 'context'", "a text", "received '3'"]),
    "half a character": ("x.jsonl", row(question="\ud800"), False, ["key 'question'", "a text"]),
    "JSON that is not SQuAD's": (
        "x.json",
        '{"data": [{"paragraph": []}]}',
        False,
        ["{}, data[0]", "the key 'paragraphs'", "'paragraph'", "Did you mean 'paragraph'?"],
    ),
    "JSON without data": (
        "x.json",
        '{"version": "1.1",\n"paragraphs": []}',
        False,
        ["{}", "the key 'data'", "'version', 'paragraphs'"],
    ),
    "data that is no list": ("x.json", '{"data": {}}', False, ["{}, data", "a list"]),
    "a paragraph without its text": (
        "x.json",
        '{"data": [{"paragraphs": [{"qas": []}]}]}',
        False,
        ["data[0].paragraphs[0]", "the key 'context'", "'qas'"],
    ),
    "a question that is a text": ("x.json", squad("Where?"), False, ["qas[0]", "an object with a question", "Where?"]),
    "a question without its words": ("x.json", squad({"id": 3, "answers": []}), False, ["(id 3)", "the key 'question'"]),
    "JSON that breaks off": ("x.json", '{"data": [\n{"paragraphs": [', False, ["{}:2", "JSON as SQuAD's, or JSONL"]),
    "text that is no JSON": ("x.json", "Where is it?\tHere.", False, ["{}:1", "JSON as SQuAD's, or JSONL", "Correct the file"]),
    "a line that is no object": ("x.jsonl", row() + "\n[1]", False, ["{}:2", "a JSON object", "[1]"]),
    "an empty line": ("x.jsonl", row() + "\n\n" + row(), False, ["{}:2", "a JSON object", "an empty line"]),
    "an empty file": ("x.json", "", False, ["{}", "questions", "an empty file"]),
    "a cloze question without a blank": (
        "x.jsonl",
        json.dumps(CLOZE | {"query": "The dog barks ."}),
        True,
        ["{}:1, key 'query'", "one blank (XXXXX)", "0: 'The dog barks .'", "read.head: span"],
    ),
    "a cloze question with two": (
        "x.jsonl",
        json.dumps(CLOZE | {"query": "XXXXX or XXXXX ?"}),
        True,
        ["{}:1, key 'query'", "one blank", "2: "],
    ),
    "a word that stands nowhere": (
        "x.jsonl",
        json.dumps(CLOZE | {"answer": "cat"}),
        True,
        ["{}:1", "one word of the passage (data.source_tokenizer: word)", "'cat'", "cannot be pointed at"],
    ),
    "a part of a word": (
        "x.jsonl",
        json.dumps(CLOZE | {"answer": "bark"}),
        True,
        ["'bark', which stands there as a part of words, or as several"],
    ),
    "several words": ("x.jsonl", json.dumps(CLOZE | {"answer": "a dog"}), True, ["'a dog', which stands there as"]),
    "a cloze without its text": (
        "x.jsonl",
        json.dumps({"document": "", "query": "", "answer": ""}),
        True,
        ["{}:1", "the key 'doc'", "'document'"],
    ),
    "an empty answer": ("x.jsonl", json.dumps(CLOZE | {"answer": " "}), True, ["{}:1, key 'answer'", "an empty one"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_is_named_explained_and_corrected(fault, tmp_path):
    name, content, cloze, said = FAULTS[fault]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    config = read_config({"task": "read", "data": {"train": [str(path)]}, "read": {"head": "over" if cloze else "span"}})
    with pytest.raises(DataError) as caught:
        ReadTask().read(config, lambda line: None)
    text = str(caught.value)
    assert ": expected " in text and "; received " in text and len(text) < 600
    for part in said:
        assert part.replace("{}", str(path)) in text


def test_questions_at_fault_are_skipped_where_asked_and_named(tmp_path):
    path = tmp_path / "x.json"
    bad = QA | {"answers": [{"text": "Rome", "answer_start": 0}]}
    both = {"context": PASSAGE, "qas": [QA, bad]}
    path.write_text(json.dumps({"data": [{"paragraphs": [both]}]}))
    items, report = gather(read_asked([str(path)], blank=False), [str(path)], what="questions", on_bad_line="skip")
    assert len(items) == 1 and len(report.skipped) == 1 and "qas[1]" in report.skipped[0]


def test_what_is_asked_may_lack_its_answer(tmp_path):
    """Answers are not needed, nor need they be right; what is empty has a place in the output all the same."""
    path = tmp_path / "x.json"
    qas = [
        {"id": 1, "question": "Where?"},
        QA | {"answers": [{"text": "Rome", "answer_start": 0}]},
        {"question": " ", "answers": []},
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": PASSAGE, "qas": qas}]}]}))
    items = list(read_questions(str(path), blank=False))
    assert [item.name for item in items] == [1, "q7", None] and not any(item.answers for item in items)
    assert [bool(item.passage) for item in items] == [True, True, False]
    path.write_text(f"{PASSAGE}\tWhere?\n\n{PASSAGE}\tWhy?\n")
    assert [item.question for item in read_questions(str(path), blank=False)] == ["Where?", "", "Why?"]
    path.write_text(f"\n{PASSAGE}\tWhere?\n[1] A tower.\tWhy?")
    assert [item.question for item in read_questions(str(path), blank=False)] == ["", "Where?", "Why?"]
    path.write_text(f"[1] A tower.\tWhy?\n{PASSAGE}\tWhere?\n")
    assert [item.question for item in read_questions(str(path), blank=False)] == ["Why?", "Where?"]
    row = json.dumps({"context": PASSAGE, "question": "Where?"})
    path.with_suffix(".jsonl").write_text(f"\n{row}\n \n{row}\n")
    assert [item.question for item in read_questions(str(path.with_suffix(".jsonl")), blank=False)] == [
        "",
        "Where?",
        "",
        "Where?",
    ]
    path.write_text("")
    assert list(read_questions(str(path), blank=False)) == []
    path.write_text("Where?\n")
    with pytest.raises(DataError, match=r"x\.json:1: expected a passage, a tab and a question; received 'Where\?'"):
        list(read_questions(str(path), blank=False))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"read": {"head": "over"}, "data": {"source_tokenizer": "char"}}, "space or word: what fills a blank is a word"),
        ({"read": {"head": "sum", "longest": 3}}, "read.longest"),
        ({"read": {"head": "sum", "look": "none"}}, "only with head: span"),
        ({"read": {"head": "over"}, "train": {"metric": "f1"}}, "accuracy | loss with read.head over"),
        ({"read": {"point": "dott"}}, "Did you mean 'dot'?"),
        ({"task": "tag", "read": {}}, "only with task: read"),
        ({"data": {"target_tokenizer": "word"}}, "no such key with task read"),
    ],
)
def test_keys_that_do_not_fit(values, said):
    with pytest.raises(ConfigError) as caught:
        read_config({"task": "read", **values})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"read": {"look": {"score": "dot", "weighting": "hard"}}}, "read.look: expected a look at the whole question at once"),
        ({"read": {"look": "location-sensitive"}}, "read.look"),
        ({"read": {"letters": 40}, "model": {"family": "transformer", "size": 40}}, "model.size: expected room for words"),
    ],
)
def test_nets_that_cannot_be_built(values, said):
    with pytest.raises(ConfigError) as caught:
        ReadTask().probe(read_config({"task": "read", **values}))
    assert said in str(caught.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    for name, seed, count in (("train", 1, 40), ("valid", 2, 6)):
        (folder / f"{name}.json").write_text(json.dumps({"data": [{"paragraphs": moves(seed, count)}]}))
    data = {"train": [str(folder / "train.json")], "valid": [str(folder / "valid.json")]}
    model = {"encoder": "bigru", "embedding": 12, "size": 12}
    train = {"epochs": 1, "samples": 2, "learning_rate": 5e-3}
    said: list[str] = []
    runs.train(read_config({"task": "read", "data": data, "model": model, "train": train}), folder / "run", say=said.append)
    assert any("exact_match" in line and "f1" in line for line in said)
    return folder


def test_a_line_for_each_question(trained, capsys):
    assert regard(["predict", str(trained / "run"), str(trained / "valid.json"), "--format", "jsonl"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(told) == 18
    paragraphs = moves(2, 6)
    for line, (paragraph, qa) in zip(told, ((p, q) for p in paragraphs for q in p["qas"]), strict=True):
        found = line["predictions"][0]
        details = found["details"]
        assert details["id"] == qa["id"] and line["source"] == qa["question"]
        assert paragraph["context"][details["start"] : details["end"]] == found["text"] != ""


def test_from_standard_input_and_with_the_next_best(trained, capsys, monkeypatch):
    text = "Zoë carried the lute from the  old mill to the pond.\tWhere is the lute?\n\n"
    monkeypatch.setattr(sys, "stdin", type("S", (), {"buffer": io.BytesIO(text.encode()), "isatty": lambda self: False})())
    assert regard(["predict", str(trained / "run"), "-", "--format", "tsv", "--n-best", "3"]) == 0
    told = capsys.readouterr()
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert [row[:2] for row in rows] == [["1", "1"], ["1", "2"], ["1", "3"], ["2", "1"]] and rows[3][3] == ""
    assert all(row[3] in text for row in rows) and "'lute'" in told.err
    assert float(rows[0][2]) >= float(rows[1][2]) >= float(rows[2][2])


def test_figures_as_json_and_where_it_looked(trained, capsys):
    assert regard(["evaluate", str(trained / "run"), str(trained / "valid.json"), "--json"]) == 0
    assert {"exact_match", "f1", "accuracy", "loss"} == set(json.loads(capsys.readouterr().out)["metrics"])
    question = "Mary carried the lamp from the mill to the garden.\tWhere is the lamp?"
    assert regard(["view", str(trained / "run"), "--text", question]) == 0
    assert "pointer" in capsys.readouterr().out
    assert regard(["view", str(trained / "run"), str(trained / "valid.json"), "--out", str(trained / "page.html")]) == 0
    assert "aligned" in (trained / "page.html").read_text(encoding="utf-8")


def test_from_python_in_every_form(trained):
    model = load(trained / "run")
    passage, question = "Mary carried the lamp from the mill to the garden.", "Where is the lamp?"
    one, two, three = model.predict([{"passage": passage, "question": question}, (passage, question), f"{passage}\t{question}"])
    assert one.text == two.text == three.text and one.details["id"] is None
    assert {"aligned", "asked", "pointer"} == set(one.attention)
    assert (one.axes["aligned"], one.axes["pointer"]) == (("passage", "question"), ("answer", "passage"))
    assert one.axes["asked"] == ("question as a whole", "question")
    assert one.attention["aligned"].shape == (1, 11, 5) and one.attention["pointer"].shape == (1, 2, 11)
    (long,) = model.predict([(passage * 200, question)])  # longer than any that training read
    assert long.text in passage * 200
    (nothing,) = model.predict([(" ", question)])
    assert nothing.text == "" and not nothing.attention
    with pytest.raises(DataError, match=r"an item to read: expected a passage and a question; received 3"):
        model.predict([3])
