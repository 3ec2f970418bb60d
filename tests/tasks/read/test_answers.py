"""Answers that tokens cannot give are said, with the way out; answers as Hugging Face writes them; how F1 is counted is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from regard import runs
from regard.api import load
from regard.cli.main import run as command
from regard.config import read_config
from regard.data.row_parser import RecordError
from regard.tasks.read.data import Answer, PassageQuestion, read_asked, read_questions

MODEL = {"size": 8, "embedding": 8, "encoder": "gru"}
TRAIN = {"epochs": 1, "batch_tokens": 400, "samples": 0, "threads": 1}
LANGUAGES = {  # a passage with {} for the answer, which stands within a token
    "English": "In the {}s it was a walk.",
    "Korean": "그 탑은 {}에서 보입니다.",
    "Japanese": "とうは{}にあります。",
}


def written(folder: Path, sentence: str, *, within: bool = True) -> str:
    rows = []
    for i in range(12):
        name = f"{1900 + i}" if "walk" in sentence else f"서울{i}" if "탑" in sentence else f"ろーま{i}"
        passage = sentence.format(name)
        answer = name if within else passage.split()[-1].strip(".。")
        answers = [{"text": answer, "answer_start": passage.index(answer)}]
        rows.append(json.dumps({"context": passage, "question": "where ?", "answers": answers}, ensure_ascii=False))
    (folder / "x.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(folder / "x.jsonl")


def trained(file: str, run: Path, *, tokenizer: str = "word", **read: Any) -> list[str]:
    said: list[str] = []
    data = {"train": [file], "valid": [file], "source_tokenizer": tokenizer}
    runs.train(read_config({"task": "read", "data": data, "model": MODEL, "train": TRAIN, "read": read}), run, say=said.append)
    return said


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_within_a_token_are_said_and_characters_give_them(language, tmp_path, capsys):
    file = written(tmp_path, LANGUAGES[language])
    said = [line for line in trained(file, tmp_path / "run") if "can never be given exactly" in line]
    start = "note: of 12 training answers 12 begin or end within a token"
    assert len(said) == 2 and said[0].startswith(start) and "Try data.source_tokenizer=char" in said[0]
    found = load(tmp_path / "run").evaluate([file])
    assert found["unreachable"] == 12 and found["metrics"]["exact_match"] == 0
    assert found["signatures"] == {"f1 is counted": f"12 by {'words' if language == 'English' else 'characters'}"}
    assert command(["evaluate", str(tmp_path / "run"), file]) == 0
    assert "note: 12 answers begin or end within a token" in capsys.readouterr().out
    assert not [line for line in trained(file, tmp_path / "char", tokenizer="char") if "can never be given" in line]


def test_answers_that_tokens_give_are_not_spoken_of_and_long_ones_are(tmp_path):
    file = written(tmp_path, LANGUAGES["English"], within=False)  # "walk", before a full stop
    assert not [line for line in trained(file, tmp_path / "run") if "can never be given" in line]
    assert "unreachable" not in load(tmp_path / "run").evaluate([file])
    passage = "one two three four five six"
    rows = [
        json.dumps({"context": f"{passage} {i}", "question": "?", "answers": [{"text": passage, "start": 0}]}) for i in range(4)
    ]
    (tmp_path / "long.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    said = trained(str(tmp_path / "long.jsonl"), tmp_path / "long", longest=5)
    assert any("of 4 training answers 4 begin or end within a token, or are longer than 5 tokens" in line for line in said)


PASSAGE = "The tower stands in Pisa."


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"text": ["Pisa"], "answer_start": [20]}, [Answer("Pisa", 20)]),
        ({"text": ["Pisa", "in Pisa", "Pisa"], "answer_start": [20, 17, 20]}, [Answer("Pisa", 20), Answer("in Pisa", 17)]),
        ({"text": ["Pisa"], "start": [20]}, [Answer("Pisa", 20)]),
        ({"text": "Pisa", "answer_start": 20}, [Answer("Pisa", 20)]),
        ([{"text": "Pisa", "answer_start": 20}], [Answer("Pisa", 20)]),
    ],
)
def test_answers_as_hugging_face_writes_them(answers, found, tmp_path):
    text = json.dumps({"id": "1", "title": "", "context": PASSAGE, "question": "Where?", "answers": answers})
    (tmp_path / "x.jsonl").write_text(text + "\n", encoding="utf-8")
    for read in (read_asked([str(tmp_path / "x.jsonl")], blank=False), read_questions(str(tmp_path / "x.jsonl"), blank=False)):
        (item,) = read
        assert isinstance(item, PassageQuestion) and list(item.answers) == found


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"text": [], "answer_start": []},
            "expected an answer; received none. Correct the line. Questions that the text does not answer",
        ),
        (
            {"text": ["Pisa"], "answer_start": []},
            "answers[0]: expected a text, and the number of its first character (answer_start)",
        ),
        ({"text": ["Pisa"], "answer_start": 20}, "answers[0]: expected a text, and the number"),
        ({"text": ["Pisa"], "answer_start": [19]}, "answers[0]: expected answer_start 20, where 'Pisa' stands"),
        ({"answer_start": [19]}, "answers: expected a list"),
    ],
)
def test_such_answers_at_fault(answers, said, tmp_path):
    (tmp_path / "x.jsonl").write_text(
        json.dumps({"context": PASSAGE, "question": "?", "answers": answers}) + "\n", encoding="utf-8"
    )
    (fault,) = read_asked([str(tmp_path / "x.jsonl")], blank=False)
    assert isinstance(fault, RecordError) and said in str(fault)
    (item,) = read_questions(str(tmp_path / "x.jsonl"), blank=False)  # there they are nobody's concern
    assert item.answers == ()
